"""What comes next: for each unfinished thing, at each barrier, and through whole nights of any luck and any commands."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.clock import inside
from autoresearch_tui.engine import plan
from autoresearch_tui.engine.moment import Moment, waiting
from autoresearch_tui.engine.steps import (
    Apply,
    Ask,
    Begin,
    Bury,
    ByHand,
    Commit,
    Draw,
    End,
    GiveUp,
    Hold,
    Judge,
    Measure,
    Propose,
    Rest,
    Rewinding,
    Step,
    Train,
)
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from tests.engine.histories import EVENING, TRIAL_S, History, a_night
from tests.engine.worlds import Night, Sending

# ------------------------------------------------------------------------------------------------------------------------------
# The last fact decides
# ------------------------------------------------------------------------------------------------------------------------------

LIFE: list[tuple[e.Event, Step]] = [
    (e.EngineStarted(1, 1, "boot", "1", "sweep"), Begin()),
    (e.Proposed(0), Commit(0)),
    (e.Committed(0, "c0"), Train(0, 1)),
    (e.Launched(0, 1, 42, 1, 1, "boot"), Bury(0, 1)),
    (e.Ended(0, 1, "interrupted"), Train(0, 2)),
    (e.Launched(0, 2, 42, 1, 1, "boot"), Bury(0, 2)),
    (e.Ended(0, 2, "finished"), Measure(0, 2)),
    (e.Measured(0, 2, 1.0), Judge(0)),
    (e.Judged(0, "keep", "baseline", 0), Apply(0)),
    (e.Applied(0), Draw()),
    (e.Drafting("d0001", "tune", 0, "sweep"), Ask("d0001")),
    (e.Replied("d0001", 1.0), Ask("d0001")),
    (e.Refused("d0001", "it changes nothing"), Ask("d0001")),
    *((e.Refused("d0001", "it does not parse"), Ask("d0001")) for _ in range(3)),
    (e.Refused("d0001", "not again"), GiveUp("d0001", "refused 5 times, at last: not again")),
    (e.Abandoned("d0001", "refused 5 times"), Draw()),
    (e.Drafting("d0002", "tune", 0, "sweep"), Ask("d0002")),
    (e.Drafted("d0002", "b1", "an idea"), Propose("d0002")),
    (e.Proposed(1, "d0002", parent=0), Commit(1)),
    (e.Committed(1, "c1"), Train(1, 1)),
    (e.Launched(1, 1, 42, 1, 1, "boot"), Bury(1, 1)),
    (e.Ended(1, 1, "crash", "nan"), Judge(1)),
    (e.Judged(1, "crash", "nan", 0), Apply(1)),
    (e.Applied(1), Draw()),
    (e.Launched(1, 2, 42, 1, 1, "boot"), Bury(1, 2)),
    (e.Ended(1, 2, "skipped", by="ann"), Judge(1)),
    (e.Judged(1, "crash", "nan", 0), Apply(1)),
    (e.Judged(0, "keep", "kept by hand", 0, "ann"), Apply(0)),
]


def test_a_start_goes_on_with_the_one_next_thing() -> None:
    history = History()
    for fact, step in LIFE:
        history.add(fact)
        assert plan.next_step(history.run, Moment(history.now)) == step, fact


# ------------------------------------------------------------------------------------------------------------------------------
# Barriers
# ------------------------------------------------------------------------------------------------------------------------------

TRAINING = Train(0, 1)
BARRIERS: list[tuple[str, e.Limits, dict[str, Any], Step]] = [
    ("no limit", e.Limits(), {}, TRAINING),
    ("time for one more", e.Limits(deadline=EVENING.timestamp() + 300), {"trial_s": 300}, TRAINING),
    ("none", e.Limits(deadline=EVENING.timestamp() + 300), {"trial_s": 301}, End("no trial would end before the time is up")),
    ("time is up", e.Limits(deadline=EVENING.timestamp() - 1), {}, End("the time is up")),
    ("nothing spent", e.Limits(cost=0.1), {}, TRAINING),
    ("window open", e.Limits(between="22:00-07:00"), {}, TRAINING),
    ("window closed", e.Limits(between="22:01-07:00"), {}, Rest("outside 22:01-07:00", EVENING.timestamp() + 60)),
    ("disk free", e.Limits(), {"free_gb": 2.0, "floor_gb": 2.0}, TRAINING),
    (
        "disk full",
        e.Limits(),
        {"free_gb": 1.94, "floor_gb": 2.0},
        Rest("less than 2 GB of disk are free", EVENING.timestamp() + 10),
    ),
]


@pytest.mark.parametrize(("limits", "world", "step"), [row[1:] for row in BARRIERS], ids=[row[0] for row in BARRIERS])
def test_no_trial_starts_past_a_barrier(limits: e.Limits, world: dict[str, Any], step: Step) -> None:
    history = History()
    history.begin(limits)
    history.add(e.Proposed(0))
    history.add(e.Committed(0, "c0"))
    assert plan.next_step(history.run, Moment(EVENING, **world)) == step


def test_a_pause_lasts_until_somebody_ends_it_and_not_beyond_the_night() -> None:
    history = History()
    history.begin(e.Limits(deadline=EVENING.timestamp() + 3600, between="05:00-06:00"))
    history.send(c.Pause(1))
    history.add(e.Proposed(0))
    history.add(e.Committed(0, "c0"))
    assert plan.next_step(history.run, Moment(EVENING)) == Rest("paused by ann", pause=True)
    history.add(e.Paused("ann"), e.Fulfilled(1))
    assert plan.next_step(history.run, Moment(EVENING)) == Rest("paused", pause=True)
    assert plan.next_step(history.run, Moment(EVENING + timedelta(hours=2))) == End("the time is up")


def test_what_is_trained_already_is_brought_to_its_end_behind_every_barrier() -> None:
    history = History()
    history.begin(e.Limits(deadline=EVENING.timestamp(), between="05:00-06:00", cost=0.0))
    history.launch(0)
    history.add(e.Paused("ann"))
    history.send(c.Stop(1))
    steps: list[tuple[e.Event, Step]] = [
        (e.Ended(0, 1, "finished"), Measure(0, 1)),
        (e.Measured(0, 1, 1.0), Judge(0)),
        (e.Judged(0, "keep", "baseline", 0), Apply(0)),
        (e.Applied(0), End("stopped by ann")),
    ]
    for fact, step in steps:
        history.add(fact)
        assert plan.next_step(history.run, Moment(history.now)) == step


def test_a_run_has_as_many_experiments_as_it_may_and_further_trials_are_none() -> None:
    night = Night()
    a_night(night)
    night.send(c.Limit("experiments", "9"))
    night.send(c.Again(6))
    step = night.next_step()
    assert isinstance(step, Train) and (step.number, step.trial) == (6, 2)
    night.send(c.Withdraw(2))
    for trial in (2, 3):  # something was kept, so the noise is measured before the end
        assert night.next_step() == Train(3, trial, purpose="noise")
        night.relaunch(3)
        night.end(3, 0.98)
        night.judge(3)
    assert night.next_step() == End("9 experiments are done")


def test_what_the_replies_cost_ends_the_run() -> None:
    night = Night()
    a_night(night)
    night.send(c.Limit("cost", "0.2"))
    for name in ("d0001", "d0002"):
        assert night.next_step() == Draw()
        night.add(e.Drafting(name, "tune", 3, "sweep"))
        night.add(e.Replied(name, 1.0, cost=0.1))
        night.add(e.Abandoned(name, "no use"))
    assert night.next_step() == End("the limit of 0.20 USD is reached")


# ------------------------------------------------------------------------------------------------------------------------------
# A person looks at drafts
# ------------------------------------------------------------------------------------------------------------------------------


def do(night: Night, *kinds: type[Step]) -> None:
    """These steps come next, and are done."""
    for kind in kinds:
        step = night.next_step()
        assert isinstance(step, kind)
        night.do(step)


def reviewed() -> Night:
    """A draft waits for a person, for ten minutes."""
    night = Night()
    a_night(night)
    night.send(c.Review(True))
    do(night, Draw, Ask, Hold)
    return night


def test_a_draft_waits_for_a_person_and_not_longer_than_said() -> None:
    night = reviewed()
    until = night.now + timedelta(minutes=10)
    assert night.next_step() == Rest("draft d0001 waits for a person", until.timestamp())
    night.now = until - timedelta(seconds=1)
    assert isinstance(night.next_step(), Rest)
    night.now = until
    assert night.next_step() == Propose("d0001")


def test_what_a_person_wants_made_again_waits_for_nobody() -> None:
    night = reviewed()
    night.send(c.Keep(2))
    do(night, ByHand, Ask, Propose, Commit, Train)
    assert (night.run.experiments[9].of, night.run.experiments[9].kept_by) == (2, "ann")
    assert night.run.drafts["d0001"].held_until


def test_an_approval_outlives_a_trunk_that_moves() -> None:
    night = reviewed()
    night.send(c.Approve("d0001"))
    night.send(c.Keep(6))
    do(night, Apply, Propose, Propose, Commit)  # made again on #6, then proposed
    assert night.run.experiments[9].parent == 6


# ------------------------------------------------------------------------------------------------------------------------------
# A baseline that does not train
# ------------------------------------------------------------------------------------------------------------------------------

FAILED = End("the baseline does not train: error", failed=True)


def lost() -> Night:
    night = Night()
    night.begin()
    night.settle(0, None, None, "crash")
    return night


def test_without_a_baseline_the_run_has_failed() -> None:
    assert lost().next_step() == FAILED


def test_the_next_start_trains_it_once_more_and_only_once() -> None:
    night = lost()
    night.start()
    assert night.next_step() == Train(0, 2)
    night.relaunch(0)
    night.end(0, None, "crash")
    night.judge(0)
    assert night.next_step() == FAILED
    night.start()
    night.relaunch(0)
    night.end(0, 1.0)
    assert night.judge(0) == [e.Judged(0, "keep", "baseline", 0)]
    assert night.next_step() == Draw()


def test_a_person_may_ask_for_it_again() -> None:
    night = Night()
    night.begin()
    night.launch(0)
    night.send(c.Again(0))
    night.end(0, None, "crash")
    night.judge(0)
    do(night, Train)
    assert len(night.run.experiments[0].trials) == 2 and not night.run.wishes


# ------------------------------------------------------------------------------------------------------------------------------
# Whole nights
# ------------------------------------------------------------------------------------------------------------------------------

PLAIN = [
    *["pause", "resume", "skip", "skip", "keep", "discard", "again", "stop", "stop now", "note less", "idea SET A = 1"],
    *["review on", "review off", "approve", "reject no", "limit experiments 3", "limit experiments 9"],
    *["limit hours 1", "limit hours none", "limit between 23:00-07:00", "limit between none", "limit cost 1", "limit cost none"],
]
NAMED = [f"{kind} {number}" for kind in ("keep", "discard", "again", "rewind", "withdraw") for number in range(8)]


@st.composite
def nights(draw: st.DrawFn, kind: type[Night] = Night) -> Night:
    """Two people, late or not, engines that die, and any luck that is not bad for ever."""
    words = st.sampled_from(PLAIN) | st.sampled_from(NAMED)
    said = draw(st.lists(st.tuples(st.integers(0, 4), words, st.sampled_from(["ann", "bob"]), st.sampled_from([0, 0, 1, 7])), max_size=20))
    moments = itertools.accumulate((gap for gap, *_ in said), initial=1)
    sendings = [Sending(at, tuple(one.split(maxsplit=2)), by, late) for at, (_, one, by, late) in zip(moments, said, strict=False)]
    luck = [*draw(st.lists(st.integers(0, 59), max_size=12)), 0]
    return kind(luck, sendings, draw(st.dictionaries(st.integers(1, 80), st.booleans(), max_size=3)))


def spend(night: Night) -> Iterator[Step]:
    """A run, session after session, until nobody has anything to say any more and nothing is left to do. Each step before it is done."""
    night.begin(e.Limits(experiments=5))
    while True:
        yield from night.session()
        idle = night.moments > night.silent and not night.run.unsettled and not night.run.wishes
        if idle or night.run.session > 30:
            return
        night.start(e.Limits(experiments=len(night.run.experiments) + 3), review=False)


def facts(night: Night) -> list[e.Event]:
    return [recorded.event for transaction in night.transactions for recorded in transaction]


many = settings(max_examples=60, deadline=None)


@many
@given(nights())
def test_a_night_comes_to_its_end_with_nothing_left(night: Night) -> None:
    before = -1
    for steps, step in enumerate(spend(night)):
        assert steps < 3000, "it goes on for ever"
        assert night.run.seq > before, "a step without a fact"
        before = -1 if isinstance(step, Rest) or night.ending else night.run.seq
    run = night.run
    assert list(run.experiments) == list(range(len(run.experiments)))
    for one in run.experiments.values():
        assert [trial.number for trial in one.trials] == list(range(1, 1 + len(one.trials)))
    if run.experiments[0].value is None:
        return  # nothing else can be done then
    assert all(one.settled and not one.due for one in run.experiments.values())
    assert all(run.experiments[number].value is not None for number in run.trunk)
    assert not run.wishes and not run.notes


@many
@given(nights())
def test_nothing_starts_past_a_barrier(night: Night) -> None:
    for step in spend(night):
        run, limits = night.run, night.run.limits
        if isinstance(step, Train | Draw | Propose | Rewinding):
            assert not run.paused and not waiting(run, c.Stop, c.Pause)
            assert limits.deadline is None or night.now.timestamp() + TRIAL_S <= limits.deadline
            assert not limits.between or inside(limits.between, night.now)[0]
        if isinstance(step, Draw) or (isinstance(step, Ask) and run.drafts[step.draft].needs_reply):
            assert limits.cost is None or run.cost < limits.cost  # what was paid for by then is trained
        if isinstance(step, Draw | Propose):
            assert limits.experiments is None or len(run.experiments) < limits.experiments
        if isinstance(step, Rest) and step.why.endswith("waits for a person"):
            assert step.until and 0 < step.until - night.now.timestamp() <= run.review_timeout_s


@many
@given(nights())
def test_a_start_after_any_fact_does_the_same_next_thing(night: Night) -> None:
    planned: dict[int, tuple[datetime, Step]] = {}
    for step in spend(night):
        if not night.ending:
            planned[night.run.seq] = night.now, step
    run = Run()
    for recorded in itertools.chain.from_iterable(night.transactions):
        run = fold([recorded], run)
        if run.seq in planned:
            now, step = planned[run.seq]
            assert plan.next_step(run, Moment(now, trial_s=TRIAL_S)) == step
            started = e.EngineStarted(2, 2, "boot", "1", "sweep", run.limits, run.review, after="it was killed")
            again = plan.next_step(fold([e.Recorded(run.seq + 1, now.timestamp(), 0.0, started)], run), Moment(now, trial_s=TRIAL_S))
            broken = (isinstance(step, End) and step.failed) or (isinstance(step, Rest) and "trains any more" in step.why)
            assert again == step or (broken and isinstance(again, Train)), "a person may have mended the machine"
    assert run == night.run


@many
@given(nights())
def test_a_command_is_answered_once_and_comes_true_or_not_once(night: Night) -> None:
    for _ in spend(night):
        pass
    heard = Counter(fact.command for fact in facts(night) if isinstance(fact, e.Commanded))
    accepted = {fact.command for fact in facts(night) if isinstance(fact, e.Commanded) and fact.accepted}
    done = Counter(fact.command for fact in facts(night) if isinstance(fact, e.Fulfilled | e.Lapsed))
    assert {*heard.values(), *done.values()} <= {1}
    assert done.keys() == accepted - night.run.wishes.keys()


class Watched(Night):
    """What is answered names nothing but the command's own target."""

    def send(self, wish: c.Command, by: str = "ann") -> list[e.Event]:
        run = self.run
        commanded, *rest = answered = super().send(wish, by)
        assert isinstance(commanded, e.Commanded)
        for fact in rest:
            assert self.may(run, commanded.command, wish, fact), f"{wish} led to {fact}"
        return answered

    def may(self, run: Run, command: int, wish: c.Command, fact: e.Event) -> bool:
        experiment, draft = getattr(wish, "experiment", None), getattr(wish, "draft", "")
        match fact:
            case e.Fulfilled(of):
                return of == command
            case e.Judged(number, _, _, tip):
                return number == experiment and tip in (number, run.tip, run.experiments[number].parent)
            case e.Abandoned(name) | e.Approved(name):
                return (
                    name == draft or isinstance(wish, c.Review) or self.may(run, command, wish, e.Lapsed(run.drafts[name].idea_of or 0, ""))
                )
            case e.Lapsed(of):
                other = run.wishes[of].wish
                if isinstance(wish, c.Resume):
                    return isinstance(other, c.Pause)
                if isinstance(wish, c.Withdraw):
                    return of == wish.command
                if draft:
                    return run.drafts[draft].idea_of == of
                return isinstance(other, c.Keep | c.Discard | c.Rewind) and other.experiment == experiment
            case e.Resumed():
                return isinstance(wish, c.Resume)
            case e.SettingsChanged():
                return isinstance(wish, c.Limit | c.Review)
        return False


