"""The beginning that all runs of a contest share: a workspace with all of its settings written down, and copies of it once it is measured.

Same numbers by construction: a run is a copy of the journal, the repository, the logs and the checkpoints of the one in which the baseline
was trained. Only the tag, the seed and who proposes are its own. What was begun from other code or other settings is not mixed with it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from autoresearch_tui import tomlfile
from autoresearch_tui.contest.places import COMPANY, CONTROL, FIRST, Entry, entries, first_of, home_of, in_order, state
from autoresearch_tui.engine.ground import IDENTITY, make_ground
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.engine.lineage import Lineage, LineageError
from autoresearch_tui.engine.plumbing import call
from autoresearch_tui.engine.settling import restore_refs, settle
from autoresearch_tui.journal import events
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import FILE
from autoresearch_tui.terminal import works
from autoresearch_tui.workspace import HIDDEN, RunFolder, Workspace, WorkspaceError

APART = 1000  # between the seeds of two repeats: each trial of an experiment takes the next one
FREE = ("cost", "disk")  # sections that change no number
READ = "program.md"  # what a researcher is told, and nobody's to change meanwhile


def begin(workspace: Workspace, settings: Settings, entry: Entry) -> None:
    """The workspace of the first run, or of one beside it, if it is not there yet."""
    if entry.folder.exists():
        return
    lineage = Lineage(workspace.folder, FIRST, workspace.edit)
    text = written(_settings_of(workspace, settings))
    make_ground(entry.folder, lineage, lineage.resolve("HEAD"), "The beginning of a contest", lambda aside: _write(aside / FILE, text))


def refuse_uncommitted(workspace: Workspace) -> None:
    """Before anything is trained, and of a contest that goes on too: what lies there is not what its runs are about."""
    if changed := Lineage(workspace.folder, FIRST, workspace.edit).uncommitted([*workspace.frozen, workspace.edit]):
        names = ", ".join(changed)
        raise WorkspaceError(
            f"{names} in {workspace.folder} is not as it was committed last: commit it first, for a contest begins from there."
        )


def forget_unmeasured(home: Path) -> None:
    """A beginning that never got a number holds nobody to its code: it is made anew, but where an engine is at work on it."""
    beginnings = [first_of(home), *(Entry(path, CONTROL, 0) for path in home.glob(f"{COMPANY}-*"))]
    if is_measured(state(beginnings[0])) or entries(home) or any(works(state(one)) for one in beginnings):
        return
    for one in beginnings:
        remove_tree(one.folder)


def is_measured(first: Run) -> bool:
    return first.baseline is not None and first.baseline.value is not None


def refuse_lost(home: Path, wanted: Iterable[Entry]) -> None:
    """Runs cannot go on without the one that they were copied from, nor without their journal."""
    there = entries(home)
    if there and not is_measured(state(first_of(home))):
        raise WorkspaceError(
            f"the baseline of the contest in {home} is gone, and its runs would not compare with a new one: move that folder away to begin"
            " another."
        )
    for entry in in_order([*there, *wanted]):
        if entry.folder.exists() and not entry.run.journal.exists():
            raise WorkspaceError(f"the journal of {entry.tag} is gone: remove {entry.folder}, and that run begins again.")


def refuse_another(workspace: Workspace, settings: Settings) -> None:
    """What is there goes on from the same code and settings, or not at all."""
    home = home_of(workspace)
    first = first_of(home).folder
    if not first.exists():
        return
    lineage = Lineage(workspace.folder, FIRST, workspace.edit)
    for name in dict.fromkeys((workspace.edit, *workspace.frozen, READ)):
        if _committed(lineage, name) != ((first / name).read_bytes() if (first / name).is_file() else None):
            raise _another(home, f"another {name} than HEAD of {workspace.folder} has now")
    document = tomlfile.read(first / FILE)
    there = document.tables if document else {}
    here = _settings_of(workspace, settings)
    for section, name in [(section, name) for section, table in here.items() if section not in FREE for name in table]:
        was, now = there.get(section, {}).get(name), here[section][name]
        if was != now:
            raise _another(home, f"{section}.{name} = {_shown(was)}, and now it is {_shown(now)}")


def _another(home: Path, how: str) -> WorkspaceError:
    return WorkspaceError(
        f"the contest in {home} was begun with {how}: its runs would not compare. Move that folder away to begin another."
    )


def _committed(lineage: Lineage, name: str) -> bytes | None:
    try:
        return lineage.read("HEAD", name)
    except LineageError:
        return None


def copy(first: Entry, entry: Entry, seed: int) -> None:
    """A run that has everything of the first one behind it."""
    aside = entry.folder.with_name(f".{entry.tag}.part")
    remove_tree(aside)
    shutil.copytree(first.folder, aside, symlinks=True, ignore=shutil.ignore_patterns("journal.sqlite*", "engine.lock", "turns.log"))
    shutil.rmtree(aside / ".git" / "autoresearch", ignore_errors=True)  # copies of the other's journal
    (aside / HIDDEN / FIRST).rename(run := aside / HIDDEN / entry.tag)
    with Journal(first.run.journal) as journal:
        journal.back_up(run / "journal.sqlite")
    _rename(run / "journal.sqlite", entry.tag, seed)
    _settle(aside, RunFolder(run))
    document = tomlfile.read(first.folder / FILE)
    tables = document.tables if document else {}
    _write(aside / FILE, written(tables | {"run": tables["run"] | {"researcher": entry.researcher, "seed": seed}}))
    call(aside, ["commit", "-q", "--no-verify", "-a", "-m", f"Run {entry.tag}"], options=IDENTITY)
    aside.rename(entry.folder)


def _settle(workspace: Path, folder: RunFolder) -> None:
    """Refs, branch, note and results of the baseline under its own tag, and none of the other's."""
    theirs = [f"refs/autoresearch/{FIRST}", f"refs/heads/autoresearch/{FIRST}", "refs/notes/autoresearch"]
    names = call(workspace, ["for-each-ref", "--format=delete %(refname)", *theirs])
    call(workspace, ["update-ref", "--stdin"], stdin=names)
    with Journal(folder.journal) as journal:
        run = journal.refresh()
    lineage = Lineage(workspace, folder.tag, run.edit)
    restore_refs(run, lineage)
    settle(run, folder, lineage, run.baseline)


