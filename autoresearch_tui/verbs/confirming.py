"""`confirm`: baseline and trunk again, with a longer budget."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.shared import Failed, Usage, folder_of

MOST_REPEATS = 50


def confirm(options: argparse.Namespace) -> int:
    from autoresearch_tui.engine import confirming
    from autoresearch_tui.finding import found
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.terminal import works

    if not 1 <= options.repeats <= MOST_REPEATS:
        raise Usage(f"--repeats is a number of trainings from 1 to {MOST_REPEATS}, not {options.repeats}")
    with found(options.run, folder_of(options)) as night:
        with Journal(night.folder.journal) as journal:
            run = journal.refresh()
        if works(run):
            raise Failed(f"an engine works on {run.tag}, and two trainings at once disturb each other: `autoresearch-tui send stop` first.")
        refuse_beside(night.folder.folder.parent)
        budget = options.budget if options.budget is not None else confirming.LONGER * run.budget_s
        if not 0 < budget <= 1e6:
            raise Usage(f"--budget is a number of seconds above 0, not {budget:g}")
        name = f"confirm-{budget:g}s-{_best(run)}"
        folder = Path(f"{run.tag}-{name}").absolute() if night.packed else night.folder.folder / name
        is_new = not folder.exists()
        confirming.make(folder, run, night.git, night.workspace, budget, options.repeats)
        if is_new:
            print(f"{folder} is a workspace with {budget:g} s a training; interrupted, the same command goes on.")
    return _trained(folder, options)


def refuse_beside(runs: Path) -> None:
    """A confirmation is a workspace of its own, with a lock of its own; on a card they wait in line, on a processor they would not."""
    from autoresearch_tui.engine.confirming import TAG
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.terminal import works
    from autoresearch_tui.workspace import HIDDEN

    for path in sorted(runs.glob(f"*/confirm-*/{HIDDEN}/{TAG}/journal.sqlite")):
        with Journal(path) as journal:
            if works(journal.refresh()):
                where = path.parents[2]
                raise Failed(f"a confirmation works in {where}, and two trainings at once disturb each other: it has to end first.")


def _best(run: Any) -> str:
    """A name for the code that is confirmed: another trunk is another question."""
    best = run.experiments.get(run.tip)
    return best.commit[:7] if best else "nothing"


def _trained(folder: Path, options: argparse.Namespace) -> int:
    from autoresearch_tui.engine.confirming import TAG, opened
    from autoresearch_tui.engine.night import spend
    from autoresearch_tui.engine.opening import Asked
    from autoresearch_tui.morning.parts.confirmed import confirmed_of
    from autoresearch_tui.settings import load
    from autoresearch_tui.terminal import teller

    workspace = opened(folder)
    before = _state(workspace)
    if before.repeats != options.repeats:
        raise Usage(f"{folder} was begun with {before.repeats} trainings of each code: `--repeats {before.repeats}` goes on with it")
    settings = load(folder, {"gpu.card": options.gpu}).settings
    end = spend(workspace, settings, Asked(tag=TAG), teller(None, lambda run: workspace.run(run.tag).engine_log))
    if end.failed:
        raise Failed(end.why)
    found = confirmed_of(_state(workspace))
    print(found.sentence if found else "It is not measured to its end yet: the same command goes on.")
    return 0


def _state(workspace: Any) -> Any:
    from autoresearch_tui.engine.confirming import TAG
    from autoresearch_tui.journal.store import Journal

    with Journal(workspace.run(TAG).journal) as journal:
        return journal.refresh()
