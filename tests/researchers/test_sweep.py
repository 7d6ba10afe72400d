"""The researcher sweep: every move is new, makes sense, and follows from what was measured."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.proposals.checks import fingerprint, refusal
from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import changed_knobs, read_knobs
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.researchers import NothingLeft, NotUnderstood, Request, ResearcherDown
from autoresearch_tui.researchers.experience import experience
from tests.researchers.nights import HEAD, UPSTREAM, after, answer, changes, ended, every_move, first, refused, search, values_of

TRAIN = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")
TWO = "MATRIX_LR = 0.04\nSOFTCAP = 15.0\n"
THREE = "MATRIX_LR = 0.04\nEMBEDDING_LR = 0.6\nSCALAR_LR = 0.5\n"


# ------------------------------------------------------------------------------------------------------------------------------
# Every move
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [HEAD, UPSTREAM], ids=["ours", "upstream"])
def test_no_configuration_is_ever_trained_twice(source: str) -> None:
    request = first(source)
    made = {repr(values_of(source))}
    tried = {fingerprint(source): "experiment 0"}
    for number in range(1, 41):
        request = msgspec.structs.replace(request, operator=("tune", "explore", "combine")[number % 3], near=near(request))
        edited = apply(request.source, answer(request).edit)
        if number % 10 == 0:
            assert refusal(request.source, edited, tried) is None
            tried[fingerprint(edited)] = f"experiment {number}"
        made.add(repr(values_of(edited)))
        verdict = "keep" if number % 5 == 0 else "crash" if number % 7 == 0 else "discard"
        delta = None if verdict == "crash" else -0.02 if verdict == "keep" else 0.001 * (number % 13)
        request = ended(request, verdict, delta)
    assert len(made) == 41 and len(request.trunk) == 9


def near(request: Request) -> tuple[int, ...]:
    lost = [one for one in request.tried if one.verdict == "discard" and one.delta is not None]
    return tuple(one.number for one in sorted(lost, key=lambda one: one.delta or 0.0)[:5])


def test_the_whole_train_passes_the_gates_and_the_contract() -> None:
    request = first(TRAIN)
    for operator in ("tune", "explore", "combine"):
        asked = msgspec.structs.replace(request, operator=operator)
        edited = apply(TRAIN, answer(asked).edit)
        assert refusal(TRAIN, edited, {}, contract=True) is None
        assert changed_knobs(TRAIN, edited) == changes(asked)


def test_there_is_something_to_try_until_there_is_nothing() -> None:
    request = first("A_LR = 0.1\nB = 4\nC = 'x'  # one of: x, y\nSEED = 3\n")
    moves = every_move(request)
    assert len(moves) == 8 + 7 + 1 and all(moves.count(move) == 1 for move in moves)
    for left in range(len(moves), 0, -1):
        assert len(every_move(request)) == left
        request = ended(request, "discard", 0.01)
    with pytest.raises(NothingLeft, match="nothing left to try: all its 16 moves"):
        answer(request)


@pytest.mark.parametrize("operator", ["tune", "explore", "combine"])
def test_whatever_is_asked_for_all_that_makes_sense_comes_in_the_end(operator: str) -> None:
    def sorted_moves(operator: str) -> list[str]:
        return sorted(map(str, every_move(first(TWO, operator))))

    assert sorted_moves(operator) == sorted_moves("tune")


@pytest.mark.parametrize("source", ["SEED = 42", "KIND = 'a'", "x = 1", "", "X = ("])
def test_where_no_value_makes_sense_a_sentence_says_so(source: str) -> None:
    with pytest.raises(ResearcherDown, match=r"sweep (finds no knobs|has nothing left)"):
        answer(first(source + "\n"))


def test_the_same_request_gets_the_same_reply_and_a_refused_one_the_next() -> None:
    order = every_move(first(TWO))
    assert order == every_move(first(TWO))
    assert changes(refused(first(TWO))) == order[1] != order[0]


def test_another_seed_or_draft_is_another_draw() -> None:
    assert len({answer(first(seed=seed)).edit for seed in range(20)}) > 5
    assert len({answer(first(draft=f"d{draft}")).edit for draft in range(20)}) > 5


def test_the_reply_says_what_and_why() -> None:
    reply = answer(after("MATRIX_LR = 0.04\n", ("MATRIX_LR", "0.02", "0.04", "keep", -0.05)))
    assert reply.idea.startswith("matrix LR 0.04 -> ") and "1 measurement of it so far" in reply.why


# ------------------------------------------------------------------------------------------------------------------------------
# What follows from what was measured
# ------------------------------------------------------------------------------------------------------------------------------


def new_value(request: Request, knob: str = "MATRIX_LR") -> float:
    return float(changes(request)[knob][1])


def test_a_step_that_helped_is_followed_by_a_further_one() -> None:
    for old in ("0.02", "0.08"):
        request = after(TWO, ("MATRIX_LR", old, "0.04", "keep", -0.05))
        assert (new_value(request) > 0.04) == (float(old) < 0.04)


def test_a_step_that_failed_is_followed_by_the_opposite_one() -> None:
    assert new_value(after("MATRIX_LR = 0.04\n", ("MATRIX_LR", "0.04", "0.08", "discard", 0.03))) <= 0.028
    assert new_value(after("MATRIX_LR = 0.04\n", ("MATRIX_LR", "0.04", "0.02", "discard", 0.03))) >= 0.057


def test_when_both_directions_failed_a_smaller_step_is_tried_towards_the_better_one() -> None:
    lost = ("MATRIX_LR", "0.04", "0.02", "discard", 0.08), ("MATRIX_LR", "0.04", "0.08", "discard", 0.01)
    assert 0.04 < new_value(after("MATRIX_LR = 0.04\n", *lost)) < 0.08


def test_on_a_smooth_loss_the_steps_shrink_towards_its_lowest_point() -> None:
    values = [made["MATRIX_LR"] for made in search("MATRIX_LR = 0.01\n", lambda knobs: octaves(knobs, 0.07) ** 2, 8)]
    places = [abs(math.log2(value / 0.07)) for value in values if isinstance(value, float)]
    assert min(places) < 0.2
    assert max(places[5:]) < max(places[:3])


def octaves(knobs: dict[str, object], best: float, knob: str = "MATRIX_LR") -> float:
    value = knobs[knob]
    assert isinstance(value, float)
    return math.log2(value / best)


def test_of_two_knobs_the_one_that_matters_gets_the_trials() -> None:
    source = "A_SCALE = 0.01\nB_SCALE = 0.01\n"
    made = search(source, lambda knobs: octaves(knobs, 0.2, "A_SCALE") ** 2 + 0.001 * octaves(knobs, 0.2, "B_SCALE") ** 2, 8)
    assert len({knobs["A_SCALE"] for knobs in made}) > len({knobs["B_SCALE"] for knobs in made})
    assert min(abs(octaves(knobs, 0.2, "A_SCALE")) for knobs in made) < 0.5


def test_each_number_of_a_tuple_is_searched_by_itself() -> None:
    request = after("ADAM_BETAS = (0.9, 0.95)\n", ("ADAM_BETAS", "(0.8, 0.95)", "(0.9, 0.95)", "keep", -0.05))
    assert changes(request)["ADAM_BETAS"][1] in ("(0.95, 0.95)", "(0.93, 0.95)", "(0.929, 0.95)")


def test_every_alternative_is_tried_once() -> None:
    source = 'ACTIVATION = "relu2"  # one of: relu2, gelu, silu\n'
    request = ended(ended(first(source), "discard", 0.01), "discard", 0.02)
    assert {one.changes["ACTIVATION"][1] for one in request.tried} == {'"gelu"', '"silu"'}
    with pytest.raises(NothingLeft):
        answer(request)


def test_the_batch_is_among_the_first_things_tried() -> None:
    early = [any("TOTAL_BATCH_SIZE" in move for move in every_move(first(HEAD, seed=seed), most=12)) for seed in range(5)]
    assert sum(early) >= 3


def test_what_crashed_is_not_followed_further() -> None:
    lost = ("DEPTH", "4", "8", "crash", None)
    assert int(changes(after("DEPTH = 4\n", lost))["DEPTH"][1]) < 4


def test_what_is_being_turned_now_waits() -> None:
    helped = ("MATRIX_LR", "0.02", "0.04", "keep", -0.05)
    assert "MATRIX_LR" in changes(after(TWO, helped))
    assert "SOFTCAP" in changes(after(TWO, helped, ("MATRIX_LR", "0.04", "0.08", "", None)))


def trying(*changes: tuple[str, str, str], waits: bool = False) -> Tried:
    """What somebody else tries now, or will."""
    return Tried(0 if waits else 99, {knob: (old, new) for knob, old, new in changes})


@pytest.mark.parametrize("waits", [False, True], ids=["it trains", "it waits"])
@pytest.mark.parametrize("operator", ["tune", "explore", "combine"])
def test_what_somebody_else_turns_is_turned_the_other_way_and_only_when_nothing_else_is_left(waits: bool, operator: str) -> None:
    now = (trying(("MATRIX_LR", "0.04", "0.05"), waits=waits),)
    request = first(TWO, operator, waiting=now) if waits else first(TWO, operator, tried=now)
    moves = every_move(request)
    others = [move for move in moves if "MATRIX_LR" not in move]
    assert others and moves[: len(others)] == others
    assert moves[len(others) :] and all(float(move["MATRIX_LR"][1]) < 0.04 for move in moves[len(others) :])


def test_a_word_for_a_word_is_another_way() -> None:
    source = 'ACTIVATION = "relu2"  # one of: relu2, gelu, silu\n'
    assert every_move(first(source, waiting=(trying(("ACTIVATION", '"relu2"', '"gelu"')),))) == [{"ACTIVATION": ('"relu2"', '"silu"')}]


def test_no_near_miss_is_put_together_with_what_is_being_turned() -> None:
    lost = [("MATRIX_LR", "0.04", "0.08"), ("SCALAR_LR", "0.5", "0.25"), ("EMBEDDING_LR", "0.6", "1.2")]
    request = after(THREE, *((*one, "discard", 0.001) for one in lost), operator="combine", near=(1, 2, 3))
    assert len(changes(request)) == 2
    held = msgspec.structs.replace(request, waiting=(trying(("SCALAR_LR", "0.5", "0.7")),))
    assert changes(held).keys() == {"MATRIX_LR", "EMBEDDING_LR"}
    held = msgspec.structs.replace(request, waiting=(trying(("SCALAR_LR", "0.5", "0.7"), ("MATRIX_LR", "0.04", "0.02")),))
    assert all(len(move) == 1 for move in every_move(held))


def test_what_was_measured_on_an_older_trunk_counts_less() -> None:
    lost = Tried(1, {"MATRIX_LR": ("0.04", "0.08")}, "discard", 0.03, 0)
    kept = tuple(Tried(number, {"SOFTCAP": ("15.0", "15.0")}, "keep", -0.03, number - 1) for number in range(2, 5))
    variances = []
    for trunk in ((0,), (0, 2), (0, 2, 3)):
        request = first(TWO, tried=(lost, *kept), trunk=trunk)
        variances += [
            one.variance for found in experience(request, read_knobs(TWO)).measured.values() for one in found if one.delta == 0.03
        ]
    assert variances == sorted(set(variances)) and len(variances) == 3


def test_what_was_kept_is_not_taken_back() -> None:
    request = after("MATRIX_LR = 0.04\n", ("MATRIX_LR", "0.02", "0.04", "keep", -0.001))
    assert {"MATRIX_LR": ("0.04", "0.02")} not in every_move(request)


def test_on_another_trunk_a_lost_move_may_be_made_again_but_not_first() -> None:
    lost = ("SOFTCAP", "15.0", "30.0", "discard", 0.04)
    again = {"SOFTCAP": ("15.0", "30.0")}
    assert again not in every_move(after(TWO, lost))
    moves = every_move(after(TWO, lost, ("MATRIX_LR", "0.02", "0.04", "keep", -0.01)))
    assert moves.index(again) > 4


def test_the_same_values_by_another_way_are_the_same_training() -> None:
    """A and then B is B and then A."""
    one, other = {"MATRIX_LR": ("0.02", "0.04")}, {"SOFTCAP": ("30.0", "15.0")}
    tried = (Tried(1, one, "discard", 0.01, 0), Tried(2, other, "keep", -0.01, 0))
    request = first("MATRIX_LR = 0.02\nSOFTCAP = 15.0\n", tried=(*tried, Tried(3, one, "discard", 0.01, 2)), trunk=(0, 2))
    assert one not in every_move(request)
    back = first("MATRIX_LR = 0.02\nSOFTCAP = 30.0\n", tried=(*tried, Tried(3, one, "discard", 0.01, 2)), trunk=(0,))
    assert one not in every_move(back) and other not in every_move(back)


# ------------------------------------------------------------------------------------------------------------------------------
# Operators
# ------------------------------------------------------------------------------------------------------------------------------


def test_to_explore_is_a_knob_that_nobody_turned_or_a_bold_step() -> None:
    turned = ("MATRIX_LR", "0.04", "0.08", "discard", 0.001), ("SCALAR_LR", "0.5", "1.0", "discard", 0.001)
    for seed in range(10):
        ((knob, (old, new)),) = changes(after(THREE, *turned, operator="explore", seed=seed)).items()
        assert knob == "EMBEDDING_LR" or abs(math.log2(float(new) / float(old))) >= 1.5


def test_to_tune_is_never_a_bold_step_while_there_are_others() -> None:
    for seed in range(10):
        ((old, new),) = changes(first(THREE, seed=seed)).values()
        assert abs(math.log2(float(new) / float(old))) < 1.5


def test_to_combine_is_two_near_misses_together_the_best_first() -> None:
    lost = [("MATRIX_LR", "0.04", "0.08", 0.004), ("SCALAR_LR", "0.5", "0.25", 0.002), ("EMBEDDING_LR", "0.6", "1.2", 0.001)]
    request = after(THREE, *((knob, old, new, "discard", delta) for knob, old, new, delta in lost), operator="combine", near=(3, 2, 1))
    assert changes(request) == {"SCALAR_LR": ("0.5", "0.25"), "EMBEDDING_LR": ("0.6", "1.2")}
    assert "#2 and #3" in answer(request).why or "#3 and #2" in answer(request).why
    request = ended(request, "discard", 0.003)
    assert changes(request) == {"MATRIX_LR": ("0.04", "0.08"), "EMBEDDING_LR": ("0.6", "1.2")}


@pytest.mark.parametrize("near", [(), (1,), (1, 2), (1, 3)], ids=["none", "one", "of one knob", "one that does not apply any more"])
def test_with_fewer_than_two_near_misses_that_still_apply_to_combine_is_to_tune(near: tuple[int, ...]) -> None:
    lost = ("MATRIX_LR", "0.04", "0.08", "discard", 0.001), ("MATRIX_LR", "0.04", "0.02", "discard", 0.002)
    stale = ("SCALAR_LR", "0.25", "0.3", "discard", 0.001)
    request = after(THREE, *lost, stale, operator="combine", near=near)
    assert changes(request) == changes(msgspec.structs.replace(request, operator="tune"))


def test_heat_makes_it_less_predictable() -> None:
    turned = [("MATRIX_LR", "0.02", "0.04", "keep", -0.05)]

    def edits(heat: float) -> int:
        return len({answer(after(HEAD, *turned, heat=heat, seed=seed)).edit for seed in range(15)})

    assert edits(1.0) > edits(0.0)


# ------------------------------------------------------------------------------------------------------------------------------
# A person's idea
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_persons_idea_is_proposed_exactly() -> None:
    reply = answer(first(TRAIN, idea="SET MATRIX_LR = 0.0123"))
    assert (reply.idea, reply.edit) == ("matrix LR 0.04 -> 0.0123", "SET MATRIX_LR = 0.0123")


@pytest.mark.parametrize(
    ("idea", "reason"),
    [
        ("use a smaller learning rate", "sweep understands `SET NAME = value`"),
        ("SET MATRX_LR = 0.02", "the nearest is MATRIX_LR"),
        ("SET MATRIX_LR = fast", "no plain value"),
        ("SET MATRIX_LR = 4e-2", "changes nothing"),
    ],
)
def test_an_idea_that_cannot_be_understood_is_said(idea: str, reason: str) -> None:
    with pytest.raises(NotUnderstood, match=reason):
        answer(first(idea=idea))


def test_a_refused_idea_is_not_proposed_again() -> None:
    with pytest.raises(NotUnderstood, match="This is experiment 3 again"):
        answer(first(idea="SET DEPTH = 6", refusals=("This is experiment 3 again.",)))


def test_an_idea_of_many_knobs_is_no_move_along_one() -> None:
    both = {"MATRIX_LR": ("0.04", "0.08"), "SCALAR_LR": ("0.5", "1.0")}
    request = first(THREE, tried=(Tried(1, both, "discard", 5.0, 0),), number=2)
    assert {"MATRIX_LR": ("0.04", "0.08")} in every_move(request) and both not in every_move(request)
    assert read_knobs(request.source).keys() == {knob for move in every_move(request) for knob in move}
