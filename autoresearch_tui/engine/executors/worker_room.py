"""What a worker makes of its machine before it can train: a folder of its own, the workspace, the data, the sandbox, and the slot.

Owns the worker's folders below the cache of the machine. What is trained there is `worker.py`'s.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from msgspec.structs import replace

from autoresearch_tui.engine import opening
from autoresearch_tui.engine.executors.bundle import Bundles
from autoresearch_tui.engine.executors.devices import Device, devices
from autoresearch_tui.engine.executors.local import Local
from autoresearch_tui.engine.executors.node_data import Ask, bring, locked
from autoresearch_tui.engine.executors.node_words import Welcome
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.sections import Run, Settings
from autoresearch_tui.telemetry.machine import UNUSABLE, device_class
from autoresearch_tui.workspace import Workspace, data_folder, device_of

PYTHON, FOLDER = "{python}", "{folder}"
"""In the command that trains, what has another name on every machine."""
PATIENCE_S = 90.0  # for a worker of before, which ends what it trained
OLD_S = 14 * 86400.0  # from which age on what a worker left is nobody's


class Unfit(Exception):
    """Nothing can be trained here: why, in a sentence."""


def cache_folder() -> Path:
    """Where workers of this machine keep everything."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "autoresearch-tui" / "nodes"


@contextlib.asynccontextmanager
async def room(welcome: Welcome, ask: Ask, keep: Callable[..., None]) -> AsyncIterator[tuple[Local, Bundles, str]]:
    """A slot, what it knows of commits, and why it has no stronger sandbox. Afterwards nothing of it is left but the data."""
    os.umask(0o077)
    cache = cache_folder()
    runs = cache / "runs" / _plain(welcome.run)
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, lock = runs / _plain(welcome.slot), runs / f".{_plain(welcome.slot)}.lock"
    async with contextlib.AsyncExitStack() as alone:
        try:
            await alone.enter_async_context(locked(lock, PATIENCE_S))
        except TimeoutError:
            raise Unfit(f"a worker of before has not ended {PATIENCE_S:.0f} s after its engine did: see {folder}") from None
        os.utime(lock)
        _clear_old(cache / "runs", but=lock)
        remove_tree(folder)
        folder.mkdir(mode=0o700)
        try:
            yield await _slot(welcome, folder, cache, ask, keep)
        finally:
            remove_tree(folder)


async def _slot(welcome: Welcome, folder: Path, cache: Path, ask: Ask, keep: Callable[..., None]) -> tuple[Local, Bundles, str]:
    os.environ.update(welcome.environment)
    known = Bundles()
    known.learn({welcome.start: welcome.files}, welcome.bodies)
    lab = folder / "lab"
    known.export(welcome.start, lab)
    if welcome.data:
        os.environ["AUTORESEARCH_DATA"] = str(await bring(cache, welcome.data_name, welcome.data, ask))
        if (there := data_folder(lab)) is None or there.name != welcome.data_name:
            found = there.name if there else "none"
            raise Unfit(f"its Python trains on {found} and not on {welcome.data_name}: install the Python of the engine's machine there")
    workspace = workspace_of(welcome, lab, folder)
    device = _device(workspace, welcome)
    if device.about.device.startswith(UNUSABLE):
        raise Unfit(device.about.device)
    chosen = await opening.sandboxed(workspace, welcome.settings.sandbox.kind)
    run = workspace.run(welcome.tag)
    (run.folder / "logs").mkdir(mode=0o700, parents=True)
    log_bytes = welcome.settings.disk.log_mb * 2**20
    slot = Local(workspace, run, known, log_bytes, chosen.sandbox, opening.caps(welcome.settings), device, keep)
    return slot, known, chosen.why


def workspace_of(welcome: Welcome, lab: Path, kept_in: Path) -> Workspace:
    """The workspace as it is here. A checkout that brings its own environment stands where it does at home, if it is there at all."""
    home = Path(welcome.folder)
    folder = home if not welcome.measured and home.is_dir() else lab
    words = {PYTHON: sys.executable, FOLDER: str(folder)}
    train = tuple(words.get(word, word) for word in welcome.train)
    if not shutil.which(train[0], path=f"{os.environ.get('PATH', '')}:{folder}"):
        if not (found := shutil.which(Path(train[0]).name)):
            raise Unfit(f"{train[0]} is not there, and the training is started with it")
        train = (found, *train[1:])
    return Workspace(
        folder=folder,
        edit=welcome.edit,
        frozen=welcome.frozen,
        train=train,
        metric=welcome.metric,
        goal=welcome.goal,
        budget_s=welcome.budget_s,
        timeout_s=welcome.timeout_s,
        stall_s=welcome.stall_s,
        measured=welcome.measured,
        record=welcome.record,
        kept_in=kept_in,
    )


def _device(workspace: Workspace, welcome: Welcome) -> Device:
    """The card that this process was given, or its part of the cores."""
    on_cores = device_class(device_of(workspace.folder)).startswith("cpu")
    parts = welcome.parts if on_cores else 1
    return devices(workspace, Settings(run=Run(slots=parts)))[welcome.part if parts > 1 else 0]


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def _clear_old(runs: Path, but: Path) -> None:
    """What workers left that were killed, when nobody came back to it."""
    for lock in runs.glob("*/.*.lock"):
        if lock == but or time.time() - lock.stat().st_mtime < OLD_S:
            continue
        with lock.open("a") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(lock.with_name(lock.name[1:].removesuffix(".lock")))
            lock.unlink()
            with contextlib.suppress(OSError):  # another slot of the run is there
                lock.parent.rmdir()


def settings_of(settings: Settings) -> Settings:
    """What of a person's settings a worker needs, and nothing that could hold a secret."""
    return replace(Settings(), sandbox=settings.sandbox, disk=settings.disk)
