"""Git: whether it is there and new enough, and whether a run could begin from the repository of this workspace."""

from __future__ import annotations

import re
import shlex
import shutil

import msgspec

from autoresearch_tui.doctor.answers import answer
from autoresearch_tui.doctor.findings import Finding, commands_in, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.engine.plumbing import LineageError
from autoresearch_tui.engine.repository import OLDEST, open_repository
from autoresearch_tui.workspace import Workspace


class History(msgspec.Struct, frozen=True):
    version: tuple[int, ...] = ()
    """Empty where there is no git."""
    folder: str = ""
    """Whose repository was looked at; empty where there is no workspace."""
    head: str = ""
    branch: str = ""
    wrong: str = ""
    """Why the repository cannot be used."""
    frozen: tuple[str, ...] = ()
    """Files that no experiment may change, and that are not as HEAD has them."""
    edited: str = ""
    """The file that experiments change, if it is not as HEAD has it."""
    begun: bool = False
    """There are runs already."""


def look(workspace: Workspace | None) -> History:
    said = answer("git", "--version")
    if said is None and shutil.which("git"):
        raise TimeoutError("git is there and does not answer")
    version = tuple(map(int, found[1].split("."))) if said and (found := re.search(r"(\d+(?:\.\d+)+)", said.out)) else ()
    if workspace is None or not version or version < OLDEST:
        return History(version)
    known = History(version, str(workspace.folder), begun=bool(workspace.runs()))
    try:
        repository = open_repository(workspace.folder)
        repository.resolve("HEAD")
        changed = repository.uncommitted([*workspace.frozen, workspace.edit])
    except LineageError as error:
        return msgspec.structs.replace(known, wrong=str(error))
    return msgspec.structs.replace(
        known,
        head=(repository.head or "")[:7],
        branch=repository.branch or "",
        frozen=tuple(name for name in changed if name != workspace.edit),
        edited=workspace.edit if workspace.edit in changed else "",
    )


def say(history: History, system: System) -> list[Finding]:
    shown = ".".join(map(str, history.version))
    if not history.version:
        return [missing("git", "not installed: the history of a night is kept in it", system.installs("git"))]
    if history.version < OLDEST:
        return [missing("git", f"{shown}; {'.'.join(map(str, OLDEST))} or newer is needed", system.installs("git"))]
    out = [ok("git", f"{shown}; no name or address of yours is needed, for experiments are committed under one of their own")]
    return [*out, *_repository(history)] if history.folder else out


def _repository(history: History) -> list[Finding]:
    if history.wrong:
        return [missing("repository", history.wrong, commands_in(history.wrong))]
    at = f"{history.branch or 'no branch'} at {history.head}"
    inside = f"cd {shlex.quote(history.folder)} && "
    if history.frozen and not history.begun:
        names = " ".join(map(shlex.quote, history.frozen))
        said = f"{at}; {', '.join(history.frozen)} not as committed, and a run begins from the commit"
        return [missing("repository", said, f"{inside}git add {names} && git commit -m 'the files of the workspace' -- {names}")]
    if history.frozen:
        names = " ".join(map(shlex.quote, history.frozen))
        said = f"{at}; {', '.join(history.frozen)} changed since: an earlier run may not go on, and a new one wants a commit"
        return [warning("repository", said, f"{inside}git diff {names}")]
    if history.edited:
        said = f"{at}; {history.edited} has changes that are not committed: a new run begins without them"
        return [warning("repository", said, f"{inside}git commit -m 'where the night begins' -- {shlex.quote(history.edited)}")]
    return [ok("repository", f"{at}, as committed")]
