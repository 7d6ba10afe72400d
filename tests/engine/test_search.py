"""What is tried next: what helped of late, something else when nothing does, and now and then whether an old keep is still needed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.engine.misses import SELDOM, near_misses
from autoresearch_tui.engine.search import OPERATORS, PLATEAU, WARMING, Move, drawn, heat, next_move, plateau
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from tests.engine.histories import History

SIGMA = 0.001
ALL = ("tune", "explore", "simplify", "combine")


class Search(History):
    """A run in which it is said outright what each experiment gained, in sigmas, and what became of it."""

    def __init__(self, sigma: float | None = SIGMA, goal: str = "lower") -> None:
        super().__init__()
        self.sign = 1 if goal == "lower" else -1
        self.add(e.RunStarted("night", "c0", sigma=sigma, goal=goal))
        self.start()
        self.launch(0)
        self.end(0, self.sign * 1.0)
        self.add(e.Judged(0, "keep", "baseline", 0), e.Applied(0))

    @property
    def tip(self) -> int:
        assert self.run.tip is not None
        return self.run.tip

    def tried(self, operator: str, gain: float | None, verdict: str = "", by: str = "policy", reason: str = "", **intent: Any) -> int:
        """An experiment on the trunk; without a gain it crashes. Kept if it gains anything, unless something else is said."""
        number, tip = len(self.run.experiments), self.tip
        before = self.run.experiments[tip].value
        assert before is not None
        name = f"d{self.run.drafted + 1:04}"
        self.add(e.Drafting(name, operator, tip, "sweep", of=intent.get("of")))
        self.launch(number, tip, draft=name, operator=operator, **intent)
        value = None if gain is None else before - self.sign * gain * SIGMA
        self.end(number, value, "crash" if value is None else "finished")
        verdict = verdict or ("crash" if gain is None else "keep" if gain > 0 else "discard")
        self.add(e.Judged(number, verdict, reason, number if verdict == "keep" else tip, by), e.Applied(number))
        return number

    def missed(self, gain: float, *knobs: str, **intent: Any) -> int:
        return self.tried("tune", gain, "discard", changes=dict.fromkeys(knobs, ("1", "2")), **intent)

    def tries(self, **intent: Any) -> Move:
        """The next move, in a slot of its own, as far as its training."""
        move = next_move(self.run, intent.pop("able", ALL))
        name, number = f"d{self.run.drafted + 1:04}", len(self.run.experiments)
        self.add(e.Drafting(name, move.operator, self.tip, "sweep", of=move.of))
        self.launch(number, self.tip, draft=name, operator=move.operator, of=move.of, **intent)
        return move

    def given_up(self, operator: str = "tune") -> None:
        name = f"d{self.run.drafted + 1:04}"
        self.add(e.Drafting(name, operator, self.tip, "sweep"), e.Abandoned(name, "refused 3 times"))

    def goes_on(self, drafts: int, gain_of: Callable[[str], float | None], able: Collection[str] = ALL) -> list[str]:
        """The operators of so many drafts, each of which becomes an experiment."""
        operators = []
        for _ in range(drafts):
            move = next_move(self.run, able)
            operators.append(move.operator)
            self.tried(move.operator, gain_of(move.operator), of=move.of)
        return operators


# ------------------------------------------------------------------------------------------------------------------------------
# The bandit
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_first_moves_are_one_of_each_kind_that_the_researcher_can_do() -> None:
    assert Search().goes_on(3, lambda _: -9.0) == ["tune", "explore", "simplify"]
    assert Search().goes_on(2, lambda _: -9.0, ("explore", "tune")) == ["tune", "explore"]


def test_what_gains_is_asked_for_more_often_and_nothing_starves() -> None:
    for winner in ("tune", "explore", "simplify"):
        operators = Counter(Search().goes_on(60, lambda operator, winner=winner: 2.0 if operator == winner else -9.0))  # type: ignore[misc]
        assert operators[winner] > 30
        assert all(operators[operator] >= 2 for operator in ("tune", "explore", "simplify"))


def test_even_what_never_gained_comes_up_again_within_fifty_experiments() -> None:
    operators = Search().goes_on(100, lambda operator: 9.0 if operator == "tune" else -9.0)
    for late in itertools.pairwise([0, 50, 100]):
        assert {"explore", "simplify"} <= set(operators[slice(*late)])


def test_what_helps_now_counts_more_than_what_helped_in_the_evening() -> None:
    night = Search()
    night.goes_on(25, lambda operator: 3.0 if operator == "explore" else -9.0)
    operators = Counter(night.goes_on(25, lambda operator: 3.0 if operator == "tune" else -9.0)[10:])
    assert operators["tune"] > operators["explore"] + operators["simplify"]


def test_what_only_crashes_is_asked_for_less_often_than_what_only_loses() -> None:
    operators = Counter(Search().goes_on(14, lambda operator: None if operator == "tune" else -9.0, ("tune", "explore")))
    assert 1 <= operators["tune"] < operators["explore"] - 1


def test_one_large_win_does_not_buy_the_night() -> None:
    large, five = Search(), Search()
    large.tried("explore", 500.0)
    five.tried("explore", 5.0)
    assert large.goes_on(20, lambda _: -9.0) == five.goes_on(20, lambda _: -9.0)


def test_the_goal_may_be_a_higher_number() -> None:
    def gain(operator: str) -> float:
        return 2.0 if operator == "explore" else -9.0

    assert Search(goal="higher").goes_on(40, gain) == Search().goes_on(40, gain)


@pytest.mark.parametrize("sigma", [None, 0.0])
def test_without_a_sigma_the_differences_seen_are_the_measure(sigma: float | None) -> None:
    operators = Counter(Search(sigma).goes_on(30, lambda operator: 2.0 if operator == "explore" else -2.0))
    assert operators["explore"] > 15
    Search(sigma).goes_on(30, lambda _: 0.0)


def test_after_a_draft_that_came_to_nothing_another_kind_is_asked_for() -> None:
    night = Search()
    night.goes_on(10, lambda operator: 2.0 if operator == "explore" else -9.0)
    asked = []
    for _ in range(4):
        asked.append(next_move(night.run, ALL).operator)
        night.given_up(asked[-1])
    assert asked[0] == "explore" != asked[1] and len(set(asked)) > 1


def test_drafts_that_come_to_nothing_cost_their_kind() -> None:
    night = Search()
    for _ in range(4):
        night.given_up("tune")
        night.tried("explore", -9.0)
    assert next_move(night.run, ("tune", "explore")).operator == "explore"


def test_what_was_skipped_or_disturbed_says_nothing_of_its_kind() -> None:
    night, other = Search(), Search()
    for each in (night, other):
        each.goes_on(5, lambda operator: 1.0 if operator == "tune" else -9.0)
    number = other.tried("explore", 3.0, "discard")
    other.add(e.Tainted(number, 1, "a stranger on the GPU"))
    number = len(other.run.experiments)
    other.launch(number, other.tip, operator="tune")
    other.end(number, None, "skipped")
    other.add(e.Judged(number, "discard", "skipped by hand", other.tip, "ann"), e.Applied(number))
    other.add(e.Drafting("d", "tune", 0, "sweep"), e.Abandoned("d", "withdrawn", "ann"))
    assert next_move(other.run, ALL) == next_move(night.run, ALL)


def test_what_several_slots_try_at_once_is_of_several_kinds() -> None:
    night = Search()
    kinds = []
    for _ in range(6):
        kinds.append(night.tries().operator)
    assert kinds == ["tune", "explore", "simplify"] * 2
    night = Search()
    night.goes_on(30, lambda operator: 1.0 if operator == "tune" else -9.0)
    kinds = [night.tries().operator for _ in range(8)]
    assert Counter(kinds)["tune"] > 2 and len(set(kinds)) == 3, "what helps is tried more often, and not alone"


def test_a_draft_that_nobody_trains_yet_counts_as_tried() -> None:
    night = Search()
    night.add(e.Drafting("d0001", "tune", 0, "sweep"))
    assert next_move(night.run, ALL).operator == "explore"


def outrun(night: Search, operator: str, gain: float = 3.0) -> int:
    """What helped where it was made, when the trunk has moved on."""
    parent = night.tip
    before = night.run.experiments[parent].value
    assert before is not None
    number = len(night.run.experiments)
    night.launch(number, parent, operator=operator)
    night.tried("keep", 1.0)
    night.end(number, before - gain * SIGMA)
    night.judge(number)
    assert night.run.experiments[number].verdict == "discard"
    return number


def test_what_helped_and_was_outrun_counts_for_its_kind_and_its_combination_for_none() -> None:
    night, other = Search(), Search()
    for each in (night, other):
        each.goes_on(3, lambda _: -9.0)
    number = outrun(night, "simplify")
    assert {draft.of for draft in night.run.drafts.values()} == {number}
    other.tried("simplify", -3.0)
    other.tried("keep", 1.0)
    assert next_move(night.run, ALL).operator == "simplify" != next_move(other.run, ALL).operator
    worth = [next_move(night.run, ALL)]
    night.tried("keep", 2.0, of=number)
    worth.append(next_move(night.run, ALL))
    assert {one.operator for one in worth} == {"simplify"}


# ------------------------------------------------------------------------------------------------------------------------------
# When nothing helps any more
# ------------------------------------------------------------------------------------------------------------------------------


def stuck(experiments: int = PLATEAU, gain: float = -9.0) -> Search:
    night = Search()
    night.tried("tune", 3.0)
    for _ in range(experiments):
        night.tried("tune", gain)
    return night


def test_a_plateau_is_as_long_as_no_number_was_worth_a_keep() -> None:
    night = stuck(4)
    assert plateau(night.run) == 4
    night.tried("simplify", -0.5, "keep", reason="simpler: 12 nodes less, worse by 0.000500")
    night.tried("tune", 9.0, "keep", by="ann", reason="kept by hand")
    assert plateau(night.run) == 6
    night.tried("tune", 0.5)
    assert plateau(night.run) == 0


def test_on_a_plateau_the_search_warms_up() -> None:
    assert [heat(stuck(count).run) for count in (0, PLATEAU, PLATEAU + WARMING, 99)] == [0, 0, 1, 1]
    assert 0 < heat(stuck(PLATEAU + 1).run) < heat(stuck(PLATEAU + 2).run) < 1


def test_before_a_plateau_nothing_is_forced() -> None:
    night = stuck(0)
    operators = night.goes_on(PLATEAU, lambda operator: None if operator == "explore" else -9.0, ("tune", "explore"))
    assert operators.count("explore") < PLATEAU // 2 - 1


def test_on_a_plateau_every_second_draft_opens_a_fresh_axis() -> None:
    operators = stuck().goes_on(12, lambda _: None)
    explored = [place for place, operator in enumerate(operators) if operator == "explore"]
    assert set(range(explored[0], 12, 2)) <= set(explored) and explored[0] < 2


def test_and_the_others_put_near_misses_together_as_often_as_there_are_pairs_of_them() -> None:
    night = stuck(PLATEAU - 3)
    for knob in "ABC":
        night.missed(-1.0, knob)
    assert Counter(night.goes_on(6, lambda _: -9.0)) == {"explore": 3, "combine": 3}
    assert Counter(night.goes_on(6, lambda _: -9.0))["combine"] < 3


def test_a_researcher_that_can_only_tune_is_asked_to_tune() -> None:
    night = stuck(40, -0.1)
    assert set(night.goes_on(10, lambda _: -0.1, ("tune",))) == {"tune"}


# ------------------------------------------------------------------------------------------------------------------------------
# Near misses
# ------------------------------------------------------------------------------------------------------------------------------


def test_near_misses_are_the_best_of_different_knobs_and_five_at_most() -> None:
    night = Search()
    worse = night.missed(-1.9, "A")
    best = night.missed(-0.2, "B")
    night.missed(-1.0, "B")
    night.missed(-2.1, "C")
    structural = [night.missed(-0.5), night.missed(-0.6)]
    both = night.missed(-0.3, "A", "B")
    assert near_misses(night.run) == (best, both, *structural, worse)
    night.missed(-0.4, "D")
    assert len(near_misses(night.run)) == 5 and worse not in near_misses(night.run)


def test_one_near_miss_is_nothing_to_combine() -> None:
    night = Search()
    night.missed(-0.5, "A")
    assert "combine" not in night.goes_on(12, lambda _: -9.0)
    night.missed(-0.5, "B")
    assert "combine" in night.goes_on(12, lambda _: -9.0)


def test_a_near_miss_is_one_as_long_as_its_trunk_is_there_and_its_knobs_are_as_they_were() -> None:
    night = Search()
    old = night.missed(-0.5, "A")
    kept = night.tried("tune", 3.0, changes={"B": ("1", "2")})
    new = night.missed(-0.6, "C")
    assert near_misses(night.run) == (old, new)
    night.tried("tune", 3.0, changes={"A": ("1", "3")})
    assert near_misses(night.run) == (new,)
    night.add(e.Rewound(kept, "ann"))
    assert near_misses(night.run) == (old, new)
    night.add(e.Rewound(0, "ann"))
    assert near_misses(night.run) == (old,)


def test_what_was_made_again_and_kept_is_no_miss_any_more() -> None:
    night = Search()
    number = night.missed(-0.5)
    night.tried("keep", 0.5, of=number)
    assert near_misses(night.run) == ()


def test_no_near_miss_is_offered_of_what_somebody_tries() -> None:
    night = Search()
    for knob in "ABC":
        night.missed(-0.5, knob)
    assert near_misses(night.run) == (1, 2, 3)
    night.tries(able=("combine",), changes={"A": ("1", "2"), "B": ("1", "2")})
    assert near_misses(night.run) == (3,)
    assert next_move(night.run, ("tune", "combine")).operator == "tune"
    night.add(e.Drafting("d9", "tune", 0, "sweep"), e.Drafted("d9", "b", "C", changes={"C": ("1", "3")}))
    assert near_misses(night.run) == ()
    assert near_misses(night.run, apart_from="d9") == (3,), "but to whoever tries it"


def test_what_was_outrun_is_no_near_miss_while_it_is_made_again_and_when_that_lost() -> None:
    night = Search()
    number = outrun(night, "tune", 0.5)
    assert number not in near_misses(night.run)
    (draft,) = night.run.drafts
    night.add(e.Abandoned(draft, "#2 is in the way", outdated=True))
    assert number in near_misses(night.run)
    again = night.tried("keep", -0.5, of=number)
    assert again in near_misses(night.run) and number not in near_misses(night.run)


def discarded_by_ann(night: Search) -> None:
    night.tried("tune", -0.5, "discard", by="ann")


def crashed(night: Search) -> None:
    night.tried("tune", None)


def suspected(night: Search) -> None:
    night.tried("tune", 0.5, "discard", reason="suspect: its log shrank")


def disturbed(night: Search) -> None:
    night.add(e.Tainted(night.missed(-0.5, "A"), 1, "throttled"))


def ended_early(night: Search) -> None:
    number = night.missed(-0.5, "A")
    night.relaunch(number)
    night.end(number, None, "hopeless")


def too_large(night: Search) -> None:
    night.start()
    night.add(e.EngineStarted(1, 1, "boot", "1", "sweep", rules=e.Rules(max_memory_gb=0.5)))
    night.missed(-0.5, "A")


def taken_back(night: Search) -> None:
    night.tried("ablate", -0.5, of=1)


@pytest.mark.parametrize("happens", [discarded_by_ann, crashed, suspected, disturbed, ended_early, too_large, taken_back])
def test_not_every_discard_is_a_miss(happens: Callable[[Search], None]) -> None:
    night = Search()
    night.tried("tune", 3.0)
    happens(night)
    assert near_misses(night.run) == ()


# ------------------------------------------------------------------------------------------------------------------------------
# What is not needed any more
# ------------------------------------------------------------------------------------------------------------------------------


def on_its_turn(night: Search) -> Move:
    """The next move, of those at which an ablation may come."""
    while night.run.drafted % SELDOM != SELDOM - 1:
        night.tried("tune", -9.0)
    return next_move(night.run, ("tune",))


def grown() -> Search:
    """A trunk of four keeps, the second of them the least sure."""
    night = Search()
    for gain, knob in ((3.0, "A"), (1.0, "B"), (2.0, "C"), (0.5, "D")):
        night.tried("tune", gain, changes={knob: ("1", "2")})
    return night


def test_the_least_sure_keep_is_taken_back_to_see_whether_it_is_needed() -> None:
    night = grown()
    assert on_its_turn(night) == Move("ablate", night.tip, 2)
    drafting = drawn(night.run, "sweep", ("tune",))
    assert (drafting.operator, drafting.of, drafting.researcher, drafting.by) == ("ablate", 2, "", "")


def test_each_but_once_and_seldom() -> None:
    night = grown()
    taken = []
    for _ in range(6):
        move = on_its_turn(night)
        taken.append((move.operator, move.of))
        night.tried(move.operator, -1.0, of=move.of)
        assert next_move(night.run, ("tune",)).operator == "tune"
    assert [of for operator, of in taken if operator == "ablate"] == [2, 3, 1]


def test_not_the_newest_and_none_that_a_person_wanted_or_that_a_later_one_builds_on_or_that_is_simpler() -> None:
    night = Search()
    night.tried("tune", 0.1, "keep", by="ann", reason="kept by hand")
    night.tried("tune", 0.1, changes={"A": ("1", "2")})
    night.tried("tune", 0.1, changes={"A": ("2", "3")}, added=-20)
    night.tried("ablate", 0.1, of=1)
    night.tried("tune", 0.1)
    assert on_its_turn(night) == Move("tune", night.tip)


def test_a_keep_of_another_trunk_is_asked_about_once_more() -> None:
    night = grown()
    night.tried("ablate", -1.0, of=2)
    assert on_its_turn(night).of == 3
    night.add(e.Rewound(3, "ann"))
    assert on_its_turn(night).of == 2


def test_what_is_being_taken_back_or_turned_is_not_taken_back_too() -> None:
    night = grown()
    assert on_its_turn(night).of == 2
    night.add(e.Drafting("d", "ablate", night.tip, "", of=2))
    while night.run.drafted % SELDOM != SELDOM - 1:
        night.tried("tune", -9.0)
    assert next_move(night.run, ("tune",)).of == 3
    night.launch(len(night.run.experiments), night.tip, changes={"C": ("2", "3")})
    assert next_move(night.run, ("tune",)).of == 1


def test_what_cannot_be_taken_back_is_not_asked_about_again() -> None:
    night = grown()
    assert on_its_turn(night).of == 2
    night.add(e.Drafting("d", "ablate", night.tip, "", of=2), e.Abandoned("d", "#3 is in the way"))
    assert on_its_turn(night).of == 3


# ------------------------------------------------------------------------------------------------------------------------------
# People
# ------------------------------------------------------------------------------------------------------------------------------


# ------------------------------------------------------------------------------------------------------------------------------
# What crashed by a slip
# ------------------------------------------------------------------------------------------------------------------------------

MENDS = (*ALL, "repair")
SLIP = "error: NameError: name 'nrom' is not defined"


def slipped(night: Search, reason: str = SLIP, operator: str = "tune", of: int | None = None) -> int:
    return night.tried(operator, None, reason=reason, researcher="gpt", of=of)


def test_a_slip_is_mended_by_its_author_twice_at_most() -> None:
    night = Search()
    first = slipped(night)
    assert next_move(night.run, MENDS) == Move("repair", 0, first)
    drafting = drawn(night.run, "gpt", MENDS)
    assert (drafting.operator, drafting.of, drafting.researcher) == ("repair", first, "gpt")
    second = slipped(night, operator="repair", of=first)
    assert next_move(night.run, MENDS).of == second
    slipped(night, operator="repair", of=second)
    assert next_move(night.run, MENDS).operator != "repair"


@pytest.mark.parametrize("reason", ["memory: CUDA out of memory", "timeout: after 600 s", "nan: the loss is not a number, or above 100"])
def test_a_bad_idea_is_no_slip(reason: str) -> None:
    night = Search()
    slipped(night, reason)
    assert next_move(night.run, MENDS).operator != "repair"


def test_who_cannot_mend_is_not_asked_to_and_nobody_while_somebody_does() -> None:
    night = Search()
    first = slipped(night)
    assert next_move(night.run, ALL).operator != "repair"
    night.add(e.Drafting("d0009", "repair", 0, "gpt", of=first))
    assert next_move(night.run, MENDS).operator != "repair"


def test_an_old_crash_is_left_alone() -> None:
    night = Search()
    slipped(night)
    for _ in range(3):
        night.tried("tune", -1.0)
    assert next_move(night.run, MENDS).operator != "repair"


def test_a_crash_beside_many_others_that_still_train_is_mended_once() -> None:
    night = Search()
    for _ in range(8):
        night.tries()
    night.end(1, None, "crash")
    night.add(e.Judged(1, "crash", SLIP, 0), e.Applied(1))
    assert next_move(night.run, MENDS).operator != "repair", "nobody wrote it"
    night = Search()
    for _ in range(8):
        night.tries(researcher="gpt")
    night.end(1, None, "crash")
    night.add(e.Judged(1, "crash", SLIP, 0), e.Applied(1))
    assert night.tries(able=MENDS, researcher="gpt") == Move("repair", 0, 1)
    assert next_move(night.run, MENDS).operator != "repair"


def test_a_persons_idea_is_never_a_combination_and_takes_nothing_back() -> None:
    night = grown()
    assert on_its_turn(night).operator == "ablate"
    drafting = drawn(night.run, "sweep", ALL, idea=7)
    assert (drafting.operator, drafting.of, drafting.researcher, drafting.idea) == ("explore", None, "sweep", 7)


def test_a_note_waits_for_a_draft_that_the_researcher_writes() -> None:
    night = grown()
    assert on_its_turn(night).operator == "ablate"
    night.send(c.Note("less is more"))
    taken_back = drawn(night.run, "sweep", ("tune",))
    assert taken_back.operator == "ablate" and taken_back.notes == ()
    night.add(taken_back)
    assert drawn(night.run, "sweep", ("tune",)).notes == (1,)


# ------------------------------------------------------------------------------------------------------------------------------
# Any night
# ------------------------------------------------------------------------------------------------------------------------------

events = st.tuples(
    st.sampled_from([*OPERATORS, "keep", "revert", "repair"]),
    st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.5, 0.5, -1.0])),
    st.sampled_from(["", "", "keep", "discard"]),
    st.sampled_from(["policy", "policy", "policy", "ann"]),
    st.sets(st.sampled_from("ABCD"), max_size=2),
    st.sampled_from(["", "", "", "", "give up", "rewind", "taint", "drift"]),
)


@st.composite
def nights(draw: st.DrawFn) -> Search:
    night = Search(draw(st.sampled_from([None, 0.0, SIGMA])), draw(st.sampled_from(["lower", "higher"])))
    for operator, gain, verdict, by, knobs, accident in draw(st.lists(events, max_size=25)):
        of = max(night.tip, 0) if operator in ("ablate", "keep", "revert") else None
        changes = dict.fromkeys(knobs, ("1", "2"))
        number = night.tried(operator, gain, "crash" if gain is None else verdict, by, changes=changes, of=of)
        match accident:
            case "give up":
                night.given_up(operator)
            case "rewind":
                night.add(e.Rewound(night.run.trunk[len(night.run.trunk) // 2], "ann"))
            case "taint":
                night.add(e.Tainted(number, 1, "throttled"))
            case "drift":
                night.add(e.Drifted(night.tip, 1, 1.0, 1.1, number))
    return night


@settings(max_examples=80, deadline=None)
@given(nights(), st.sets(st.sampled_from([*ALL, "repair"]), min_size=1))
def test_there_is_always_a_next_move_and_it_can_be_done(night: Search, able: set[str]) -> None:
    run = night.run
    move = next_move(run, able)
    assert move.parent == run.tip
    assert move.operator in {*able, "ablate"} or not able & set(ALL)
    assert (move.of is not None) == (move.operator == "ablate")
    if move.of is not None:
        assert move.of in run.trunk[1:-1]
    near = near_misses(run)
    assert len(near) == len(set(near)) <= 5 and all(run.experiments[number].verdict == "discard" for number in near)
    assert 0 <= heat(run) <= 1 and 0 <= plateau(run) < len(run.experiments)


@settings(max_examples=40, deadline=None)
@given(nights())
def test_a_restart_asks_for_the_same_move(night: Search) -> None:
    again = fold(itertools.chain.from_iterable(night.transactions), Run())
    assert drawn(again, "sweep", ALL) == drawn(night.run, "sweep", set(ALL))
