"""A new run from the best code of a night that was spent elsewhere: a packed one, a run's folder, or another workspace.

Owns what is taken of it: the one file that a run edits, as a commit on what is checked out here, and the rows, which are remembered and
never compared. Its commits and its history stay where they are. Which night is meant is `finding.py`'s.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.finding import found
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.results import Row
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.packed.commits import GitError, git
from autoresearch_tui.packed.form import COMMIT
from autoresearch_tui.packed.redacting import frozen_files
from autoresearch_tui.workspace import Workspace, WorkspaceError

LARGEST = 4 << 20  # bytes of a file that a model can edit
ALIKE = ("edit", "metric", "goal")


class Brought(msgspec.Struct, frozen=True):
    """What a new run has of that night."""

    start: str
    remembered: e.Remembered


def is_elsewhere(origin: str) -> bool:
    """Whether something lies there that may be a night, or should: so `pack` names what it makes."""
    return origin.endswith(".night") or os.path.exists(os.path.expanduser(origin))


def bring(workspace: Workspace, lineage: Lineage, key: dict[str, str], origin: str) -> Brought:
    """The best code of that night as a commit of this repository; the same night on the same HEAD is the same commit."""
    with found(origin, workspace.folder) as night:
        with Journal(night.folder.journal) as journal:
            run = journal.refresh()
        best = run.best
        if best is None:
            raise WorkspaceError(f"the night {origin} measured nothing: begin from a commit, as in `--from HEAD`.")
        _refuse_another_task(run, key, origin)
        source = _code(night.git, run, best, origin)
    number = f"{run.metric} {best.value:.6f}" if best.value is not None else "no number"
    message = f"The best of {clean_line(run.tag, 64)}: #{best.number}, {number}\n\n{clean_line(best.idea)}\n"
    start = lineage.commit(lineage.resolve("HEAD"), lineage.write_blob(source), message, min(max(run.at, 0.0), 2.0**32))
    return Brought(start, e.Remembered(clean_line(f"{run.tag} ({Path(origin).name})"), tuple(map(_row, run.rows))))


def _refuse_another_task(run: Run, key: dict[str, str], origin: str) -> None:
    """Its code was made for its own frozen files, and its number was the best of its own metric."""
    for name in dict.fromkeys([*frozen_files(key), *frozen_files(run.key), *ALIKE]):
        there, here = run.key.get(name, ""), key.get(name, "")
        if there != here:
            shown = f"{clean_line(there)} there and {here} here" if name in ALIKE else "not the same file there and here"
            raise WorkspaceError(
                f"{origin} cannot be gone on from here: {clean_line(name)} is {shown}. Put the same one in its place and commit it,"
                f" or take the {run.edit} of that night over by hand."
            )


def _code(folder: Path, run: Run, best: Experiment, origin: str) -> str:
    """From a repository that may be anybody's: nothing of it is run, and it says no more than one text."""
    if not COMMIT.fullmatch(best.commit):
        raise WorkspaceError(f"{origin} does not say which commit is its best: it is damaged, or was made by hand.")
    names = [best.blob] if COMMIT.fullmatch(best.blob) else [f"{best.commit}:./{run.edit}", f"{best.commit}:{run.edit}"]
    for name in names:
        try:
            if int(git(folder, "cat-file", "-s", name)) <= LARGEST:
                return git(folder, "cat-file", "blob", name).decode("utf-8", "surrogateescape")
        except GitError:
            continue
    raise WorkspaceError(f"the code of #{best.number}, the best of {origin}, is not in it: name the workspace that it was made in.")


def _row(row: Row) -> Row:
    """As a table of an earlier night has it; what stands there may come from anybody."""
    commit = row.commit[:7] if COMMIT.fullmatch(row.commit) else ""
    return replace(row, commit=commit, status=clean_line(row.status, 20), description=clean_line(row.description), extra={})
