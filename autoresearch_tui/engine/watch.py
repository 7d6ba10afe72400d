"""A look at a running training, four times a second: has it to end, for time, for standing still, for the size of its log, or because
nothing can come of it?

Owns these limits and the time that counts for them. Does not own what is hopeless (`hope.py`), nor what follows (`trainer.py`).
"""

from __future__ import annotations

import os
import time

import msgspec

from autoresearch_tui.engine.hope import Hope
from autoresearch_tui.telemetry.progress import Progress, last_progress, tail_of

TICK_S = 0.25
GAP_S = 2.0  # a tick so much longer than asked was not lived through: the machine slept, or we were stopped
LINE = 2**12  # of the log's end, for the last line of progress
USED_UP = 0.99  # of the budget: what follows (saving, evaluating) prints no progress


class Reached(msgspec.Struct, frozen=True):
    """A limit that a training has reached: a crash of this kind, or hopeless without one."""

    why: str
    crash: str = ""
    slow: bool = False
    """Hopeless for its pace."""


class Clock:
    """Time that was lived through, and beside it the gaps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.gap_s = 0.0
        self.then = self.now()

    @staticmethod
    def now() -> tuple[float, float]:
        """The clock that stands still while the machine sleeps, and the one that does not (macOS: the same)."""
        return time.monotonic(), time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def tick(self) -> None:
        (awake_then, all_then), (awake, everything) = self.then, self.now()
        self.then = awake, everything
        lived = awake - awake_then
        if lived > TICK_S + GAP_S:
            lived = TICK_S
        self.seconds += lived
        self.gap_s += max(0.0, everything - all_then - lived)


class Watch:
    """One training under its limits; `log` is its open log. Without a `hope` there is nothing that it could lose."""

    def __init__(self, log: int, timeout_s: float, stall_s: float, log_bytes: int, hope: Hope | None = None) -> None:
        self.clock = Clock()
        self.shrank = False
        """Whether the log was longer once."""
        self._log = log
        self._timeout_s = timeout_s
        self._stall_s = stall_s
        self._log_bytes = log_bytes
        self._hope = hope
        self._lost: tuple[str, bool] | None = None
        self._size = os.fstat(log).st_size
        self._progress: Progress | None = None
        self._moved_at = 0.0

    def spare(self) -> None:
        """It may go on to its end, however hopeless."""
        self._hope = self._lost = None

    def look(self) -> Reached | None:
        """What it has to end for; None while all is well."""
        self.clock.tick()
        self._read()
        seconds = self.clock.seconds
        if self._size > self._log_bytes:
            return Reached(f"its log grew beyond {self._log_bytes / 2**20:.3g} MB", "output")
        if seconds > self._timeout_s:
            return Reached(f"not over after {self._timeout_s:g} s", "timeout")
        if (progress := self._progress) and _is_due(progress) and seconds - self._moved_at > self._stall_s:
            return Reached(f"no progress for {self._stall_s:g} s after step {progress.step}", "stalled")
        return Reached(self._lost[0], slow=self._lost[1]) if self._lost else None

    def _read(self) -> None:
        size = os.fstat(self._log).st_size
        if size == self._size:
            return
        self.shrank |= size < self._size
        self._size = size
        progress = last_progress(tail_of(self._log, LINE))
        if progress and progress != self._progress:
            self._progress, self._moved_at = progress, self.clock.seconds
            if self._hope and _is_due(progress):
                self._lost = self._lost or self._hope.lost(progress)


def _is_due(progress: Progress) -> bool:
    """Whether another line has to follow this one."""
    return progress.fraction is not None and progress.fraction < USED_UP
