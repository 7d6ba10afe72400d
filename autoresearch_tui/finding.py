"""From what a person names to a night: RUN is a tag, a workspace, a run's folder or a packed night.

Owns which of them it is, and where the night's commits are. What is in a night is `journal/`'s, what is in a packed one `packed/`'s.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from autoresearch_tui.packed import opened
from autoresearch_tui.packed.form import JOURNAL
from autoresearch_tui.packed.opening import leaving_in_order
from autoresearch_tui.settings import SettingsError, load
from autoresearch_tui.workspace import HIDDEN, RunFolder, Workspace, WorkspaceError, is_tag, open_workspace

DATABASE = b"SQLite format 3\0"


class Found(msgspec.Struct, frozen=True):
    """A night, wherever it lies."""

    folder: RunFolder
    git: Path
    """A folder in which git finds its commits."""
    workspace: Path | None = None
    """Where it was spent, if that is here."""
    packed: bool = False
    """Its files are copies, which go when nobody looks at them any more."""


@contextmanager
def found(named: str | None, folder: Path) -> Iterator[Found]:
    """The night of that name; without one the newest of `folder`. It is there for as long as it is needed.

    A tag of this workspace comes first: who means a folder or a file of the same name says `./nov20`.
    """
    if named is not None and not named.strip():
        raise WorkspaceError("the name of the run is empty: name a tag, a workspace, a run's folder or a packed night, or nothing at all.")
    path = _path(named)
    tagged = _tagged(named, folder)
    if path is None or tagged:
        night = tagged or _newest(_workspace(folder))
    elif path.is_file() and path.name != JOURNAL:
        _refuse_a_table(path)
        with opened(path) as (run, git):
            yield Found(run, git, packed=True)
        return
    else:
        night = _at(path, folder, named or "")
    with _readable(night.folder) as run:
        yield msgspec.structs.replace(night, folder=run)


def is_table(named: str | None) -> bool:
    """It is a file and no night: a results.tsv, or its like."""
    path = _path(named)
    if path is None or path.suffix == ".night" or not path.exists() or not stat.S_ISREG(path.stat().st_mode) or zipfile.is_zipfile(path):
        return False
    with path.open("rb") as file:
        return file.read(len(DATABASE)) != DATABASE


def _path(named: str | None) -> Path | None:
    with suppress(RuntimeError):  # nobody knows where `~` is: then it is a name like any other
        return Path(named).expanduser() if named else None
    return Path(named) if named else None


def _refuse_a_table(path: Path) -> None:
    if is_table(str(path)):
        raise WorkspaceError(f"{path} is no night: `pack` makes a file of one; tables of results are for `report` and `compare`.")


def _tagged(named: str | None, folder: Path) -> Found | None:
    """The run of this workspace that has the tag, if there is one."""
    if not named or not is_tag(named):
        return None
    try:
        workspace = _workspace(folder)
    except (WorkspaceError, SettingsError):
        if _path(named) and os.path.lexists(named):
            return None  # it is what lies there that is meant
        raise
    run = workspace.run(named)
    return Found(run, workspace.folder, workspace.folder) if run.journal.exists() else None


def _at(path: Path, folder: Path, named: str) -> Found:
    """What lies at this place."""
    if path.name == JOURNAL and path.is_file():
        path = path.parent
    if (path / JOURNAL).is_file():
        return _of_folder(path.resolve(), folder)
    if path.is_dir():
        return _newest(_workspace(path.resolve().parent if path.resolve().name == HIDDEN else path))
    if path.is_symlink():
        raise WorkspaceError(f"{path} is a link to {os.readlink(path)}, which is not there.")
    if path.exists():
        raise WorkspaceError(f"{path} is neither a file nor a folder: save what it gives as a file first.")
    if os.sep in named or path.suffix:
        raise WorkspaceError(f"{path} is not there: name a tag, a workspace, a run's folder or a packed night.")
    workspace = _workspace(folder)
    there = ", ".join(run.tag for run in workspace.runs()) or "none yet"
    raise WorkspaceError(f"there is no run {named!r} in {workspace.folder}; there is: {there}.")


def _of_folder(run: Path, folder: Path) -> Found:
    """Run folders lie in their workspace, or elsewhere by its settings; then it is the workspace that we are in, or nothing says which."""
    if run.parent.name == HIDDEN:
        return Found(RunFolder(run), run.parent.parent, run.parent.parent)
    with suppress(WorkspaceError, SettingsError):
        workspace = _workspace(folder)
        if workspace.runs_folder.resolve() == run.parent:
            return Found(RunFolder(run), workspace.folder, workspace.folder)
    return Found(RunFolder(run), run)


def _workspace(folder: Path) -> Workspace:
    return open_workspace(folder.absolute(), load(folder.absolute(), {}).settings)


def _newest(workspace: Workspace) -> Found:
    if not (runs := workspace.runs()):
        raise WorkspaceError(f"{workspace.folder} has no run yet: `autoresearch-tui run` begins one.")
    return Found(runs[-1], workspace.folder, workspace.folder)


@contextmanager
def _readable(run: RunFolder) -> Iterator[RunFolder]:
    """The folder itself; or, where nobody may write and SQLite could not read, one that has a copy of the journal and links to all else."""
    if all(os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids) for path in (run.folder, run.journal)):
        yield run
        return
    with leaving_in_order(), TemporaryDirectory(prefix="autoresearch-night-", ignore_cleanup_errors=True) as home:
        copy = Path(home) / run.tag
        copy.mkdir()
        for entry in sorted(run.folder.iterdir()):  # the journal before its -wal
            if not entry.name.startswith(JOURNAL):
                (copy / entry.name).symlink_to(entry)
            elif not entry.name.endswith("-shm"):
                shutil.copyfile(entry, copy / entry.name)
        yield RunFolder(copy)
