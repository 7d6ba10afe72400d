"""What the processor and the memory of this machine say, where no card trains. No library, no root.

Owns which files tell it, and which part of the machine this process may use. Does not own when they are read (`gpu.py`), nor which
processes are worth a look: whoever opens it says so. Where there is no /proc (macOS) only the size of the memory is known.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from autoresearch_tui.telemetry.groups import groups, limit, numbers, quota
from autoresearch_tui.telemetry.nvml_processes import name_of, user_of
from autoresearch_tui.telemetry.sample import Process, Sample

CPU = "cpu"  # what such a sample calls its source
IDLE = (3, 4)  # columns of a line of /proc/stat: idle, and waiting for a disk
COUNTED = 8  # the columns after these are contained in the first two
HEAD = 4096  # bytes of /proc/cpuinfo: its first core is enough, and a large machine has hundreds
ASKED = 4  # cores whose clock is read: the fastest of them stands for all, and some machines wake a core for that
LISTED = 32  # processes, the largest ones: a tree of a thousand would fill the journal
SHARES_S = 30.0  # between two looks at who shares pages with whom: the kernel walks through all of them for it
SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal")
WORDS = re.compile(r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*", re.IGNORECASE)  # of a model's name that name nothing
UNASKED = dict.fromkeys(("power_w", "power_limit_w", "energy_j"), "a processor tells it to root alone")
UNTOLD = (*UNASKED, "util", "memory_used", "temperature_c", "sm_mhz", "sm_mhz_max", "processes")


class Untold(LookupError):
    """It is nowhere to be read; the sentence says why."""


class Processor:
    """The cores and the memory that this process may use; of the processes those that `watched` names at that moment."""

    def __init__(
        self,
        watched: Callable[[], Collection[int]] = frozenset,
        proc: Path = Path("/proc"),
        system: Path = Path("/sys"),
        cores: Collection[int] | None = None,
    ) -> None:
        affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        self._watched, self._proc, self._system = watched, proc, system
        self._cores = sorted(affinity if cores is None else cores)
        self._groups = groups(proc, system / "fs" / "cgroup")
        quotas = [(quota(group), group) for group in self._groups if 0 < quota(group) < len(self._cores)]
        self._quota: float = min(quotas)[0] if quotas else len(self._cores)
        self._group = min(quotas)[1] if quotas else None
        self._before = self._ran()
        self._shared: dict[int, int] = {}
        """Bytes of each process that are counted for others."""
        self._shared_at = 0.0
        self.name = " ".join(f"CPU x{self._quota:.3g} {self._model()}".split())

    def close(self) -> None:
        """Nothing stays open."""

    def read(self) -> Sample:
        if not (self._proc / "meminfo").exists():
            whole, why = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), dict.fromkeys(UNTOLD, "this system has no file for it")
            return Sample(time.time(), self.name, memory_total=whole, unified=True, source=CPU, why=why)
        answers: dict[str, Any] = {}
        why = dict(UNASKED)
        for field, question in self._questions().items():
            try:
                answers[field] = question()
            except Untold as untold:
                why[field] = str(untold)
            except (OSError, ValueError, LookupError) as error:
                why[field] = f"it cannot be read: {error}"
        if "memory_used" in answers:  # pages of a file are there to be had, until a process has them
            listed = sum(one.memory or 0 for one in answers["processes"])
            answers["memory_used"] = max(answers["memory_used"], min(listed, answers.get("memory_total", listed)))
        return Sample(time.time(), self.name, unified=True, source=CPU, why=why, **answers)

    def _questions(self) -> dict[str, Callable[[], Any]]:
        return {
            "util": self._util,
            "memory_total": self._total,
            "memory_used": self._used,
            "temperature_c": self._temperature,
            "sm_mhz": self._clock,
            "sm_mhz_max": lambda: self._frequency("cpuinfo_max_freq"),
            "processes": self._processes,
        }

    # ---- cores ----

    def _util(self) -> int:
        before, self._before = self._before, self._ran()
        could = self._before[1] - before[1]
        if could <= 0:
            raise Untold("it is counted from the next second on")
        return min(100, max(0, round(100 * (self._before[0] - before[0]) / could)))

    def _ran(self) -> tuple[float, float]:
        """How long these cores were busy since some start, and how long they could have been."""
        if self._group is not None:
            return numbers(self._group / "cpu.stat").get("usage_usec", 0) / 1e6, time.monotonic() * self._quota
        try:
            lines = [line.split() for line in (self._proc / "stat").read_text().splitlines()]
        except OSError:
            return 0.0, 0.0
        names = {f"cpu{number}" for number in self._cores}
        ours = [[int(value) for value in line[1 : 1 + COUNTED]] for line in lines if line and line[0] in names]
        could = sum(map(sum, ours))
        return could - sum(line[place] for line in ours for place in IDLE), could

    def _clock(self) -> int:
        try:
            return self._frequency("scaling_cur_freq")
        except Untold:  # a virtual machine has no say in it
            return round(float(_told(self._proc / "cpuinfo", "cpu MHz")))

    def _frequency(self, file: str) -> int:
        paths = [self._system / f"devices/system/cpu/cpu{number}/cpufreq/{file}" for number in self._cores[:ASKED]]
        told = [int(path.read_text()) for path in paths if path.exists()]
        if not told:
            raise Untold("this machine does not tell it")
        return max(told) // 1000

    def _temperature(self) -> int:
        for folder in sorted(self._system.glob("class/hwmon/hwmon*")):
            if (folder / "name").read_text().strip() in SENSORS:
                return int((folder / "temp1_input").read_text()) // 1000
        raise Untold("this machine has no sensor for it")

    def _model(self) -> str:
        try:
            return WORDS.sub(" ", _told(self._proc / "cpuinfo", "model name"))
        except (OSError, LookupError):
            return platform.processor() or platform.machine()

    # ---- memory ----

    def _total(self) -> int:
        return min([_kilobytes(self._proc / "meminfo", "MemTotal"), *filter(None, map(limit, self._groups))])

    def _used(self) -> int:
        """What nobody else could have: by the nearest group that has a limit, else on the machine."""
        for group in filter(limit, self._groups):
            return int((group / "memory.current").read_text()) - numbers(group / "memory.stat").get("inactive_file", 0)
        return _kilobytes(self._proc / "meminfo", "MemTotal") - _kilobytes(self._proc / "meminfo", "MemAvailable")

    def _processes(self) -> tuple[Process, ...]:
        sizes = {pid: size for pid in self._watched() if (size := self._resident(pid))}
        self._look_who_shares(sizes)
        own = {pid: max(1, size - self._shared.get(pid, 0)) for pid, size in sizes.items()}
        largest = sorted(own, key=lambda pid: -own[pid])[:LISTED]
        return tuple(Process(pid, own[pid], name_of(pid), user_of(pid)) for pid in sorted(largest))

    def _look_who_shares(self, sizes: dict[int, int]) -> None:
        """A training that forks has the same pages several times: of those each process is given its part."""
        if len(sizes) < 2:
            return
        if time.monotonic() - self._shared_at > SHARES_S:
            self._shared_at, self._shared = time.monotonic(), {}
        for pid in sizes.keys() - self._shared.keys():
            with contextlib.suppress(OSError, LookupError):  # another user's may not be asked: then all is its own
                self._shared[pid] = max(0, sizes[pid] - _kilobytes(self._proc / str(pid) / "smaps_rollup", "Pss"))

    def _resident(self, pid: int) -> int:
        """Bytes; 0 for one that is gone, or only waits to be collected."""
        try:
            return int((self._proc / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, LookupError):
            return 0


# What files say


def _told(path: Path, name: str) -> str:
    """What stands behind this name, where it stands first."""
    with path.open("rb", buffering=0) as file:
        text = file.read(HEAD).decode("utf-8", "replace")
    for line in text.splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    raise Untold("this machine does not tell it")


def _kilobytes(path: Path, name: str) -> int:
    return int(_told(path, f"{name}:").split()[0]) * 1024
