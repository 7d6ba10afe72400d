"""Whose the card's memory is, and by what it is known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.telemetry.gpu import Process, Sample
from autoresearch_tui.telemetry.owners import Owned, owned, strangers
from tests.cards.night import TABLE, read_night

GB = 10**9
LLM, TRAINING, LOADER, DESKTOP, STRANGER = 100, 200, 201, 300, 400
NAMES = {LLM: "ollama", TRAINING: "python", LOADER: "python", DESKTOP: "Xorg", STRANGER: "blender"}


def on_card(*parts: tuple[int, float | None], total: int = 24, used: float = 0, **rest: object) -> Sample:
    """Memory in gigabytes; what the driver keeps for itself comes on top, unless it is said what is used."""
    processes = tuple(Process(pid, None if part is None else int(part * GB), NAMES.get(pid, "")) for pid, part in parts)
    took = used or sum(part or 0 for _, part in parts) + 0.5
    sample = Sample(1.0, memory_total=total * GB, memory_used=int(took * GB), processes=processes, source="nvml")
    return Sample(**{**{name: getattr(sample, name) for name in Sample.__struct_fields__}, **rest})


def gigabytes(found: Owned) -> tuple[float | None, ...]:
    return tuple(None if part is None else round(part / GB, 3) for part in (found.llm, found.training, found.others, found.free))


# By process


@pytest.mark.parametrize(("total", "free"), [(24, 3.5), (48, 27.5)])
def test_each_process_belongs_to_the_one_whose_tree_it_is_in(total: int, free: float) -> None:
    sample = on_card((LLM, 9), (TRAINING, 9), (LOADER, 1), (DESKTOP, 1), total=total)
    found = owned(sample, {TRAINING, LOADER, 202}, {LLM}, llm_said=8 * GB, before=10 * GB, residents={DESKTOP})
    assert gigabytes(found) == (9, 10, 1.5, free), "others are the desktop, and what the driver keeps"
    assert found.source == "nvml per process"


def test_who_was_only_just_launched_has_nothing_yet() -> None:
    found = owned(on_card((LLM, 9), (DESKTOP, 1)), {TRAINING}, {LLM}, before=5 * GB)
    assert gigabytes(found)[:2] == (9, 0) and found.source == "nvml per process"


def test_nobody_of_ours_has_nothing() -> None:
    assert gigabytes(owned(on_card((DESKTOP, 1)), set(), set())) == (0, 0, 1.5, 22.5)


def test_an_llm_that_runs_under_an_unknown_number_is_known_by_its_server() -> None:
    found = owned(on_card((STRANGER, 9), (TRAINING, 10)), {TRAINING}, {LLM}, llm_said=9 * GB)
    assert gigabytes(found) == (9, 10, 0.5, 4.5) and found.source == "LLM /api/ps, training nvml per process"


def test_a_server_that_holds_nothing_is_no_source() -> None:
    assert owned(on_card((TRAINING, 10)), {TRAINING}, {LLM}, llm_said=0).source == "nvml per process"


# By what is said


def test_where_the_driver_tells_no_process_the_llm_is_what_its_server_says_and_the_training_what_came() -> None:
    sample = on_card((TRAINING, None), (LLM, None), used=20)
    found = owned(sample, {TRAINING}, {LLM}, llm_said=9 * GB, before=10 * GB)
    assert gigabytes(found) == (9, 10, 1, 4) and found.source == "LLM /api/ps, training difference (no memory per process)"


@pytest.mark.parametrize("others", [(), ((7002, 1.0),)])
def test_in_a_container_whose_pids_do_not_match_nothing_is_read_from_them(others: tuple[tuple[int, float], ...]) -> None:
    sample = on_card((7000, 9), (7001, 10), *others, used=20)
    found = owned(sample, {TRAINING}, {LLM}, llm_said=9 * GB, before=9 * GB)
    assert gigabytes(found) == (9, 11, 0, 4) and found.source == "LLM /api/ps, training difference (pids of a container)"
    assert strangers(sample, {TRAINING, LLM}, set()) == (), "and nobody is called a stranger who may be our own training"


def test_a_newer_driver_that_tells_a_container_its_own_pids_and_no_memory() -> None:
    found = owned(on_card((TRAINING, 0), used=12), {TRAINING}, set(), before=GB)
    assert gigabytes(found) == (0, 11, 1, 12) and found.source == "difference (no memory per process)"


# By difference, and a total


def test_a_training_that_says_nothing_is_what_came_since_its_launch() -> None:
    sample = Sample(1.0, memory_total=24 * GB, memory_used=21 * GB, source="amd sysfs")
    found = owned(sample, {TRAINING}, set(), before=3 * GB)
    assert gigabytes(found) == (0, 18, 3, 3) and found.source == "difference"


def test_where_nothing_is_known_there_is_a_total() -> None:
    found = owned(Sample(1.0, memory_total=24 * GB, memory_used=21 * GB), {TRAINING}, {LLM})
    assert gigabytes(found) == (None, None, None, 3) and found.source == "total only"
    assert gigabytes(owned(Sample(1.0, processes=()), {TRAINING}, {LLM})) == (0, 0, None, None)


def test_of_a_slice_there_is_a_total() -> None:
    found = owned(on_card((LLM, 9), (TRAINING, 10), mig=True), {TRAINING}, {LLM}, llm_said=9 * GB)
    assert gigabytes(found) == (None, None, None, 4.5) and found.source == "total only (a MIG slice)"


def test_of_unified_memory_the_label_says_so() -> None:
    found = owned(on_card((LLM, 9), (TRAINING, 10), total=128, used=40, unified=True), {TRAINING}, {LLM})
    assert gigabytes(found) == (9, 10, 21, 88) and found.source == "nvml per process, unified memory"


# Strangers


def test_a_stranger_is_not_ours_and_was_not_there_at_the_start() -> None:
    sample = on_card((LLM, 9), (TRAINING, 10), (DESKTOP, 1), (STRANGER, 2))
    assert [one.name for one in strangers(sample, {LLM, TRAINING}, {DESKTOP})] == ["blender"]
    assert strangers(sample, {LLM, TRAINING}, {DESKTOP, STRANGER}) == ()


def test_a_stranger_that_cannot_be_seen_is_one_where_our_own_are_listed() -> None:
    assert [one.pid for one in strangers(on_card((TRAINING, 10), (9000, 2)), {TRAINING}, set())] == [9000]


def test_while_nobody_of_ours_is_about_whoever_comes_is_a_stranger() -> None:
    assert [one.pid for one in strangers(on_card((9000, 2)), set(), {DESKTOP})] == [9000]


def test_where_no_process_is_told_nobody_is_a_stranger() -> None:
    assert strangers(Sample(1.0), {TRAINING}, set()) == ()


amounts = st.one_of(st.none(), st.integers(0, 24 * GB))
pids = st.frozensets(st.sampled_from([LLM, TRAINING, LOADER]))
told = st.tuples(st.sampled_from([*NAMES, 9000]), st.one_of(st.none(), st.integers(0, 12)))


@given(st.lists(told, max_size=6), st.integers(1, 24), st.tuples(amounts, amounts), pids, pids)
def test_whatever_is_told_no_part_is_negative_and_the_source_is_named(
    processes: list[tuple[int, float | None]],
    used: int,
    known: tuple[int | None, int | None],
    ours: frozenset[int],
    models: frozenset[int],
) -> None:
    llm, before = known
    found = owned(on_card(*processes, used=used), ours, models - ours, llm_said=llm, before=before)
    assert found.source
    assert all(part is None or part >= 0 for part in (found.llm, found.training, found.others))
    if found.llm is not None and found.training is not None:
        assert found.others == max(0, used * GB - found.llm - found.training)


# The made night


def test_an_hour_of_a_night_has_its_owners_and_its_heat() -> None:
    assert "not measured" in TABLE.read_text().partition("\n")[0]
    night = read_night()
    assert len(night) == 360 and all(after.at - before.at == 10 for before, after in itertools.pairwise(night))
    trainings = {one.pid for sample in night for one in sample.processes or () if one.name == "python"}
    models = {one.pid for sample in night for one in sample.processes or () if one.name == "ollama"}
    parts = [owned(sample, trainings, models) for sample in night]
    assert len(trainings) == 11 and {found.source for found in parts} == {"nvml per process"}
    assert {found.llm for found in parts} == {6_400_000_000} and max(found.training or 0 for found in parts) == 11_200_000_000
    assert all((found.llm or 0) + (found.training or 0) + (found.others or 0) + (found.free or 0) == 24 * GB for found in parts)
    hot = [sample for sample in night if "heat" in sample.throttle]
    assert 10 <= len(hot) <= 18 and {sample.sm_mhz for sample in hot} == {1890}
