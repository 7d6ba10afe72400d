"""What some processes get of the cores, and how long they stand in line for them. Observing, with no opinion.

The kernel counts for each thread how long it ran and how long it could have run and did not. A training that starts more threads than
there are cores stands in its own way, which is its own affair: so what it waited counts no further than others ran meanwhile. Where
there is no /proc (macOS), or a kernel that does not count, nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

NANOSECONDS = 1e9
IDLE = (3, 4)  # columns of a line of /proc/stat: idle, and waiting for a disk
COUNTED = 8  # the columns after these are contained in the first two


class Cores:
    """The threads of some processes on the cores that this process may use, from look to look: once a second is enough."""

    def __init__(self, proc: Path = Path("/proc"), cores: Collection[int] | None = None) -> None:
        self._proc = proc
        affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        self._names = {f"cpu{number}" for number in (affinity if cores is None else cores)}
        self._tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self._threads: dict[str, tuple[float, float]] = {}
        self._busy: float | None = None
        self._ran_s = self._waited_s = 0.0

    @property
    def waited(self) -> float | None:
        """The share of the time in which they could have run that others ran instead; None: nobody knows."""
        wanted = self._ran_s + self._waited_s
        return self._waited_s / wanted if wanted else None

    def look(self, pids: Collection[int]) -> None:
        """Count what happened since the last look; the first one only says where to count from."""
        busy, threads = self._all_busy_s(), self._seen(pids)
        if self._busy is not None:
            ran = waited = 0.0
            for name, (now_ran, now_waited) in threads.items():
                then_ran, then_waited = self._threads.get(name, (0.0, 0.0))
                ran += max(0.0, now_ran - then_ran)
                waited += max(0.0, now_waited - then_waited)
            self._ran_s += ran
            self._waited_s += min(waited, max(0.0, busy - self._busy - ran))
        self._busy, self._threads = busy, threads

    def _seen(self, pids: Collection[int]) -> dict[str, tuple[float, float]]:
        """Of each thread: seconds that it ran, and that it waited to run."""
        found: dict[str, tuple[float, float]] = {}
        for pid in pids:
            try:
                names = os.listdir(self._proc / str(pid) / "task")
            except OSError:  # ended meanwhile
                continue
            for name in names:
                try:
                    ran, waited, _ = (self._proc / str(pid) / "task" / name / "schedstat").read_bytes().split()
                except (OSError, ValueError):
                    continue
                found[f"{pid}/{name}"] = int(ran) / NANOSECONDS, int(waited) / NANOSECONDS
        return found

    def _all_busy_s(self) -> float:
        """Seconds that anybody ran on these cores since the machine started, summed over them; 0 where nobody counts."""
        try:
            lines = [line.split() for line in (self._proc / "stat").read_text().splitlines()]
        except OSError:
            return 0.0
        ours = (line[1 : 1 + COUNTED] for line in lines if line[:1] and line[0] in self._names)
        return self._tick_s * sum(int(value) for line in ours for place, value in enumerate(line) if place not in IDLE)