@many
@given(nights(Watched))
def test_a_command_acts_on_nothing_but_its_own_target(night: Night) -> None:
    for _ in spend(night):
        pass
    wishes = {fact.command: fact.wish for fact in facts(night) if isinstance(fact, e.Commanded) and fact.accepted}
    for transaction in night.transactions:
        fulfilled = [wishes[one.event.command] for one in transaction if isinstance(one.event, e.Fulfilled)]
        for fact in (one.event for one in transaction):
            match fact:
                case e.Ended(number, trial, "skipped"):
                    assert c.Skip(number, trial) in fulfilled
                case e.Launched(number, trial):
                    assert all(wish == c.Again(number) for wish in fulfilled)
                case e.Rewound(to):
                    assert fulfilled == [c.Rewind(to)]
                case e.Judged(number, by="ann" | "bob"):
                    said = [wish for wish in wishes.values() if isinstance(wish, c.Keep | c.Discard | c.Skip)]
                    assert night.run.experiments[number].kept_by or any(wish.experiment == number for wish in said)
                case e.Drafting(of=int(of), idea=int(command)):
                    assert wishes[command] in (c.Keep(of), c.Discard(of))


def test_a_researcher_that_says_nothing_usable_is_asked_less_and_less_often() -> None:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    rests = []
    for number in range(1, 6):
        name = f"d{number:04}"
        history.add(e.Drafting(name, "tune", 0, "sweep"))
        history.add(e.Abandoned(name, "refused 3 times"))
        step = plan.next_step(history.run, Moment(datetime.fromtimestamp(history.run.fruitless_at, UTC)))
        rests.append(round(step.until - history.run.fruitless_at) if isinstance(step, Rest) and step.until else 0)
    assert rests == [0, 0, 10, 20, 40]
    assert isinstance(plan.next_step(history.run, Moment(datetime.fromtimestamp(history.run.at + 41, UTC))), Draw)
