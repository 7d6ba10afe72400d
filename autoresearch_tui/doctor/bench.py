"""The workspace: its settings, its data, and the runs that it has. Git is `history.py`'s."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from pathlib import Path

import msgspec

from autoresearch_tui.doctor.findings import Finding, commands_in, missing, ok, warning
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, JournalError
from autoresearch_tui.telemetry.machine import free_at
from autoresearch_tui.terminal import works
from autoresearch_tui.workspace import RunFolder, Workspace, data_folder, dataset_of, is_prepared

GB = 1e9
NEEDS = {"climbmix": 2.5, "tinystories": 2.5, "python": 0.02}
"""GB on the disk, of data sets that we know."""
UPSTREAM = re.compile(r"\.cache.{1,40}autoresearch\b")
PATIENCE_S = 1.2
"""For looking into journals, the newest first."""


class Wrong(msgspec.Struct, frozen=True):
    """Why a folder could not be opened."""

    settings: str = ""
    workspace: str = ""


class Bench(msgspec.Struct, frozen=True):
    folder: str = ""
    kind: str = "none"
    """`workspace`; `none` where nothing looks like one; `broken` where something does."""
    wrong: Wrong = Wrong()
    measured: bool = False
    edit: str = "train.py"
    budget_s: float = 0.0
    corpus: str = ""
    prepared: bool = True
    data: str = ""
    """Where it lies, or will."""
    free: float | None = None
    """Bytes, there."""
    runs: int = 0
    size: int = 0
    """Of those runs that were looked at, in bytes."""
    newest: str = ""
    state: str = ""
    """Of the newest run: `works`, `died`, `ended`, `idle`."""
    why: str = ""
    """Why it ended."""
    damaged: tuple[str, ...] = ()
    unread: int = 0
    """Runs that were not looked at, for there are many."""
    uv: str = ""
    """Of a checkout that uv keeps: `uv` where that is missing, `.venv` where its environment is."""


def look(folder: Path, workspace: Workspace | None, wrong: Wrong) -> Bench:
    if workspace is None:
        like = any((folder / name).exists() for name in ("train.py", "autoresearch.toml"))
        return Bench(str(folder), "broken" if like else "none", wrong)
    data = data_folder(folder)
    found = workspace.runs()[::-1]
    read = _read(found)
    return Bench(
        folder=str(folder),
        kind="workspace",
        measured=workspace.measured,
        edit=workspace.edit,
        budget_s=workspace.budget_s,
        corpus=dataset_of(folder),
        prepared=is_prepared(folder) if data else _has_upstream_data(folder),
        data=str(data or Path.home() / ".cache" / "autoresearch"),
        free=free_at(data or folder),
        runs=len(found),
        size=read.size,
        newest=found[0].tag if found else "",
        state=read.state,
        why=read.why,
        damaged=read.damaged,
        unread=read.unread,
        uv=_uv(folder, workspace),
    )


class _Read(msgspec.Struct, frozen=True):
    """What the journals said, as far as there was time."""

    size: int = 0
    state: str = ""
    why: str = ""
    damaged: tuple[str, ...] = ()
    unread: int = 0


def _read(runs: list[RunFolder]) -> _Read:
    """The newest first; the state is the newest's."""
    size, newest = 0, ("", "")
    damaged: list[str] = []
    until = time.monotonic() + PATIENCE_S
    for index, folder in enumerate(runs):
        if time.monotonic() > until:
            return _Read(size, *newest, tuple(damaged), len(runs) - index)
        size += folder.size
        try:
            with Journal(folder.journal, patience_s=0.5) as journal:
                state = journal.refresh()
        except JournalError as error:
            damaged.append(str(error))
            continue
        if index == 0:
            newest = _state(state)
    return _Read(size, *newest, tuple(damaged))


def _state(run: Run) -> tuple[str, str]:
    if works(run):
        return "works", ""
    if run.engine is None:
        return "idle", ""
    return ("ended", run.ended) if run.ended else ("died", "")


