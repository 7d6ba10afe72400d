"""Where the hours went: every second of a night is somewhere, and in one place."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.journal import events as e
from autoresearch_tui.morning.account import Hours
from autoresearch_tui.morning.parts.hours import clocked, hours_of
from tests.journal.runs import Night
from tests.morning.stories import AT, dated, engine


def parts(hours: Hours) -> dict[str, float]:
    return {name: seconds for name, seconds in msgspec.structs.asdict(hours).items() if name != "whole"}


def spent(*steps: tuple[float, e.Event], seen: dict[int, float] | None = None) -> dict[str, float]:
    """The parts that took any time, in seconds."""
    return {name: round(seconds, 3) for name, seconds in parts(hours_of(dated(*steps), seen)).items() if seconds}


TRIAL = (
    (1.0, e.Launched(0, 1, 42, 1, 1, "boot")),
    (330.0, e.Ended(0, 1, "finished", seconds=330.0)),
    (25.0, e.Measured(0, 1, 0.99, training_s=300.0)),
)


def test_a_trial_is_its_start_its_training_and_its_evaluation() -> None:
    assert spent((0.0, engine()), *TRIAL) == {"idle": 1.0, "starting": 30.0, "training": 300.0, "evaluating": 25.0}


def test_a_training_that_crashed_takes_as_long_to_start_as_the_others() -> None:
    crash = ((5.0, e.Launched(1, 1, 42, 1, 1, "boot")), (50.0, e.Ended(1, 1, "crash", seconds=50.0)))
    assert spent((0.0, engine()), *TRIAL, *crash) == {"idle": 6.0, "starting": 60.0, "training": 320.0, "evaluating": 25.0}


def test_a_researcher_is_waited_for_only_while_nothing_trains() -> None:
    drafts = (
        (2.0, e.Drafting("d1", "tune", 0, "gpt")),
        (1.0, e.Asked("d1", "gpt")),
        (40.0, e.Launched(0, 1, 42, 1, 1, "boot")),
        (300.0, e.Ended(0, 1, "skipped", seconds=300.0)),
        (7.0, e.Replied("d1", 348.0)),
        (3.0, e.Drafted("d1", "b", "wider")),
    )
    assert spent((0.0, engine()), *drafts) == {"idle": 5.0, "drafting": 48.0, "training": 300.0}


def test_nobody_is_waited_for_who_is_down_and_nothing_is_drafted_where_nobody_is_asked() -> None:
    down = ((1.0, e.Asked("d1", "gpt")), (4.0, e.ResearcherDown("gpt", "no answer")), (60.0, e.Drafting("d2", "keep", 0, "")))
    assert spent((0.0, engine()), *down, (9.0, e.Warned("it is late"))) == {"idle": 70.0, "drafting": 4.0}


def test_a_pause_begins_when_the_training_ends() -> None:
    steps = ((0.0, e.Launched(0, 1, 42, 1, 1, "boot")), (10.0, e.Paused("ann")), (90.0, e.Ended(0, 1, "skipped", seconds=100.0)))
    assert spent((0.0, engine()), *steps, (50.0, e.Resumed("ann")), (2.0, e.Warned("x"))) == {
        "training": 100.0,
        "paused": 50.0,
        "idle": 2.0,
    }


def test_between_two_engines_nobody_worked() -> None:
    steps = ((60.0, e.EngineEnded("stopped")), (3600.0, engine("boot")), (5.0, e.EngineEnded("stopped")))
    assert spent((0.0, engine()), *steps) == {"idle": 65.0, "away": 3600.0}


def test_an_engine_that_died_worked_for_as_long_as_it_looked_at_the_machine() -> None:
    steps = ((0.0, engine()), (10.0, e.Launched(0, 1, 42, 1, 1, "boot")), (1000.0, engine("later")), (0.0, e.Warned("x")))
    assert spent(*steps, seen={3: AT + 110.0}) == {"idle": 10.0, "training": 100.0, "away": 900.0}
    assert spent(*steps) == {"idle": 10.0, "away": 1000.0}, "where nobody knows, it is not made up"


def test_a_keeper_that_starts_it_again_leaves_no_gap() -> None:
    steps = ((0.0, engine()), (10.0, e.Launched(0, 1, 42, 1, 1, "boot")), (100.0, engine("boot", after="signal 9")))
    assert spent(*steps) == {"idle": 10.0, "training": 100.0}


def test_an_hour_that_the_machine_slept_through_is_nobodys_work() -> None:
    facts = dated((0.0, engine()), (10.0, e.Warned("x")))
    asleep = [facts[0], msgspec.structs.replace(facts[1], at=facts[1].at + 3600.0)]
    assert hours_of(asleep) == Hours(whole=3610.0, idle=10.0, away=3600.0)


def test_a_clock_that_was_set_back_changes_nothing() -> None:
    facts = dated((0.0, engine()), (10.0, e.Warned("x")))
    assert hours_of([facts[0], msgspec.structs.replace(facts[1], at=facts[1].at - 7200.0)]) == Hours(whole=10.0, idle=10.0)


def test_two_trainings_at_a_time_share_the_hours() -> None:
    steps = ((0.0, e.Launched(0, 1, 42, 1, 1, "b")), (0.0, e.Launched(1, 1, 42, 1, 1, "b")), (60.0, e.Ended(0, 1, "skipped", seconds=60.0)))
    assert spent((0.0, engine()), *steps, (40.0, e.Ended(1, 1, "skipped", seconds=100.0))) == {"training": 100.0}


def test_by_its_verdict_an_experiment_has_taken_the_time_that_somebody_worked() -> None:
    judged = (
        (5.0, e.Judged(0, "keep", "first", 0)),
        (0.0, e.Paused("ann")),
        (900.0, e.Resumed("ann")),
        (3.0, e.Judged(0, "keep", "again", 0)),
    )
    again = ((0.0, e.EngineEnded("done")), (7200.0, engine()), (4.0, e.Judged(1, "discard", "worse", 0)))
    clock = clocked(dated((0.0, engine()), *TRIAL, *judged, *again))
    assert clock.judged == {0: 361.0, 1: 368.0}, "pauses, and hours without an engine, are no work; the first verdict counts"
    assert clock.hours.worked == 368.0


def test_of_nothing_there_are_no_hours() -> None:
    assert hours_of([]) == Hours(whole=0.0)


GAPS = st.lists(st.tuples(st.floats(0, 5000), st.floats(-500, 5000)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=30)
@given(chance=st.randoms(use_true_random=False), gaps=GAPS)
def test_the_parts_add_up_to_the_whole(chance: Random, gaps: list[tuple[float, float]]) -> None:
    """Whatever happened, and whatever the clock did meanwhile."""
    at = mono = 0.0
    facts = []
    for seq, fact in enumerate(Night(chance, calm=6).go_on(80).facts, start=1):
        passed, set_by = gaps[seq % len(gaps)]
        mono, at = mono + passed, at + passed + (set_by if seq % 7 == 0 else 0.0)
        facts.append(e.Recorded(seq, AT + at, mono, fact))
    clock = clocked(facts)
    hours = clock.hours
    assert all(0 <= worked <= hours.worked + 1e-6 for worked in clock.judged.values())
    assert all(seconds >= 0 for seconds in parts(hours).values())
    assert sum(parts(hours).values()) == pytest.approx(hours.whole)
    assert hours.whole >= mono - facts[0].mono - 1e-6, "every second that the machine was awake is in it"
