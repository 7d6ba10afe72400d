"""The end of a night that has a limit of time: baseline and trunk side by side, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.closing import conclusion
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Conclude, Draw, End, Judge, Train
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import EVENING, TRIAL_S
from tests.engine.worlds import World

SIGMA = 0.001
BASELINE = (1.0 - SIGMA, 1.0, 1.0 + SIGMA)
ROOM = 9.9  # trials: three pairs, each trial longer than usual, and one experiment more


class Evening(World):
    """Baseline, noise and one kept change are measured; the night has time for so many trials in all."""

    def __init__(self, trials: float, kept: bool = True, baseline: Sequence[float] = BASELINE, goal: str = "lower") -> None:
        super().__init__()
        self.add(e.RunStarted("night", "c0", sigma=SIGMA, goal=goal))
        self.add(
            e.EngineStarted(
                1, 1, "boot", "1", "sweep", e.Limits(deadline=EVENING.timestamp() + trials * TRIAL_S), rules=e.Rules(drift_every=0)
            )
        )
        self.add(e.Proposed(0), e.Committed(0, "c0"))
        for value in baseline:
            self.measured(0, value)
        self.judge(0)
        if kept:
            self.add(e.Proposed(1, parent=0), e.Committed(1, "c1"))
            self.measured(1, 0.98 if goal == "lower" else 1.02)
            self.judge(1)

    def measured(self, number: int, value: float | None, purpose: str = "", audit: float | None = None) -> None:
        trial = len(self.run.experiments[number].trials) + 1
        self.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose))
        self.now += timedelta(seconds=TRIAL_S)
        self.add(e.Ended(number, trial, "finished" if value else "crash", seconds=TRIAL_S))
        if value:
            self.add(e.Measured(number, trial, value, audit=audit))

    def wait_until_left(self, trials: float) -> None:
        assert self.run.limits.deadline is not None
        self.now += timedelta(seconds=self.run.limits.deadline - trials * TRIAL_S - self.now.timestamp())

    def close(self, *values: float, audits: tuple[float, ...] = ()) -> list[int]:
        """Whatever is trained for it, with these numbers in turn."""
        trained = []
        for place, value in enumerate(values):
            step = self.next_step()
            assert isinstance(step, Train) and step.purpose == "closing"
            trained.append(step.number)
            self.measured(step.number, value, "closing", audits[place] if audits else None)
            self.judge(step.number)
        return trained


def test_a_night_keeps_room_for_it() -> None:
    night = Evening(100)
    night.wait_until_left(ROOM)
    assert night.next_step() == Draw()
    night.wait_until_left(ROOM - 2)
    assert night.next_step() == Train(0, 4, purpose="closing")


def test_baseline_and_trunk_take_turns_three_times_and_then_the_night_says_what_it_came_to() -> None:
    night = Evening(100)
    night.wait_until_left(8)
    values = (1.0, 0.985, 1.001, 0.986, 0.999, 0.984)
    assert night.close(*values, audits=(2.0, 1.99, 2.0, 1.99, 2.0, 1.99)) == [0, 1, 0, 1, 0, 1]
    assert night.next_step() == Conclude()
    night.do(night.next_step())
    said = night.run.conclusion
    assert said and (said.tip, said.baseline_trials, said.tip_trials) == (1, 3, 3)
    assert said.gain == pytest.approx(0.015) and said.audit_gain == pytest.approx(0.010)
    assert said.low and said.high and said.p is not None
    assert said.low < said.gain < said.high and said.p < 0.001
    assert night.next_step() == End("the closing measurement is done")


@pytest.mark.parametrize(("trials", "pairs"), [(100, 3), (89, 2), (59, 1), (29, 0)])
def test_a_short_night_spends_less_on_it(trials: int, pairs: int) -> None:
    night = Evening(trials)
    night.wait_until_left(2 * pairs + 1)
    trained = 0
    while isinstance(step := night.next_step(), Train) and step.purpose == "closing":
        night.measured(step.number, 1.0, "closing")
        night.judge(step.number)
        trained += 1
    assert trained == 2 * pairs


def test_where_nothing_was_kept_there_is_nothing_to_close() -> None:
    night = Evening(100, kept=False)
    night.wait_until_left(7)
    assert night.next_step() == Draw()


def test_where_the_researcher_has_nothing_left_the_night_is_closed_at_once() -> None:
    night = Evening(100)
    moment = Moment(night.now, trial_s=TRIAL_S, nothing_left="sweep has nothing left to try")
    assert plan.next_step(night.run, moment) == Train(0, 4, purpose="closing")
    night.send(c.Idea("SET DEPTH = 9"))
    assert isinstance(plan.next_step(night.run, moment), Draw)
    short = Evening(20)
    assert plan.next_step(short.run, moment) == End("sweep has nothing left to try")


def test_a_night_that_is_stopped_in_the_middle_says_what_it_knows() -> None:
    night = Evening(100)
    night.wait_until_left(7)
    night.close(1.0, 0.985)
    night.send(c.Stop(1))
    assert night.next_step() == Conclude()
    night.do(night.next_step())
    assert night.next_step() == End("stopped by ann")


def test_a_trial_of_it_that_crashes_is_not_made_up_for() -> None:
    night = Evening(100)
    night.wait_until_left(8)
    night.close(1.0)
    night.measured(1, None, "closing")
    night.judge(1)
    assert night.close(1.0, 0.985, 1.0, 0.985) == [0, 1, 0, 1]
    assert conclusion(night.run).tip_trials == 2


def test_what_a_training_says_that_is_the_same_each_time_has_no_interval_and_no_p() -> None:
    night = Evening(100, baseline=(1.0, 1.0, 1.0))
    for _ in range(3):
        night.measured(0, 1.0, "closing")
        night.measured(1, 0.98, "closing")
    said = conclusion(night.run)
    assert (said.p, said.low, said.high) == (None, said.gain, said.gain)


def test_where_higher_is_better_a_gain_is_still_above_zero() -> None:
    night = Evening(100, goal="higher")
    night.wait_until_left(8)
    night.close(1.0, 1.015, 1.001, 1.014, 0.999, 1.016)
    said = conclusion(night.run)
    assert said.tip == 1 and said.gain == pytest.approx(0.015)


def test_one_that_was_interrupted_in_the_morning_does_not_begin_the_next_night() -> None:
    night = Evening(100)
    night.wait_until_left(8)
    night.add(e.Launched(0, 4, 42, 1, 1, "boot", "closing"), e.Ended(0, 4, "interrupted"))
    night.start(e.Limits(deadline=night.now.timestamp() + 100 * TRIAL_S))
    assert night.next_step() == Judge(0)
    night.do(night.next_step())
    night.do(night.next_step())
    assert night.next_step() == Draw()


def test_a_night_that_is_given_more_time_goes_on() -> None:
    night = Evening(100)
    night.wait_until_left(8)
    night.close(1.0, 0.985)
    night.send(c.Limit("hours", "8"))
    assert night.next_step() == Draw()
    night.wait_until_left(8)
    assert night.close(1.0, 0.985, 1.0, 0.985) == [0, 1, 0, 1]


def test_a_later_night_of_the_same_run_is_closed_again() -> None:
    night = Evening(100)
    night.wait_until_left(8)
    night.close(1.0, 0.985, 1.001, 0.986, 0.999, 0.984)
    night.do(night.next_step())
    night.start(e.Limits(deadline=night.now.timestamp() + 100 * TRIAL_S))
    assert night.run.conclusion is None and night.next_step() == Draw()
    night.wait_until_left(7)
    step = night.next_step()
    assert isinstance(step, Train) and (step.number, step.purpose) == (0, "closing")
