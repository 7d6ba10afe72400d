"""A slot in which everything crashes, beside others that train: it is found out, set aside, and costs the trunk nothing."""

from __future__ import annotations

import pytest

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.faulty import look, set_aside
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Busy, Draw, SetAside, Step, Train
from autoresearch_tui.journal import events as e
from tests.engine.histories import TRIAL_S
from tests.engine.trunks import Trunk

BOTH = ("sick", "well")


class TwoSlots(Trunk):
    """A trunk with one kept change, and two slots."""

    free: tuple[str, ...] = BOTH

    def __init__(self) -> None:
        super().__init__()
        self.add(e.Equipped((e.Slot("sick", ""), e.Slot("well", ""))))
        self.experiment(1, 0.9, slot="well")
        self.wants()

    def next_step(self) -> Step:
        return plan.next_step(self.run, self.moment())

    def moment(self) -> Moment:
        return Moment(self.now, trial_s=TRIAL_S, slots=("", ""), free=("",) * len(self.free), free_slots=self.free)

    def crashed_in(self, slot: str, *numbers: int) -> None:
        for number in numbers:
            self.experiment(number, None, parent=1, crash="error", slot=slot)
            self.wants()

    def asked(self, slot: str) -> bool:
        return self.next_step() == Train(1, len(self.run.experiments[1].trials) + 1, purpose="crashes", slot=slot)

    def answer(self, slot: str, value: float | None) -> None:
        self.trial(1, value, purpose="crashes", slot=slot)
        self.wants()


def found_out() -> TwoSlots:
    """Three crashes in one slot, though another change trains in the other one meanwhile; and the trunk crashes there too."""
    world = TwoSlots()
    world.crashed_in("sick", 2, 3)
    world.experiment(4, 1.5, parent=1, slot="well")
    world.wants()
    assert world.next_step() == Draw()
    world.crashed_in("sick", 5)
    assert world.asked("sick")
    world.answer("sick", None)
    return world


def test_a_slot_where_the_trunk_crashes_that_trains_elsewhere_is_set_aside_and_the_trunk_stays() -> None:
    world = found_out()
    assert world.asked("well")
    world.answer("well", 0.9)
    assert world.next_step() == SetAside("sick", "well")
    assert set_aside(world.run) == {"sick"}
    world.add(e.Equipped((e.Slot("well", ""),), "sick is left alone"))
    assert world.next_step() == Draw() and world.run.trunk == (0, 1)


def test_where_it_crashes_in_both_it_is_the_trunk_that_is_asked_about() -> None:
    world = found_out()
    world.answer("well", None)
    assert set_aside(world.run) == frozenset()
    step = world.next_step()
    assert isinstance(step, Train) and (step.number, step.purpose, step.slot) == (0, "crashes", "")


def test_where_it_trains_there_it_was_the_ideas() -> None:
    world = TwoSlots()
    world.crashed_in("sick", 2, 3, 4)
    assert world.asked("sick")
    world.answer("sick", 0.9)
    assert world.next_step() == Draw() and set_aside(world.run) == frozenset()


def test_it_waits_for_another_slot_and_asks_nobody_else_meanwhile() -> None:
    world = found_out()
    world.free = ("sick",)
    assert look(world.run, world.moment()) == Busy()


def test_a_person_who_starts_the_engine_may_have_mended_it() -> None:
    world = found_out()
    world.answer("well", 0.9)
    world.start(after="it was killed")
    assert set_aside(world.run) == {"sick"}
    world.start()
    assert set_aside(world.run) == frozenset()


@pytest.mark.parametrize("outcome", ["interrupted", "skipped"])
def test_what_says_nothing_of_the_slot_does_not_count(outcome: str) -> None:
    world = TwoSlots()
    world.crashed_in("sick", 2, 3)
    world.experiment(4, None, parent=1, slot="sick", outcome=outcome)
    assert not world.asked("sick")
