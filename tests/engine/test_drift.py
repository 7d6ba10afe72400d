"""A machine that measures the trunk otherwise than it did."""

from __future__ import annotations

from autoresearch_tui.engine.steps import Draw
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.trunks import SIGMA, Trunk


def looked_at(*values: float) -> Trunk:
    world = Trunk(drift_every=2)
    for number in (1, 2):
        world.experiment(number, 1.1)
        world.wants()
    for value in values:
        assert world.wants() == (0, "drift")
        world.trial(0, value, purpose="drift")
    return world


def test_a_trunk_that_was_not_measured_for_long_is() -> None:
    assert looked_at().wants() == (0, "drift")


def test_and_if_it_is_as_it_was_that_is_one_more_number() -> None:
    world = looked_at(1.0)
    assert world.wants() == "keep: baseline"
    assert len(world.run.experiments[0].numbers) == 4 and world.next_step() == Draw()


def test_a_trunk_that_is_off_is_looked_at_twice_before_that_is_believed() -> None:
    world = looked_at(1.01, 1.0)
    assert world.wants() == "keep: baseline"
    assert world.run.era == 0


def test_a_drift_is_said_and_from_then_on_numbers_compare_with_newer_ones_only() -> None:
    world = looked_at(1.01, 1.011)
    assert world.wants() == "keep: baseline"
    run = world.run
    assert run.era == 1 and run.experiments[0].numbers == (1.01, 1.011)
    assert [run.experiments[number].adrift for number in (0, 1, 2)] == [False, True, True]
    world.experiment(3, 1.003)
    assert str(world.wants()).startswith("keep: better by 0.0075"), "worse than the trunk was, better than it is"


def test_a_later_look_is_a_look_of_its_own() -> None:
    world = looked_at(1.0)
    world.wants()
    for number in (3, 4):
        world.experiment(number, 1.1)
        world.wants()
    assert world.wants() == (0, "drift")
    world.trial(0, 1.05, purpose="drift")
    assert world.wants() == (0, "drift")
    world.trial(0, 1.05, purpose="drift")
    world.wants()
    assert world.run.era == 1


def test_a_deterministic_machine_that_changes_has_drifted() -> None:
    world = Trunk((1.0, 1.0, 1.0), drift_every=1)
    world.experiment(1, 1.1)
    world.wants()
    for _ in range(2):
        assert world.wants() == (0, "drift")
        world.trial(0, 1.000001, purpose="drift")
    world.wants()
    assert world.run.era == 1


def test_what_was_measured_before_a_drift_is_not_compared_though_the_night_ends() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 5 * SIGMA)
    world.add(e.Launched(0, 4, 42, 1, 1, "boot"), e.Ended(0, 4, "finished"), e.Measured(0, 4, 1.5), e.Drifted(0, 4, 1.0, 1.5, 1))
    world.judge(0)
    world.send(c.Stop(1))
    assert str(world.wants()).startswith("discard: not comparable")
