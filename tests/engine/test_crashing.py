"""Three crashes in a row: whether it is the ideas, the trunk or the machine."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.engine.steps import Draw, End, Rest, StepBack, Train
from autoresearch_tui.journal import commands as c
from tests.engine.trunks import Trunk


def crashed(world: Trunk, *numbers: int, parent: int = 0) -> None:
    for number in numbers:
        assert world.next_step() == Draw()
        world.experiment(number, None, parent, crash="error")
        world.wants()


def test_after_three_crashes_in_a_row_the_trunk_is_asked_whether_it_still_trains() -> None:
    world = Trunk()
    crashed(world, 1, 2, 3)
    assert world.wants() == (0, "crashes")
    world.trial(0, 1.0, purpose="crashes")
    assert world.wants() == "keep: baseline"
    crashed(world, 4, 5, 6)
    assert world.wants() == (0, "crashes")


def a_trunk_of_three() -> Trunk:
    world = Trunk()
    for number in (1, 2):
        world.experiment(number, 1.0 - 0.1 * number, number - 1)
        world.wants()
    crashed(world, 3, 4, 5, parent=2)
    return world


def asked(world: Trunk, number: int, value: float | None) -> None:
    """The plan wants to know whether it trains, and learns it."""
    assert world.wants() == (number, "crashes")
    world.trial(number, value, purpose="crashes")
    assert str(world.wants()).startswith("keep")


def test_a_trunk_that_crashes_too_goes_back_to_what_trains() -> None:
    world = a_trunk_of_three()
    asked(world, 2, None)
    asked(world, 1, None)
    asked(world, 0, 1.0)
    assert world.next_step() == StepBack(0)
    world.do(world.next_step())
    assert world.next_step() == Draw() and world.run.trunk == (0,)


def test_and_stays_where_a_person_then_takes_it() -> None:
    world = a_trunk_of_three()
    asked(world, 2, None)
    asked(world, 1, 0.9)
    world.do(world.next_step())
    assert world.run.tip == 1
    world.now += timedelta(seconds=1)
    world.send(c.Rewind(2))
    world.do(world.next_step())
    assert world.run.tip == 2 and world.next_step() == Draw()


def test_if_not_even_the_baseline_trains_it_was_the_machine_and_nothing_is_given_up() -> None:
    world = a_trunk_of_three()
    for number in (2, 1, 0):
        asked(world, number, None)
    step = world.next_step()
    assert isinstance(step, Rest) and step.until
    world.now = datetime.fromtimestamp(step.until, world.now.tzinfo)
    asked(world, 0, 1.0)
    asked(world, 2, 0.8)
    assert world.next_step() == Draw() and world.run.trunk == (0, 1, 2)


def test_where_nothing_trains_it_waits_and_asks_again() -> None:
    world = Trunk()
    crashed(world, 1, 2, 3)
    world.trial(0, None, purpose="crashes", why="CUDA error")
    world.wants()
    step = world.next_step()
    assert isinstance(step, Rest) and step.why == "nothing trains any more, not even the baseline: CUDA error"
    assert step.until is not None
    world.now = datetime.fromtimestamp(step.until, world.now.tzinfo)
    assert world.wants() == (0, "crashes")


def test_meanwhile_it_hears_people_and_ends_when_it_should() -> None:
    world = Trunk()
    crashed(world, 1, 2, 3)
    world.trial(0, None, purpose="crashes")
    world.wants()
    world.send(c.Again(0))
    assert world.wants() == (0, "again")
    world.send(c.Withdraw(1))
    world.send(c.Limit("experiments", "4"))
    assert world.next_step() == End("4 experiments are done")


@given(st.lists(st.sampled_from(["crash", "better", "worse"]), min_size=1, max_size=25), st.lists(st.booleans(), max_size=12))
def test_however_much_crashes_the_baseline_is_never_lost(fates: list[str], trains: list[bool]) -> None:
    """Whatever crashes, and whatever of the trunk still trains when it is asked."""
    world, asked = Trunk(drift_every=0), iter(trains)
    for fate in fates:
        number = len(world.run.experiments)
        for _ in range(60):
            step = world.next_step()
            if isinstance(step, Train):
                value = world.run.experiments[step.number].value
                world.trial(step.number, value if next(asked, True) else None, purpose=step.purpose)
            elif isinstance(step, Draw | Rest):
                break
            else:
                world.do(step)
        assert world.run.tip is not None
        tip = world.run.experiments[world.run.tip]
        better = {"crash": None, "better": (tip.value or 0) - 0.1, "worse": (tip.value or 0) + 0.1}[fate]
        world.experiment(number, better, world.run.tip)
        baseline = world.run.experiments[0]
        assert (baseline.verdict, baseline.value) == ("keep", 1.0) and world.run.trunk[0] == 0
