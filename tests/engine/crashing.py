"""An engine that is killed at one instruction: `python -m tests.engine.crashing WHEN WHAT NTH ARGUMENT..`

WHAT is the kind of an event, or the name of an effect; WHEN is `before` or `after` its NTH time. `NTH+` counts only the times at which
another experiment trains. Nothing in the package knows of this.
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
    def __init__(self, when: str, nth: int, beside: bool) -> None:
        self.when = when
        self.left = nth
        self.beside = beside
        self.training: set[int] = set()

    def counts(self, number: int | None) -> bool:
        """Whether this time is one of those that count; the number is that of the experiment whose step it is."""
        return not self.beside or bool(self.training - {number})

    def around(self, do: Callable[[], Any], number: int | None = None) -> Any:
        if not self.counts(number):
            return do()
        self.left -= 1
        if self.left == 0 and self.when == "before":
            die()
        result = do()
        if self.left == 0:
            die()
        return result


def arm(when: str, what: str, nth: str) -> None:
    countdown = Countdown(when, int(nth.rstrip("+")), beside=nth.endswith("+"))
    owner, name = EFFECTS.get(what, (Writer, "append"))
    original, append = getattr(owner, name), Writer.append

    @functools.wraps(append)
    def watched(writer: Writer, *facts: Any) -> Any:
        number = next((fact.number for fact in facts if type(fact).__name__ == what and hasattr(fact, "number")), None)
        counts = owner is Writer and what in {type(fact).__name__ for fact in facts}
        recorded = countdown.around(lambda: append(writer, *facts), number) if counts else append(writer, *facts)
        countdown.training = {one.number for one in writer.run.under_way}
        return recorded

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        return countdown.around(lambda: original(*arguments, **named))

    @functools.wraps(original)
    async def wrapped_later(*arguments: Any, **named: Any) -> Any:
        counts = countdown.counts(None)
        countdown.left -= counts
        if counts and countdown.left == 0 and when == "before":
            die()
        result = await original(*arguments, **named)
        if counts and countdown.left == 0:
            die()
        return result

    if owner is not Writer:
        setattr(owner, name, wrapped_later if what == "spawn" else wrapped)
    setattr(Writer, "append", watched)  # noqa: B010


if __name__ == "__main__":
    arm(*sys.argv[1:4])
    main(sys.argv[4:])
