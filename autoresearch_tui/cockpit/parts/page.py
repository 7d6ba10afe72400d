"""A page of text, in blocks from top to bottom, and its rows for whatever width there is. Pure.

Owns how prose is broken: so that a text that grows leaves the rows before its end as they are, for each row that changes is sent over
the wire. Does not own what is said on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from autoresearch_tui.cockpit.diff import Diff
from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, cells, fitted, row, shown, wrapped
from autoresearch_tui.cockpit.parts import difference

NAMES = 10  # columns that the names of fields take
NARROW = 50  # columns, below which a value begins under its name
LONG = 2000  # characters, after which a paragraph is broken anyway
NUMERIC = (*"0123456789+-~", "")


class Prose(msgspec.Struct, frozen=True):
    """Text of somebody, in one role, with its own line ends."""

    text: str
    role: str = ""


BLANK = Prose("")


class Field(msgspec.Struct, frozen=True):
    """Something with a name."""

    name: str
    text: str
    role: str = ""


class Table(msgspec.Struct, frozen=True):
    """Columns. Where the screen is narrow the last ones are told below each line, in words."""

    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    below: tuple[str, ...] = ()
    """What explains each line, or nothing."""


Block = Prose | Field | Table | Diff
Page = tuple[Block, ...]


def rows(page: Sequence[Block], wide: int) -> list[Row]:
    return [line for block in page for line in _rows_of(block, max(1, wide))]


def _rows_of(block: Block, wide: int) -> Iterator[Row]:
    match block:
        case Prose():
            for piece in _pieces(block.text):
                yield from _prose(piece, block.role, wide)
        case Field():
            yield from _field(block, wide)
        case Table():
            yield from _table(block, wide)
        case _:
            yield from difference.rows(block, wide)


def _pieces(text: str) -> Iterator[str]:
    """Its paragraphs; one that is very long is cut where what follows cannot move the cut."""
    for paragraph in text.splitlines() or [""]:
        while len(paragraph) > LONG:
            at = paragraph.rfind(" ", LONG // 2, LONG) + 1 or LONG
            yield paragraph[:at]
            paragraph = paragraph[at:]
        yield paragraph


@lru_cache(8192)
def _prose(piece: str, role: str, wide: int) -> tuple[Row, ...]:
    return tuple((Span(line, role),) if line else EMPTY for line in wrapped(piece, wide))


def _field(block: Field, wide: int) -> Iterator[Row]:
    """The text beside the name; on a narrow screen below it, where it is long."""
    below = wide < NARROW and cells(shown(block.text)) > wide - NAMES
    names = "  " if below else " " * NAMES
    if below and block.name:
        yield row(Span(block.name, "dim"))
    for place, line in enumerate(wrapped(block.text, wide - len(names))):
        yield row(Span(names if place or below else fitted(block.name, NAMES), "dim"), Span(line, block.role))


def _table(block: Table, wide: int) -> Iterator[Row]:
    head, *lines = (tuple(map(shown, line)) for line in (block.head, *block.lines))
    sizes = [max(cells(line[place]) for line in (head, *lines)) for place in range(len(head))]
    fits = len(sizes)
    while fits > 1 and sum(sizes[:fits]) + 2 * (fits - 1) > wide:
        fits -= 1
    right = [all(line[place][:1] in NUMERIC for line in lines) for place in range(fits)]

    def drawn(line: tuple[str, ...]) -> str:
        return "  ".join(fitted(line[place], sizes[place], right[place]) for place in range(fits)).rstrip()

    yield row(Span(drawn(head), "dim"))
    for place, line in enumerate(lines):
        yield row(drawn(line))
        rest = [f"{head[number]} {line[number]}" for number in range(fits, len(head)) if line[number]]
        said = block.below[place : place + 1] if block.below else ()
        for text in filter(None, (", ".join(rest), *said)):
            for piece in wrapped(text, wide - 2):
                yield row(Span(f"  {piece}", "dim"))
