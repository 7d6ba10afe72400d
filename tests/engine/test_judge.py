"""Keep, discard or crash, and where the trunk goes: each test makes a short history and asks for the verdict on its last trial."""

from __future__ import annotations

import pytest

from autoresearch_tui.engine.steps import ByHand
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import History, a_night
from tests.engine.worlds import World


def trained(value: float | None, outcome: str = "finished", skipped_by: str = "", kept_by: str = "") -> History:
    """The trunk is #0 with 1.0; #1 has just been trained on it, and came to this."""
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    history.launch(1, 0, by=kept_by)
    history.end(1, value, outcome, skipped_by)
    return history


def measured_again(
    number: int, value: float | None, outcome: str = "finished", said: c.Command | None = None
) -> tuple[World, list[e.Event]]:
    """One more trial of a row of the night, during which somebody says something: the run, and the facts of the verdict."""
    world = World()
    a_night(world)
    world.relaunch(number)
    if said:
        world.send(said)
    world.end(number, value, outcome, "bob" if outcome == "skipped" else "")
    return world, world.judge(number)


# ------------------------------------------------------------------------------------------------------------------------------
# The first verdict
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.99, e.Judged(1, "keep", "better by 0.010000", tip=1)),
        (1.01, e.Judged(1, "discard", "worse by 0.010000", tip=0)),
        (1.0, e.Judged(1, "discard", "no better", tip=0)),
    ],
)
def test_lower_than_the_trunk_is_kept_and_moves_it(value: float, verdict: e.Judged) -> None:
    assert trained(value).judge(1) == [verdict]


def test_where_higher_is_the_goal_higher_is_kept() -> None:
    history = History()
    history.add(e.RunStarted("night", "c0", goal="higher"))
    history.start()
    history.settle(0, None, 0.5)
    history.settle(1, 0, 0.6)
    history.settle(2, 1, 0.55)
    assert [one.verdict for one in history.run.experiments.values()] == ["keep", "keep", "discard"]


def test_the_baseline_is_the_first_of_the_trunk_whatever_it_is() -> None:
    history = History()
    history.begin()
    history.launch(0)
    history.end(0, 123.0)
    assert history.judge(0) == [e.Judged(0, "keep", "baseline", tip=0)]


@pytest.mark.parametrize(
    ("ended", "refused", "reason"),
    [
        (e.Ended(1, 1, "crash", crash="nan", why="loss is nan at step 7"), "", "nan: loss is nan at step 7"),
        (e.Ended(1, 1, "crash"), "", "error"),
        (e.Ended(1, 1, "finished"), "the model sees later tokens", "contract: the model sees later tokens"),
    ],
)
def test_what_has_no_number_crashed_and_the_reason_says_how(ended: e.Ended, refused: str, reason: str) -> None:
    history = trained(None, "interrupted")
    history.relaunch(1)
    history.add(e.Ended(1, 2, ended.outcome, ended.crash, ended.why))
    if refused:
        history.add(e.Measured(1, 2, None, refused=refused))
    assert history.judge(1) == [e.Judged(1, "crash", reason, tip=0)]


def test_the_trunk_is_what_all_of_its_trials_say() -> None:
    history = trained(0.97)
    history.judge(1)
    history.relaunch(1)
    history.end(1, 0.99)
    history.judge(1)
    history.settle(2, 1, 0.975)
    assert history.run.experiments[2].reason == "better by 0.005000"


# ------------------------------------------------------------------------------------------------------------------------------
# A person's word
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "value", "verdict"),
    [
        (c.Keep(1), 1.5, e.Judged(1, "keep", "kept by hand", tip=1, by="ann")),
        (c.Discard(1), 0.5, e.Judged(1, "discard", "discarded by hand", tip=0, by="ann")),
    ],
)
def test_what_a_person_said_while_it_trained_beats_the_number(wish: c.Command, value: float, verdict: e.Judged) -> None:
    history = trained(value)
    history.send(wish)
    assert history.judge(1) == [verdict, e.Fulfilled(1)]


@pytest.mark.parametrize("wish", [c.Keep(1), c.Discard(1)])
def test_a_crash_is_never_kept_and_is_no_discard(wish: c.Command) -> None:
    history = trained(None, "crash")
    history.send(wish)
    assert history.judge(1) == [e.Judged(1, "crash", "error", tip=0), e.Lapsed(1, "#1 crashed")]


def test_what_was_skipped_is_discarded_by_whoever_skipped_it() -> None:
    assert trained(None, "skipped", "bob").judge(1) == [e.Judged(1, "discard", "skipped by hand", tip=0, by="bob")]


def test_what_was_skipped_has_no_number_to_be_kept_with() -> None:
    history = trained(None, "skipped", "bob")
    history.send(c.Keep(1))
    assert history.judge(1)[1:] == [e.Lapsed(1, "#1 was skipped: it has no number")]
    history = trained(None, "skipped", "bob")
    history.send(c.Discard(1))
    assert history.judge(1)[1:] == [e.Fulfilled(1)]


