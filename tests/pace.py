"""How fast this machine is now, and how long something takes where it is as fast as the limits suppose."""

from __future__ import annotations

import time
from collections.abc import Callable

KNOWN_S = 0.065  # what `known_work` takes where the limits hold; a shared machine may be half as fast for an hour
TRIES = 12


def known_work() -> float:
    """Some dictionaries, integers and strings: how fast this machine is now."""
    seen: dict[int, tuple[int, str]] = {}
    began = time.process_time()
    for i in range(300_000):
        seen[i % 977] = (i, str(i))
    return time.process_time() - began


def best_of(what: str, limit: float, do: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """How long it takes where the limits hold and nothing else is done: the best of three, and of up to twelve while that is too long."""
    taken: list[float] = []
    while len(taken) < 3 or (min(taken) >= limit and len(taken) < TRIES):
        slower = max(1.0, known_work() / KNOWN_S)
        began = clock()
        do()
        taken.append((clock() - began) / slower)
    print(f"\n{what}: {min(taken):.3f} s at best, {sorted(taken)[len(taken) // 2]:.3f} s in the middle of {len(taken)}")
    return min(taken)


def is_within(limit: float, do: Callable[[], object], clock: Callable[[], float] = time.process_time) -> bool:
    """Whether it takes less than that where the limits hold: at the first try that does, for what else is done here takes its time too."""
    for _ in range(TRIES):
        began = clock()
        do()
        taken = clock() - began
        if taken < limit or taken < limit * known_work() / KNOWN_S:
            return True
    print(f"{taken:.3f} s at the last of {TRIES} tries")
    return False
