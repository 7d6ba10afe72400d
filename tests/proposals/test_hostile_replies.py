"""However long or odd a reply is, it is read or refused within a second."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.proposals.edits import apply, dialect_of
from autoresearch_tui.proposals.reply import Unusable, read_reply
from tests.pace import is_within
from tests.proposals.corpus import SMALL, read_corpus

LENGTH = 250_000  # what takes the square of that takes hours
WHOLE = 1_999_000  # just below what is read at all
SOME = settings(max_examples=60, deadline=None)
MARKS = [
    "=======\n",
    "<<<<<<< SEARCH\n",
    ">>>>>>> REPLACE\n",
    "<<<SEARCH\n",
    ">>>\n",
    "@@\n",
    "@@ -1,2 +3,4 @@\n",
    "--- a\n+++ b\n",
    "-\n",
    "+\n",
]
FENCES = ["```\n", "```python\n", "~~~\n", "`", "*** Begin Patch\n", "*** ", "train.py\n", "path/", "# \n", "* ", "1. ", "1 | x\n", "...\n"]
TAGS = [
    "<",
    ">",
    "<edit>",
    "</edit>",
    "<think>",
    "</think>",
    "<|channel|>analysis<|message|>",
    "[THINK]",
    "<idea>x</idea>",
    "{",
    '{"edit": ',
    "[",
]
CODE = [
    "SET ",
    "SET A =\n",
    "SET A = 1\n",
    "def f():\n",
    "(",
    "'",
    "'''",
    "x\n",
    "a.b\n",
    "@",
    "class ",
    "é",
    "a ",
    " ",
    "\t",
    "\n",
    "\0",
    "\u00a0",
]
PIECES = [*MARKS, *FENCES, *TAGS, *CODE]


def refused_within(seconds: float, text: str, source: str = SMALL) -> bool:
    def refused() -> None:
        with pytest.raises(Unusable):
            apply(source, read_reply(text).edit)

    return is_within(seconds, refused)


def test_fifty_megabytes_are_refused_at_once() -> None:
    assert refused_within(0.5, "<" * 50_000_000)


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_row_of_anything_is_refused_soon(piece: str) -> None:
    row = piece * (LENGTH // len(piece))
    assert refused_within(1.0, row)
    assert refused_within(1.0, f"<idea>x</idea><edit>\n{row}</edit>")


def test_the_longest_reply_is_refused_soon() -> None:
    assert refused_within(2.0, "=======\n" * (WHOLE // 8))


def test_a_long_block_is_refused_soon() -> None:
    for old, new in [("a\n", "a\nb\n"), ("a\nb\n", "b\na\n"), ("\n", "x\n"), ("x = 1\n", "x = 2\n")]:
        block = f"<<<<<<< SEARCH\n{old * 20_000}=======\n{new * 20_000}>>>>>>> REPLACE\n"
        assert refused_within(2.0, f"<idea>x</idea><edit>\n{block}</edit>", source="x = 1\n" * 2000)


def test_many_blocks_are_refused_soon() -> None:
    block = "<<<<<<< SEARCH\nnothing like it\n=======\nb\n>>>>>>> REPLACE\n"
    assert refused_within(2.0, f"<idea>x</idea><edit>\n{block * 5000}</edit>")


@SOME
@given(st.lists(st.sampled_from([*PIECES, SMALL, "LR = 0.04  # of all\n", "LR = 0.02\n", "SET LR = 0.02\n", "</think>"])))
def test_any_heap_of_pieces_is_an_edit_or_a_sentence(parts: list[str]) -> None:
    text = "".join(parts)
    dialect_of(text)
    for reply in (text, f"<idea>x</idea><edit>\n{text}\n</edit>"):
        try:
            edit = read_reply(reply).edit
            apply(SMALL, edit)
        except Unusable as error:
            assert str(error).endswith(".") and "\n" not in str(error)


CASES = [case for case in read_corpus() if not case.kind and case.file == "small" and "</edit>" in case.reply]


@SOME
@given(st.data())
def test_a_cut_reply_is_no_reply(data: st.DataObject) -> None:
    """Wherever it is cut: what was to be made is made, or nothing.

    But not within thinking that only its end marks as such: until that comes nobody could know.
    """
    case = data.draw(st.sampled_from(CASES))
    whole = apply(SMALL, read_reply(case.reply).edit)
    thought, end, _ = case.reply.partition("</think>")
    known = len(thought + end) if end and "<think" not in thought else 0
    cut = case.reply[: data.draw(st.integers(known, len(case.reply)))]
    try:
        assert apply(SMALL, read_reply(cut).edit) == whole
    except Unusable as error:
        assert str(error).endswith(".")
