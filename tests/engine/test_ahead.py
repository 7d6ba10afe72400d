"""What may be done for the next draft while a trial runs, and what is waited for when nobody can answer."""

from __future__ import annotations

from typing import Any

import pytest

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Ask, Draw, End, GiveUp, Hold, Propose, Rest, Step
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import EVENING, TRIAL_S, History


def training(limits: e.Limits | None = None, review: bool = False) -> History:
    """The baseline is measured, experiment 1 trains."""
    history = History()
    history.begin(limits or e.Limits(), review)
    history.settle(0, None, 1.0)
    history.launch(1, 0)
    return history


def ahead(history: History, **world: Any) -> Step | None:
    return plan.ahead(history.run, Moment(EVENING, **world))


def test_while_a_trial_runs_the_next_draft_is_begun_and_written_and_shown_but_not_more() -> None:
    history = training(review=True)
    assert ahead(history) == Draw()
    history.add(e.Drafting("d0001", "tune", 0, "gpt"))
    assert ahead(history) == Ask("d0001")
    history.add(e.Refused("d0001", "it does not parse"))
    assert ahead(history) == Ask("d0001")
    history.add(e.Drafted("d0001", "b1", "an idea"))
    assert ahead(history) == Hold("d0001")
    history.add(e.Held("d0001", 1e10))
    assert ahead(history) is None


def test_between_two_experiments_nothing_is_ahead_of_them() -> None:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    assert ahead(history) is None


def test_the_first_draft_is_written_while_the_baseline_trains() -> None:
    history = History()
    history.begin()
    history.add(e.Proposed(0))
    assert ahead(history) is None, "there is no train.py yet to start from"
    history.add(e.Committed(0, "c0"))
    assert ahead(history) == Draw()


@pytest.mark.parametrize(
    ("limits", "world"),
    [
        (e.Limits(experiments=2), {}),
        (e.Limits(cost=0.0), {}),
        (e.Limits(deadline=EVENING.timestamp() + 1.5 * TRIAL_S), {"trial_s": TRIAL_S}),
        (e.Limits(), {"nothing_left": "every knob was tried"}),
        (e.Limits(), {"free_gb": 0.5, "floor_gb": 1.0}),
    ],
    ids=["the last experiment trains", "the money is spent", "it would come too late", "nothing is left", "the disk is full"],
)
def test_no_draft_is_paid_for_that_cannot_be_trained(limits: e.Limits, world: dict[str, Any]) -> None:
    assert ahead(training(limits), **world) is None


@pytest.mark.parametrize("wish", [c.Stop(1), c.Pause(1)], ids=["stop", "pause"])
def test_nor_one_that_a_person_does_not_want(wish: c.Command) -> None:
    history = training()
    history.send(wish)
    assert ahead(history) is None


def test_a_persons_idea_goes_before_the_draft_that_is_ready() -> None:
    history = training()
    history.add(e.Drafting("d0001", "tune", 0, "gpt"), e.Drafted("d0001", "b1", "a thought"))
    history.send(c.Idea("SET DEPTH = 6"))
    idea = next(iter(history.run.wishes.values()))
    assert ahead(history) == Draw(idea)
    history.add(e.Drafting("d0002", "explore", 0, "gpt", idea=idea.command), e.Drafted("d0002", "b2", "depth"))
    history.end(1, 1.1)
    history.judge(1)
    assert plan.next_step(history.run, Moment(EVENING)) == Propose("d0002")


# ------------------------------------------------------------------------------------------------------------------------------
# Nobody can answer
# ------------------------------------------------------------------------------------------------------------------------------


def waits(*facts: e.Event) -> History:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    history.add(*facts)
    return history


def test_while_all_are_down_nothing_is_begun_and_the_reason_is_said() -> None:
    history = waits(e.ResearcherDown("gpt", "no answer", 1e10))
    moment = Moment(EVENING, able=(), back_at=1e10)
    assert plan.next_step(history.run, moment) == Rest("gpt is down: no answer", 1e10)
    history.add(e.Drafting("d0001", "tune", 0, "gpt"))
    assert plan.next_step(history.run, moment) == Rest("gpt is down: no answer", 1e10)


def test_a_reply_that_is_there_needs_nobody() -> None:
    history = waits(e.Drafting("d0001", "tune", 0, "gpt"), e.Replied("d0001", 1.0), e.ResearcherDown("gpt", "no answer", 1e10))
    assert plan.next_step(history.run, Moment(EVENING, able=(), back_at=1e10)) == Ask("d0001")


def test_the_next_of_the_chain_takes_over_what_the_first_could_not_finish() -> None:
    history = waits(e.Drafting("d0001", "tune", 0, "gpt"), e.ResearcherDown("gpt", "no answer", 1e10))
    assert plan.next_step(history.run, Moment(EVENING, able=("sweep",), back_at=1e10)) == Ask("d0001")


def test_what_everybody_declined_is_given_up_and_another_is_begun() -> None:
    history = waits(e.Drafting("d0001", "tune", 0, "gpt"), e.Declined("d0001", "gpt", "frontier_llm"))
    step = plan.next_step(history.run, Moment(EVENING, able=("gpt",)))
    assert step == GiveUp("d0001", "gpt will not answer it")
    assert plan.next_step(history.run, Moment(EVENING, able=("gpt", "sweep"))) == Ask("d0001")


def test_where_nobody_will_ever_answer_the_night_ends_and_says_why() -> None:
    history = waits(e.ResearcherDown("gpt", "it declined 10 requests in a row, which is the limit: frontier_llm", for_good=True))
    step = plan.next_step(history.run, Moment(EVENING, able=()))
    assert isinstance(step, End) and "declined 10 requests in a row" in step.why


def test_a_draft_that_the_trunk_ran_away_from_is_nobodys_fault() -> None:
    history = waits(e.Drafting("d0001", "tune", 0, "gpt"), e.Abandoned("d0001", "the trunk moved to #1", outdated=True))
    assert (history.run.fruitless, history.run.given_up) == (0, ())
