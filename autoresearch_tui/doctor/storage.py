"""Disk and memory: how much is free where a night is written, and on what kind of disk that is."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from pathlib import Path

import msgspec

from autoresearch_tui.doctor.findings import Finding, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.engine.caps import whole_memory
from autoresearch_tui.engine.opening import filesystem, refuse_a_network_disk
from autoresearch_tui.telemetry.machine import free_at, nearest
from autoresearch_tui.workspace import WorkspaceError

GB = 1e9
A_NIGHT = 5.0
"""GB that a night of a hundred small models takes, with room to spare."""
ELSEWHERE = "export AUTORESEARCH_TUI_RUN_FOLDER=/a/folder/on/a/local/disk"
LEAST_MEMORY = 3 * GB
LEAST_SHARED = 0.25 * GB


class Storage(msgspec.Struct, frozen=True):
    night: str = ""
    """The folder in which runs are kept, or the one above it that exists."""
    writable: bool = True
    kind: str = ""
    """Of its file system, where the system says it."""
    networked: bool = False
    free: float | None = None
    """Bytes; None: it cannot be told."""
    memory: int = 0
    available: int | None = None
    shared: float | None = None
    """The size of /dev/shm; None where there is none."""


def look(night: Path) -> Storage:
    there = nearest(night)
    kind = filesystem(there.resolve())
    return Storage(
        night=str(there),
        writable=os.access(there, os.W_OK),
        kind=kind,
        networked=_is_networked(there.resolve()),
        free=free_at(there),
        memory=whole_memory(),
        available=_available(),
        shared=_size(Path("/dev/shm")),
    )


def _is_networked(folder: Path) -> bool:
    """As the engine sees it when it starts."""
    try:
        refuse_a_network_disk(folder)
    except WorkspaceError:
        return True
    return False


def _size(folder: Path) -> float | None:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).total
    return None


def _available() -> int | None:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    return None


def say(storage: Storage, system: System, floor_gb: float) -> list[Finding]:
    return [_disk(storage, floor_gb), _memory(storage), *_shared(storage, system)]


def _disk(storage: Storage, floor_gb: float) -> Finding:
    if storage.networked:
        return missing(
            "disk", f"{storage.night} is on a network file system ({storage.kind}), where a journal cannot be kept safely", ELSEWHERE
        )
    if not storage.writable:
        return missing("disk", f"{storage.night} may not be written to by this user", "autoresearch-tui new ~/lab")
    if storage.free is None:
        return warning("disk", f"{storage.night} does not say how much is free")
    said = f"{storage.free / GB:.1f} GB free in {storage.night}{f' ({storage.kind})' if storage.kind else ''}"
    look = f"du -xh -d 2 {shlex.quote(storage.night)} | sort -h"
    if storage.free < floor_gb * GB:
        return missing("disk", f"{said}: below {floor_gb:g} GB the night waits (`[disk] floor_gb`)", look)
    if storage.free < (floor_gb + A_NIGHT) * GB:
        return warning("disk", f"{said}: a night takes up to {A_NIGHT:g}, and waits below {floor_gb:g}", look)
    return ok("disk", said)


def _memory(storage: Storage) -> Finding:
    said = f"{storage.memory / GB:.0f} GB"
    if storage.available is None:
        return ok("memory", said)
    said = f"{min(storage.available, storage.memory) / GB:.1f} of {said} free"
    if min(storage.available, storage.memory) < LEAST_MEMORY:
        return warning("memory", f"{said}: a training takes one to three", "close what is not needed: `ps aux --sort -rss | head` shows it")
    return ok("memory", said)


def _shared(storage: Storage, system: System) -> list[Finding]:
    if storage.shared is None or storage.shared >= LEAST_SHARED:
        return []
    mend = "start the container with `--shm-size=2g`" if system.container else system.as_root("mount -o remount,size=2G /dev/shm")
    said = f"/dev/shm has {storage.shared / 1e6:.0f} MB: a train.py that shares memory between processes would crash"
    return [warning("shared memory", said, mend)]
