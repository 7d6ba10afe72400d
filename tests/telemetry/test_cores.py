"""How long the threads of a training stood in line for a core while others had it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.telemetry.cores import Cores
from tests.pace import best_of

BURN = "while True: pass"


class Machine:
    """A /proc of two cores; times in seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cores = Cores(folder, (0, 1))
        self.busy = 0.0

    def thread(self, pid: int, thread: int, ran: float, waited: float) -> None:
        path = self.folder / str(pid) / "task" / str(thread)
        path.mkdir(parents=True, exist_ok=True)
        (path / "schedstat").write_text(f"{ran * 1e9:.0f} {waited * 1e9:.0f} 77\n")

    def look(self, *pids: int, busy: float) -> float | None:
        """`busy` is how long anybody ran since the start, on both cores together."""
        ticks = round(busy * os.sysconf("SC_CLK_TCK") / 2)
        others = f"cpu  {9 * ticks} 1 1 1 1 1 1 1 1 1\ncpu2 {9 * ticks} 0 0 0 0 0 0 0 0 0\n"
        idle = f"{7 * ticks} {5 * ticks}"
        lines = f"{others}cpu0 {ticks} 0 0 {idle} 0 0 0 {ticks} 0\ncpu1 0 {ticks} 0 {idle} 0 0 0 0 0\nintr 1\n"
        (self.folder / "stat").write_text(lines)
        self.cores.look(pids)
        return self.cores.waited


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_others_ran_while_it_waited_is_the_share_that_it_lost(machine: Machine) -> None:
    machine.thread(10, 10, ran=5.0, waited=3.0)
    assert machine.look(10, busy=100.0) is None, "from here on it is counted"
    machine.thread(10, 10, ran=6.0, waited=4.0)
    assert machine.look(10, busy=103.0) == 0.5


def test_a_training_that_stands_in_its_own_way_waits_for_nobody(machine: Machine) -> None:
    machine.look(busy=0.0)
    for thread in range(8):
        machine.thread(10, 10 + thread, ran=1.0, waited=3.0)
    assert machine.look(10, busy=8.0) == 0.0
    for thread in range(8):
        machine.thread(10, 10 + thread, ran=2.0, waited=6.0)
    assert machine.look(10, busy=20.0) == pytest.approx(4.0 / 20.0), "four seconds are another's, of which it waited for all"


def test_threads_come_and_go(machine: Machine) -> None:
    machine.look(busy=0.0)
    machine.thread(10, 10, ran=1.0, waited=0.0)
    machine.thread(11, 11, ran=1.0, waited=1.0)
    assert machine.look(10, 11, 12, busy=5.0) == pytest.approx(1 / 3)
    machine.thread(10, 10, ran=2.0, waited=0.0)
    assert machine.look(10, busy=6.0) == pytest.approx(1 / 4)


def test_where_nobody_counts_nothing_is_known(tmp_path: Path) -> None:
    cores = Cores(tmp_path / "none", (0,))
    cores.look({1, 2})
    cores.look({1, 2})
    assert cores.waited is None


@contextlib.contextmanager
def burning(count: int) -> Iterator[list[int]]:
    """Processes that want a core each, all on the same one."""
    core = {min(os.sched_getaffinity(0))}
    running = [subprocess.Popen([sys.executable, "-S", "-c", BURN], preexec_fn=lambda: os.sched_setaffinity(0, core)) for _ in range(count)]
    try:
        yield [one.pid for one in running]
    finally:
        for one in running:
            one.kill()
            one.wait()


def test_on_a_real_machine_two_that_want_the_same_core_wait_half_of_the_time_each() -> None:
    with burning(2) as pids:
        cores = Cores(cores={min(os.sched_getaffinity(0))})
        cores.look(pids[:1])
        time.sleep(0.5)
        cores.look(pids[:1])
        assert (0.3 < (cores.waited or 0.0) < 0.9) == Path("/proc/self/schedstat").exists(), "unless this kernel does not count"


def test_a_look_costs_next_to_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cores = Cores()

    def hundred() -> None:
        for _ in range(100):
            cores.look({os.getpid()})

    with capsys.disabled():
        assert best_of("a hundred looks at the cores of one process", 1.0, hundred) < 1.0