def _has_upstream_data(folder: Path) -> bool:
    """Of a checkout that keeps its data as upstream does; any other is believed."""
    cache = Path.home() / ".cache" / "autoresearch"
    try:
        source = (folder / "prepare.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return not UPSTREAM.search(source) or all((cache / part).is_dir() for part in ("data", "tokenizer"))


def _uv(folder: Path, workspace: Workspace) -> str:
    if workspace.measured or not (folder / "uv.lock").is_file():
        return ""
    if Path(workspace.train[0]).name == "uv":
        return "" if os.path.exists(folder / ".venv" / "bin" / "python") else ".venv"
    return "uv" if shutil.which("uv") is None else ""


# What it says


def say(bench: Bench, pip: str) -> list[Finding]:
    here = shlex.quote(bench.folder)
    if bench.wrong.settings:
        return [missing("settings", bench.wrong.settings, commands_in(bench.wrong.settings) or "mend that line")]
    if bench.kind == "broken":
        return [missing("workspace", bench.wrong.workspace, commands_in(bench.wrong.workspace))]
    if bench.kind == "none":
        return [ok("workspace", f"none in {bench.folder} yet", f"autoresearch-tui new {shlex.quote(str(Path(bench.folder, 'lab')))}")]
    kind = "the bundled harness" if bench.measured else "a checkout that measures itself"
    out = [ok("workspace", f"{bench.folder}: {kind}, {bench.budget_s:g} s a training")]
    return [*out, *_uv_says(bench, here, pip), *_data(bench, here), *_runs(bench, here)]


def _uv_says(bench: Bench, here: str, pip: str) -> list[Finding]:
    if bench.uv == "uv":
        said = "uv is not installed, and the checkout is kept by it: the Python of autoresearch-tui would train instead"
        return [warning("uv", said, f"{pip} install uv")]
    if bench.uv:
        return [missing("uv", "the checkout's environment was not made yet", f"uv sync --project {here}")]
    return []


def _data(bench: Bench, here: str) -> list[Finding]:
    if not bench.prepared and not bench.measured:
        return [missing("data", f"upstream's data is not in {bench.data}", f"cd {here} && uv run prepare.py")]
    if bench.prepared:
        return [ok("data", f"{bench.corpus or 'the data'}, prepared, in {bench.data}")] if bench.measured else []
    needs = NEEDS.get(bench.corpus, 0.0)
    sizes = f", which takes about {needs:g} GB there" if needs else ""
    if needs and bench.free is not None and bench.free < needs * GB:
        said = f"{bench.corpus} is not prepared, takes {needs:g} GB, and {bench.data} has {bench.free / GB:.1f}"
        return [missing("data", said, f"AUTORESEARCH_DATA=/a/larger/disk autoresearch-tui prepare {here}")]
    return [missing("data", f"{bench.corpus or 'it'} is not prepared in {bench.data}{sizes}", f"autoresearch-tui prepare {here}")]


def _runs(bench: Bench, here: str) -> list[Finding]:
    out = [warning("journal", one, f"autoresearch-tui runs {here}") for one in bench.damaged]
    if not bench.runs:
        return [*out, ok("runs", "none yet", f"autoresearch-tui run {here}")]
    many = f"{bench.runs} run{'s' * (bench.runs > 1)}, {_shown(bench.size)}{' or more' if bench.unread else ''}"
    match bench.state:
        case "died":
            said = f"{many}; the engine of {bench.newest}, the newest, died: the next one goes on where it was"
            return [*out, warning("runs", said, f"autoresearch-tui run {here} --tag {bench.newest} --detached")]
        case "works":
            return [*out, ok("runs", f"{many}; an engine works on {bench.newest}")]
        case "ended":
            return [*out, ok("runs", f"{many}; {bench.newest}, the newest, ended: {bench.why}")]
    return [*out, ok("runs", f"{many}, the newest {bench.newest}")]


def _shown(size: int) -> str:
    return f"{size / GB:.1f} GB" if size >= GB else f"{size / 1e6:.0f} MB"
