"""An edit is made whole or not at all, and the sentence names the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.reply import Unusable

TRAIN = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")
SMALL = "LR = 0.04  # of all\nDEPTH = 8\nNAME = 'a'\nBIAS = False\nCAP = None\n"


def test_knobs_are_turned_and_nothing_else_is_touched() -> None:
    edited = apply(TRAIN, "SET MATRIX_LR = 0.02\nSET DEPTH = 6")
    assert edited == TRAIN.replace("MATRIX_LR = 0.04 ", "MATRIX_LR = 0.02 ", 1).replace("\nDEPTH = 8 ", "\nDEPTH = 6 ")


@pytest.mark.parametrize(
    "edit",
    [
        "SET LR = 0.02",
        "  set LR=0.02  # calmer\n",
        "```\nSET LR = 0.02\n```",
        "```python\n# calmer\n\nSET  LR  =  0.02\r\n```",
    ],
)
def test_layout_fences_and_comments_do_not_matter(edit: str) -> None:
    assert apply(SMALL, edit) == SMALL.replace("0.04", "0.02")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ("", "no line `SET"),
        ("Lower the learning rate.", "no line `SET"),
        ("LR = 0.02", "no line `SET"),
        ("SET LR = 0.02\nDEPTH = 9", "Line 2 of the edit, `DEPTH = 9`, is not `SET NAME = value`"),
        ("\nSET LR = small", "Line 2 of the edit: `small` is no plain value"),
        ("SET LR =", "Line 1 of the edit: `` is no plain value"),
        ("SET LR = 0.02; DEPTH = 9", "Line 1 .* is no plain value"),
        ("SET LR = 0.02\nSET LEPTH = 9", "Line 2 of the edit: there is no knob LEPTH; the nearest is DEPTH"),
        ("SET LR = 0.02\nSET LR = 0.03", "Line 2 of the edit sets LR a second time"),
        ("SET LR = 0.02,", "LR is a number, and `0.02,` is a tuple"),
        ("SET LR = '0.02'", "LR is a number, and `'0.02'` is a string"),
        ("SET BIAS = 1", "BIAS is True or False, and `1` is a number"),
    ],
)
def test_an_edit_that_cannot_be_made_says_which_line_and_why(edit: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        apply(SMALL, edit)


def test_none_may_become_a_number_and_a_number_none() -> None:
    assert apply(SMALL, "SET CAP = 15.0\nSET LR = None") == SMALL.replace("None", "15.0").replace("0.04", "None")


def test_a_source_that_is_not_python_has_no_knobs_to_set() -> None:
    with pytest.raises(Unusable, match="line 2 is not Python"):
        apply("LR = 1\nif\n", "SET LR = 2")


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["SET LR = 1", "SET DEPTH=2 # x", "SET X = 1", "SET LR = (", "prose", "", "```", "\0", "\ud800", "SET LR = '\ud800'"]
        )
    )
)
def test_any_edit_is_made_whole_or_refused(parts: list[str]) -> None:
    try:
        edited = apply(SMALL, "\n".join(parts))
    except Unusable as error:
        assert str(error).endswith(".")
    else:
        asked = {part for part in parts if part.startswith("SET")}
        assert edited == (
            SMALL.replace("0.04", "1" if "SET LR = 1" in asked else "0.04").replace("= 8", "= 2" if "SET DEPTH=2 # x" in asked else "= 8")
        )
