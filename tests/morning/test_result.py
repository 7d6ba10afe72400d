"""The best of many was chosen for its number: the gain that is told of a night allows for that, in its interval and in its word."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.steps import Conclude, End, Train
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment, Trial, mean
from autoresearch_tui.journal.noise import Noise, noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Result
from autoresearch_tui.morning.compare.comparing import compare
from autoresearch_tui.morning.compare.pairs import noise_together
from autoresearch_tui.morning.forms.layout import paragraph
from autoresearch_tui.morning.parts.chosen import Ends
from autoresearch_tui.morning.parts.result import result_of
from tests.morning.nights_side_by_side import Night
from tests.morning.stories import begun, told, told_rows
from tests.simulation.nights import Simulated

SIGMA = 0.001


def idle(seed: int, baseline: int, guess: float | None, experiments: int) -> Run:
    """A night in which no idea changes anything: each is trained twice, and kept where its mean is lower."""
    chance = random.Random(seed)
    tip, best = None, float("inf")
    found: dict[int, Experiment] = {}
    for number in range(experiments + 1):
        values = [1 + chance.gauss(0, SIGMA) for _ in range(2 if number else baseline)]
        keep = mean(values) < best
        found[number] = Experiment(
            number, "tune", tip, "an idea", 0.0, trials=trained(values), verdict="keep" if keep else "discard", settled=True
        )
        tip, best = (number, mean(values)) if keep else (tip, best)
    return Run(experiments=found, tip=tip, sigma=guess)


def trained(values: Sequence[float]) -> tuple[Trial, ...]:
    return tuple(Trial(at, 42, 1, 1, "boot", 0.0, outcome="finished", measured=True, value=value) for at, value in enumerate(values, 1))


def by_the_engine(seed: int, sigma: float, no_idea_is_worth_anything: bool) -> tuple[Result, float]:
    """A night of the real judge up to its closing measurement: what is told of it, and what its best is really better."""
    night = Simulated(sigma, seed, guess=0.0005)
    if no_idea_is_worth_anything:
        night.ideas = itertools.repeat(0.0)
    while not isinstance(step := plan.next_step(night.run, night.moment), End | Conclude):
        if isinstance(step, Train) and step.purpose == "closing":
            break
        night.do(step)
    found = result_of(night.run, noise_of(night.run), "run")
    return found, night.true[found.best or 0]


def holds(found: Result, truth: float) -> bool:
    return found.low is None or found.high is None or found.low <= truth <= found.high


NIGHTS = pytest.mark.parametrize(
    ("nights", "experiments"), [(200, 60), pytest.param(2000, 100, marks=pytest.mark.slow)], ids=["a few", "many"]
)


@NIGHTS
@pytest.mark.parametrize(("baseline", "guess"), [(2, None), (3, SIGMA)], ids=["no guess", "a guess"])
def test_nights_in_which_nothing_was_gained_are_not_sure_and_their_intervals_hold_zero(
    baseline: int, guess: float | None, nights: int, experiments: int
) -> None:
    runs = [idle(seed, baseline, guess, experiments) for seed in range(nights)]
    results = [result_of(run, noise_of(run), "run") for run in runs]
    assert sum(found.gain is not None and found.gain > 0 for found in results) > 0.95 * nights, "they all look as if something was"
    assert sum(found.word == "sure" for found in results) < 0.02 * nights
    assert sum(holds(found, 0.0) for found in results) >= 0.95 * nights


@pytest.mark.slow
@pytest.mark.parametrize("idle_ideas", [True, False])
@pytest.mark.parametrize("sigma", [0.0003, 0.001, 0.003])
def test_the_nights_of_the_engine_have_intervals_that_hold_the_truth(sigma: float, idle_ideas: bool) -> None:
    nights = [by_the_engine(seed, sigma, idle_ideas) for seed in range(200)]
    assert sum(holds(found, truth) for found, truth in nights) >= 190
    assert sum(found.word == "sure" and truth <= 0 for found, truth in nights) < 4
    if not idle_ideas and sigma < 0.003:
        assert sum(found.word == "sure" for found, _ in nights) > 100, "a real gain is seen beside its noise"


def test_one_night_and_a_comparison_allow_for_the_choice_alike() -> None:
    """Beside a night that only measured the same baseline, as often."""
    night, still = Night("mon"), Night("tue", at=2e9)
    for one in (night, still):
        one.measure([1.0, 1.001, 0.999])
    for gained in (0.004, 0.008):
        night.measure([1 - gained])
    found = compare([night.reading(), still.reading()])
    noise = noise_together([night.reading().run, still.reading().run])
    difference, alone = found.pairs[0].gain, result_of(night.reading().run, noise, "run")
    assert difference is not None and alone.chosen > 0
    assert (difference.value, difference.chosen) == pytest.approx((alone.gain, alone.chosen))
    assert (difference.low, difference.p) == pytest.approx((alone.low, 2 * (alone.p or 0.0)))


def test_where_the_noise_is_hardly_known_more_is_allowed_for_the_choice() -> None:
    ends = Ends([0.99, 0.99], [1.0, 1.0], tried=100)
    known, hardly = (ends.brought(Noise(SIGMA, freedom)) for freedom in (200, 4))
    assert known == pytest.approx(2.15 * SIGMA, rel=0.01), "the root of twice the logarithm of a hundred, over two trials"
    assert hardly > 1.5 * known
    assert Ends(ends.end, ends.base, tried=0).brought(Noise(SIGMA, 4)) == ends.brought(Noise()) == ends.brought(Noise(0.0)) == 0


def test_of_the_best_of_many_less_is_left_than_of_a_single_change() -> None:
    results = []
    for others in (0, 60):
        history = begun()
        history.settle(0, None, 1.0)
        history.relaunch(0)
        history.end(0, 1.001)
        history.relaunch(0)
        history.end(0, 0.999)
        history.settle(1, 0, 0.98)
        for number in range(2, 2 + others):
            history.settle(number, 1, 1.1)
        results.append(told(history).result)
    alone, among = results
    assert (alone.gain, alone.high, alone.chosen) == (among.gain, among.high, 0.0)
    assert alone.low is not None and among.low == pytest.approx(alone.low - among.chosen)
    assert alone.p is not None and among.p is not None and among.p > alone.p
    assert among.caveat == "The best of 61 was chosen for its number, so the gain claims too much; interval and word allow for that."
    assert "claims too much" in alone.caveat and "allow" not in alone.caveat


def test_the_word_of_a_single_change_stays_as_the_judge_said_it() -> None:
    account = told_rows((1.0, "keep"), (0.994, "keep"), *[(1.01, "discard")] * 120, sigma=0.001)
    assert account.kept[0].word == "likely"
    assert account.result.word == "unsure"
    assert account.kept[0].gain == account.result.gain


def test_where_nobody_knows_the_noise_nothing_is_allowed_for() -> None:
    result = told_rows((1.0, "keep"), (0.99, "keep"), (0.98, "keep")).result
    assert (result.low, result.chosen, result.word) == (None, 0.0, "")
    assert result.caveat.startswith("Each row was measured once") and "allow" not in result.caveat


def test_what_is_said_of_the_result_has_two_lines_at_eighty_columns() -> None:
    history = begun(sigma=0.01)
    history.settle(0, None, 1.0)
    history.settle(1, 0, 0.8)
    for number in range(2, 130):
        history.launch(number, 1)
        history.end(number, 0.9)
        history.add(e.Judged(number, "discard", "worse", 1), e.Applied(number))
    result = told(history).result
    assert result.word and "%" in result.sentence
    for said in (result.sentence, result.caveat):
        assert len(paragraph(said, 80)) <= 2
