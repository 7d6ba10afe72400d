"""A trial in namespaces of its own, by `bwrap`: nothing of the machine but its view, its own processes, no network, no capability.

Owns the command line. Which paths it names is the view's, which calls are refused `seccomp.py`'s, and whether it works on this machine
`sandbox.py` finds out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autoresearch_tui.engine import seccomp
from autoresearch_tui.engine.paths import walk
from autoresearch_tui.engine.view import View

NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try")
READ, WRITE = "--ro-bind-try", "--bind-try"  # a path may be gone by now
TMP, SHM = Path("/tmp"), Path("/dev/shm")
KERNEL = tuple(f"/proc/{name}" for name in ("sys", "sysrq-trigger", "irq", "bus", "mtrr", "acpi", "scsi"))
"""The whole machine's, even in a /proc of one's own; root may write there without any capability."""
SHM_SHARE = 4
"""One part in so many of the machine's memory is the most that a trial may keep in /dev/shm."""

START = """import os, sys
number = os.memfd_create("filter", 0)
os.write(number, bytes.fromhex(sys.argv[1]))
os.lseek(number, 0, os.SEEK_SET)
os.execv(sys.argv[2], [sys.argv[2], "--seccomp", str(number), *sys.argv[3:]])
"""
"""It reads a filter from an open file and installs it last: it does more itself than the trial may."""

Mounts = dict[Path, tuple[str, ...]]


class Bubblewrap:
    """`bwrap`, from wherever it is installed."""

    name = "bubblewrap"
    namespaces = True

    def __init__(self, program: str, options: str) -> None:
        self.program = program
        self.sizes = "--size" in options  # the oldest in use have none

    @classmethod
    def find(cls) -> Bubblewrap | str:
        """It, or why it is not to be had."""
        program = shutil.which("bwrap")
        if program is None:
            return "bwrap is not installed (`apt install bubblewrap`)"
        try:
            said = subprocess.run([program, "--help"], capture_output=True, text=True, errors="replace", timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{program} cannot be started: {error}"
        return cls(program, said.stdout + said.stderr)

    def wrap(self, command: Sequence[str], view: View, folder: Path) -> tuple[str, ...]:
        wrapped = (self.program, *self._options(view, folder), "--", *command)
        program = seccomp.program(alone=False)
        return (sys.executable, "-I", "-S", "-c", START, program.hex(), *wrapped) if program else wrapped

    def environment(self, view: View) -> dict[str, str]:
        return {"TMPDIR": str(TMP), "UV_CACHE_DIR": str(TMP / "uv")}

    def _options(self, view: View, folder: Path) -> Iterator[str]:
        """In the order of the work: what is read-only in the end is filled before."""
        yield from (*NAMESPACES, "--die-with-parent", "--cap-drop", "ALL", "--dev", "/dev", "--proc", "/proc")
        if self.sizes:
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            yield from ("--size", str(memory // SHM_SHARE), "--tmpfs", str(SHM))
        for name in KERNEL:
            yield from (READ, name, name)
        for node in view.devices:
            yield from ("--dev-bind-try", str(node), str(node))
        mounts = _mounts(view)
        for place in sorted(mounts, key=lambda place: len(place.parts)):  # a folder before what lies in it
            if _needed(place, mounts):
                yield from mounts[place]
        covered = [str(place) for place, words in mounts.items() if words[0] == "--tmpfs" and place != TMP]
        for name in (*covered, *(["/dev"] if self.sizes else []), "/"):
            yield from ("--remount-ro", name)
        yield from ("--chdir", str(folder))


def _mounts(view: View) -> Mounts:
    """What stands where, by names without links; and the links that lead there."""
    mounts: Mounts = {TMP: ("--bind", str(view.temporary), str(TMP)) if view.temporary else ("--tmpfs", str(TMP))}
    links: dict[Path, str] = {}
    for option, paths in ((READ, view.read), (WRITE, view.write)):
        for path in paths:
            place, passed = walk(path)
            mounts[place] = (option, str(place), str(place))
            links |= passed
    for path in view.hidden:
        place, _ = walk(path)
        mounts[place] = ("--tmpfs", str(place)) if place.is_dir() else ("--ro-bind", os.devnull, str(place))
    return mounts | {place: ("--symlink", target, str(place)) for place, target in links.items()}


def _needed(place: Path, mounts: Mapping[Path, tuple[str, ...]]) -> bool:
    """Whether it would not be there, in the same way, without being said."""
    words = mounts[place]
    around = next((mounts[parent][0] for parent in place.parents if parent in mounts), "")
    return around not in (READ, WRITE) if words[0] == "--symlink" else around != words[0]
