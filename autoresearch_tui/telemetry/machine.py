"""Which machine this is, and who: its boot, its processes, its person, its room, and the device whose numbers compare with each other."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import socket
import time
from functools import cache
from pathlib import Path

UNUSABLE = "unusable GPU"
"""How the device begins whose card cannot even say its name now."""


@cache
def boot_id() -> str:
    """Changes with every start of the machine; a pid means something within one boot only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"booted {time.time() - time.monotonic():.0f}"  # near enough: a clock that is set makes an old process look gone


def born(pid: int) -> int:
    """When a process began, in the kernel's ticks since boot; 0 if it is gone, or only a zombie, or cannot be seen."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    except (OSError, ValueError):
        return 0
    return 0 if state in "ZX" else int(fields[18])


def is_alive(pid: int, birth: int, boot: str) -> bool:
    """Whether this very process still lives: a number alone may be somebody else's by now."""
    if boot != boot_id():
        return False
    if birth and Path("/proc/self/stat").exists():
        return born(pid) == birth
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def person() -> str:
    """Who sends a command from this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))


def free_at(folder: Path) -> int | None:
    """Bytes of room where a folder is, or will be; None: it cannot be told."""
    try:
        return shutil.disk_usage(nearest(folder)).free
    except OSError:
        return None


@cache
def device_class(wanted: str = "auto") -> str:
    """Numbers measured by the clock compare within one of these. `wanted` is the profile's device."""
    if wanted != "cpu" and (gpu := _gpu()):
        return gpu
    return f"cpu {_cpu()} x{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}"


def _gpu() -> str:
    """The first visible card of any kind. One that cannot be used and keeps its name to itself is a card all the same, and no CPU."""
    from autoresearch_tui.telemetry.gpu import look

    sample = look()
    return "" if sample is None else sample.name or f"{UNUSABLE}: {sample.fault}"


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    except OSError:
        return platform.processor() or platform.machine()
    return platform.machine()
