"""What of the machine each slot has: cores that nobody else of the night computes on, a card of its own, and a class that says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_tui.engine.executors import cores
from autoresearch_tui.engine.executors.cores import dealt, parts_of_cores
from autoresearch_tui.engine.executors.devices import class_of_card, class_of_cores
from autoresearch_tui.engine.opening import caps, take_card
from autoresearch_tui.sections import Run, Sandbox, Settings
from autoresearch_tui.telemetry.sample import Card
from autoresearch_tui.workspace import WorkspaceError
from tests.engine.nights import make_checkout, state, tui

PAIRS = [(0, 4), (1, 5), (2, 6), (3, 7)]


@pytest.mark.parametrize(
    ("threads", "slots", "parts"),
    [
        (PAIRS, 2, [(0, 4, 1, 5), (2, 6, 3, 7)]),
        (PAIRS, 3, [(0, 4), (1, 5), (2, 6)]),
        ([(0,), (1,)], 2, [(0,), (1,)]),
        ([(0, 1), (2, 3)], 4, [(0,), (2,), (1,), (3,)]),
        ([(0, 1), (2, 3), (4,), (5,)], 2, [(0, 1, 4), (2, 3, 5)]),
        ([(0, 1), (2,), (3,), (4,)], 3, [(2,), (3,), (4,)]),
    ],
)
def test_whole_cores_of_each_kind_are_dealt_out_and_halves_only_where_there_are_too_few(
    threads: list[tuple[int, ...]], slots: int, parts: list[tuple[int, ...]]
) -> None:
    assert dealt(threads, slots) == parts


@pytest.fixture
def topology(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four cores of two threads each."""
    monkeypatch.setattr(cores, "SYSTEM", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    for thread in range(8):
        folder = tmp_path / f"devices/system/cpu/cpu{thread}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{thread % 4},{thread % 4 + 4}\n")
    return tmp_path


def test_the_kernel_tells_which_threads_share_a_core(topology: Path) -> None:
    assert parts_of_cores(2) == [(0, 4, 1, 5), (2, 6, 3, 7)]
    assert class_of_cores("cpu Ryzen 7 x8", 2) == "cpu Ryzen 7 x4"
    assert class_of_cores("cpu Ryzen 7 x8", 1) == "cpu Ryzen 7 x8"


def test_only_cores_that_this_process_may_use_are_dealt_out(topology: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 4, 5})
    assert parts_of_cores(2) == [(0, 4), (1, 5)]


def test_more_slots_than_cores_are_refused_with_the_number_that_there_is(topology: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        WorkspaceError, match=r"^9 slots want a core each, and there are 8 that this process may use: `--slots 8` takes all"
    ):
        parts_of_cores(9)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    with pytest.raises(WorkspaceError, match=r"^2 slots want a core each, and there is one that"):
        parts_of_cores(2)


def test_the_class_of_a_card_is_its_name_its_limit_and_its_driver() -> None:
    assert class_of_card(Card(0, "GPU-1", "NVIDIA H200", power_limit_w=700.0, driver="570.86.15")) == "NVIDIA H200 700 W, driver 570.86.15"
    assert class_of_card(Card(0, "GPU-1", "NVIDIA GB10")) == "NVIDIA GB10"


def test_slots_share_the_machine_s_memory_and_what_a_person_gives_is_each_one_s() -> None:
    whole = caps(Settings()).memory
    assert caps(Settings(run=Run(slots=3))).memory == whole // 3
    assert caps(Settings(run=Run(slots=3), sandbox=Sandbox(memory_gb=4))).memory == 4 * 2**30


def test_a_card_that_is_not_there_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(WorkspaceError, match=r"^there is no card 7 here: "):
        take_card("7,8")


@pytest.mark.slow
def test_more_slots_than_cores_begin_no_run(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    said = tui(lab, "run", "--tag", "night", "--slots", "1000", code=1)
    assert said.startswith("autoresearch-tui: 1000 slots want a core each, and there ")
    assert not list((lab / ".autoresearch").glob("*/journal.sqlite"))


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core is no two slots")
def test_a_trial_with_other_cores_than_those_before_it_is_no_part_of_their_run(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    tui(lab, "run", "--tag", "night", "--experiments", "1", "--slots", "2")
    run = state(lab)
    assert run.key["device"] == run.slots[0].device == run.slots[1].device
    said = tui(lab, "run", "--experiments", "2", "--slots", "1", code=1)
    assert "`--slots 2` gives it as many again, or begin a new run with `--tag NAME --from night`" in said
    assert state(lab).session == 1, "nothing was written down"
    tui(lab, "run", "--experiments", "2")
    assert len(state(lab).experiments) == 2, "where nobody says how many, it has as many as before"
