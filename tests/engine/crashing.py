"""An engine that is killed at one instruction: `python -m tests.engine.crashing WHEN WHAT NTH ARGUMENT..`

WHAT is the kind of an event, or the name of an effect; WHEN is `before` or `after` its NTH time. Nothing in the package knows of this.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from autoresearch_tui.cli import main
from autoresearch_tui.engine import controller
from autoresearch_tui.engine.executors.local import Local
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.journal import results
from autoresearch_tui.journal.store import Writer

EFFECTS: dict[str, tuple[Any, str]] = {
    "blob": (Lineage, "write_blob"),
    "commit": (Lineage, "commit"),
    "ref": (Lineage, "point"),
    "branch": (Lineage, "move_branch"),
    "note": (Lineage, "annotate"),
    "export": (Lineage, "export"),
    "spawn": (Local, "spawn"),
    "results": (results, "write_file"),
    "settle": (controller, "settle"),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    def __init__(self, when: str, nth: int) -> None:
        self.when = when
        self.left = nth

    def around(self, do: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            die()
        result = do()
        if self.left == 0:
            die()
        return result


def arm(when: str, what: str, nth: int) -> None:
    countdown = Countdown(when, nth)
    owner, name = EFFECTS.get(what, (Writer, "append"))
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if owner is Writer and what not in {type(fact).__name__ for fact in arguments[1:]}:
            return original(*arguments, **named)
        return countdown.around(lambda: original(*arguments, **named))

    @functools.wraps(original)
    async def wrapped_later(*arguments: Any, **named: Any) -> Any:
        countdown.left -= 1
        if countdown.left == 0 and when == "before":
            die()
        result = await original(*arguments, **named)
        if countdown.left == 0:
            die()
        return result

    setattr(owner, name, wrapped_later if what == "spawn" else wrapped)


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    main(sys.argv[4:])
