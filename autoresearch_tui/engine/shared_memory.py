"""What a trial leaves in /dev/shm, where its sandbox cannot give it one of its own: memory that the next trial would miss, or could read.

Named segments belong to nobody. What appeared while a trial ran, is ours, and is held by no process that lives (open, mapped, stood in,
or a folder where something is) is taken to be the trial's: all of its processes are gone by then. What libraries make under names of
their own is removed. Anything else may after all be what a person put there just then, so it is moved aside: the next trial cannot read
it, and nobody has lost it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from autoresearch_tui.engine.leavings import remove_tree

FOLDER = Path("/dev/shm")
OF_A_LIBRARY = re.compile(r"sem\.|psm_|pymp-|torch_|__KMP_|cuda\.shm|nccl-")
MAPPED = re.compile(rb"(?m)^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +(/dev/shm/.+)$")


def segments() -> frozenset[str]:
    """What is there now."""
    with contextlib.suppress(OSError):
        return frozenset(os.listdir(FOLDER))
    return frozenset()


def sweep(before: frozenset[str], aside: Path) -> None:
    """Take away what was left since then."""
    left = {name: found for name in segments() - before if (found := _ours(FOLDER / name))}
    held, paths = _held() if left else (set(), set())
    lived_in = {path.relative_to(FOLDER).parts[0] for path in paths if FOLDER in path.parents}
    for name in (name for name, found in left.items() if found not in held and name not in lived_in):
        if OF_A_LIBRARY.match(name):
            remove_tree(FOLDER / name)
        else:
            aside.mkdir(mode=0o700, exist_ok=True)
            remove_tree(aside / name)
            with contextlib.suppress(FileNotFoundError):  # whoever made it has removed it just now
                shutil.move(FOLDER / name, aside / name)


def _ours(path: Path) -> tuple[int, int] | None:
    """Device and inode of a segment that is this user's. A live semaphore is mapped under the name that it had while it was made."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_uid == os.geteuid() else None


def _held() -> tuple[set[tuple[int, int]], set[Path]]:
    """All that a living process has open, or mapped from there, or stands in: by what it is, and by the path that leads to it."""
    held: set[tuple[int, int]] = set()
    paths: set[Path] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for major, minor, inode, path in MAPPED.findall((process / "maps").read_bytes()):
                held.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
                paths.add(Path(os.fsdecode(path)))
        with contextlib.suppress(OSError):
            for link in (process / "cwd", *(process / "fd").iterdir()):
                with contextlib.suppress(OSError):
                    found = link.stat()
                    held.add((found.st_dev, found.st_ino))
                    paths.add(link.readlink())
    return held, paths
