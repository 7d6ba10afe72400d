"""A question with a few answers, the first of which is the safe one; what each comes to is said before it is chosen."""

from __future__ import annotations

import msgspec

from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, row, wrapped


class Choice(msgspec.Struct, frozen=True):
    answer: str
    says: str
    means: str = ""
    """What comes of it, in a sentence."""
    key: str = ""
    """One letter; Enter takes what the cursor is on."""


class Question(msgspec.Struct, frozen=True):
    title: str
    facts: tuple[Row | str, ...]
    """What has to be known first; text is wrapped, foreign or not."""
    choices: tuple[Choice, ...]
    hint: str = "enter chooses · escape goes back"


def head(part: Question, width: int) -> list[Row]:
    out: list[Row] = []
    for fact in part.facts:
        out += [row(line) for line in wrapped(fact, width)] if isinstance(fact, str) else [fact]
    return [*out, EMPTY]


def entries(part: Question, width: int, cursor: int) -> list[list[Row]]:
    out = []
    for index, choice in enumerate(part.choices):
        key = Span(f"{choice.key or ' '}  ", "accent strong")
        sign = "▸ " if index == cursor else "  "
        means = wrapped(choice.means, max(1, width - 5)) if choice.means else []
        out.append([row(sign, key, Span(choice.says, "strong")), *(row("     ", Span(line, "dim")) for line in means)])
    return out