def seed_of(seed: int, repeat: int) -> int:
    """The same for the nth run of every researcher, and far from the baseline's."""
    return (seed + APART * repeat) % 2**31


def _rename(journal: Path, tag: str, seed: int) -> None:
    """Its first fact says another tag and seed; what was measured stays as it is."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta WHERE name = 'snapshot'")
        seq, body = connection.execute("SELECT seq, body FROM event WHERE kind = 'RunStarted'").fetchone()
        began = events.decode("RunStarted", body)
        assert isinstance(began, events.RunStarted)
        connection.execute("UPDATE event SET body = ? WHERE seq = ?", (events.encode(replace(began, tag=tag, seed=seed)).decode(), seq))


# ------------------------------------------------------------------------------------------------------------------------------
# Settings
# ------------------------------------------------------------------------------------------------------------------------------


def _settings_of(workspace: Workspace, settings: Settings) -> dict[str, dict[str, Any]]:
    """All of them, so that no other source says anything; but for what a contest decides itself: nobody is told, and nothing remembered."""
    tables: dict[str, dict[str, Any]] = msgspec.to_builtins(settings)
    if not workspace.measured and not settings.experiment.train:
        tables["experiment"]["train"] = list(workspace.train)  # of the project there, with what is installed for it
    tables["run"] |= {"researcher": "sweep", "slots": 1, "executor": "local", "folder": ""}
    tables["limits"] |= {"experiments": None, "hours": None, "until": None, "between": None, "max_cost": "auto"}
    tables["proposing"] |= {"shelf": False, "earlier_runs": False}
    tables["review"] |= {"on": False}
    tables["gpu"] |= {"card": ""}
    del tables["screen"], tables["notify"]
    return {
        section: {name: "none" if value is None else value for name, value in table.items()}
        for section, table in (tables | {"notify": {"to": [], "to_from": ""}}).items()
    }


def written(tables: dict[str, dict[str, Any]]) -> str:
    """As TOML: numbers, words and lists of words are the same in JSON."""
    sections = ((section, "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())) for section, table in tables.items())
    return "\n".join(f"[{section}]\n{lines}" for section, lines in sections)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