@pytest.mark.parametrize(
    ("value", "outcome", "verdict"), [(1.5, "finished", "keep"), (None, "crash", "crash"), (None, "skipped", "discard")]
)
def test_what_is_made_again_by_hand_is_kept_unless_it_crashes_or_is_skipped(value: float | None, outcome: str, verdict: str) -> None:
    history = trained(value, outcome, "bob", kept_by="ann")
    (judged,) = history.judge(1)
    assert isinstance(judged, e.Judged) and (judged.verdict, judged.tip) == (verdict, 1 if verdict == "keep" else 0)
    assert judged.by == {"keep": "ann", "crash": "policy", "discard": "bob"}[verdict]


def test_what_crashed_by_accident_and_trains_then_is_kept_by_hand_all_the_same() -> None:
    history = trained(None, "crash", kept_by="ann")
    history.judge(1)
    history.relaunch(1)
    history.end(1, 1.5)
    assert history.judge(1) == [e.Judged(1, "keep", "kept by hand", tip=1, by="ann")]


def test_nobody_goes_back_to_what_is_discarded_meanwhile() -> None:
    world = World()
    a_night(world)
    world.send(c.Rewind(4))
    world.relaunch(4)
    world.end(4, 1.200)  # its parent is the tip again, so its verdict is open
    assert world.judge(4)[1:] == [e.Lapsed(1, "#4 was discarded meanwhile")]


# ------------------------------------------------------------------------------------------------------------------------------
# The trunk moved while it trained
# ------------------------------------------------------------------------------------------------------------------------------


def moved(value: float, kept_by: str = "") -> World:
    """#9 trains on #3; meanwhile ann discards #3, and the trunk is #1 (0.990)."""
    world = World()
    a_night(world)
    world.launch(9, 3, by=kept_by)
    world.send(c.Discard(3))
    world.add(e.Applied(3))
    world.end(9, value)
    return world


def test_what_beats_the_trunk_that_moved_is_tried_on_it_next() -> None:
    world = moved(0.985)
    judged, drafting = world.judge(9)
    assert judged == e.Judged(9, "discard", "better by 0.005000, but the trunk moved while it trained: tried on it next", tip=1)
    assert drafting == e.Drafting("d0001", "keep", 1, "", of=9)


def test_what_does_not_beat_it_is_not() -> None:
    assert moved(0.995).judge(9) == [e.Judged(9, "discard", "worse by 0.005000", tip=1)]


def test_what_was_to_be_kept_by_hand_is_made_again_for_the_same_person() -> None:
    world = moved(2.0, kept_by="bob")
    judged, drafting = world.judge(9)
    assert isinstance(judged, e.Judged) and (judged.verdict, judged.by, judged.tip) == ("discard", "bob", 1)
    assert drafting == e.Drafting("d0001", "keep", 1, "", of=9, by="bob")


def test_a_word_to_keep_it_waits_until_it_is_made_again_and_is_answered_then() -> None:
    world = moved(2.0)
    world.send(c.Keep(9), "bob")
    (judged,) = world.judge(9)
    assert isinstance(judged, e.Judged) and (judged.verdict, judged.by, judged.tip) == ("discard", "bob", 1)
    step = world.next_step()
    assert isinstance(step, ByHand) and step.wish.wish == c.Keep(9)


