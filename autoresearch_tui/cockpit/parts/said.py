"""The line above the keys: what was asked of the engine and not yet answered, what waits, and what happened last."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, cut, joined, row, shown
from autoresearch_tui.cockpit.drawing import width as taken
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.times import written

GAP = "   "
WORTH = 20  # columns, for the beginning of something


class Word(msgspec.Struct, frozen=True):
    """Something that was said to whoever sits here."""

    at: float
    """By the clock of whoever says it: an answer's fades, a fact's is shown."""
    text: str
    role: str = ""


class Said(msgspec.Struct, frozen=True):
    line: tuple[Row, ...]


def part_of(moment: Moment, word: Word | None, last: Word | None) -> Said:
    """`word` is what the engine answered here; `last` what happened last in the night."""
    run = moment.run
    sent = [row(Span("sent: ", "warn"), shown(keys.said(one.wish, run)) if one.wish else one.kind) for one in moment.sent]
    waits = [shown(keys.said(one.wish, run)) for one in run.wishes.values()]
    parts: list[Row] = [row(Span(shown(word.text), word.role))] if word else []
    parts.append(joined(sent))
    if waits:
        parts.append(row(Span("waits: ", "warn"), ", ".join(waits), Span("  w withdraws" if moment.takes_wishes else "", "dim")))
    if last:
        parts.append(row(Span(f"{written(last.at)} ", "dim"), Span(shown(last.text), last.role or "dim")))
    return Said(tuple(filter(None, parts)))


def rows(part: Said, width: int, height: int) -> Sequence[Row]:
    """What comes first is whole, or cut where it alone is too long; what would only begin is left out."""
    whole: list[Row] = []
    for one in part.line:
        line = joined([*whole, one], GAP)
        if taken(line) > width and width - taken(joined([*whole, EMPTY], GAP)) < WORTH:
            break
        whole.append(one)
    return [cut(joined(whole, GAP), width)]
