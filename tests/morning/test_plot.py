"""What the chart shows: the same on the page and in the picture."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from autoresearch_tui.morning.account import Account, Doubt, Point
from autoresearch_tui.morning.forms.plot import KEPT, OFF, REST, TRIAL, divided, plot_of
from tests.morning.accounts import HOSTILE, night


def test_every_trial_is_a_dot_and_the_mean_of_a_kept_one_is_its_step() -> None:
    points = (Point(0, (1.0, 1.2), 1.1, "keep", "baseline"), Point(1, (1.3, 1.4, 1.5), 1.4, "discard", "worse"))
    plot = plot_of(replace(night(1.1, 1.4), points=points))
    assert [(dot.value, dot.kind) for dot in plot.dots] == [(1.0, TRIAL), (1.2, TRIAL), (1.3, REST), (1.4, REST), (1.5, REST), (1.1, KEPT)]
    assert plot.steps == ((0, 1.1),)
    assert plot.dots[3].said == "#1 discard 1.400000, trial 2 of 3: worse"


def test_what_was_kept_and_left_the_trunk_is_no_step() -> None:
    plot = plot_of(replace(night(1.0, 0.9, 0.8), trunk=(0, 2)))
    assert [dot.kind for dot in sorted(plot.dots, key=lambda dot: dot.number)] == [KEPT, OFF, KEPT]
    assert plot.steps == ((0, 1.0), (2, 0.8))


def test_a_trial_in_doubt_is_hollow() -> None:
    points = (
        Point(0, (1.0, 1.2), 1.0, "keep", ""),
        Point(1, (0.5,), 0.5, "discard", "", tainted=True),
        Point(2, (1.1,), 1.1, "discard", ""),
    )
    account = replace(night(1.0, 0.5, 1.1), points=points, trunk=(0,), doubts=(Doubt(0, 2, "tainted", "throttled"),))
    assert {(dot.number, dot.value) for dot in plot_of(account).dots if dot.hollow} == {(0, 1.2), (1, 0.5)}


@pytest.mark.parametrize("goal", ["lower", "higher"])
def test_one_failure_does_not_flatten_the_night(goal: str) -> None:
    sign = 1.0 if goal == "lower" else -1.0
    values = [sign * value for value in (1.0, 0.99, 1.005, 0.98, 0.985, 57.0, 0.97, 0.975, 0.98)]
    plot = plot_of(night(*values, goal=goal))
    assert plot.high - plot.low < 0.1
    assert [dot.number for dot in plot.dots if dot.beyond] == [5]
    assert plot.low < min(sign * 1.0, sign * 0.97) and max(sign * 1.0, sign * 0.97) < plot.high  # the trunk is on it, whole
    assert [dot.beyond for dot in plot.dots if dot.number == 5] == [sign]
    assert plot.crash_above == (goal == "lower")
    assert plot.axis == f"val_bpb ({goal} is better)"


def test_a_number_too_good_for_the_trunk_is_a_mark_at_the_better_edge() -> None:
    plot = plot_of(replace(night(1.0, 0.99, 0.0, 0.98), trunk=(0, 1, 3)))
    assert [(dot.number, dot.beyond) for dot in plot.dots if dot.beyond] == [(2, -1)]


def test_the_band_of_the_noise_is_on_the_axis() -> None:
    plot = plot_of(night(1.0, 1.0001, sigma=0.01))
    assert plot.low < 0.99 and plot.high > 1.01 and plot.sigma == 0.01


@pytest.mark.parametrize(
    "account",
    [
        night(),
        night(1.0),
        night(None, None),
        night(1.0, 1.0, 1.0),
        night(0.0, 0.0),
        night(-5.0, -6.0),
        night(1e300, 1e299),
        night(1e-15, 2e-15),
        night(1.0, -math.inf),
    ],
)
def test_any_night_has_an_axis(account: Account) -> None:
    plot = plot_of(account)
    assert plot.low < plot.high and plot.first < plot.last
    assert all(plot.low <= tick.at <= plot.high for tick in plot.values)
    assert len({tick.text for tick in plot.values}) == len(plot.values)
    assert len(plot.crashes) == account.counts.get("crash", 0)


def test_what_is_no_number_is_no_dot() -> None:
    plot = plot_of(night(1.0, math.inf, math.nan, 0.9))
    assert {dot.number for dot in plot.dots} == {0, 3}
    assert [number for number, _ in plot.steps] == [0, 3]


def test_the_best_has_the_first_label_then_the_largest_gains_and_last_the_baseline() -> None:
    assert [dot.number for dot in plot_of(night(1.0, 0.9, 0.6, 0.55, 0.549)).named] == [4, 2, 1, 3, 0]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.9685, 0.9985, ["0.970", "0.975", "0.980", "0.985", "0.990", "0.995"]),
        (-1.0, 1.0, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_an_axis_is_divided_at_round_numbers(low: float, high: float, texts: list[str]) -> None:
    assert [tick.text for tick in divided(low, high, 6)] == texts


def test_what_is_said_of_a_dot_is_one_plain_line() -> None:
    plot = plot_of(night(1.0, None, idea=HOSTILE))
    for said in (plot.dots[0].said, plot.crashes[0].said, plot.named[0].said, plot.alternative):
        assert said.isprintable() and "\u202e" not in said


def test_in_words_the_chart_says_what_it_shows() -> None:
    said = plot_of(night(1.0, 0.9, None, 1.1)).alternative
    assert said == "val_bpb of 4 experiments, in the order in which they were made: 2 keep, 1 crash, 1 discard. A night of 4 experiments."
