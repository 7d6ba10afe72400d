"""Trials under unfair conditions, as their pace shows them."""

from __future__ import annotations

import pytest

from autoresearch_tui.engine.steps import Draw
from tests.engine.trunks import SIGMA, Trunk


def paced(*paces: float) -> Trunk:
    world = Trunk(())
    for pace in paces:
        world.trial(0, 1.0 + SIGMA * len(world.run.experiments[0].trials), pace=pace)
    world.judge(0)
    return world


@pytest.mark.parametrize("value", [1.1, 0.9])
def test_a_change_that_is_slower_than_the_trunk_is_trained_again_for_it_may_have_been_the_machine(value: float) -> None:
    world = paced(1.0, 1.0, 1.0)
    world.experiment(1, value, pace=0.8)
    assert world.wants() == (1, "pace")


def test_if_the_second_is_faster_the_first_is_tainted_and_never_compared() -> None:
    world = paced(1.0, 1.0, 1.0)
    world.experiment(1, 1.1, pace=0.8)
    world.wants()
    world.trial(1, 0.9, purpose="pace", pace=1.0)
    assert str(world.wants()).startswith("keep: better by")
    assert [trial.taint for trial in world.run.experiments[1].trials] == ["at 80% of its own pace", ""]
    assert world.run.experiments[1].value == 0.9


def test_if_it_is_as_slow_it_is_the_code() -> None:
    world = paced(1.0, 1.0, 1.0)
    world.experiment(1, 1.1, pace=0.5)
    world.wants()
    world.trial(1, 1.1, purpose="pace", pace=0.51)
    assert world.wants() == "discard: worse by 0.099000"
    assert not any(trial.taint for trial in world.run.experiments[1].trials)


def test_a_trial_of_the_trunk_that_was_disturbed_is_made_again_once() -> None:
    world = paced(1.0, 1.0, 1.0)
    world.trial(0, 1.2, purpose="drift", pace=0.7)
    assert world.wants() == (0, "disturbed")
    world.trial(0, 1.2, purpose="disturbed", pace=0.7)
    assert world.wants() == "keep: baseline"
    assert len(world.run.experiments[0].numbers) == 3


def test_a_change_that_wins_by_its_pace_has_the_trunk_trained_again_for_that_may_have_been_disturbed() -> None:
    world = paced(0.7)
    world.experiment(1, 0.9, pace=1.0)
    assert world.wants() == (0, "pace")
    world.trial(0, 0.9, purpose="pace", pace=1.0)
    assert world.wants() == "keep: baseline"
    assert world.run.experiments[0].numbers == (0.9,)


def test_three_slow_experiments_in_a_row_have_the_trunk_looked_at() -> None:
    world = paced(1.0, 1.0, 1.0)
    for number in (1, 2, 3):
        assert world.next_step() == Draw()
        world.experiment(number, 1.1, pace=0.8)
        world.wants()
        world.trial(number, 1.1, purpose="pace", pace=0.8)
        world.wants()
    assert world.wants() == (0, "drift")


def test_hopeless_for_its_pace_is_tried_once_more_and_for_its_loss_not() -> None:
    world = Trunk()
    world.experiment(1, outcome="hopeless", why="at 12%: 40% of the trunk's pace", slow=True)
    assert world.wants() == (1, "pace")
    world.trial(1, purpose="pace", outcome="hopeless", why="at 12%: 41% of the trunk's pace", slow=True)
    assert world.wants() == "discard: hopeless at 12%: 41% of the trunk's pace"
    world.experiment(2, outcome="hopeless", why="at 40%: loss 9.1")
    assert world.wants() == "discard: hopeless at 40%: loss 9.1"


def test_code_that_once_kept_its_pace_is_judged_by_its_fair_numbers_however_often_it_is_disturbed() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 1.5 * SIGMA)
    for _ in range(3):
        wanted = world.wants()
        assert wanted in ((1, "doubt"), (1, "pace"))
        world.trial(1, purpose=str(wanted[1]), outcome="hopeless", why="at 12%: 40% of the trunk's pace", slow=True)
    assert world.wants() == (1, "pace")
    world.trial(1, purpose="pace", outcome="hopeless", why="at 12%: 40% of the trunk's pace", slow=True)
    assert world.wants() == "keep: better by 0.001500"