# ------------------------------------------------------------------------------------------------------------------------------
# Measured again. The trunk is #0, #1 (0.990), #3 (0.980).
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "value", "outcome", "verdict"),
    [
        pytest.param(6, 0.955, "finished", e.Judged(6, "keep", "better by 0.010000", tip=6), id="a discard, parent the tip, is open"),
        pytest.param(6, 0.995, "finished", e.Judged(6, "discard", "worse by 0.010000", tip=3), id="and may stay one"),
        pytest.param(6, None, "crash", e.Judged(6, "discard", "worse by 0.005000", tip=3), id="a crash adds nothing"),
        pytest.param(6, None, "skipped", e.Judged(6, "discard", "worse by 0.005000", tip=3), id="nor does a skip"),
        pytest.param(2, 0.1, "finished", e.Judged(2, "discard", "worse by 0.005000", tip=3), id="a discard, parent elsewhere, stays"),
        pytest.param(1, 9.0, "finished", e.Judged(1, "keep", "better by 0.010000", tip=3), id="a keep inside the trunk stays"),
        pytest.param(3, 9.0, "finished", e.Judged(3, "keep", "better by 0.010000", tip=3), id="the tip stays"),
        pytest.param(3, None, "skipped", e.Judged(3, "keep", "better by 0.010000", tip=3), id="the tip, skipped, stays"),
        pytest.param(0, 9.0, "finished", e.Judged(0, "keep", "baseline", tip=3), id="the baseline stays"),
        pytest.param(0, None, "crash", e.Judged(0, "keep", "baseline", tip=3), id="the baseline, crashed, stays"),
        pytest.param(4, 0.970, "finished", e.Judged(4, "keep", "better by 0.010000", tip=4), id="a keep left by a rewind is open"),
        pytest.param(4, 1.200, "finished", e.Judged(4, "discard", "worse by 0.105000", tip=3), id="and may be lost"),
        pytest.param(5, 0.1, "finished", e.Judged(5, "keep", "better by 0.010000", tip=3), id="one left with its parent stays, and away"),
        pytest.param(7, 0.970, "finished", e.Judged(7, "keep", "better by 0.010000", tip=7), id="a crash that trains has its first number"),
        pytest.param(7, 1.000, "finished", e.Judged(7, "discard", "worse by 0.020000", tip=3), id="which may be bad"),
        pytest.param(7, None, "crash", e.Judged(7, "crash", "error", tip=3), id="a crash that crashes"),
        pytest.param(7, None, "skipped", e.Judged(7, "crash", "error", tip=3), id="a crash that is skipped is still one"),
        pytest.param(8, 0.970, "finished", e.Judged(8, "keep", "better by 0.010000", tip=8), id="a skip says nothing of its worth"),
        pytest.param(8, 1.000, "finished", e.Judged(8, "discard", "worse by 0.020000", tip=3), id="nor against it"),
        pytest.param(8, None, "crash", e.Judged(8, "crash", "error", tip=3), id="a skipped one that crashes"),
        pytest.param(8, None, "skipped", e.Judged(8, "discard", "skipped by hand", tip=3, by="ann"), id="skipped twice"),
    ],
)
def test_a_verdict_is_reconsidered_only_where_its_parent_is_the_trunk(
    number: int, value: float | None, outcome: str, verdict: e.Judged
) -> None:
    world, facts = measured_again(number, value, outcome)
    assert isinstance(facts[0], e.Judged)
    assert facts == [verdict]
    assert not world.run.experiments[number].due and not world.run.drafts


@pytest.mark.parametrize("outcome", ["crash", "skipped"])
def test_a_trial_without_a_number_changes_no_verdict_though_the_trunk_was_measured_again(outcome: str) -> None:
    world, _ = measured_again(3, 1.000)  # the trunk is 0.990 now, and #6 was 0.985
    world.relaunch(6)
    world.end(6, None, outcome, "bob")
    assert world.judge(6) == [e.Judged(6, "discard", "worse by 0.005000", tip=3)]


@pytest.mark.parametrize(
    ("number", "said", "verdict"),
    [
        (6, c.Keep(6), e.Judged(6, "keep", "kept by hand", tip=6, by="ann")),
        (3, c.Discard(3), e.Judged(3, "discard", "discarded by hand", tip=1, by="ann")),
        (4, c.Discard(4), e.Judged(4, "discard", "discarded by hand", tip=3, by="ann")),
        (1, c.Keep(1), e.Judged(1, "keep", "kept by hand", tip=3, by="ann")),
    ],
)
def test_a_word_meanwhile_acts_where_the_code_is_measured(number: int, said: c.Command, verdict: e.Judged) -> None:
    assert measured_again(number, 0.5, said=said)[1] == [verdict, e.Fulfilled(1)]


@pytest.mark.parametrize(("number", "said"), [(1, c.Discard(1)), (2, c.Keep(2)), (5, c.Keep(5))])
def test_else_the_verdict_stays_and_the_word_waits_to_be_trained(number: int, said: c.Command) -> None:
    world = World()
    a_night(world)
    before = world.run.experiments[number]
    world, facts = measured_again(number, 0.5, said=said)
    assert facts == [e.Judged(number, before.verdict, before.reason, tip=3)]
    step = world.next_step()
    assert isinstance(step, ByHand) and step.wish.wish == said


@pytest.mark.parametrize(("wish", "value"), [(c.Keep(6), 2.0), (c.Discard(4), 0.1)])
def test_a_persons_word_stays_whatever_is_measured_later(wish: c.Keep | c.Discard, value: float) -> None:
    world = World()
    a_night(world)
    world.send(wish)
    verdict = world.run.experiments[wish.experiment].verdict
    world.add(e.Applied(wish.experiment))
    world.relaunch(wish.experiment)
    world.end(wish.experiment, value)
    (judged,) = world.judge(wish.experiment)
    assert isinstance(judged, e.Judged) and (judged.verdict, judged.by) == (verdict, "ann")


def test_what_is_being_made_again_on_the_trunk_is_not_decided_twice() -> None:
    world = World()
    a_night(world)
    world.send(c.Keep(2))
    world.do(world.next_step())  # a draft of it is begun
    world.add(e.Rewound(1, "ann"))  # where #2 could be kept at once
    world.relaunch(2)
    world.end(2, 0.992)
    (judged,) = world.judge(2)
    assert isinstance(judged, e.Judged) and (judged.verdict, judged.by) == ("discard", "policy")
