"""The whole examination: everything is looked at, side by side and for a bounded time, and then said.

What was seen is one `Machine`, and what is said of it is a pure function, so a machine that nobody here has can be told of too. A look that
fails or takes too long is a line of its own and hides no other.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from autoresearch_tui.doctor import bench, card, containment, history, night, proposers, python, screen, storage, wheel
from autoresearch_tui.doctor.findings import Examination, Finding, examination, warning
from autoresearch_tui.doctor.systems import System, this_system
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import SettingsError, load
from autoresearch_tui.workspace import Workspace, WorkspaceError, device_of, open_workspace, training_command

LOOK_S = 3.0
"""That all looks together may take, but for torch, which loads in its own time."""
QUIET_S = 1.5
"""After that, so long as this process computes nothing, whoever is not done yet hangs: others may only want the cores that it wants."""
WORK_S = 0.01


class Unseen(msgspec.Struct, frozen=True):
    """What could not be looked at, and why."""

    why: str


class Machine(msgspec.Struct, frozen=True):
    """What was seen. The defaults are a machine of which nothing is known."""

    folder: str = "."
    device: str = "auto"
    """What the workspace trains on, as its profile says."""
    floor_gb: float = 1.0
    bundled: bool = True
    """Our harness trains here, or would: the folder is no other checkout."""
    notifies: bool = False
    """The settings name services that are to be told."""
    system: System = System()
    python: python.Python | Unseen = python.Python()
    wheel: wheel.Wheel | Unseen = wheel.Wheel()
    card: card.Card | Unseen = card.Card()
    storage: storage.Storage | Unseen = storage.Storage()
    history: history.History | Unseen = history.History()
    containment: containment.Containment | Unseen = containment.Containment()
    bench: bench.Bench | Unseen = bench.Bench()
    proposers: proposers.Proposers | Unseen = proposers.Proposers()
    night: night.Night | Unseen = night.Night()
    terminal: screen.Terminal | Unseen = screen.Terminal()


def examine(folder: Path, environment: Mapping[str, str]) -> Examination:
    machine = look(folder, environment)
    return examination(machine.folder, tuple(say(machine)))


# ------------------------------------------------------------------------------------------------------------------------------
# Looking
# ------------------------------------------------------------------------------------------------------------------------------


def look(folder: Path, environment: Mapping[str, str]) -> Machine:
    settings, workspace, wrong = _opened(folder, environment)
    train = workspace.train if workspace else training_command(folder, "train.py")
    kept = workspace.runs_folder if workspace else folder
    looks: dict[str, Callable[[], Any]] = {
        "wheel": lambda: wheel.look(train, folder),
        "python": python.look,
        "card": lambda: card.look(settings.gpu.card),
        "storage": lambda: storage.look(kept),
        "history": lambda: history.look(workspace),
        "containment": lambda: containment.look(workspace, settings.sandbox.kind),
        "bench": lambda: bench.look(folder, workspace, wrong),
        "proposers": lambda: proposers.look(settings, environment),
        "night": night.look,
        "terminal": lambda: screen.look(environment),
    }
    return Machine(
        folder=str(folder),
        device=device_of(folder),
        floor_gb=settings.disk.floor_gb,
        bundled=workspace is None or workspace.measured,
        notifies=bool(settings.notify.to or settings.notify.to_from),
        system=this_system(),
        **_seen(looks),
    )


def _opened(folder: Path, environment: Mapping[str, str]) -> tuple[Settings, Workspace | None, bench.Wrong]:
    """What is to be looked at, and what is wrong with it, in which case the rest is looked at with the defaults."""
    try:
        settings = load(folder, {}, environment).settings
    except (SettingsError, OSError) as error:
        return Settings(), None, bench.Wrong(settings=str(error))
    try:
        return settings, open_workspace(folder, settings), bench.Wrong()
    except (WorkspaceError, OSError) as error:
        return settings, None, bench.Wrong(workspace=str(error))


def _seen(looks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Each in a thread of its own, which nobody waits for longer than is good: a driver may hang for ever."""
    seen: dict[str, Any] = {}

    def see(name: str, seeing: Callable[[], Any]) -> None:
        try:
            seen[name] = seeing()
        except Exception as error:  # whatever it is: it may hide no other look
            seen[name] = Unseen(f"{type(error).__name__}: {error}")

    threads = {name: threading.Thread(target=see, args=(name, seeing), name=name, daemon=True) for name, seeing in looks.items()}
    for thread in threads.values():
        thread.start()
    threads["wheel"].join(wheel.BOUND_S + 1)
    _wait(list(threads.values()))
    return {name: seen.get(name, Unseen("it hangs")) for name in looks}


def _wait(threads: Sequence[threading.Thread]) -> None:
    """Until all are done, or those that are not only wait for somebody who does not answer."""
    began = last = time.monotonic()
    worked = 0.0
    while still := [thread for thread in threads if thread.is_alive()]:
        still[0].join(0.1)
        now, work = time.monotonic(), sum(os.times()[:4])
        if work > worked + WORK_S:
            worked, last = work, now
        if now > began + LOOK_S and now > last + QUIET_S:
            return


# ------------------------------------------------------------------------------------------------------------------------------
# Saying
# ------------------------------------------------------------------------------------------------------------------------------


def say(machine: Machine) -> list[Finding]:
    """Pure: the findings of what was seen, in the order in which they are read."""
    one, system = machine, machine.system
    pip = one.python.installation.pip if isinstance(one.python, python.Python) else "pip"
    shown = one.card if isinstance(one.card, card.Card) else card.Card()
    told = one.bundled and isinstance(one.python, python.Python) and "torch" in one.python.lacks
    computes = isinstance(one.wheel, wheel.Wheel) and one.wheel.available
    table: tuple[tuple[str, str, Any, Callable[[Any], list[Finding]]], ...] = (
        ("this machine", "python", one.python, lambda seen: python.say(seen, system, one.bundled, one.notifies)),
        ("this machine", "disk", one.storage, lambda seen: storage.say(seen, system, one.floor_gb)),
        ("torch and card", "torch", one.wheel, lambda seen: [] if told else wheel.say(seen, shown, system, pip, one.device)),
        ("torch and card", "card", one.card, lambda seen: card.say(seen, system, pip, one.device, computes)),
        ("git", "git", one.history, lambda seen: history.say(seen, system)),
        ("workspace", "workspace", one.bench, lambda seen: bench.say(seen, pip)),
        ("containment", "sandbox", one.containment, lambda seen: containment.say(seen, system)),
        ("researcher", "researcher", one.proposers, lambda seen: proposers.say(seen, system, shown.free)),
        ("the night", "sleep", one.night, lambda seen: night.say(seen, system, one.folder)),
        ("the terminal", "terminal", one.terminal, lambda seen: screen.say(seen, system)),
    )
    out = []
    for group, check, seen, saying in table:
        found = [_unseen(check, seen, system)] if isinstance(seen, Unseen) else saying(seen)
        out += [msgspec.structs.replace(finding, group=group) for finding in found]
    return out


def _unseen(check: str, seen: Unseen, system: System) -> Finding:
    if check == "card":
        return warning(check, f"its driver does not answer: {seen.why}", system.as_root("dmesg | grep -i -e nvrm -e xid -e amdgpu"))
    return warning(check, f"it could not be looked at: {seen.why}")
