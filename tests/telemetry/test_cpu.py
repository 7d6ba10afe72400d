"""What a machine without a card tells of its cores, its memory and the processes that somebody wants to see."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from autoresearch_tui.telemetry.cpu import LISTED, Processor
from autoresearch_tui.telemetry.gpu import Sampler
from autoresearch_tui.telemetry.sample import Sample
from tests.pace import is_within

GB = 2**30
PAGE = os.sysconf("SC_PAGE_SIZE")
MODEL = "Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz"
REAL = pytest.mark.needs("proc")


class Machine:
    """A machine of two cores and 16 GB in two folders."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.system = folder / "proc", folder / "sys"
        self.write(self.proc / "meminfo", f"MemTotal: {16 * GB // 1024} kB\nMemFree: 5 kB\nMemAvailable: {12 * GB // 1024} kB\n")
        self.write(self.proc / "cpuinfo", f"processor\t: 0\nmodel name\t: {MODEL}\ncpu MHz\t\t: 2499.6\n\nprocessor\t: 1\ncpu MHz\t\t: 9\n")
        self.busy(0, 0)

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def busy(self, worked: int, idled: int) -> None:
        """Ticks of each of the two cores since the start; a third one is not ours."""
        core = f"{worked} 0 0 {idled} 0 0 0 0 {worked} 0"
        self.write(
            self.proc / "stat", f"cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 {core}\ncpu1 {core}\ncpu2 {99 * worked} 0 0 0 0 0 0 0 0 0\nintr 1\n"
        )

    def process(self, pid: int, resident: int, part: int | None = None) -> None:
        self.write(self.proc / str(pid) / "statm", f"999999 {resident // PAGE} 3 1 0 5 0\n")
        if part is not None:
            self.write(
                self.proc / str(pid) / "smaps_rollup", f"00400000-7ff0 ---p 00000000 00:00 0 [rollup]\nRss: 1 kB\nPss: {part // 1024} kB\n"
            )

    def sensor(self, name: str, temperature: int) -> None:
        self.write(self.system / "class/hwmon/hwmon3/name", f"{name}\n")
        self.write(self.system / "class/hwmon/hwmon3/temp1_input", f"{temperature}\n")

    def clock(self, core: int, now: int, most: int) -> None:
        folder = self.system / f"devices/system/cpu/cpu{core}/cpufreq"
        self.write(folder / "scaling_cur_freq", f"{now}\n")
        self.write(folder / "cpuinfo_max_freq", f"{most}\n")

    def group(self, path: str, **files: str) -> None:
        self.write(self.proc / "self" / "cgroup", "1:name=systemd:/else\n0::/a/b\n")
        for name, text in files.items():
            self.write(self.system / "fs" / "cgroup" / path / name.replace("_", ".", 1), text)

    def processor(self, *pids: int) -> Processor:
        return Processor(lambda: pids, self.proc, self.system, (0, 1))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_is_named_by_its_cores_and_its_model_without_the_words_that_name_nothing(machine: Machine) -> None:
    sample = machine.processor().read()
    assert (sample.name, sample.source, sample.unified) == ("CPU x2 Intel Xeon Platinum 8175M", "cpu", True)
    machine.write(machine.proc / "cpuinfo", "model name : AMD EPYC 7763 64-Core Processor\n")
    assert machine.processor().name == "CPU x2 AMD EPYC 7763"


def test_it_is_as_busy_as_the_cores_that_may_be_used_since_the_last_look(machine: Machine) -> None:
    processor = machine.processor()
    first = processor.read()
    assert (first.util, first.why["util"]) == (None, "it is counted from the next second on")
    machine.busy(75, 25)
    assert processor.read().util == 75
    machine.busy(85, 115)
    assert processor.read().util == 10


def test_waiting_for_a_disk_is_no_work(machine: Machine) -> None:
    processor = machine.processor()
    machine.write(machine.proc / "stat", "cpu0 20 0 0 30 50 0 0 0 0 0\ncpu1 0 0 20 30 50 0 0 0 0 0\n")
    assert processor.read().util == 20


def test_its_memory_is_what_nobody_else_could_have(machine: Machine) -> None:
    sample = machine.processor().read()
    assert (sample.memory_total, sample.memory_used) == (16 * GB, 4 * GB)


def test_only_the_processes_that_are_asked_for_are_listed_and_those_that_are_gone_are_not(machine: Machine) -> None:
    for pid, size in ((9_000_007, 2 * GB), (9_000_008, GB), (9_000_009, 0)):
        machine.process(pid, size)
    sample = machine.processor(9_000_008, 9_000_007, 9_000_009, 9_000_010).read()
    assert [(one.pid, one.memory) for one in sample.processes or ()] == [(9_000_007, 2 * GB), (9_000_008, GB)]


def test_pages_that_several_have_are_counted_once(machine: Machine) -> None:
    machine.process(9_000_007, 3 * GB, part=2 * GB)
    machine.process(9_000_008, 3 * GB, part=GB)
    processor = machine.processor(9_000_007, 9_000_008)
    assert [one.memory for one in processor.read().processes or ()] == [2 * GB, GB]
    machine.process(9_000_007, 5 * GB, part=4 * GB)
    assert [one.memory for one in processor.read().processes or ()] == [4 * GB, GB], "what it has taken since is its own"


