"""How much of the machine a trial takes: processes, memory, disk. Looked at once a second, for the kernel's own limits do not do: root
knows none of processes, a GPU reserves addresses without end, and a quota is an administrator's.

Owns these limits. Does not own a log's size and time (`watch.py`), nor a single file's size, which the launcher has the kernel bound.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from autoresearch_tui.engine import launcher
from autoresearch_tui.engine.watch import Reached

LOOK_S = 1.0
WALK_S = 5.0  # between two walks through its folders: a compile cache has thousands of files
MANY_FILES = 500_000  # no training needs more, and every walk passes all of them
GB = 2**30  # of memory; a disk's are 10**9 bytes
BLOCK = 512  # what st_blocks counts in, whatever the file system does


class Caps(msgspec.Struct, frozen=True):
    """The most that one trial may take; 0: no limit."""

    processes: int = 0
    memory: int = 0
    """Bytes of the machine's memory, all processes together."""
    disk: int = 0
    """Bytes that it may add below its folders."""
    floor: int = 0
    """Bytes of the disk that have to stay free, whoever takes the others."""
    folders: tuple[Path, ...] = ()
    """Where it may write."""


def whole_memory() -> int:
    """Of the machine, or of the group of processes that we live in, if that has less."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError, StopIteration):
        group = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))[3:]
        return min(pages, int(Path("/sys/fs/cgroup", group.lstrip("/"), "memory.max").read_text()))
    return pages


UNCAPPED = Caps()


class Taken:
    """What the trial below one process takes."""

    def __init__(self, caps: Caps, pid: int) -> None:
        self._caps = caps
        self._pid = pid
        self._before = 0
        self._walked = time.monotonic()

    def begin(self) -> None:
        """What is in its folders already is not counted."""
        self._before = weigh(self._caps.folders)[0]

    def look(self) -> Reached | None:
        """Which limit it has reached, if any. Takes milliseconds: not for the loop that everybody waits for."""
        tree = below(self._pid)
        caps = self._caps
        if 0 < caps.processes < len(tree):
            return Reached(f"it had {len(tree)} processes, and {caps.processes} are the limit", "error")
        if caps.memory and sum(map(_resident, tree)) > caps.memory and (taken := sum(map(_own_share, tree))) > caps.memory:
            return Reached(
                f"it took {taken / GB:.2f} GB of the machine's memory, and {caps.memory / GB:.2f} GB are the limit ([sandbox] memory_gb)",
                "memory",
            )
        return self._of_disk()

    def _of_disk(self) -> Reached | None:
        caps = self._caps
        for folder in caps.folders[:1]:
            with contextlib.suppress(OSError):
                if shutil.disk_usage(folder).free < caps.floor:
                    return Reached(f"less than {caps.floor / 1e9:.2f} GB of the disk were left", "disk")
        if not caps.disk or time.monotonic() - self._walked < WALK_S:
            return None
        weight, files = weigh(caps.folders)
        self._walked = time.monotonic()
        if weight - self._before > caps.disk:
            return Reached(
                f"it wrote {(weight - self._before) / 1e9:.2f} GB, and {caps.disk / 1e9:.2f} GB are the limit ([sandbox] disk_gb)", "error"
            )
        return Reached(f"it left more than {MANY_FILES:,} files", "error") if files > MANY_FILES else None


def below(pid: int) -> set[int]:
    """The processes below this one. The kernel lists the children of each thread; where it does not, all processes are looked through."""
    if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):
        return {one.pid for one in launcher.below({pid}, launcher.processes())}
    todo, seen = [pid], set[int]()
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):  # it may end meanwhile
            for thread in os.listdir(f"/proc/{parent}/task"):
                children = {int(word) for word in _read(f"/proc/{parent}/task/{thread}/children").split()} - seen
                seen |= children
                todo += children
    return seen


def _resident(pid: int) -> int:
    """Its pages in memory, those that it shares with others included: never too little."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _own_share(pid: int) -> int:
    """Of pages that several processes have, each its part. Dear to ask, so only asked in doubt."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def weigh(folders: Iterable[Path]) -> tuple[int, int]:
    """What lies below these folders, in bytes on the disk and in files. No link is followed, and what cannot be read weighs nothing."""
    weight = files = 0
    todo = [os.fspath(folder) for folder in folders]
    while todo and files <= MANY_FILES:
        with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                files += 1
                with contextlib.suppress(OSError):
                    weight += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
    return weight, files
