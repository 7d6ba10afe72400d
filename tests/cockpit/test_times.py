"""A time from a journal that no clock shows ends no screen; every other is a time of the day, or how long something lasts."""

from __future__ import annotations

import math

import pytest

from autoresearch_tui.cockpit.parts.times import NEVER, ago, lasting, left, written

WILD = (1e300, -1e300, math.inf, -math.inf, math.nan)


@pytest.mark.parametrize("wild", WILD)
def test_a_wild_time_is_said_to_be_one(wild: float) -> None:
    assert written(wild) == NEVER
    for say in (lasting, ago, left):
        assert say(wild), say.__name__


@pytest.mark.parametrize(("seconds", "said"), [(-3, "0:00"), (0.9, "0:00"), (221, "3:41"), (3821, "1:03:41")])
def test_how_long_something_lasts_has_hours_where_there_are_any(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_what_began_just_now_is_told_in_seconds() -> None:
    assert [ago(seconds) for seconds in (-1, 59.9, 61)] == ["0 s", "59 s", "1:01"]


def test_what_is_left_is_told_in_minutes_until_it_is_over() -> None:
    assert [left(seconds) for seconds in (0, 90, 3 * 3600 + 300)] == ["over", "in 1 min", "in 3 h 05"]
