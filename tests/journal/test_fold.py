"""The fold is total, never looks back, and leaves what it was given as it was; what it says is what happened."""

from __future__ import annotations

import types
from collections.abc import Sequence
from random import Random
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal import results
from autoresearch_tui.journal.fold import STEPS, fold
from autoresearch_tui.journal.results import Row
from autoresearch_tui.journal.state import Run
from autoresearch_tui.lines import line
from autoresearch_tui.status import as_json, as_row, as_text
from tests.journal.runs import PHASES, Night, numbered

CHANCE = st.randoms(use_true_random=False)
SOME = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

# Few of each, so that facts meet: the same numbers, the same drafts, words that mean something beside some that do not.
WORDS = st.sampled_from(["", "d0001", "d0002", "sweep", "keep", "discard", "crash", "finished", "interrupted", "lower", "\x1b[31m\n"])
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(0, 3),
    float: st.sampled_from([0.0, 0.99, 1.01, -1e308, 1e308]),
    str: WORDS,
    bool: st.booleans(),
    types.NoneType: st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that a fact may have."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([any_of(part) for part in parts])
    if origin is dict:
        return st.dictionaries(any_of(parts[0]), any_of(parts[1]), max_size=2)
    if origin is tuple and parts[-1] is ...:
        return st.lists(any_of(parts[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(any_of, parts))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.builds(kind, **{field.name: any_of(field.type) for field in msgspec.structs.fields(kind)})
    return PLAIN[kind]


ANY_FACT = st.one_of([any_of(kind) for kind in (*e.kinds().values(), e.Unknown)])


@st.composite
def nights(draw: st.DrawFn) -> list[e.Event]:
    """What an engine could have written, as it is; with facts missing; out of order; or with any others in between."""
    facts = Night(draw(CHANCE), calm=8).go_on(draw(st.integers(0, 60))).facts
    chance = Random(draw(st.integers(0, 99)))
    match draw(st.sampled_from(["whole", "missing", "shuffled", "mixed"])):
        case "missing":
            return [fact for fact in facts if chance.random() < 0.8]
        case "shuffled":
            return chance.sample(facts, len(facts))
        case "mixed":
            for fact in draw(st.lists(ANY_FACT, max_size=20)):
                facts.insert(chance.randrange(len(facts) + 1), fact)
    return facts


def written(run: Run) -> bytes:
    """A state to the byte: the order of its parts too."""
    return msgspec.msgpack.encode(run)


def ask_everything(run: Run) -> None:
    """Everything that can be asked of a state has an answer."""
    trials = [trial for one in run.experiments.values() for trial in one.trials]
    for thing in (run, *run.experiments.values(), *run.drafts.values(), *trials):
        for name, question in vars(type(thing)).items():
            if isinstance(question, property):
                getattr(thing, name)
    assert run.phase in PHASES
    assert len(set(run.trunk)) == len(run.trunk), "the trunk loops"
    assert run.tip is None or run.trunk[-1] == run.tip
    assert results.write(run.rows)
    for alive in (True, False):
        shown = msgspec.json.decode(msgspec.json.encode(as_json(run, alive)))
        assert len(shown["experiments"]) == len(run.experiments)
        for text in (*as_text(run, alive).split("\n"), as_row(run, alive, 10**6)):
            assert text.isprintable()


@SOME
@given(nights())
def test_whatever_the_facts_every_question_has_an_answer(facts: list[e.Event]) -> None:
    run = Run()
    ask_everything(run)
    for recorded in numbered(facts):
        run = fold([recorded], run)
        text = line(recorded.event, run, recorded.at)
        assert text is None or text.isprintable()
        assert run.phase in PHASES
    ask_everything(run)


@settings(SOME, max_examples=300)
@given(st.lists(ANY_FACT, max_size=30))
def test_facts_that_make_no_sense_together_still_give_a_state(facts: list[e.Event]) -> None:
    begun: list[e.Event] = [e.Proposed(number) for number in range(4)]
    begun += [e.Drafting(name, "tune", 0, "sweep") for name in ("d0001", "d0002")]
    run = fold(numbered([*begun, *facts]))
    ask_everything(run)
    for recorded in numbered(facts):
        line(recorded.event, run, recorded.at)


@settings(SOME, max_examples=100)
@given(nights(), st.lists(ANY_FACT, max_size=10))
def test_what_a_state_carries_on_is_what_its_experiments_say(facts: list[e.Event], senseless: list[e.Event]) -> None:
    run = Run()
    for recorded in numbered([*facts, *senseless]):
        run = fold([recorded], run)
        alone = replace(run)
        assert "index" in vars(run) and "index" not in vars(alone)
        assert (run.unsettled, run.kept, run.repeated) == (alone.unsettled, alone.kept, alone.repeated)


@SOME
@given(nights())
def test_to_go_on_from_any_moment_is_to_begin_from_the_first(facts: list[e.Event]) -> None:
    recorded = numbered(facts)
    whole = fold(recorded)
    for cut in range(len(recorded) + 1):
        assert fold(recorded[cut:], fold(recorded[:cut])) == whole


@SOME
@given(nights(), st.integers(0, 99))
def test_the_state_that_is_given_stays_as_it_is(facts: list[e.Event], cut: int) -> None:
    recorded = numbered(facts)
    earlier = fold(recorded[:cut])
    before = written(earlier)
    fold(recorded[cut:], earlier)
    assert written(earlier) == before


@SOME
@given(nights())
def test_a_state_survives_being_kept(facts: list[e.Event]) -> None:
    run = fold(numbered(facts))
    again = msgspec.msgpack.decode(written(run), type=Run)
    assert again == run
    assert written(again) == written(run)


@settings(SOME, max_examples=300)
@given(ANY_FACT.filter(lambda fact: not isinstance(fact, e.Unknown)))
def test_a_fact_survives_being_written(fact: e.Event) -> None:
    assert e.decode(type(fact).__name__, e.encode(fact)) == fact


@SOME
@given(CHANCE, st.integers(0, 150))
def test_a_state_says_what_happened(chance: Random, turns: int) -> None:
    night = Night(chance, calm=8).go_on(turns)
    run = fold(numbered(night.facts))
    assert {number: one.parent for number, one in run.experiments.items()} == night.parents
    assert {number: len(one.trials) for number, one in run.experiments.items()} == night.trials
    assert {number: one.verdict for number, one in run.experiments.items() if one.verdict} == night.verdicts
    assert {number for number, one in run.experiments.items() if one.settled} == night.settled
    assert (run.drafted, run.heard, run.paused) == (night.drafts, night.commands, night.paused)
    assert run.counts == {word: list(night.verdicts.values()).count(word) for word in ("keep", "discard", "crash")}
    assert [row.status for row in run.rows] == [night.verdicts[number] for number in sorted(night.verdicts)]
    assert run.elsewhere == tuple(row for fact in night.facts if isinstance(fact, e.Remembered) for row in fact.rows)
    if any(isinstance(fact, e.Committed) for fact in night.facts):
        assert run.tip == night.tip
        assert run.trunk[0] == 0
        assert [run.experiments[number].parent for number in run.trunk[1:]] == list(run.trunk[:-1])
    asked = [fact.researcher for fact in night.facts if isinstance(fact, e.Drafting) and fact.researcher]
    assert {name: one.asked for name, one in run.health.items() if one.asked} == {name: asked.count(name) for name in asked}


def test_every_kind_of_fact_has_its_step() -> None:
    assert set(STEPS) == set(e.kinds().values())


# ------------------------------------------------------------------------------------------------------------------------------
# What single facts mean
# ------------------------------------------------------------------------------------------------------------------------------

STARTED = (e.RunStarted("nov20", "c0ffee0", sigma=0.0005), e.EngineStarted(10, 20, "boot", "0.1.0", "sweep"))


def trial(number: int, value: float | None = 1.0, which: int = 1, gb: float = 44.0, trust: str = "verified") -> tuple[e.Event, ...]:
    return (
        e.Launched(number, which, 42, 1, 2, "boot"),
        e.Ended(number, which, "finished"),
        e.Measured(number, which, value, trust=trust, memory_gb=gb),
    )


def experiment(number: int, parent: int | None, verdict: str, tip: int, value: float | None = 1.0) -> tuple[e.Event, ...]:
    begun = (e.Proposed(number, parent=parent, idea=f"idea {number}"), e.Committed(number, f"{number}" * 7))
    return (*begun, *trial(number, value), e.Judged(number, verdict, "because", tip), e.Applied(number))


BASELINE = experiment(0, None, "keep", 0)


def state(*facts: e.Event) -> Run:
    return fold(numbered([*STARTED, *facts]))


def test_each_fact_of_a_life_has_its_phase() -> None:
    life: Sequence[tuple[e.Event, str]] = [
        (STARTED[0], "starting"),
        (STARTED[1], "starting"),
        (e.Proposed(0), "training"),
        (e.Committed(0, "c0ffee0"), "training"),
        (e.Paused("ada"), "paused"),
        (e.Resumed("ada"), "training"),
        (e.Waiting("outside 22:00-07:00"), "waiting"),
        (e.Launched(0, 1, 42, 1, 2, "boot"), "training"),
        (e.Paused("ada"), "training"),
        (e.Ended(0, 1, "interrupted"), "paused"),
        (e.Resumed("ada"), "training"),
        (e.Launched(0, 2, 42, 1, 2, "boot"), "training"),
        (e.Ended(0, 2, "finished"), "evaluating"),
        (e.Measured(0, 2, 1.0), "judging"),
        (e.Judged(0, "keep", "baseline", 0), "judging"),
        (e.Applied(0), "drafting"),
        (e.Drafting("d0001", "tune", 0, "sweep"), "drafting"),
        (e.Replied("d0001", 1.0), "drafting"),
        (e.Refused("d0001", "it does not parse"), "drafting"),
        (e.Waiting("0.1 GB of disk are free, 5 must stay free"), "waiting"),
        (e.Replied("d0001", 1.0), "drafting"),
        (e.Drafted("d0001", "b10b", "an idea"), "drafting"),
        (e.Held("d0001", 2e9), "reviewing"),
        (e.Waiting("draft d0001 waits for a person"), "reviewing"),
        (e.Paused("ada"), "paused"),
        (e.Resumed("ada"), "reviewing"),
        (e.Approved("d0001", "ada"), "waiting"),
        (e.Proposed(1, "d0001", parent=0), "training"),
        (e.Launched(1, 1, 42, 1, 2, "boot"), "training"),
        (e.Ended(1, 1, "crash", "memory"), "judging"),
        (e.Judged(1, "crash", "memory", 0), "judging"),
        (e.Applied(1), "drafting"),
        (e.Paused("ada"), "paused"),
        (e.EngineEnded("stopped by ada"), "ended"),
        (STARTED[1], "drafting"),
        (e.EngineEnded(""), "ended"),
    ]
    run = Run()
    for recorded, (fact, phase) in zip(numbered([fact for fact, _ in life]), life, strict=True):
        run = fold([recorded], run)
        assert run.phase == phase, f"after {fact}"


def test_what_trains_is_running_until_its_trial_is_over() -> None:
    begun = state(e.Proposed(0), e.Committed(0, "c0ffee0"))
    assert begun.running is None
    trains = fold(numbered([e.Launched(0, 1, 42, 1, 2, "boot")], begun.seq), begun)
    assert trains.running is trains.experiments[0]
    over = fold(numbered([e.Ended(0, 1, "interrupted")], trains.seq), trains)
    assert over.running is None
    assert [one.number for one in over.unsettled] == [0]


def test_a_value_is_the_mean_of_the_trials_that_have_one_and_as_sure_as_the_least_of_them() -> None:
    two = (*trial(0, 1.2, 2, 50.0, "reported"), e.Launched(0, 3, 42, 1, 2, "boot"), e.Ended(0, 3, "interrupted"))
    run = state(e.Proposed(0), e.Committed(0, "c0ffee0"), *trial(0, 1.0, 1, 44.0), *two, *trial(0, None, 4, 99.0))
    baseline = run.experiments[0]
    assert baseline.value == pytest.approx(1.1)
    assert baseline.memory_gb == 50.0
    assert baseline.trust == "reported"
    assert len(baseline.trials) == 4


def test_a_row_is_an_experiment_with_its_verdict_and_a_crash_has_no_number() -> None:
    run = state(*BASELINE, *experiment(1, 0, "crash", 0, 0.9), e.Proposed(2, parent=0))
    assert run.rows == [Row("0000000", 1.0, 44.0, "keep", "idea 0"), Row("1111111", None, None, "crash", "idea 1")]


def test_another_trial_makes_a_settled_experiment_due_again() -> None:
    run = state(*BASELINE, *trial(0, 1.1, 2))
    assert run.experiments[0].due
    assert not run.experiments[0].settled
    assert not state(*BASELINE, *trial(0, 1.1, 2), e.Judged(0, "keep", "baseline", 0)).experiments[0].due


def test_a_verdict_is_not_settled_before_the_world_says_so() -> None:
    decided = (*BASELINE, *experiment(1, 0, "discard", 0), e.Judged(1, "keep", "kept by hand", 1, "ada"))
    assert [one.number for one in state(*decided).unsettled] == [1]
    assert not state(*decided, e.Applied(1)).unsettled


def test_a_verdict_of_a_later_version_is_none_of_the_three() -> None:
    run = state(*BASELINE, *experiment(1, 0, "postponed", 0))
    assert run.counts == {"keep": 1, "discard": 0, "crash": 0}
    assert run.rows[1].status == "postponed"


def test_the_trunk_follows_the_verdicts_and_rewinds() -> None:
    kept = (*BASELINE, *experiment(1, 0, "keep", 1), *experiment(2, 1, "discard", 1), *experiment(3, 1, "keep", 3))
    assert state(*kept).trunk == (0, 1, 3)
    assert state(*kept, e.Judged(3, "discard", "discarded by hand", 1, "ada")).trunk == (0, 1)
    rewound = state(*kept, e.Rewound(0, "ada"))
    assert rewound.trunk == (0,)
    assert rewound.experiments[3].verdict == "keep"
    assert state(*kept, e.Rewound(99, "ada")).trunk == (0, 1, 3), "there is no such experiment"


def test_a_line_of_descent_that_bites_its_tail_ends() -> None:
    assert state(e.Proposed(0, parent=1), e.Proposed(1, parent=0), e.Rewound(1, "ada")).trunk == (0, 1)
    assert state(e.Proposed(0, parent=0), e.Committed(0, "c0ffee0")).trunk == (0,)


def test_the_best_is_the_best_number_of_the_trunk_whatever_the_goal() -> None:
    facts = (*BASELINE, *experiment(1, 0, "keep", 1, 0.9), *experiment(2, 1, "keep", 2, 0.95), *experiment(3, 2, "discard", 2, 0.1))
    best = state(*facts).best
    assert best and best.number == 1
    best = state(e.RunStarted("nov20", "c0ffee0", goal="higher"), *facts).best
    assert best and best.number == 0


def test_a_keepers_restart_goes_on_and_a_persons_start_begins_anew() -> None:
    paused = (e.Commanded(1, c.Stop(1), "ada", True), e.Paused("ada", "lunch"))
    again = e.EngineStarted(11, 21, "boot", "0.1.0", "sweep", after="signal 9")
    kept = state(*paused, again, again)
    assert (kept.session, kept.restarts, kept.paused, kept.stopping) == (1, 2, True, True)
    anew = state(*paused, again, e.Lapsed(1, "its engine has ended"), e.EngineStarted(12, 22, "boot", "0.1.0", "sweep"))
    assert (anew.session, anew.restarts, anew.paused, anew.stopping) == (2, 0, False, False)


def test_an_accepted_command_waits_until_it_is_fulfilled_or_cannot_be() -> None:
    heard = (e.Commanded(1, c.Again(0), "ada", True), e.Commanded(2, c.Idea("SET DEPTH = 6"), "bob", True))
    assert [wish.command for wish in state(*heard).wishes.values()] == [1, 2]
    run = state(
        *heard, e.Fulfilled(1, "trial 2"), e.Lapsed(2, "withdrawn by bob"), e.Commanded(3, c.Skip(4, 1), "ada", False, "it is over")
    )
    assert not run.wishes
    assert run.heard == 3
    assert [(one.command, one.accepted, one.done, one.why) for one in run.answers] == [
        (1, True, True, "trial 2"),
        (2, False, True, "withdrawn by bob"),
        (3, False, False, "it is over"),
    ]


def test_a_note_is_given_to_drafts_until_one_of_them_becomes_an_experiment() -> None:
    said = (e.Commanded(1, c.Note("smaller steps"), "ada", True), e.Commanded(2, c.Note("no"), "ada", True), e.Lapsed(2, "withdrawn"))
    asked = (*BASELINE, *said, e.Drafting("d0001", "tune", 0, "sweep", notes=(1,)))
    assert state(*asked).notes == {1: "smaller steps"}
    assert state(*asked, e.Abandoned("d0001", "refused 3 times")).notes == {1: "smaller steps"}
    assert state(*asked, e.Proposed(1, "d0001", parent=0)).notes == {}
    rejected = state(*BASELINE, e.Commanded(1, c.Reject("d0001", "too wide"), "ada", True))
    assert rejected.notes == {1: "too wide"}, "why it was rejected is a note to whoever drafts next"


def test_a_researchers_health_counts_its_replies_and_what_they_cost() -> None:
    run = state(
        e.Drafting("d0001", "tune", 0, "sweep"),
        e.Replied("d0001", 1.0, 100, 10, 0.5),
        e.Refused("d0001", "it does not parse"),
        e.Replied("d0001", 1.0, 100, 10, None),
        e.Drafted("d0001", "b10b", "an idea"),
        e.Drafted("d0001", "b10c", "an idea", parent=3),
        e.Drafting("d0002", "keep", 0, "", of=2),
    )
    health = run.health["sweep"]
    assert (health.asked, health.usable, health.refused, health.unpriced) == (1, 1, 1, 1)
    assert (health.tokens_in, health.tokens_out, run.cost) == (200, 20, 0.5)
    assert run.drafts["d0001"].parent == 3
    assert list(run.health) == ["sweep"], "a change that is only made again asks nobody"


def test_a_fact_of_a_later_version_changes_nothing() -> None:
    before = state(*BASELINE)
    after = fold(numbered([e.Unknown("Dreamt", "{}")], before.seq), before)
    assert after == msgspec.structs.replace(before, seq=after.seq, at=after.at)


def test_a_state_remembers_the_latest_warnings_and_answers_only() -> None:
    run = state(*[e.Warned(f"warning {number}") for number in range(500)], *[e.Commanded(one, None, "ada", False) for one in range(500)])
    assert run.warnings[-1] == "warning 499"
    assert run.answers[-1].command == 499
    assert len(run.warnings) == len(run.answers) == 50


def test_what_was_paid_for_a_skipped_reply_is_counted_though_its_draft_is_gone() -> None:
    begun = (e.Drafting("d0001", "tune", 0, "gpt"), e.Asked("d0001", "gpt", "set", 900))
    run = state(*begun, e.Abandoned("d0001", "skipped by hand", "ada"), e.Spent("d0001", "gpt", 1000, 20, 0.5))
    assert (run.cost, run.health["gpt"].tokens_in, run.health["gpt"].unpriced) == (0.5, 1000, 0)
    assert state(*begun, e.Spent("d0001", "gpt", 0, 0, None)).health["gpt"].unpriced == 1


def test_how_a_researcher_counts_tokens_is_learned_and_stays_as_it_is() -> None:
    facts: list[e.Event] = []
    for number in range(1, 6):
        name = f"d{number:04}"
        facts += [e.Drafting(name, "tune", 0, "gpt"), e.Asked(name, "gpt", "set", 1000), e.Replied(name, 1.0, 1500)]
        assert state(*facts).health["gpt"].factor == 1.5
    cached = (e.Drafting("d0009", "tune", 0, "gpt"), e.Asked("d0009", "gpt", "set", 1000), e.Replied("d0009", 1.0, 10))
    assert state(*cached).health["gpt"].factor == 0.7, "what was read before is not counted by every server"


def test_whoever_passes_a_draft_on_is_not_asked_for_it_again_and_has_not_declined() -> None:
    run = state(e.Drafting("d0001", "tune", 0, "sweep"), e.Asked("d0001", "sweep"), e.Passed("d0001", "sweep", "it is no `SET`"))
    assert run.drafts["d0001"].declined == ("sweep",)
    assert run.health["sweep"].declined == 0


def test_a_person_who_starts_the_engine_may_have_mended_what_was_wrong() -> None:
    down = (e.Drafting("d0001", "tune", 0, "gpt"), e.Declined("d0001", "gpt", "cyber"), e.ResearcherDown("gpt", "no credit", 9.0, True))
    run = state(*down, e.EngineStarted(2, 2, "boot", "1", "gpt"))
    assert (run.down, run.health["gpt"].failures, run.health["gpt"].declined) == ({}, 0, 0)
    assert "gpt" in state(*down, e.EngineStarted(2, 2, "boot", "1", "gpt", after="signal 9")).down


def test_each_form_of_an_edit_has_its_own_account() -> None:
    first = (e.Drafting("d1", "tune", 0, "gpt"), e.Asked("d1", "gpt", "blocks", 90), e.Replied("d1", 2.0, 100, 10, 0.25))
    run = state(*first, e.Refused("d1", "no such line", "edit"), e.Asked("d1", "gpt", "set", 90), e.Replied("d1", 1.0, 100, 5, 0.125))
    run = fold([e.Recorded(run.seq + 1, 0.0, 0.0, e.Drafted("d1", "b10b", "an idea"))], run)
    blocks, lines = run.health["gpt"].dialects["blocks"], run.health["gpt"].dialects["set"]
    assert (blocks.asked, blocks.usable, blocks.wrong, blocks.tokens_out, blocks.seconds, blocks.cost) == (1, 0, {"edit": 1}, 10, 2.0, 0.25)
    assert (lines.asked, lines.usable, lines.wrong, lines.tokens_out, lines.seconds, lines.cost) == (1, 1, {}, 5, 1.0, 0.125)
