"""What a card says of itself at one glance, told by a library that stands in for its driver."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pynvml
import pytest
from msgspec.structs import replace

from autoresearch_tui.telemetry.gpu import Card as Named
from autoresearch_tui.telemetry.gpu import Process, Sample, cards, free_memory, look
from autoresearch_tui.telemetry.nvml import NvidiaCard
from tests.cards import GB, LOST, MISMATCH, NO_PERMISSION, NOT_SUPPORTED, RESET, UNKNOWN, Card, OnCard, write
from tests.pace import best_of

pytestmark = pytest.mark.needs("gcc")

OURS = os.getpid()
UNSEEN = 2**22 + 1  # beyond the kernel's largest pid
BUSY = Card(util=98, power=431_500, temperature=71, clock=2520, energy=7_200_000, reasons=0x4 | 0x20 | 0x40)
FIELDS = {
    "nvmlDeviceGetUtilizationRates": "util",
    "nvmlDeviceGetPowerUsage": "power_w",
    "nvmlDeviceGetEnforcedPowerLimit": "power_limit_w",
    "nvmlDeviceGetTemperature": "temperature_c",
    "nvmlDeviceGetClockInfo": "sm_mhz",
    "nvmlDeviceGetMaxClockInfo": "sm_mhz_max",
    "nvmlDeviceGetTotalEnergyConsumption": "energy_j",
    "nvmlDeviceGetCurrentClocksEventReasons": "throttle",
    "nvmlDeviceGetComputeRunningProcesses_v3": "processes",
}


def seen(which: str = "") -> Sample:
    sample = look(which)
    assert sample is not None
    return sample


@pytest.mark.parametrize("gigabytes", [24, 48])
def test_a_busy_card_tells_all(scene: Path, gigabytes: int) -> None:
    write(scene, replace(BUSY, total=gigabytes * GB, used=20 * GB, processes=(OnCard(OURS, 19 * GB), OnCard(UNSEEN, GB))))
    before = time.time()
    sample = seen()
    assert before <= sample.at <= time.time()
    assert (sample.name, sample.uuid, sample.source) == ("NVIDIA GeForce RTX 4090", "GPU-11111111-0000-0000-0000-000000000000", "nvml")
    assert (sample.memory_total, sample.memory_used, sample.util) == (gigabytes * GB, 20 * GB, 98)
    assert (sample.power_w, sample.power_limit_w, sample.energy_j, sample.temperature_c) == (431.5, 450.0, 7200.0, 71)
    assert (sample.sm_mhz, sample.sm_mhz_max, sample.throttle) == (2520, 3105, ("heat", "power"))
    ours, unseen = sample.processes or ()
    assert (ours.pid, ours.memory, ours.name, bool(ours.user)) == (OURS, 19 * GB, Path("/proc/self/comm").read_text().strip(), True)
    assert unseen == Process(UNSEEN, GB), "who cannot be seen from here has a number, and no name"
    assert (sample.fault, sample.said, sample.why, sample.unified, sample.mig) == ("", "", {}, False, False)


@pytest.mark.parametrize("function", FIELDS)
def test_one_field_that_fails_hides_no_other(scene: Path, function: str) -> None:
    card = Card(processes=(OnCard(OURS, GB),))
    write(scene, card)
    whole = seen()
    reasons = {
        NOT_SUPPORTED: "this card does not tell it",
        NO_PERMISSION: "this user may not ask for it",
        UNKNOWN: "the driver says: Unknown Error",
        77: "the driver says: an error that the scenario asks for",
    }
    for code, reason in reasons.items():
        write(scene, card, answers={function: code})
        sample = seen()
        assert sample.why == {FIELDS[function]: reason} and not sample.fault
        changed = {field for field in Sample.__struct_fields__ if getattr(sample, field) != getattr(whole, field)}
        assert changed == {"at", "why", FIELDS[function]} and not getattr(sample, FIELDS[function])


@pytest.mark.parametrize("scene", [3, 2, 1], indirect=True)
def test_old_drivers_list_the_same_processes(scene: Path) -> None:
    write(scene, Card(processes=(OnCard(UNSEEN, 5 * GB), OnCard(UNSEEN + 1), OnCard(UNSEEN + 2, GB // 2, draws=True))))
    assert seen().processes == (Process(UNSEEN, 5 * GB), Process(UNSEEN + 1, None), Process(UNSEEN + 2, GB // 2))
    write(scene, Card())
    assert seen().processes == ()
    assert seen().throttle == ("idle",)


@pytest.mark.parametrize("scene", [3, 2], indirect=True)
def test_the_newest_list_that_a_driver_knows_is_asked_for(scene: Path) -> None:
    older = {f"nvmlDeviceGet{kind}RunningProcesses": NOT_SUPPORTED for kind in ("Compute", "Graphics")}
    write(scene, Card(processes=(OnCard(UNSEEN, 5 * GB),)), answers=older)
    assert seen().processes == (Process(UNSEEN, 5 * GB),)


def test_who_computes_and_draws_is_one_process(scene: Path) -> None:
    write(scene, Card(processes=(OnCard(UNSEEN, GB), OnCard(UNSEEN, GB, draws=True), OnCard(UNSEEN + 1), OnCard(UNSEEN + 1, draws=True))))
    assert seen().processes == (Process(UNSEEN, GB), Process(UNSEEN + 1, None))


def test_those_that_compute_are_told_though_those_that_draw_are_not(scene: Path) -> None:
    write(scene, Card(processes=(OnCard(UNSEEN, GB),)), answers={"nvmlDeviceGetGraphicsRunningProcesses_v3": NOT_SUPPORTED})
    sample = seen()
    assert sample.processes == (Process(UNSEEN, GB),)
    assert sample.why == {"processes": "without those that draw: this card does not tell it"}


def test_a_card_without_memory_of_its_own_has_the_system_s(scene: Path) -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for told in (None, 0):
        write(scene, Card(name="NVIDIA GB10", total=told, used=0, processes=(OnCard(OURS, GB),)))
        sample = seen()
        assert sample.unified and sample.memory_total == total and 0 < (sample.memory_used or 0) < total
        assert sample.processes and sample.processes[0].memory == GB
        assert 0 < (free_memory() or 0) < total


def test_a_slice_is_a_card_with_a_memory_of_its_own(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Card(uuid, "NVIDIA H100 MIG 3g.40gb", 40 * GB, GB, util=None) for uuid in ("MIG-aaaa", "MIG-bbbb"))
    big = replace(BUSY, uuid="GPU-big", name="NVIDIA H100", total=80 * GB, used=9 * GB, util=None, slices=(first, second))
    write(scene, big, Card("GPU-whole"))
    sample = seen()
    assert (sample.uuid, sample.mig, sample.memory_total, sample.memory_used) == ("MIG-aaaa", True, 40 * GB, GB)
    assert sample.why == {"util": "this card does not tell it"}
    assert (sample.power_w, sample.temperature_c) == (431.5, 71)
    assert sample.said == "A slice of a card: its power, temperature and clocks are those of the whole card."
    listed = [(card.index, card.uuid, card.mig) for card in cards()]
    assert listed == [(0, "MIG-aaaa", True), (0, "MIG-bbbb", True), (1, "GPU-whole", False)]
    assert [card.power_limit_w for card in cards()] == [450.0] * 3, "a slice's is the whole card's"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-bbbb")
    assert seen().uuid == "MIG-bbbb" and [card.uuid for card in cards()] == ["MIG-bbbb"]


CARDS = (Card("GPU-8f3a", used=14 * GB), Card("GPU-11c0", "NVIDIA RTX A6000", used=4 * GB, total=48 * GB))


@pytest.mark.parametrize(
    ("visible", "free"), [(None, 10), ("0", 10), ("1,0", 44), ("GPU-11c0", 44), ("GPU-1", 44), ("GPU-8f3a,GPU-11c0", 10)]
)
def test_the_first_card_that_may_be_seen_answers(scene: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, free: int) -> None:
    write(scene, *CARDS)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert free_memory() == free * GB


@pytest.mark.parametrize(("which", "name"), [("1", "NVIDIA RTX A6000"), ("GPU-11c0", "NVIDIA RTX A6000"), ("0", "NVIDIA GeForce RTX 4090")])
def test_a_card_that_is_named_answers_whatever_is_visible(scene: Path, monkeypatch: pytest.MonkeyPatch, which: str, name: str) -> None:
    write(scene, *CARDS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert seen(which).name == name


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_where_every_card_is_hidden_there_is_none(scene: Path, monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    write(scene, *CARDS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert (look(), cards(), free_memory()) == (None, [], None)


def test_the_cards_are_listed_as_they_may_be_seen(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(scene, *CARDS, driver="570.86.15")
    first = Named(0, "GPU-8f3a", "NVIDIA GeForce RTX 4090", power_limit_w=450.0, driver="570.86.15")
    second = Named(1, "GPU-11c0", "NVIDIA RTX A6000", power_limit_w=450.0, driver="570.86.15")
    assert cards() == [first, second]
    for visible, shown in {"1,0": [second, first], "1,7,0": [second], "GPU-8": [first]}.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert cards() == shown


def test_a_card_without_a_limit_or_a_driver_without_a_version_is_listed_all_the_same(scene: Path) -> None:
    write(scene, Card("GPU-8f3a", limit=None))
    assert cards() == [Named(0, "GPU-8f3a", "NVIDIA GeForce RTX 4090")]


def test_a_name_that_no_card_has_is_answered_with_those_that_are_there(scene: Path) -> None:
    write(scene, *CARDS)
    sample = seen("7")
    assert sample.fault == "gone"
    assert sample.said == "There is no GPU 7 here: name one of 0 (NVIDIA GeForce RTX 4090, GPU-8f3a), 1 (NVIDIA RTX A6000, GPU-11c0)."


@pytest.mark.parametrize(
    ("code", "fault", "way"),
    [
        (LOST, "lost", "restart the machine"),
        (RESET, "reset", "nvidia-smi --gpu-reset"),
        (MISMATCH, "mismatch", "restart"),
        (UNKNOWN, "unknown", "dmesg"),
    ],
)
def test_a_card_that_cannot_be_used_says_so_and_what_to_do(scene: Path, code: int, fault: str, way: str) -> None:
    for function in ("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetHandleByIndex_v2"):
        write(scene, Card(answers={function: code}), Card("GPU-other"))
        sample = seen()
        assert (sample.fault, sample.memory_used, free_memory()) == (fault, None, None), function
        assert way in sample.said
    assert seen("1").uuid == "GPU-other", "its neighbour is as well as ever"
    assert seen("7").said == "There is no GPU 7 here: name one of 1 (NVIDIA GeForce RTX 4090, GPU-other)."


def test_a_card_that_is_lost_says_so_whatever_it_is_asked(scene: Path) -> None:
    write(scene, Card(answers={"nvmlDeviceGetPowerUsage": LOST}))
    assert (seen().fault, seen().name) == ("lost", "NVIDIA GeForce RTX 4090")


@pytest.mark.parametrize(
    ("code", "fault", "words"),
    [
        (MISMATCH, "mismatch", "updated while it was in use"),
        (NO_PERMISSION, "unknown", "This user may not use the card"),
        (UNKNOWN, "unknown", "does not say why"),
    ],
)
def test_a_driver_that_does_not_open_says_why(scene: Path, code: int, fault: str, words: str) -> None:
    write(scene, Card(), init=code)
    assert seen().fault == fault and words in seen().said
    assert cards() == []


def test_a_library_of_another_version_than_the_driver_is_a_mismatch(scene: Path) -> None:
    write(scene, Card(), library=2)
    assert seen().fault == "mismatch"
    write(scene, Card())
    assert not seen().fault, "and when it fits again, it is found"


def test_a_glance_leaves_the_driver_closed_as_it_found_it(scene: Path) -> None:
    write(scene, Card(), Card(answers={"nvmlDeviceGetMemoryInfo": LOST}))
    assert [seen().fault, seen("1").fault, seen("7").fault, len(cards())] == ["", "lost", "gone", 2]
    with pytest.raises(pynvml.NVMLError_Uninitialized):
        pynvml.nvmlDeviceGetCount()


def test_a_driver_without_a_card_and_none_at_all_are_no_card(scene: Path) -> None:
    assert (look(), cards(), free_memory()) == (None, [], None)
    scene.unlink()
    assert (look(), cards(), free_memory()) == (None, [], None)


def test_without_its_library_there_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_text("no library")
    command = "from autoresearch_tui.telemetry.gpu import cards, look; print(look(), cards())"
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    asked = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True)
    assert asked.stdout == "None []\n", asked.stderr


def test_any_command_sees_the_cards_of_a_scenario(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario"
    write(scenario, Card(used=GB, whose={str(tmp_path): 5 * GB}))
    command = (
        "import os; from autoresearch_tui.telemetry.gpu import look; print(look().processes[0].pid == os.getpid(), look().memory_used)"
    )
    beside = [sys.executable, "-m", "tests.cards", "--scenario", str(scenario), "--", sys.executable, "-c", command, str(tmp_path)]
    seen = subprocess.run(beside, capture_output=True, text=True)
    assert seen.stdout == "True 6000000000\n", seen.stderr


def test_a_sample_a_second_costs_less_than_a_hundredth_of_a_core(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(scene, replace(BUSY, processes=(OnCard(OURS, GB), OnCard(os.getppid(), GB))))
    card = NvidiaCard()

    def hundred() -> None:
        for _ in range(100):
            card.read()

    with capsys.disabled():
        assert best_of("a hundred samples of the card (the driver's own part aside)", 1.0, hundred) < 1.0
    card.close()
