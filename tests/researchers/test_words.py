"""Thinking is told from the reply, however the two are cut into pieces, and the reader of replies sees where it stood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.proposals.reply import Unusable, read_reply
from autoresearch_tui.researchers.words import Words

REPLY = "<idea>lower it</idea><edit>\nSET LR = 0.1\n</edit>"


def told(*pieces: str) -> tuple[str, str]:
    """Thinking and text of a reply that came in these pieces."""
    words = Words()
    parts = [part for piece in pieces for part in words.feed(piece)] + words.rest()
    return "".join(part.text for part in parts if part.kind == "thinking"), "".join(part.text for part in parts if part.kind == "text")


@pytest.mark.parametrize(
    ("said", "thinking", "text"),
    [
        ("no thought at all", "", "no thought at all"),
        ("<think>a < b</think>yes", "a < b", "yes"),
        ("<Thinking>hm</THINKING>\nyes", "hm", "\nyes"),
        ("\n<think>a</think>yes", "a", "\nyes"),
        ("<think>a<think>b</think>c</think>d", "abc", "d"),
        ("<think>never done", "never done", ""),
        ("a <thinker> and a <", "", "a <thinker> and a <"),
        ("yes <think>but</think> no", "but", "yes <think></think> no"),
        ("yes <think>but", "but", "yes <think>"),
        ("thought</think>yes", "", "thought</think>yes"),
        ("[THINK]hm[/THINK]x[0]", "hm", "x[0]"),
        ("<|START_THINKING|>hm<|END_THINKING|>yes", "hm", "yes"),
        ("<|channel>thought\nhm<channel|>yes", "\nhm", "yes"),
    ],
)
def test_thinking_is_taken_out(said: str, thinking: str, text: str) -> None:
    assert told(said) == (thinking, text)
    assert told(*said) == (thinking, text)  # a character at a time


PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<Reasoning>",
            "</THINKING>",
            "[THINK]",
            "[/THINK]",
            "<",
            "th",
            "</",
            "x",
            "\n",
            "ink>",
            "<edit>",
            "é",
            "[0]",
        ]
    )
)


@given(PIECES, st.data())
def test_where_it_was_cut_makes_no_difference(pieces: list[str], data: st.DataObject) -> None:
    said = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=8)))
    cut = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    assert told(*cut) == told(said)


def test_words_are_not_held_back_that_cannot_be_a_tag() -> None:
    words = Words()
    assert [part.text for part in words.feed("a < b")] == ["a < b"]
    assert [part.text for part in words.feed(" and <thi")] == [" and "]
    assert [part.text for part in words.feed("s>")] == ["<this>"]
    assert [part.text for part in words.feed("x[" + "0" * 30)] == ["x[" + "0" * 30]


@pytest.mark.parametrize("thought", ["<think>hm</think>", "<think>hm <edit>SET LR = 9</edit></think>\n", "hm, so</think>\n", ""])
def test_a_reply_after_thinking_is_read(thought: str) -> None:
    assert read_reply(told(*(thought + REPLY))[1]).edit == "SET LR = 0.1"


@pytest.mark.parametrize(
    "said",
    [
        "<idea>x</idea><edit>\nSET LR <think>or WD?</think>= 0.1\n</edit>",  # an edit around thinking is not what was written
        f"<idea>x</idea><think>{REPLY}",
        f"<think>{REPLY}",
        f"<think>{REPLY}</think>",
    ],
)
def test_an_edit_around_thinking_or_inside_it_is_none(said: str) -> None:
    with pytest.raises(Unusable):
        read_reply(told(*said)[1])
