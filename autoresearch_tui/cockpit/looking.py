"""What a folder and this machine have, for the welcome. It looks and changes nothing.

A look round takes a blink, and a second where a driver is slow: it is asked in a thread. What is missing here is the doctor's to say, who
knows the engine, which the screen does not: so that is our own command line, and takes as long as it takes to load torch.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autoresearch_tui.cockpit.parts.memory import GB
from autoresearch_tui.cockpit.parts.welcome import Advice, Ground
from autoresearch_tui.cockpit.starting import COMMAND
from autoresearch_tui.doctor.findings import Examination
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import SettingsError, load
from autoresearch_tui.telemetry.gpu import look
from autoresearch_tui.telemetry.machine import free_at
from autoresearch_tui.telemetry.sample import Sample
from autoresearch_tui.workspace import WorkspaceError, data_folder, dataset_of, is_prepared, open_workspace

ANSWER_S = 60.0  # that the doctor is waited for
MENDED = ("data", "workspace")
"""Checks whose mending is among the steps."""
FITS = ((70, "h100"), (30, "shared-48gb"), (12, "rtx3090"))  # GB that are free; as prepare.py chooses


def look_around(folder: Path) -> Ground:
    """Everything that the welcome says."""
    card = look()
    free = None if card is None or card.memory_total is None or card.memory_used is None else card.memory_total - card.memory_used
    cache = Path(os.environ.get("AUTORESEARCH_DATA") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    room = free_at(cache)
    ground = Ground(
        folder=folder,
        kind=_kind(folder),
        device=_device(card, free),
        fits=_fits(card, free),
        cache=cache,
        free_gb=None if room is None else room / GB,
    )
    try:
        settings = load(folder, {}).settings
        told = _with_workspace(ground, settings) if ground.kind == "workspace" else ground
    except (SettingsError, WorkspaceError, OSError) as error:
        return _replaced(ground, wrong=str(error))
    if told.kind == "file":
        return _replaced(told, wrong=f"{folder} is a file: name a folder, or none for the one where you are.")
    return told


async def examined(ground: Ground, command: Sequence[str] = COMMAND) -> Ground:
    """With what the doctor says; where it cannot be asked, that is all it says."""
    try:
        said = await _doctor(ground.folder, command)
    except (OSError, TimeoutError, msgspec.MsgspecError) as error:
        why = "it takes too long" if isinstance(error, TimeoutError) else str(error)
        unasked = Advice("doctor", f"the doctor could not be asked: {why}", f"autoresearch-tui doctor {shlex.quote(str(ground.folder))}")
        return _replaced(ground, asked=True, warned=(unasked,))
    proposes = next((one.found for one in said.findings if one.check == "researcher" and one.state == "ok"), "")
    return _replaced(ground, asked=True, researcher=proposes, missing=_advice(said, "missing"), warned=_advice(said, "warning"))


async def _doctor(folder: Path, command: Sequence[str]) -> Examination:
    """Whoever does not wait for it any more ends it."""
    nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    words = (*command, "doctor", str(folder), "--json")
    child = await asyncio.create_subprocess_exec(*words, stdin=nothing, stdout=pipe, stderr=nothing, start_new_session=True)
    try:
        async with asyncio.timeout(ANSWER_S):
            out, _ = await child.communicate()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
    return msgspec.json.decode(out, type=Examination)


def _advice(said: Examination, state: str) -> tuple[Advice, ...]:
    """But for what Enter does by itself."""
    return tuple(Advice(one.check, one.found, one.mend) for one in said.findings if one.state == state and one.check not in MENDED)


def _replaced(ground: Ground, **changes: object) -> Ground:
    return msgspec.structs.replace(ground, **changes)


def _kind(folder: Path) -> str:
    if folder.exists() and not folder.is_dir():
        return "file"
    if any((folder / name).exists() for name in ("train.py", "autoresearch.toml")):
        return "workspace"
    with contextlib.suppress(OSError):
        return "full" if any(folder.iterdir()) else "empty"
    return "empty"


def _with_workspace(ground: Ground, settings: Settings) -> Ground:
    workspace = open_workspace(ground.folder, settings)
    data = data_folder(ground.folder)
    return _replaced(
        ground,
        measured=workspace.measured,
        prepared=is_prepared(ground.folder),
        corpus=dataset_of(ground.folder),
        budget_s=workspace.budget_s,
        runs=len(workspace.runs()),
        cache=data.parent if data else ground.cache,
    )


def _device(card: Sample | None, free: int | None) -> str:
    if card is None:
        return f"{os.cpu_count()} cores, no card"
    if card.fault:
        return f"a card that cannot be used: {card.said}"
    return f"{card.name}, {free / GB:.0f} GB free" if free is not None else card.name


def _fits(card: Sample | None, free: int | None) -> str:
    """Told before it is done; prepare.py, which asks torch, has the last word."""
    if card is None or card.fault:
        return "cpu"
    if card.unified or free is None:
        return "small"
    return next((name for least, name in FITS if free / GB > least), "small")
