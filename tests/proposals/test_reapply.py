"""A change is made again on another text, or it is plain that it cannot be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.proposals.reapply import made_again, reapply

BASE = "A = 1\nB = 2\nC = 3\n\n\ndef f():\n    return A\n"
texts = st.lists(st.sampled_from("abcd"), max_size=8).map("\n".join) | st.text("ab\n", max_size=12)


@given(texts, texts)
def test_on_its_own_base_a_change_is_itself(base: str, changed: str) -> None:
    assert reapply(base, changed, base) == changed


@given(texts, texts)
def test_no_change_changes_nothing(base: str, onto: str) -> None:
    assert reapply(base, base, onto) == onto


@given(texts, texts)
def test_a_change_that_is_there_already_is_made_once(base: str, changed: str) -> None:
    assert reapply(base, changed, changed) == changed


@given(texts, texts)
def test_a_change_can_be_reverted(base: str, changed: str) -> None:
    assert reapply(changed, base, changed) == base


@given(texts, texts, texts)
def test_two_changes_are_the_same_in_either_order(base: str, one: str, other: str) -> None:
    assert reapply(base, one, other) == reapply(base, other, one)


@given(st.lists(st.sampled_from(["old", "mine", "theirs", "same"]), min_size=1))
def test_lines_that_only_one_side_changed_merge_however_near_they_are(fates: list[str]) -> None:
    def text(*changers: str) -> str:
        return "\n".join(f"{number} {fate if fate in changers else 'old'}" for number, fate in enumerate(fates))

    assert reapply(text(), text("mine", "same"), text("theirs", "same")) == text("mine", "theirs", "same")


def test_neighbouring_knobs_merge() -> None:
    assert reapply(BASE, BASE.replace("A = 1", "A = 9"), BASE.replace("B = 2", "B = 8")) == BASE.replace("1", "9").replace("2", "8")


def test_the_same_line_changed_in_two_ways_is_a_conflict() -> None:
    assert reapply(BASE, BASE.replace("A = 1", "A = 9"), BASE.replace("A = 1", "A = 8")) is None


def test_two_insertions_at_one_place_are_a_conflict() -> None:
    assert reapply(BASE, BASE.replace("B = 2\n", "B = 2\nX = 1\n"), BASE.replace("B = 2\n", "B = 2\nY = 1\n")) is None


def test_a_line_that_was_rewritten_away_is_a_conflict() -> None:
    assert reapply(BASE, BASE.replace("B = 2", "B = 9"), BASE.replace("A = 1\nB = 2\nC = 3\n", "from knobs import *\n")) is None


def test_an_earlier_keep_is_reverted_under_a_later_one() -> None:
    first = BASE.replace("A = 1", "A = 9")
    second = first.replace("return A", "return A + B")
    assert reapply(first, BASE, second) == BASE.replace("return A", "return A + B")


def test_a_missing_last_newline_glues_no_lines_together() -> None:
    assert reapply("a\nb\n", "a\nb", "a\nb\nc\n") == "a\nb\nc"


# ------------------------------------------------------------------------------------------------------------------------------
# A step of knobs
# ------------------------------------------------------------------------------------------------------------------------------

STEP = {"A": ("1", "9")}
CHANGED = BASE.replace("A = 1", "A = 9")


def test_a_step_of_a_knob_is_made_again_whatever_else_became_of_its_line() -> None:
    onto = BASE.replace("A = 1", "A = 1  # of all\nNEW = 5")
    assert reapply(BASE, CHANGED, onto) is None
    assert made_again(BASE, CHANGED, STEP, onto) == onto.replace("A = 1", "A = 9")


def test_from_another_value_it_is_not() -> None:
    assert made_again(BASE, CHANGED, STEP, BASE.replace("A = 1", "A = 2")) is None
    assert made_again(BASE, CHANGED, STEP, BASE.replace("A = 1\n", "")) is None
    both = {"A": ("1", "9"), "B": ("2", "8")}
    assert made_again(BASE, CHANGED.replace("B = 2", "B = 8"), both, BASE.replace("B = 2", "B = 7")) is None


def test_what_is_there_already_is_made_once() -> None:
    both = {"A": ("1", "9"), "B": ("2", "8")}
    changed = CHANGED.replace("B = 2", "B = 8")
    assert made_again(BASE, changed, both, CHANGED) == changed
    assert made_again(BASE, CHANGED, STEP, CHANGED) == CHANGED


def test_more_than_knobs_are_lines() -> None:
    changed = BASE.replace("return A", "return B")
    assert made_again(BASE, changed, {}, BASE.replace("A = 1", "A = 2")) == changed.replace("A = 1", "A = 2")
    assert made_again(BASE, changed, {}, BASE.replace("return A", "return C")) is None


def test_a_value_of_several_lines_is_lines_too() -> None:
    old, new = "(\n    1,\n)", "(\n    2,\n)"
    base, changed = f"A = {old}\nB = 1\n", f"A = {new}\nB = 1\n"
    assert made_again(base, changed, {"A": (old, new)}, base.replace("B = 1", "B = 2")) == changed.replace("B = 1", "B = 2")


def test_half_a_tuple_is_no_value() -> None:
    base = "A = (\n    1,\n    2,\n    3,\n)\n"
    one, other = base.replace("1", "9"), base.replace("3", "8")
    assert reapply(base, one, other) is not None
    assert made_again(base, one, {"A": ("(1, 2, 3)", "(9, 2, 3)")}, other) is None
