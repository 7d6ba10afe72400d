"""Rows are as wide as a terminal makes them, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from autoresearch_tui.cockpit import drawing
from autoresearch_tui.cockpit.drawing import Span, apart, changed, cut, fitted, fitting, joined, padded, row, shown, width, wrapped

FOREIGN = {
    "markup": ("[/bold] [0] tensor[3, 4] [link=x]", "[/bold] [0] tensor[3, 4] [link=x]"),
    "ansi": ("\x1b[31mred\x1b[0m and \x9b1mbold", "red and bold"),
    "osc": ("\x1b]0;a title\x07text\x1b]8;;http://x\x1b\\link", "textlink"),
    "nul and bell": ("a\x00b\x07c", "a b c"),
    "tabs": ("a\tb", "a   b"),
    "bidirectional override": ("abc\u202edef\u2066", "abcdef"),
    "right to left": ("שלום", "שלום"),
    "wide": ("学習率", "学習率"),
    "a tower of marks": ("a" + "\u0301\u0302\u0303\u0304\u0305", None),
    "a mark on nothing": ("\u0301a", "a"),
}


@pytest.mark.parametrize("given_text, expected", FOREIGN.values(), ids=FOREIGN)
def test_foreign_text_is_shown_as_text(given_text: str, expected: str | None) -> None:
    line = shown(given_text)
    assert expected is None or line == expected
    assert line.isprintable() or any(ord(sign) > 0x2FFF for sign in line)
    assert cell_len(line) <= cell_len(given_text) + 8


def test_no_letter_carries_more_marks_than_two() -> None:
    assert len(shown("x" + "\u0336" * 50)) == 1 + drawing.STACK


@given(st.text(max_size=60), st.integers(1, 30))
def test_fitted_text_takes_exactly_the_columns_that_it_was_given(foreign: str, wide: int) -> None:
    assert cell_len(fitted(shown(foreign), wide)) == wide


@given(st.lists(st.text(max_size=20), max_size=5), st.integers(1, 40))
def test_rows_are_cut_and_padded_by_columns(texts: list[str], wide: int) -> None:
    line = tuple(Span(shown(one), "dim") for one in texts)
    assert width(cut(line, wide)) <= wide
    assert width(padded(line, wide)) == wide


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 60))
def test_two_ends_never_meet(left: str, right: str, wide: int) -> None:
    assert width(apart(row(shown(left)), row(shown(right)), wide)) <= wide


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_text_fits_and_loses_nothing_but_spaces(foreign: str, wide: int) -> None:
    broken = wrapped(foreign, wide)
    assert all(cell_len(line) <= wide for line in broken)
    assert "".join("".join(broken).split()) == "".join("".join(shown(line) for line in foreign.splitlines()).split())


def test_text_is_broken_between_words() -> None:
    assert wrapped("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert wrapped("a_name_without_any_space", 10) == ["a_name_wit", "hout_any_s", "pace"]


def test_of_parts_that_do_not_fit_the_last_go_first() -> None:
    parts = [row("first"), row("second"), row("third")]
    assert fitting(parts, 40) == joined(parts)
    assert fitting(parts, 15) == joined(parts[:2])
    assert fitting(parts, 4) == (Span("fir…"),)


def test_of_two_rows_only_the_columns_between_the_first_and_the_last_difference_are_sent() -> None:
    before, after = row(Span("loss ", "dim"), "3.210", " · ok"), row(Span("loss ", "dim"), "3.198", " · ok")
    assert changed(before, after, 40) == (7, 3)
    assert changed(before, before, 40) == (0, 0)
    assert changed(row("a"), row(Span("a", "good")), 40) == (0, 1)
    assert changed(row("学習率"), row("学修率"), 40) == (2, 2)
    assert changed(row(Span("a", "cursor")), row(Span("a")), 40) == (0, 40)


@given(st.text(max_size=30), st.text(max_size=30))
def test_outside_of_what_is_sent_two_rows_are_the_same(old: str, new: str) -> None:
    before, after = ("".join(span.text for span in padded(row(shown(one)), 20)) for one in (old, new))
    begins, wide = changed(row(before), row(after), 20)
    assert wide > 0 or before == after
    if before.isascii() and after.isascii():
        assert before[:begins] + after[begins : begins + wide] + before[begins + wide :] == after
