"""How far equal trainings differ, what a difference is worth beside that, and Student's distribution as the tables have it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.noise import Noise, beyond, edge, gain, gain_of, noise_of
from autoresearch_tui.journal.state import Run
from tests.journal.runs import numbered


def run_of(*codes: Sequence[float], sigma: float | None = 0.01, goal: str = "lower", tainted: Sequence[tuple[int, int]] = ()) -> Run:
    """A run whose experiments, each made from the one before and kept, had these numbers."""
    facts: list[e.Event] = [e.RunStarted("nov20", "c0", sigma=sigma, goal=goal)]
    for number, values in enumerate(codes):
        facts += [e.Proposed(number, parent=number - 1 if number else None), e.Committed(number, f"c{number}")]
        for trial, value in enumerate(values, 1):
            facts += [e.Launched(number, trial, 42, 1, 1, "boot"), e.Ended(number, trial, "finished"), e.Measured(number, trial, value)]
        facts += [e.Judged(number, "keep", "", number), e.Applied(number)]
    return fold(numbered([*facts, *(e.Tainted(number, trial, "slow") for number, trial in tainted)]))


def test_until_one_code_was_trained_three_times_the_noise_is_the_profiles_guess() -> None:
    noise = noise_of(run_of([1.0, 1.2], [0.9, 0.8], [0.7]))
    assert (noise.sigma, noise.assumed, noise.deterministic) == (0.01, True, False)


def test_from_then_on_it_is_pooled_over_every_code_and_the_guess_is_worth_two_more() -> None:
    noise = noise_of(run_of([1.0, 1.1, 1.2], [0.8, 0.9], sigma=0.05))
    assert noise.sigma == pytest.approx(math.sqrt((2 * 0.05**2 + 0.02 + 0.005) / (2 + 2 + 1)))
    assert (noise.freedom, noise.assumed) == (5, False)


def test_without_a_guess_what_was_measured_is_all_there_is() -> None:
    assert noise_of(run_of([1.0], sigma=None)).sigma is None
    assert noise_of(run_of([1.0, 1.2], sigma=None)).sigma == pytest.approx(math.sqrt(0.02))
    assert noise_of(run_of([1.0, 1.0], sigma=None)).sigma is None, "two equal numbers may be an accident"


def test_three_equal_numbers_are_a_deterministic_training_and_nothing_is_left_to_chance() -> None:
    run = run_of([1.0, 1.0, 1.0], [0.9999999])
    noise = noise_of(run)
    assert noise.deterministic and not noise.assumed
    found = gain_of(run, run.experiments[1])
    assert found and (found.p, found.word) == (None, "sure")
    assert gain(run, [1.0], [1.0], noise).word == "unsure"


@pytest.mark.parametrize(("sigma", "worse", "counts"), [(0.01, 0.2, False), (0.01, 0.05, True), (None, 0.05, False)])
def test_what_was_far_worse_says_nothing_of_the_noise_between_good_ones(sigma: float | None, worse: float, counts: bool) -> None:
    bare = run_of([1.0, 1.001, 1.002], sigma=sigma)
    facts = [e.Proposed(1, parent=0), e.Committed(1, "c1")]
    for trial, value in enumerate((1.0 + worse, 1.01 + worse), 1):
        facts += [e.Launched(1, trial, 42, 1, 1, "boot"), e.Ended(1, trial, "finished"), e.Measured(1, trial, value)]
    run = fold(numbered([*facts, e.Judged(1, "discard", "worse", 0), e.Applied(1)]), bare)
    assert (noise_of(run) != noise_of(bare)) == counts


def test_what_was_disturbed_says_nothing_of_the_noise() -> None:
    calm = noise_of(run_of([1.0, 1.001, 1.002]))
    assert noise_of(run_of([1.0, 1.001, 1.002, 1.9], tainted=[(0, 4)])) == calm


def test_nor_does_a_number_of_before_a_drift() -> None:
    before = run_of([1.0, 1.01, 1.02, 1.5])
    run = fold(numbered([e.Drifted(0, 4, 1.01, 1.5, 1)]), before)
    assert noise_of(run).sigma == noise_of(run_of([1.0, 1.01, 1.02])).sigma
    assert run.experiments[0].numbers == (1.5,) and run.experiments[0].value == 1.5


def test_numbers_of_two_eras_are_not_compared() -> None:
    before = run_of([1.0, 1.01], [0.9])
    assert gain_of(before, before.experiments[1])
    drifted = fold(numbered([e.Drifted(0, 2, 1.0, 1.01, 1)]), before)
    assert gain_of(drifted, drifted.experiments[1]) is None


@pytest.mark.parametrize(("goal", "better"), [("lower", 0.9), ("higher", 1.1)])
def test_above_zero_is_better_whatever_the_goal(goal: str, better: float) -> None:
    run = run_of([1.0], [better], goal=goal)
    found = gain_of(run, run.experiments[1])
    assert found and found.value == pytest.approx(0.1)


@pytest.mark.parametrize(("sigmas", "word"), [(12, "sure"), (4, "likely"), (1, "unsure"), (-3, "unsure")])
def test_the_word_says_how_easily_chance_would_look_like_this(sigmas: float, word: str) -> None:
    noise = Noise(0.01, 2, 1)
    assert gain(Run(), [1.0 - sigmas * 0.01], [1.0], noise).word == word


def test_where_nobody_knows_the_noise_nothing_is_sure() -> None:
    found = gain(Run(), [0.1], [1.0], Noise(None))
    assert (found.p, found.word) == (None, "unsure")


@pytest.mark.parametrize(
    ("t", "freedom", "share"), [(6.314, 1, 0.05), (4.303, 2, 0.025), (2.764, 10, 0.01), (1.960, 1e6, 0.025), (0.0, 3, 0.5)]
)
def test_students_distribution_is_that_of_the_tables(t: float, freedom: float, share: float) -> None:
    assert beyond(t, freedom) == pytest.approx(share, rel=2e-3)
    assert beyond(-t, freedom) == pytest.approx(1 - share, rel=2e-3)
    if t:
        assert edge(share, freedom) == pytest.approx(t, rel=2e-3)


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1, 1e4))
def test_every_share_is_one(t: float, freedom: float) -> None:
    assert 0 <= beyond(t, freedom) <= 1


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_order_in_which_equal_facts_arrive_changes_no_noise(codes: list[list[float]]) -> None:
    assert noise_of(run_of(*codes)) == noise_of(run_of(*[values[::-1] for values in codes]))
