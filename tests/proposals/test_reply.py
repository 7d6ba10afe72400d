"""A reply is one idea with its edit, or it is none, and says why."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.proposals.reply import Reply, Unusable, read_reply

GOOD = "<idea>matrix LR 0.04 -> 0.02</idea> <why>It\nbounced.</why> <edit>\nSET MATRIX_LR = 0.02\n</edit>"
REPLY = Reply("matrix LR 0.04 -> 0.02", "It\nbounced.", "SET MATRIX_LR = 0.02")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Here is my proposal.\n\n{GOOD}\n\nGood luck!",
        GOOD.replace("idea>", "IDEA>"),
        f"<think>Or <edit>SET DEPTH = 9</edit>?</think>{GOOD}",
        f"<think>One <think>inside</think> another <edit></think>{GOOD}",
        f"Or <edit>SET DEPTH = 9</edit>, or an <edit>?</think>{GOOD}",
        GOOD.replace(" <why>", "<thinking><edit></thinking><why>"),
        GOOD.replace("</edit>", "</edit><think>Done.</think>"),
    ],
)
def test_what_stands_around_a_reply_does_not_count(text: str) -> None:
    assert read_reply(text) == REPLY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I would lower the matrix LR.", "no <edit>"),
        (f"<think>{GOOD}</think>", "no <edit>"),
        (f"{GOOD}</think>", "no <edit>"),
        (f"<think>{GOOD}", "still thinking"),
        (GOOD.removesuffix("</edit>"), "cut: its <edit>"),
        (GOOD.replace("</idea>", ""), "cut: its <idea>"),
        (GOOD.replace("</why>", ""), "cut: its <why>"),
        (GOOD + GOOD, "2 <idea>"),
        (GOOD + "<edit>SET DEPTH = 9</edit>", "2 <edit>"),
        (GOOD.replace("matrix LR 0.04 -> 0.02", " "), "no <idea>"),
        (GOOD.replace("SET", "<think>or not</think>SET"), "holds thinking"),
        (GOOD.replace("0.02\n", "'\ud83d'\n"), "no file can hold"),
        (GOOD.replace("SET", "\0SET"), "holds thinking or a NUL"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        read_reply(text)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_a_cut_reply_is_no_reply_wherever_it_was_cut(length: int) -> None:
    with pytest.raises(Unusable):
        read_reply(GOOD[:length])


@settings(deadline=None)
@given(st.lists(st.sampled_from(["<idea>", "</idea>", "<why>", "</why>", "<edit>", "</edit>", "<think>", "</think>", "a", "\n", "\0"])))
def test_any_heap_of_tags_is_a_reply_or_a_sentence(parts: list[str]) -> None:
    try:
        reply = read_reply("".join(parts))
    except Unusable as error:
        assert str(error).endswith(".")
    else:
        assert reply.idea and "\0" not in reply.edit + reply.idea + reply.why


def test_an_idea_is_one_line_of_at_most_120_characters() -> None:
    idea = read_reply(GOOD.replace("0.04 -> 0.02", "lower\n  and " + "lower " * 40)).idea
    assert idea.startswith("matrix LR lower and lower ") and idea.endswith("…") and len(idea) <= 120


def test_a_tag_inside_another_is_only_text() -> None:
    assert read_reply(GOOD.replace("bounced.", "needs an <edit> of one line.")).why.endswith("an <edit> of one line.")


def test_a_long_heap_of_open_tags_is_refused_at_once() -> None:
    with pytest.raises(Unusable, match="cut"):
        read_reply("<why>" * 200_000)
