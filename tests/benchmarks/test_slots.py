"""Several slots are worth as many nights, and the engine costs a late experiment no more than an early one: measured, and printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.slots import COUNTS, MANY, cost, git_ms, speeds


@pytest.mark.slow
def test_trainings_an_hour_grow_with_the_slots(tmp_path: Path) -> None:
    found = list(speeds(tmp_path))
    print(*(f"\n{one.slots} slots: {one.an_hour:.0f} trainings an hour, {one.between_s:.2f} s between two trainings" for one in found))
    assert [one.slots for one in found] == list(COUNTS)
    cores = os.cpu_count() or 1
    for one in found:
        if one.slots <= 2 * cores:  # beyond, the starts of so many trainings a second use the cores up: it is printed, and not held
            assert one.an_hour >= 0.9 * one.slots * found[0].an_hour


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 8, 64])
def test_an_experiment_costs_the_engine_little_more_after_ten_thousand(tmp_path: Path, slots: int) -> None:
    spent = cost(tmp_path, slots)
    print(f"\n{slots} slots: {spent.first_ms:.1f} ms of a processor for an experiment at first, {spent.last_ms:.1f} ms after {MANY:,}")
    assert spent.last_ms < 4 * spent.first_ms, "what grows with every experiment would take ten times as long"


@pytest.mark.slow
def test_git_takes_as_long_beside_ten_thousand_experiments(tmp_path: Path) -> None:
    fresh, full = git_ms(tmp_path)
    print(f"\ngit: {fresh:.0f} ms for an experiment in a fresh repository, {full:.0f} ms beside {MANY:,}")
    assert full < 2 * fresh
