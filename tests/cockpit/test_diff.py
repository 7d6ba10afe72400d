"""What one text has instead of another: numbered, signed, with the words that differ marked, and quick whatever the two are."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.cockpit.diff import SHOWN, Diff, Line, compared
from autoresearch_tui.cockpit.drawing import Row, shown, width
from autoresearch_tui.cockpit.parts.difference import rows
from tests.pace import is_within

OLD = """import torch

DEPTH = 8
MATRIX_LR = 0.04
SCALAR_LR = 0.5


class Model:
    def forward(self, x):
        x = self.first(x)
        x = self.second(x)
        x = self.third(x)
        return x
"""
few = st.lists(st.sampled_from(["", "a", "b", "    c = 1", "    c = 2", "def f():", "é漢"]), max_size=14).map("\n".join)


def text(line: Row) -> str:
    """A row with its words that differ in brackets."""
    return "".join(f"[{span.text}]" if "word" in span.role else span.text for span in line).rstrip()


def drawn(old: str, new: str, wide: int = 70) -> list[str]:
    return [text(line) for line in rows(compared(old, new), wide)]


def test_a_knob_that_was_turned_is_two_lines_with_the_number_marked() -> None:
    assert drawn(OLD, OLD.replace("0.04", "0.05")) == [
        "1   import torch",
        "2",
        "3   DEPTH = 8",
        "4 - MATRIX_LR = [0.04]",
        "4 + MATRIX_LR = [0.05]",
        "5   SCALAR_LR = 0.5",
        "6",
        "7",
    ]


def test_further_down_stands_the_function_that_it_is_in() -> None:
    new = OLD.replace("        return x", "        return 2 * x").replace("import torch", "import torch.nn")
    assert drawn(OLD, new) == [
        " 1 - import torch",
        " 1 + import torch[.nn]",
        " 2",
        " 3   DEPTH = 8",
        " 4   MATRIX_LR = 0.04",
        "·· def forward(self, x):",
        "10           x = self.first(x)",
        "11           x = self.second(x)",
        "12           x = self.third(x)",
        "13 -         return x",
        "13 +         return [2 * ]x",
        "14",
    ]


def test_lines_that_have_little_in_common_are_not_marked() -> None:
    assert drawn("x = 1\n", "while stream.closed():\n") == ["1 - x = 1", "1 + while stream.closed():", "2"]


def test_of_several_lines_each_is_marked_against_its_like() -> None:
    old = "a_rate = 1\nb_rate = 2\n"
    assert drawn(old, "zzz = call()\na_rate = 1\nb_rate = 20\n")[:2] == ["1 + zzz = call()", "2   a_rate = 1"]
    assert drawn(old, "new(words)\na_rate = 3\nb_rate = 4\n") == [
        "1 - a_rate = [1]",
        "2 - b_rate = [2]",
        "1 + new(words)",
        "2 + a_rate = [3]",
        "3 + b_rate = [4]",
        "4",
    ]


def test_the_same_text_says_so() -> None:
    assert drawn(OLD, OLD) == ["The two are the same, to the last character."]


def test_what_went_or_came_is_seen_to_its_end_and_what_stays_is_cut() -> None:
    new = "kept = 'a long line that stays where it is'\nrate = 0.5  # and a comment of several words behind it\n"
    assert drawn(new.replace("0.5", "0.4"), new, 32) == [
        "1   kept = 'a long line that st…",
        "2 - rate = [0.4]  # and a comment",
        "    of several words behind it",
        "2 + rate = [0.5]  # and a comment",
        "    of several words behind it",
        "3",
    ]


def test_foreign_text_is_shown_as_text_and_stays_in_its_columns() -> None:
    new = "LR = 1  # [/bold] \x1b[31mred\x1b[0m \x00 漢字 ‮gnp\u202c\ttab\r\n" + "漢" * 60
    lines = rows(compared("LR = 2", new), 40)
    assert all(width(line) <= 40 for line in lines)
    assert text(lines[1]).startswith("1 + LR = 1  # [/bold] red")
    assert not any(sign in text(line) for line in lines for sign in "\x1b\x00\u202e\r\t")


@settings(max_examples=80, deadline=None)
@given(few, few)
def test_the_lines_rebuild_both_texts(old: str, new: str) -> None:
    diff = compared(old, new)
    before, after = old.split("\n"), new.split("\n")
    was, now = 0, 0
    for hunk in diff.hunks:
        assert was <= hunk.old and before[was : hunk.old] == after[now : hunk.new], "between hunks nothing differs"
        was, now = hunk.old, hunk.new
        for line in hunk.lines:
            was, now = was + (line.sign != "+"), now + (line.sign != "-")
            assert line.text == (before[was - 1] if line.sign == "-" else after[now - 1])
            assert line.number == (was if line.sign == "-" else now)
    assert before[was:] == after[now:]
    lines = [line.sign for hunk in diff.hunks for line in hunk.lines]
    assert (lines.count("+"), lines.count("-")) == (diff.added, diff.removed)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_what_is_not_marked_is_the_same_in_both(before: str, after: str) -> None:
    old, new = before.replace("\n", " "), after.replace("\n", " ")
    lines = [line for hunk in compared(old, new).hunks for line in hunk.lines]
    if any(line.marks for line in lines):
        assert unmarked(lines[0]) == unmarked(lines[1])


def unmarked(line: Line) -> str:
    whole = shown(line.text)
    ends = [0, *(place for mark in line.marks for place in mark), len(whole)]
    return "".join(whole[ends[at] : ends[at + 1]] for at in range(0, len(ends), 2))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(12, 30))
def test_no_row_is_wider_than_asked(old: str, new: str, wide: int) -> None:
    assert all(width(line) <= wide for line in rows(compared(old, new), wide))


def within(limit: float, old: list[str], new: list[str]) -> Diff:
    before, after = "\n".join(old), "\n".join(new)
    assert is_within(limit, lambda: compared(before, after))
    return compared(before, after)


def test_two_thousand_lines_with_fifty_changes_are_quick() -> None:
    old = [f"    value_{at} = call({at % 7}, depth={at})" if at % 3 else "" for at in range(2000)]
    new = list(old)
    for at in random.Random(1).sample(range(1, 2000, 3), 50):
        new[at] = old[at].replace("depth", "width")
    assert within(0.1, old, new).added == 50


def test_texts_that_have_nothing_in_common_are_cut_with_a_sentence() -> None:
    diff = within(1.0, [f"a{at}" for at in range(10_000)], [f"b{at}" for at in range(10_000)])
    assert sum(len(hunk.lines) for hunk in diff.hunks) == SHOWN
    assert diff.said == "10,000 lines went and 10,000 came: that is more than is shown here."


def test_texts_of_few_different_lines_do_not_take_for_ever() -> None:
    chance = random.Random(1)
    for kinds in (1, 2, 30, 300):
        old, new = ([str(chance.randrange(kinds)) for _ in range(4000)] for _ in range(2))
        assert within(1.0, ["first", *old], [*new, "last"]).hunks, kinds
