"""A text from outside becomes one harmless line."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.journal import text
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.telemetry import printed
from tests.pace import is_within


@pytest.mark.parametrize(
    ("sentence", "text", "line"),
    [
        ("line ends and tabs become single spaces", " a\tb\r\n\r\nc\v\fd ", "a b c d"),
        ("controls separate words", "a\x00b\x08c\x7fd\x85e\x9ff", "a b c d e f"),
        ("line and paragraph separators, and every kind of space, become a space", "a\u2028b\u2029c\xa0d\u3000e", "a b c d e"),
        ("colours and cursor moves go as a whole", "\x1b[1;31mred\x1b[0m \x1b[2Jgone\x9b31mtoo", "red gonetoo"),
        ("a title sequence goes with its title", "\x1b]0;owned\x07done \x1b]8;;http://x\x1b\\link", "done link"),
        ("a title that never ends is text", "\x1b]0;still here", "0;still here"),
        ("an escape hidden in an escape leaves nothing to obey", "\x1b\x1b[0m[31mtext", "[31mtext"),
        ("directions cannot be turned", "keep\u202edracsid\u202c \u2066x\u2069\u200f\u061c", "keepdracsid x"),
        ("zero width is no width", "ke\u200bep\u200d\u2060\ufeff\u00ad", "keep"),
        ("fillers, selectors and tags are seen through", "a\u3164\u115f\u2800b\ufe0f\U000e0041\U000e0100", "ab"),
        ("half a surrogate pair is dropped", "a\ud83db", "ab"),
        ("letters of all kinds stay", "naïve 日本語 עברית 🎉 café 2→3 \U0001fae8", "naïve 日本語 עברית 🎉 café 2→3 \U0001fae8"),
    ],
)
def test_what_becomes_of_a_text(sentence: str, text: str, line: str) -> None:
    assert clean_line(text) == line, sentence


def test_a_long_line_is_cut_with_an_ellipsis() -> None:
    assert clean_line("x" * 120) == "x" * 120
    assert clean_line("x" * 121) == "x" * 119 + "…"
    assert clean_line("many words here", limit=6) == "many…"
    assert clean_line("x" * 121, limit=None) == "x" * 121


@settings(deadline=None, max_examples=300)
@given(st.text(), st.integers(1, 40))
def test_no_text_gets_past_it(text: str, limit: int) -> None:
    line = clean_line(text, limit)
    assert len(line) <= limit
    assert line == " ".join(line.split())
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert clean_line(line, limit) == line


def test_what_a_terminal_obeys_is_the_same_for_a_log_and_for_every_other_text() -> None:
    assert text.ESCAPES.pattern == printed.ESCAPES.pattern
    assert text.clean_line("\x1b(Bplain\x1bPq#0;2\x1b\\ again") == "plain again"


def test_a_text_full_of_beginnings_of_escapes_takes_no_longer_than_another() -> None:
    for sign in ("\x9d", "\x1b]", "\x90", "\x1b["):
        assert is_within(1.0, partial(text.clean_text, sign * 40_000, 1000))
