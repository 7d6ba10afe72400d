"""What an attempt is: a train.py that does one harmful thing, whether the harm is seen from outside, and what should come of it.

Everything here is bounded, for it also runs where nothing stops it: a training ends after 20 seconds by itself, takes at most 300 MB of
memory and 100 MB of disk, speaks to loopback alone, and reads, beside what was laid out for it, only whether a door opens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.machine import LANDLOCK_ABI

if TYPE_CHECKING:
    from tests.contained.ground import Ground

MODES = ("bubblewrap", "landlock", "off")

STOPPED = "stopped"
"""The training was refused."""
UNDONE = "undone"
"""It did it, and it was of no use: ended, removed or not believed, and nothing of it reaches the next trial."""
OPEN = "open"
"""Nothing stops it."""

LINUX_OF_ABI = {6: "Linux 6.12"}
"""The first Linux with this version of Landlock."""
CAPABILITIES = {"dac_override": 1, "sys_rawio": 17, "sys_ptrace": 19, "sys_admin": 21, "sys_nice": 23, "sys_time": 25, "mknod": 27}


def may(capability: str) -> bool:
    """Whether this process has the power that the kernel asks for, as root mostly has."""
    status = Path("/proc/self/status").read_text()
    powers = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), 16)
    return bool(powers >> CAPABILITIES[capability] & 1)


class Only(msgspec.Struct, frozen=True):
    """Where alone an attempt has a chance, with no sandbox at all."""

    words: str
    """`open` is followed by them."""
    here: Callable[[], bool]


def root(capability: str) -> Only:
    """The kernel asks for a power that root mostly has, and others have not."""
    return Only("to root", lambda: may(capability))


class Attempt(msgspec.Struct, frozen=True):
    """One harmful training."""

    title: str
    """Completes the sentence "a training that ..", and names the test."""
    source: str
    """Defines `attempt()`, which raises OSError where it is refused."""
    harm: Callable[[Ground], bool]
    """Whether it came through, seen from outside when all of the trial is gone; asked again after the next trial."""
    bubblewrap: str = STOPPED
    landlock: str = STOPPED
    off: str = OPEN
    only: Only | None = None
    abi: int = 1
    """The first version of Landlock that knows how to stop it."""
    later: str = ""
    """What the next training does, which prints `warm` when it finds what this one left. Empty: nothing, honestly."""
    slow: bool = False
    """It takes many seconds."""

    def said(self, mode: str) -> str:
        """What docs/containment.md says of it."""
        return {"bubblewrap": self.bubblewrap, "landlock": self.landlock, "off": self.off}[mode]

    def expected(self, mode: str) -> str:
        """What should come of it on this machine."""
        said = self.said(mode)
        if mode == "landlock" and self.abi > LANDLOCK_ABI:
            said = self.off
        return STOPPED if said == OPEN and self.only and not self.only.here() else said


def useless(title: str, source: str, harm: Callable[[Ground], bool], slow: bool = False) -> Attempt:
    """One that no sandbox refuses, and that comes to nothing without one too."""
    return Attempt(title, source, harm, UNDONE, UNDONE, UNDONE, slow=slow)


BEGINNING = '''"""A training that does harm."""
import ctypes, os, signal, stat, sys, time

signal.alarm(20)
TEMPORARY = os.environ.get("TMPDIR", "/tmp")
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A function of the C library, whose failure is raised."""
    result = getattr(libc, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def any_of(*ways):
    """The first way that is not refused."""
    refused = []
    for way in ways:
        try:
            return way()
        except OSError as error:
            refused.append(str(error))
    raise PermissionError("; ".join(refused))


def text_of(path):
    with open(path, errors="replace") as file:
        return file.read()


def linked(path, link=os.symlink):
    """The file by another name in our own folder."""
    link(path, f"other-{link.__name__}")
    return f"other-{link.__name__}"


def by_another_program(path):
    import subprocess

    done = subprocess.run(["cat", path], capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(done.stderr)
    return done.stdout


def read(path):
    """By its name, by a detour over /proc, by links of our own, and by another program."""
    print(any_of(
        lambda: text_of(path),
        lambda: text_of(f"/proc/self/root{path}"),
        lambda: text_of(linked(path)),
        lambda: text_of(linked(path, os.link)),
        lambda: by_another_program(path),
    ))


def add(path, text):
    """Write at a file's end, or put another in its place, or go by links of our own."""
    def append(name):
        with open(name, "a") as file:
            file.write(text)

    def replace():
        with open(path + ".aside", "w") as file:
            file.write(text)
        os.replace(path + ".aside", path)

    any_of(lambda: append(path), replace, lambda: append(linked(path)), lambda: append(linked(path, os.link)))


'''

HONEST = """
print("\\n---\\nval_bpb:          1.500000\\ntraining_seconds: 0.1\\npeak_vram_mb:     1.0\\nnum_steps:        10", flush=True)
"""
"""A training that does nothing at all but has a number."""

END = f"""

print("it begins", flush=True)
try:
    attempt()
    print("it worked", flush=True)
except OSError as error:
    print(f"stopped: {{error}}", flush=True)
{HONEST}"""
