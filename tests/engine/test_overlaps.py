"""Nights with several slots: what is trained side by side, what waits for what, and whole nights of any luck, fleet and commands."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.closing import conclusion
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Busy, Draw, End, Judge, Measure, Notice, Rest, Step, StepBack, Train
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import EVENING, TRIAL_S, History, a_night
from tests.engine.overlaps import Fleet, Overlap
from tests.engine.worlds import Sending


class Lab(History):
    """A history in named slots."""

    def train(self, number: int, device: str = "a100", purpose: str = "", parent: int | None = 0) -> None:
        """It begins, proposed before if it was not yet."""
        if number not in self.run.experiments:
            self.add(e.Proposed(number, parent=parent), e.Committed(number, f"c{number}"))
        trial = len(self.run.experiments[number].trials) + 1
        self.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose, f"gpu-{device}", device))

    def over(self, number: int, value: float | None, pace: float | None = None) -> None:
        trial = len(self.run.experiments[number].trials)
        self.now += timedelta(seconds=TRIAL_S)
        self.add(e.Ended(number, trial, "crash" if value is None else "finished", seconds=TRIAL_S))
        if value is not None:
            tokens = None if pace is None else 500 * pace
            self.add(e.Measured(number, trial, value, memory_gb=1.0, tokens_m=tokens, training_s=None if pace is None else 300.0))

    def measured(self, number: int, *values: float, device: str = "a100", purpose: str = "") -> None:
        for value in values:
            self.train(number, device, purpose, parent=0 if number else None)
            self.over(number, value)
        self.judge(number)

    def moment(self, *slots: str, busy: tuple[int, ...] = (), free: tuple[str, ...] | None = None, **more: Any) -> Moment:
        free = slots[len(busy) :] if free is None else free
        return Moment(self.now, trial_s=TRIAL_S, slots=slots, free=free, busy=frozenset(busy), **more)

    def next(self, *slots: str, busy: tuple[int, ...] = (), free: tuple[str, ...] | None = None, **more: Any) -> Step:
        return plan.next_step(self.run, self.moment(*slots, busy=busy, free=free, **more))


def lab(*baseline: float, sigma: float = 0.001, **rules: Any) -> Lab:
    """A baseline with these numbers on an a100."""
    world = Lab()
    world.add(e.RunStarted("night", "c0", sigma=sigma), e.EngineStarted(1, 1, "boot", "1", "sweep", rules=e.Rules(**rules)))
    world.measured(0, *(baseline or (1.001, 1.0, 0.999)))
    return world


# ------------------------------------------------------------------------------------------------------------------------------
# Side by side
# ------------------------------------------------------------------------------------------------------------------------------


def test_what_trains_is_not_judged_because_another_one_waits_when_the_night_ends() -> None:
    world = lab()
    world.train(1)
    world.train(2)
    world.over(2, 0.998)
    world.send(c.Stop(1))
    assert world.next("a100", "a100", busy=(1,)) == Judge(2)


def test_a_pause_lets_what_is_measured_have_its_verdict_and_is_there_when_nothing_trains() -> None:
    world = lab()
    for number in (1, 2, 3):
        world.train(number)
    world.over(1, 0.998)  # a second look would be due
    world.over(2, 1.1)
    world.send(c.Pause(1))
    assert world.next("a100", "a100", busy=(3,)) == Judge(2)
    world.judge(2)
    assert world.next("a100", "a100", busy=(3,)) == Busy()
    world.over(3, 1.1)
    world.judge(3)
    assert world.next("a100", "a100") == Rest("paused by ann", pause=True)


def test_nothing_is_judged_while_the_trunk_is_measured_again() -> None:
    world = lab()
    world.train(1)
    world.over(1, 1.1)
    world.train(0, purpose="drift")
    assert world.next("a100", "a100", busy=(0,)) == Busy()
    assert plan.ahead(world.run, world.moment("a100", "a100", busy=(0,))) == Draw(), "the free slot is for a new one"


def test_a_person_decides_of_what_trains_when_it_is_over() -> None:
    world = lab()
    world.train(1)
    world.send(c.Keep(1))
    assert world.next("a100", "a100", busy=(1,)) == Busy()
    world.over(1, 1.0005)
    assert world.next("a100", "a100") == Judge(1)
    world.judge(1)
    assert world.run.tip == 1 and not world.run.wishes


def test_a_person_skips_any_of_those_that_train() -> None:
    world = lab()
    world.train(1)
    world.train(2)
    assert [fact.accepted for fact in world.send(c.Skip(2, 1)) if isinstance(fact, e.Commanded)] == [True]


def test_the_trunk_does_not_step_back_while_what_it_would_go_to_is_asked() -> None:
    world = lab()
    world.measured(1, 0.9)
    for number in (2, 3, 4):
        world.train(number, parent=1)
        world.over(number, None)
        world.judge(number)
    world.train(1, purpose="crashes")
    world.over(1, None)
    world.judge(1)
    world.train(0, purpose="crashes")
    assert world.next("a100", "a100", busy=(0,)) == Busy()
    world.over(0, 1.0)
    world.judge(0)
    assert world.next("a100", "a100") == StepBack(0)


def test_others_wait_for_a_baseline_that_crashed_and_are_judged_when_it_has_a_number() -> None:
    world = Lab()
    world.begin()
    world.train(0, "cpu", parent=None)
    world.train(1, "cpu")
    world.over(1, 0.9)
    world.over(0, None)
    world.judge(0)
    assert isinstance(world.next("cpu", "cpu", crowded=True), End)
    world.start()
    assert world.next("cpu", "cpu", crowded=True) == Train(0, 2)
    world.train(0, "cpu")
    world.over(0, 1.0)
    world.judge(0)
    assert isinstance(step := world.next("cpu", "cpu", crowded=True), Train | Judge) and step.number in (0, 1)


def test_a_wish_that_came_before_does_not_keep_the_trunk_from_being_asked() -> None:
    history = History()
    a_night(history)
    for number in (9, 10, 11):
        history.settle(number, 3, None, "crash")
    history.send(c.Again(2))
    moment = Moment(history.now, trial_s=TRIAL_S)
    step = plan.next_step(history.run, moment)
    assert isinstance(step, Train) and step.purpose == "crashes"
    assert plan.still_wanted(history.run, replace(moment, busy=frozenset([3]), free=()), step)


# ------------------------------------------------------------------------------------------------------------------------------
# Classes of device
# ------------------------------------------------------------------------------------------------------------------------------

BOTH = ("a100", "h100")


def test_what_is_measured_on_another_class_has_the_trunk_measured_there_once() -> None:
    world = lab()
    world.train(1, "h100")
    world.over(1, 0.5)
    assert world.next(*BOTH) == Train(0, 4, purpose="device", device="h100")
    world.measured(0, 0.4, device="h100", purpose="device")
    assert world.next(*BOTH) == Judge(1)
    assert world.judge(1)[0] == e.Judged(1, "discard", "worse by 0.100000", 0)


def test_noise_of_one_class_says_nothing_of_another() -> None:
    world = lab()
    world.train(1, "h100")
    world.over(1, 0.399)
    world.measured(0, 0.4, device="h100", purpose="device")
    assert world.next(*BOTH) == Train(0, 5, purpose="noise", device="h100")


def test_a_class_that_left_is_not_waited_for() -> None:
    world = lab()
    world.train(1, "h100")
    world.over(1, 0.5)
    assert world.next("a100") == Judge(1)
    assert "not comparable: #0 was not measured on h100" in str(world.judge(1))
    world.train(1, "a100", "again")
    world.over(1, 0.9)
    assert world.next("a100") == Judge(1)
    assert world.judge(1)[0] == e.Judged(1, "keep", "better by 0.100000", 1)


def test_the_gain_of_a_night_is_told_on_the_class_that_its_ends_have_in_common() -> None:
    world = lab()
    world.measured(0, 0.4, device="h100", purpose="device")
    world.measured(1, 0.38, device="h100")
    run = world.run
    assert (run.tip, run.yardstick) == (1, "h100") and run.best is run.experiments[1]
    world.measured(1, 0.9, purpose="device")
    assert world.run.yardstick == "a100" and world.run.experiments[1].value == 0.38


def test_one_class_drifts_and_the_other_measures_as_it_did() -> None:
    world = lab(drift_every=1)
    world.measured(0, 0.4, device="h100", purpose="device")
    world.train(1)
    world.over(1, 1.1)
    world.judge(1)
    begun: list[int] = []
    for other, value in ((8, 1.02), (9, 1.021)):
        step = world.next(*BOTH, "a100", busy=tuple(begun), free=BOTH)
        assert isinstance(step, Train) and (step.purpose, step.device) == ("drift", "a100")
        world.train(0, "a100", "drift")
        world.train(other)  # that others begin meanwhile makes the second look no other one
        begun.append(other)
        world.over(0, value)
    assert world.next(*BOTH, "a100", busy=tuple(begun), free=BOTH) == Notice(0)
    world.add(e.Drifted(0, 5, 1.0, 1.02, 1))
    baseline = world.run.experiments[0]
    assert (baseline.numbers_on("a100"), baseline.numbers_on("h100")) == ((1.02, 1.021), (0.4,))
    assert [world.run.era_of(device) for device in BOTH] == [1, 0]


def test_what_trained_while_a_drift_was_found_out_is_trained_again() -> None:
    world = lab()
    world.train(1)
    world.measured(0, 1.02, 1.021, purpose="drift")
    world.add(e.Drifted(0, 4, 1.0, 1.02, 1))
    world.over(1, 0.99)
    assert world.next("a100") == Train(1, 2, purpose="drift", device="a100")


def test_a_pace_is_compared_with_the_pace_on_the_same_class() -> None:
    world = lab()
    world.train(0, "h100", "device")
    world.over(0, 0.4, pace=3.0)
    world.judge(0)
    world.train(1, "a100")
    world.over(1, 1.1, pace=1.0)
    assert world.next(*BOTH) == Judge(1)


def test_the_closing_measurement_waits_for_all_others_and_stays_on_one_class() -> None:
    world = lab()
    world.measured(1, 0.9)
    world.add(e.SettingsChanged(e.Limits(deadline=EVENING.timestamp() + 100 * TRIAL_S), False))
    late: dict[str, Any] = {"nothing_left": "nothing is left"}
    world.train(2, "h100", parent=1)
    assert world.next("a100", "a100", "h100", busy=(2,), free=("a100", "a100"), **late) == Busy()
    assert plan.ahead(world.run, world.moment("a100", "a100", "h100", busy=(2,), free=("a100", "a100"), **late)) is None
    world.over(2, 9.0)
    world.judge(2)
    first = world.next("a100", "a100", "h100", **late)
    assert isinstance(first, Train) and (first.number, first.device) == (0, "a100")
    world.train(0, "a100", "closing")
    second = world.next("a100", "a100", "h100", busy=(0,), free=("a100", "h100"), **late)
    assert isinstance(second, Train) and (second.number, second.device) == (1, "a100")
    world.train(1, "a100", "closing")
    assert world.next("a100", "a100", "h100", busy=(0, 1), free=("h100",), **late) == Busy()
    world.over(1, 0.9)
    world.over(0, 1.0)
    assert conclusion(world.run).gain == pytest.approx(0.1)


# ------------------------------------------------------------------------------------------------------------------------------
# Whole nights
# ------------------------------------------------------------------------------------------------------------------------------

FLEETS: tuple[Fleet, ...] = (
    *(("a100",), ("a100", "a100"), ("a100", "h100"), ("h100",), ("cpu",) * 4, ("a100", "a100", "h100", "h100"), ("a100",) * 16, ()),
)
WORDS = [
    *["pause", "resume", "skip", "keep", "discard", "again", "stop", "stop now", "idea SET A = 1", "review on", "review off", "approve"],
    *["limit experiments 9", "limit hours 1", "limit hours 20", "limit hours none", "limit cost 1", "limit cost none"],
    *[f"{kind} {number}" for kind in ("keep", "discard", "again", "rewind", "withdraw") for number in range(8)],
]


@st.composite
def overlaps(draw: st.DrawFn) -> Overlap:
    """People, engines that die, slots that come and go, and any luck that is not bad for ever."""
    said = draw(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(WORDS), st.sampled_from(["ann", "bob"])), max_size=16))
    moments = itertools.accumulate((gap for gap, *_ in said), initial=1)
    sendings = [Sending(at, tuple(one.split(maxsplit=2)), by, 0) for at, (_, one, by) in zip(moments, said, strict=False)]
    fleets = [draw(st.sampled_from(FLEETS[:-1])), *draw(st.lists(st.sampled_from(FLEETS), max_size=2))]
    changes = draw(st.dictionaries(st.integers(1, 150), st.integers(0, 2), max_size=3))
    last = {max(changes) + 1: 0} if changes else {}
    luck = [*draw(st.lists(st.integers(0, 59), max_size=40)), 0, 1]
    kills = draw(st.dictionaries(st.integers(1, 120), st.booleans(), max_size=2))
    return Overlap(luck, sendings, kills, fleets, changes | last, in_turn=draw(st.booleans()))


def spend(night: Overlap) -> Iterator[Step]:
    """Session after session, until nobody has anything to say any more and nothing is left to do. Each step before it is done."""
    night.begin(e.Limits(experiments=8))
    while True:
        yield from night.session()
        idle = night.moments > night.silent and not night.run.unsettled and not night.run.wishes
        if idle or night.run.session > 12:
            return
        night.start(e.Limits(experiments=len(night.run.experiments) + 4), review=False)


def comes_to_its_end(night: Overlap) -> None:
    before = -1
    for steps, step in enumerate(spend(night)):
        assert steps < 3000, "it goes on for ever"
        assert night.run.seq > before, "a step without a fact"
        quiet = night.ending or isinstance(step, Rest | Busy | Train | Measure)
        before = -1 if quiet else night.run.seq
    run = night.run
    assert list(run.experiments) == list(range(len(run.experiments)))
    for one in run.experiments.values():
        assert [trial.number for trial in one.trials] == list(range(1, 1 + len(one.trials)))
        if one.reason.startswith("better by "):
            assert float(one.reason.split()[2].rstrip(",")) < 0.3, "two classes of device were compared"
    if run.experiments[0].value is None or run.ended.startswith("nothing trains any more"):
        return  # nothing else can be done then
    assert all(one.settled and not one.due for one in run.experiments.values())
    assert all(run.experiments[number].value is not None for number in run.trunk)
    assert not run.wishes and not run.notes


@settings(max_examples=30, deadline=None)
@given(overlaps())
def test_a_night_of_several_slots_comes_to_its_end_with_nothing_left(night: Overlap) -> None:
    comes_to_its_end(night)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(overlaps())
def test_so_do_two_thousand(night: Overlap) -> None:
    comes_to_its_end(night)


def test_all_slots_are_used() -> None:
    night = Overlap([7 * number * number % 60 for number in range(50)], fleets=[("a100",) * 4])
    comes_to_its_end(night)
    assert night.most == 4
