"""What two sets of numbers say: keep, discard, or measure once more."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autoresearch_tui.engine.rule import Case, Ruling, rule
from autoresearch_tui.journal.experiment import mean

SIGMA = 0.001
NUMBERS = st.floats(-10, 10, allow_nan=False)
SETS = st.lists(NUMBERS, min_size=1, max_size=4)


def case(*gains: float, trunk: int = 1, sigma: float = SIGMA, **more: object) -> Case:
    """A change that was this much better in each of its trials, in sigmas."""
    numbers = [1.0 - gain * (sigma or SIGMA) for gain in gains]
    return replace(Case(numbers, [1.0] * trunk, sigma, best=1.0), **more)


@pytest.mark.parametrize(
    ("ruled", "keep", "again"),
    [
        (case(3.1), True, False),
        (case(2.9), True, True),
        (case(0.3), True, True),
        (case(0.2), False, False),
        (case(-0.1), False, False),
        (case(-5), False, False),
        (case(2.0, 0.5), True, False),
        (case(2.0, -2.5), False, False),
        (case(0.2, loud=True), True, True),
        (case(2.5, 1.0, loud=True), True, True),
        (case(2.5, 2.0, loud=True), True, False),
        (case(1.5, 0.5, 0.4, loud=True), True, True),
        (case(1.5, 1.0, 1.0, loud=True), True, False),
        (case(0.5, 0.5, 0.5, 0.1, loud=True), True, False),
        (case(0.5, 0.5, 0.5, -2.0, loud=True), False, False),
    ],
)
def test_a_second_look_is_for_what_looks_better_and_may_be_luck(ruled: Case, keep: bool, again: bool) -> None:
    ruling = rule(ruled)
    assert (ruling.keep, ruling.again) == (keep, again)


def test_where_the_noise_is_loud_nothing_is_looked_at_five_times() -> None:
    assert not any(rule(case(*[gain] * 4, loud=True)).again for gain in (-1, 0.01, 0.5, 0.9, 2.9))


@pytest.mark.parametrize(("memory_gb", "keep"), [(1.25, True), (1.26, False)])
def test_a_small_gain_is_not_worth_a_quarter_more_memory(memory_gb: float, keep: bool) -> None:
    small = case(1.5, 1.5, memory_gb=memory_gb, trunk_gb=1.0)
    assert rule(small).keep == keep
    assert rule(replace(small, numbers=[1.0 - 2.1 * SIGMA] * 2)).keep


@pytest.mark.parametrize(("added", "keep"), [(40, True), (41, False)])
def test_nor_forty_nodes_of_code(added: int, keep: bool) -> None:
    ruling = rule(case(1.5, 1.5, added=added))
    assert ruling.keep == keep
    assert keep or ruling.reason == "better by 0.001500, which is not worth 41 more nodes of code"


@pytest.mark.parametrize(
    ("ruled", "keep", "again"),
    [
        (case(-0.5, added=-10), True, True),
        (case(-0.5, -0.5, added=-10), True, False),
        (case(-0.5, -0.5, added=-9), False, False),
        (case(-1.1, added=-10), False, False),
        (case(-0.5, -0.5, added=-10, best=1.0 - 0.6 * SIGMA), False, False),
        (case(-0.5, -0.5, added=-10, memory_gb=2.0, trunk_gb=1.0), False, False),
    ],
)
def test_less_code_for_the_same_number_is_kept_after_two_looks(ruled: Case, keep: bool, again: bool) -> None:
    ruling = rule(ruled)
    assert (ruling.keep, ruling.again) == (keep, again)


def test_the_reason_of_a_simplification_says_what_it_cost() -> None:
    assert rule(case(-0.5, -0.5, added=-12)) == Ruling(True, "simpler: 12 nodes less, worse by 0.000500")


@pytest.mark.parametrize(("gain", "keep"), [(1e-9, True), (0.0, False), (-1e-9, False)])
def test_of_a_deterministic_training_the_smallest_difference_counts_and_once_is_enough(gain: float, keep: bool) -> None:
    ruling = rule(Case([1.0 - gain], [1.0, 1.0, 1.0], 0.0, best=1.0))
    assert (ruling.keep, ruling.again) == (keep, False)


@given(SETS, SETS, st.floats(0, 1), st.booleans(), st.integers(-50, 50))
def test_the_order_in_which_numbers_arrive_decides_nothing(
    numbers: list[float], trunk: list[float], sigma: float, loud: bool, added: int
) -> None:
    ruling = rule(Case(numbers, trunk, sigma, -1.0, loud, added))
    for some in itertools.permutations(numbers):
        assert rule(Case(some, trunk[::-1], sigma, -1.0, loud, added)) == ruling


@given(SETS, SETS, st.floats(0, 1), st.floats(-5, 5))
def test_a_rule_knows_no_zero_point(numbers: list[float], trunk: list[float], sigma: float, shift: float) -> None:
    """Everything moved by the same amount gives the same verdict, but for what lies on the edge."""
    gain = mean(trunk) - mean(numbers)
    edges = [0.0, *(share * sigma for share in (0.25, 1, 2, 3))]
    if any(math.isclose(gain, edge, abs_tol=1e-9) for edge in edges):
        return
    moved = Case([one + shift for one in numbers], [one + shift for one in trunk], sigma, 0.0)
    assert rule(Case(numbers, trunk, sigma, 0.0)).keep == rule(moved).keep


@given(st.lists(st.tuples(st.lists(st.floats(-3, 3), min_size=1, max_size=2), st.integers(-30, 0)), max_size=60))
def test_simplifications_never_take_the_trunk_further_than_a_sigma_from_its_best(ideas: list[tuple[list[float], int]]) -> None:
    trunk, best = [1.0], 1.0
    for gains, added in ideas:
        numbers = [mean(trunk) - gain * SIGMA for gain in gains]
        ruling = rule(Case(numbers, trunk, SIGMA, best, added=added))
        if ruling.keep and not ruling.again:
            trunk, best = numbers, min(best, mean(numbers))
            assert mean(trunk) <= best + SIGMA * (1 + 1e-9)
