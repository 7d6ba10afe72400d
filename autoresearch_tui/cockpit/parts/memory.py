"""The memory of a card by its owners: one bar, scaled to the whole, and in words what the bar has no room for. Pure.

Owns glyphs and figures. Does not own whose the memory is (`telemetry/owners.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from autoresearch_tui.cockpit.drawing import Row, Span, cells, cut, width
from autoresearch_tui.telemetry.owners import Owned

GB = 2**30  # as in results.tsv: a card of 24 GB has 24.0 of them


class Share(NamedTuple):
    """Of one owner. Each has a glyph of its own: a colour alone tells nobody who sees none."""

    name: str
    glyph: str
    role: str
    size: int

    @property
    def label(self) -> str:
        return f"{self.name} {said(self.size)}"


def said(size: float) -> str:
    return f"{size / GB:.1f}"


def _tells(size: int) -> bool:
    """Whether there is anything to see of it."""
    return size > 0 and said(size) != said(0)


def shares(owned: Owned, total: int) -> list[Share]:
    """What is known, and the rest under one name; nothing of those who have nothing."""
    known = [
        Share("LLM", "█", "llm", owned.llm or 0),
        Share("train", "▓", "training", owned.training or 0),
        Share("others", "░", "others", owned.others or 0),
    ]
    free = Share("free", "·", "free", owned.free or 0)
    rest = total - sum(one.size for one in (*known, free))
    if _tells(rest):
        known.append(Share("unknown", " ", "dim", rest) if owned.free is None else Share("used", "░", "others", rest))
    return [one for one in (*known, free) if _tells(one.size)]


def bar(found: list[Share], wide: int) -> tuple[Row, list[Share]]:
    """The row, and those whose figure has no room in it."""
    whole = sum(one.size for one in found)
    if not whole or wide <= 0:
        return (), found
    sizes = [max(1, round(wide * one.size / whole)) for one in found]
    largest = sizes.index(max(sizes))
    sizes[largest] = max(0, sizes[largest] + wide - sum(sizes))
    drawn = [(one, size, cells(one.label) + 2 <= size) for one, size in zip(found, sizes, strict=True)]
    row = tuple(Span((f"{one.label:{one.glyph}^{size}}" if fits else one.glyph * size), one.role) for one, size, fits in drawn)
    return cut(row, wide), [one for one, _, fits in drawn if not fits]


def figures(left: list[Share], wide: int) -> list[Row]:
    """Those in words, each with its glyph, in as few rows as they need."""
    rows: list[Row] = []
    for one in left:
        said_so: Row = (Span(one.glyph, one.role), Span(f" {one.label}"))
        longer = (*rows[-1], Span("  "), *said_so) if rows else said_so
        if rows and width(longer) <= wide:
            rows[-1] = longer
        else:
            rows.append(said_so)
    return rows
