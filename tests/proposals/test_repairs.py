"""A refused edit shows its author what failed, and what the file really has there."""

from __future__ import annotations

import pytest

from autoresearch_tui.proposals.edits import apply, dialect_of
from autoresearch_tui.proposals.reply import Unusable
from tests.proposals.corpus import SMALL, TARGETS

BLOCK = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE"


def detail(source: str, edit: str) -> str:
    with pytest.raises(Unusable) as refused:
        apply(source, edit)
    return refused.value.detail


def test_the_block_that_failed_is_quoted_with_the_nearest_lines() -> None:
    said = detail(SMALL, BLOCK.format("LR = 0.05  # of all\nDEPTH = 8", "LR = 0.02"))
    assert said.startswith("Nothing of the edit was applied.")
    assert "LR = 0.05  # of all" in said and "   3 | LR = 0.04  # of all\n   4 | DEPTH = 8\n" in said
    assert 5 <= sum(" | " in line for line in said.splitlines()) <= 8


def test_a_line_that_is_nowhere_shows_the_most_similar_one() -> None:
    assert "    y = y + LR * x" in detail(SMALL, BLOCK.format("        y = y + RATE * x", "        y = 1"))


def test_places_that_fit_equally_are_all_shown() -> None:
    said = detail(TARGETS["twins"], BLOCK.format("        x = x * 2", "        x = x * 3"))
    assert "   8 |         x = x * 2" in said and "  18 |         x = x * 2" in said


def test_a_long_block_is_quoted_in_part() -> None:
    assert len(detail(SMALL, BLOCK.format("nothing like it\n" * 5000, "x"))) < 3000


def test_what_is_shown_can_be_copied_with_its_numbers() -> None:
    said = detail(SMALL, BLOCK.format("DEPTH = 7", "DEPTH = 9"))
    line = next(line for line in said.splitlines() if "DEPTH = 8" in line)
    assert apply(SMALL, BLOCK.format(line, "DEPTH = 9")) == SMALL.replace("DEPTH = 8", "DEPTH = 9")


@pytest.mark.parametrize(
    ("edit", "dialect"),
    [
        ("<<<<<<< SEARCH\nx", "blocks"),
        ("--- a/train.py\n+++ b/train.py", "diff"),
        ("*** Begin Patch\n", "patch"),
        ("SET LR = 1\nprose", "set"),
        ("```python\ndef f(:", "function"),
        ("```python\nimport x", "file"),
        ("prose", ""),
    ],
)
def test_the_dialect_of_an_edit_that_cannot_be_read_is_what_it_seems_to_be(edit: str, dialect: str) -> None:
    assert dialect_of(edit) == dialect
