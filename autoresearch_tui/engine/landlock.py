"""A trial held back by Landlock, where no namespace can be had: the files of its view, no TCP, signals to its own processes only.

Owns which rules a view comes to, and how a command begins with them. How they become the kernel's is `confine.py`'s. It is weaker than
namespaces: a trial sees the machine's /proc, though not into its processes, and /dev/shm is everybody's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from autoresearch_tui.engine import confine, seccomp
from autoresearch_tui.engine.paths import walk, without
from autoresearch_tui.engine.view import SHARED_MEMORY, View

SOURCE = Path(confine.__file__).read_text(encoding="utf-8")
"""As it was when this was imported: an upgrade in the middle of a night puts another file in its place."""
NODES = ("null", "zero", "full", "random", "urandom")

Rule = tuple[str, str]


class Landlock:
    """The kernel's own, asked for by the trial's process before it begins."""

    name = "landlock"
    namespaces = False

    @classmethod
    def find(cls) -> Landlock | str:
        """It, or why it is not to be had."""
        if sys.platform != "linux":
            return "only Linux has it"
        if not confine.version():
            return "this kernel has none, or it is switched off (`lsm=` on the kernel's command line)"
        return cls()

    def wrap(self, command: Sequence[str], view: View, folder: Path) -> tuple[str, ...]:
        """The folder is where the command is started in any case."""
        program = seccomp.program(alone=True)
        rules = [*dict.fromkeys(_rules(view)), *([("filter", program.hex())] if program else [])]
        return confined(rules, command)

    def environment(self, view: View) -> dict[str, str]:
        return {"TMPDIR": str(view.temporary), "UV_CACHE_DIR": str(view.temporary / "uv")} if view.temporary else {}


def confined(rules: Sequence[Rule], command: Sequence[str]) -> tuple[str, ...]:
    """The command, begun by `confine.py`."""
    return (sys.executable, "-I", "-S", "-c", SOURCE, *chain.from_iterable(rules), "--", *command)


def _rules(view: View) -> Iterator[Rule]:
    hidden = {walk(path)[0] for path in view.hidden}
    for place in (walk(path)[0] for path in view.read):
        if any(place in path.parents for path in hidden):  # nothing can be taken back: what is around it is granted piece by piece
            yield ("list", str(place))
            yield from (("read", str(piece)) for piece in without(place, hidden))
        else:
            yield ("read", str(place))
    temporary = [view.temporary] if view.temporary else []
    shared = [] if any(SHARED_MEMORY in path.parents for path in hidden) else [SHARED_MEMORY]  # a workspace there is not for the trial
    yield from (("write", str(path)) for path in (*view.write, *temporary, *shared))
    yield from (("device", str(path)) for path in (*(Path("/dev", name) for name in NODES), *view.devices))
    yield ("read", "/proc")
    if view.devices:  # CUDA names its threads there. What belongs to root there is the whole system's, so root names its own only
        yield ("fill", "/proc" if os.geteuid() else "/proc/self/task")
