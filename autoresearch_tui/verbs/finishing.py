"""`finish`: the kept changes of a night as one branch to merge."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from textwrap import wrap
from typing import Any

from autoresearch_tui.verbs.output import columns
from autoresearch_tui.verbs.shared import Failed, Usage, folder_of


def finish(options: argparse.Namespace) -> int:
    from autoresearch_tui.engine.finishing import finish as finish_night
    from autoresearch_tui.finding import found, is_table
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.lines import printable
    from autoresearch_tui.morning.accounting import account_of
    from autoresearch_tui.morning.forms.message import as_message
    from autoresearch_tui.morning.reading import read
    from autoresearch_tui.terminal import works

    if is_table(options.run):
        raise Usage(f"{options.run} is a table, and has no code to finish: name the run that wrote it")
    with found(options.run, folder_of(options)) as night:
        with Journal(night.folder.journal) as journal:
            run = journal.refresh()
        if not run.trunk[1:]:
            raise Failed(f"nothing was kept in {run.tag}: there is nothing to merge. `autoresearch-tui report` tells what was tried.")
        if run.confirms:
            raise Failed(
                f"{run.tag} measures {run.confirms} again, and keeps nothing of its own: `autoresearch-tui finish {run.confirms}`."
            )
        account = account_of(read(night, options.run))
        repository = night.workspace or _repository(options, run.tag)
        made = finish_night(repository, run, options.branch or f"autoresearch-{run.tag}", as_message(account, run.edit), night.git)
    lines = _told(made, repository)
    if works(run):
        lines += ["", "The night goes on: what it keeps from now on is not in this branch."]
    print("\n".join(map(printable, lines)))
    return 0


def _repository(options: argparse.Namespace, tag: str) -> Path:
    """The user's own, for a night that does not lie in its workspace."""
    from autoresearch_tui.engine.lineage import LineageError, open_repository

    folder = folder_of(options)
    try:
        open_repository(folder)
    except LineageError:
        if options.dir is not None:
            raise
        raise Failed(
            f"{tag} was not spent here, and {folder} is no repository: `--dir REPOSITORY` names the one that it began from."
        ) from None
    return folder


def _told(made: Any, repository: Path) -> list[str]:
    git = "git" if Path.cwd().is_relative_to(repository) else f"git -C {shlex.quote(str(repository))}"
    branch = shlex.quote(made.branch)
    width = columns(None)
    there = "has the night as one commit" if made.made else "has this night already, as one commit"
    lines = [
        *wrap(f"The branch {made.branch} {there}, {made.commit[:7]}, on top of {made.start[:7]}, from which it began.", width),
        "Your checkout is as it was.",
        "",
        f"  look         {git} show {branch}",
        f"  merge        {git} merge {branch}",
        f"  throw away   {git} branch -D {branch}",
    ]
    if not made.below_head:
        other = (
            f"What is checked out does not come from {made.start[:7]}, so a merge would bring its history along; to take the change alone:"
        )
        lines += ["", *wrap(other, width), f"               {git} cherry-pick {branch}"]
    return lines
