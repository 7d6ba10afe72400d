"""The cores of this machine, dealt out to slots.

Owns which cores a slot computes on. That it computes nowhere else is `trainer.py`'s.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

from autoresearch_tui.telemetry.groups import groups, quota
from autoresearch_tui.workspace import WorkspaceError

SYSTEM = Path("/sys")
Core = tuple[int, ...]
"""The numbers of its threads, as the kernel counts them."""


def parts_of_cores(slots: int) -> list[tuple[int, ...]]:
    """As many for each slot. Raises WorkspaceError for more slots than cores."""
    usable = usable_cores()
    if slots > usable:
        there = "is one" if usable == 1 else f"are {usable}"
        raise WorkspaceError(f"{slots} slots want a core each, and there {there} that this process may use: `--slots {usable}` takes all.")
    return [part[: usable // slots] for part in dealt(_cores(sorted(_allowed())), slots)]


def usable_cores() -> int:
    """So many may compute at once: a container may have less of them than it sees."""
    limits = filter(None, map(quota, groups(Path("/proc"), SYSTEM / "fs" / "cgroup")))
    return min(len(_allowed()), max(1, int(min(limits, default=len(_allowed())))))


def _allowed() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def dealt(cores: Sequence[Core], slots: int) -> list[tuple[int, ...]]:
    """Neighbouring whole cores, as many of each kind for every slot; where there are too few, threads. What is left over rests."""
    kinds: defaultdict[int, list[Core]] = defaultdict(list)
    for core in cores:
        kinds[len(core)].append(core)
    if not any(len(alike) >= slots for alike in kinds.values()):
        seconds_last = chain.from_iterable(zip_longest(*cores))  # so that a core is halved only where it has to be
        kinds = defaultdict(list, {1: [(thread,) for thread in seconds_last if thread is not None]})
    parts: list[tuple[int, ...]] = [()] * slots
    for alike in kinds.values():
        each = len(alike) // slots
        parts = [(*part, *chain.from_iterable(alike[place * each : (place + 1) * each])) for place, part in enumerate(parts)]
    return parts


def _cores(allowed: Sequence[int]) -> list[Core]:
    """Those that this process may use. Where nobody tells which threads share one, each is a core of its own."""
    seen: dict[Core, None] = {}
    for thread in allowed:
        try:
            told = (SYSTEM / f"devices/system/cpu/cpu{thread}/topology/thread_siblings_list").read_text()
            seen[tuple(one for one in _listed(told) if one in allowed)] = None
        except (OSError, ValueError):
            seen[(thread,)] = None
    return list(seen)


def _listed(text: str) -> list[int]:
    """`0-2,32` as numbers."""
    ends = [part.partition("-") for part in text.strip().split(",")]
    return [number for first, _, last in ends for number in range(int(first), int(last or first) + 1)]