def test_whose_pages_may_not_be_asked_has_them_all(machine: Machine) -> None:
    machine.process(9_000_007, 2 * GB)
    machine.process(9_000_008, GB, part=GB // 2)
    assert [one.memory for one in machine.processor(9_000_007, 9_000_008).read().processes or ()] == [2 * GB, GB // 2]


def test_of_a_tree_without_end_the_largest_are_listed(machine: Machine) -> None:
    pids = range(9_000_000, 9_000_100)
    for pid in pids:
        machine.process(pid, (pid - 8_999_999) * PAGE)
    assert [one.pid for one in machine.processor(*pids).read().processes or ()] == list(pids)[-LISTED:]


def test_a_file_that_a_process_has_mapped_is_in_use(machine: Machine) -> None:
    """A language model is read through the page cache, which the kernel calls available."""
    machine.process(9_000_007, 9 * GB)
    assert machine.processor(9_000_007).read().memory_used == 9 * GB


def test_a_container_has_its_own_limits(machine: Machine) -> None:
    machine.group("a/b", memory_max="max\n", cpu_max="max 100000\n")
    machine.group("a", memory_max=f"{8 * GB}\n", memory_current=f"{5 * GB}\n", memory_stat=f"anon 7\ninactive_file {GB}\n")
    machine.group("a", cpu_max="150000 100000\n", cpu_stat="usage_usec 1000000\nuser_usec 5\n")
    processor = machine.processor()
    assert processor.name.startswith("CPU x1.5 ")
    sample = processor.read()
    assert (sample.memory_total, sample.memory_used) == (8 * GB, 4 * GB)
    machine.group("a", cpu_stat="usage_usec 900000000\nuser_usec 5\n")
    assert processor.read().util == 100, "by its own account, though the machine idles"


def test_a_limit_above_what_the_machine_has_is_none(machine: Machine) -> None:
    machine.group("a/b", memory_max=f"{99 * GB}\n", memory_current=f"{GB}\n", memory_stat="inactive_file 0\n", cpu_max="800000 100000\n")
    processor = machine.processor()
    assert (processor.read().memory_total, processor.name.split()[1]) == (16 * GB, "x2")


def test_the_fastest_of_its_cores_stands_for_its_clock(machine: Machine) -> None:
    assert machine.processor().read().sm_mhz == 2500, "a virtual machine's, which stays as it is"
    machine.clock(0, 1_200_000, 3_500_000)
    machine.clock(1, 3_100_000, 3_500_000)
    sample = machine.processor().read()
    assert (sample.sm_mhz, sample.sm_mhz_max) == (3100, 3500)


def test_its_temperature_is_that_of_a_processor_and_of_nothing_else(machine: Machine) -> None:
    machine.sensor("nvme", 39_000)
    cold = machine.processor().read()
    assert (cold.temperature_c, cold.why["temperature_c"]) == (None, "this machine has no sensor for it")
    machine.sensor("k10temp", 61_500)
    assert machine.processor().read().temperature_c == 61


def test_what_cannot_be_read_hides_nothing_else(machine: Machine) -> None:
    machine.sensor("coretemp", 0)
    (machine.system / "class/hwmon/hwmon3/temp1_input").write_text("who knows")
    (machine.proc / "stat").unlink()
    (machine.proc / "cpuinfo").unlink()
    sample = machine.processor().read()
    assert (sample.util, sample.temperature_c, sample.sm_mhz, sample.memory_total) == (None, None, None, 16 * GB)
    assert {"util", "temperature_c", "sm_mhz", "power_w"} <= sample.why.keys()


def test_where_there_are_no_such_files_the_size_of_the_memory_is_known(tmp_path: Path) -> None:
    sample = Processor(proc=tmp_path / "proc", system=tmp_path / "sys", cores=(0,)).read()
    assert sample.memory_total and sample.name.startswith("CPU x1")
    assert sample.util is None and sample.why["util"] == "this system has no file for it"


@REAL
def test_on_this_machine_it_sees_a_process_that_works_and_what_that_has() -> None:
    burn = "import sys; kept = bytearray(200 << 20); kept[::4096] = b'x' * (200 << 8); print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-S", "-c", burn], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        try:
            processor = Processor(lambda: {busy.pid, os.getpid()})
            time.sleep(0.3)
            sample = processor.read()
        finally:
            busy.kill()
    mine = {one.pid: one for one in sample.processes or ()}
    assert mine[busy.pid].name.startswith("python") and 200 << 20 <= (mine[busy.pid].memory or 0) < 300 << 20
    assert sample.memory_total and sample.memory_used and 0 < sample.memory_used < sample.memory_total
    assert sample.util and 0 < sample.util <= 100


@REAL
def test_a_look_costs_next_to_nothing() -> None:
    processor = Processor(lambda: {os.getpid(), os.getppid()})
    processor.read()

    def fifty() -> None:
        for _ in range(50):
            processor.read()

    assert is_within(50 * 0.005, fifty), "half a per cent of a core, once a second"


def until(sampler: Sampler, count: int) -> list[Sample]:
    """So many samples of it, from its start on."""
    sampler.start()
    deadline, samples = time.monotonic() + 10, list[Sample]()
    while len(samples) < count and time.monotonic() < deadline:
        samples += sampler.drain()
        time.sleep(0.005)
    sampler.stop()
    return samples


def test_a_sampler_asks_what_it_is_told_to_ask_and_goes_on(machine: Machine) -> None:
    samples = until(Sampler(period_s=0.01, opened=lambda _: machine.processor()), 3)
    assert {sample.source for sample in samples} == {"cpu"} and len(samples) >= 3


class Failing(Processor):
    """One that works for one look."""

    looks = 0

    def read(self) -> Sample:
        self.looks += 1
        return replace(super().read(), fault="" if self.looks == 1 else "lost")


def test_what_a_sampler_was_told_to_ask_it_opens_again_in_the_same_way(machine: Machine) -> None:
    samples = until(Sampler(period_s=0.01, opened=lambda _: Failing(proc=machine.proc, system=machine.system, cores=(0,))), 4)
    assert [(sample.fault, sample.memory_total) for sample in samples[:4]] == [("", 16 * GB), ("lost", 16 * GB)] * 2
