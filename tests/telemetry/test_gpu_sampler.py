"""A card that is watched: a thread asks, and its readers never wait."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_tui.telemetry.gpu import Sample, Sampler
from tests.cards import GB, LOST, Card, build, environment, write

pytestmark = pytest.mark.needs("gcc")

Watch = Callable[..., Sampler]
PATIENCE_S = 10.0


def until(sampler: Sampler, told: Callable[[Sample], bool]) -> Sample:
    """The first of its samples from now on that tells this."""
    sampler.drain()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for sample in sampler.drain():
            if told(sample):
                return sample
        time.sleep(0.005)
    raise AssertionError(f"it never did; the last was {sampler.latest()}")


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def uses(amount: int) -> Callable[[Sample], bool]:
    return lambda sample: sample.memory_used == amount


def test_it_tells_what_changes_while_it_is_watched(scene: Path, watch: Watch) -> None:
    write(scene, Card(used=GB))
    sampler = watch()
    first = until(sampler, uses(GB))
    write(scene, Card(used=2 * GB))
    second = until(sampler, uses(2 * GB))
    assert second.at > first.at
    latest = sampler.latest()
    assert latest is not None and latest.memory_used == 2 * GB


def test_each_sample_is_fetched_once(scene: Path, watch: Watch) -> None:
    write(scene, Card())
    sampler = watch()
    until(sampler, uses(GB // 2))
    until(sampler, uses(GB // 2))
    sampler.stop()
    moments = [sample.at for sample in sampler.drain()]
    assert moments == sorted(set(moments)) and sampler.drain() == []
    assert sampler.latest() is not None


def test_before_its_first_answer_there_is_none(scene: Path) -> None:
    assert (Sampler().latest(), Sampler().drain(), Sampler().age_s()) == (None, [], 0.0)


def test_the_driver_is_opened_once(scene: Path, watch: Watch) -> None:
    write(scene, Card())
    sampler = watch()
    until(sampler, uses(GB // 2))
    write(scene, Card(used=GB), init=999)
    assert not until(sampler, uses(GB)).fault, "nobody opened it again, or it would have been refused"


def test_a_driver_that_hangs_grows_stale_and_nobody_waits_for_it(scene: Path, watch: Watch) -> None:
    write(scene, Card())
    sampler = watch()
    until(sampler, uses(GB // 2))
    eventually(lambda: sampler.age_s() < 0.2)
    write(scene, Card(used=GB, blocks={"nvmlDeviceGetUtilizationRates": 0.9}))
    slowest = 0.0

    def is_stale() -> bool:
        nonlocal slowest
        began = time.monotonic()
        sampler.latest()
        sampler.drain()
        slowest = max(slowest, time.monotonic() - began)
        return sampler.age_s() > 0.5

    eventually(is_stale)
    assert slowest < 0.5
    write(scene, Card(used=2 * GB))
    until(sampler, uses(2 * GB))
    eventually(lambda: sampler.age_s() < 0.2)


def test_who_ends_it_does_not_wait_for_a_driver_that_hangs(scene: Path, watch: Watch) -> None:
    write(scene, Card(blocks={"nvmlDeviceGetMemoryInfo": 4.0}))
    sampler = watch()
    eventually(lambda: sampler.age_s() > 0.1)
    assert sampler.latest() is None, "its very first question hangs"
    began = time.monotonic()
    sampler.stop()
    assert time.monotonic() - began < 3.0


@pytest.mark.parametrize("functions", [["nvmlDeviceGetMemoryInfo"], ["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetHandleByIndex_v2"]])
def test_a_card_that_is_lost_is_tried_again_until_it_is_back(scene: Path, watch: Watch, functions: list[str]) -> None:
    write(scene, Card())
    sampler = watch()
    until(sampler, uses(GB // 2))
    write(scene, Card(answers=dict.fromkeys(functions, LOST)))
    lost = until(sampler, lambda sample: sample.fault == "lost")
    assert (lost.name, lost.uuid[:12], lost.memory_used) == ("NVIDIA GeForce RTX 4090", "GPU-11111111", None)
    assert lost.said.startswith("The card does not answer any more (lost)")
    write(scene, Card(used=GB))
    assert not until(sampler, uses(GB)).fault


def test_a_card_that_fails_is_asked_ever_more_rarely(scene: Path, watch: Watch) -> None:
    write(scene, Card(), init=999)
    sampler = watch()
    samples: list[Sample] = []

    def has_tried() -> bool:
        samples.extend(sampler.drain())
        return len(samples) >= 6

    eventually(has_tried)
    moments = [sample.at for sample in samples]
    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert all(pause > 0.9 * 0.02 * 2**place for place, pause in enumerate(pauses)), pauses


def test_a_driver_that_is_unloaded_under_it_is_gone_and_comes_back(scene: Path, watch: Watch) -> None:
    write(scene, Card())
    sampler = watch()
    until(sampler, uses(GB // 2))
    scene.unlink()
    assert until(sampler, lambda sample: sample.fault == "gone").said
    write(scene, Card(used=GB))
    assert not until(sampler, uses(GB)).fault


def test_it_stays_with_its_card_when_they_are_numbered_anew(scene: Path, watch: Watch) -> None:
    write(scene, Card("GPU-mine"), Card("GPU-other"))
    sampler = watch()
    until(sampler, lambda sample: sample.uuid == "GPU-mine")
    scene.unlink()
    until(sampler, lambda sample: sample.fault == "gone")
    write(scene, Card("GPU-other"), Card("GPU-mine", used=GB))
    assert until(sampler, lambda sample: not sample.fault).uuid == "GPU-mine"
    write(scene, Card("GPU-other", used=2 * GB))
    gone = until(sampler, lambda sample: sample.fault == "gone")
    assert gone.uuid == "GPU-mine", "and no other takes its place"


def test_on_a_machine_without_a_card_it_says_so_and_ends(scene: Path, watch: Watch) -> None:
    scene.unlink()
    sampler = watch()
    only = until(sampler, lambda sample: True) if sampler.latest() is None else sampler.latest()
    assert only is not None and not only.fault
    assert only.said == "No GPU telemetry. The NVIDIA driver is installed, but not loaded. No AMD card is here."
    sampler.stop()
    assert sampler.age_s() == 0.0, "nothing grows old"


EXCHANGE = """
import sys, time
from autoresearch_tui.telemetry.gpu import Sampler
sampler = Sampler(period_s=0.02)
sampler.start()
words = iter(sys.stdin)
for fault in ("", "mismatch", ""):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not ((sample := sampler.latest()) and sample.fault == fault):
        time.sleep(0.01)
    print(repr(sample.fault), sample.said, flush=True)
    next(words, "")
"""


def test_a_driver_that_was_updated_under_a_run_is_found_by_its_new_library(tmp_path: Path) -> None:
    scenario, library = tmp_path / "scenario", build(tmp_path / "driver", 2)
    write(scenario, Card())
    seen = os.environ | environment(scenario, library)
    with subprocess.Popen([sys.executable, "-c", EXCHANGE], env=seen, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdin is not None and watcher.stdout is not None
        assert watcher.stdout.readline() == "'' \n"
        write(scenario, Card(), library=3)
        watcher.stdin.write("\n")
        watcher.stdin.flush()
        assert watcher.stdout.readline().startswith("'mismatch' The NVIDIA driver was updated while it was in use")
        build(tmp_path / "driver", 3)
        watcher.stdin.write("\n")
        watcher.stdin.flush()
        assert watcher.stdout.readline() == "'' \n"
