"""Lines of plain text in a width: paragraphs, lists and columns, by the columns that a terminal gives each sign. Pure.

Foreign text loses what a terminal would obey before it is measured. Owns no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from rich.cells import cell_len, set_cell_size

from autoresearch_tui.lines import printable

MORE = "…"
GAP = "  "


class Column(msgspec.Struct, frozen=True):
    """Of a table. The last one has what room is left."""

    title: str
    right: bool = False
    narrow: bool = True
    """It stands in a narrow table too."""


def paragraph(text: str, width: int, indent: str = "  ", first: str | None = None) -> list[str]:
    """Broken between words; a word that is wider than a line stands on one of its own, whole, for it may be a command."""
    lines, start = [], indent if first is None else first
    line, taken = start, cell_len(start)
    empty = True
    for word in printable(text).split():
        wide = cell_len(word)
        if not empty and taken + 1 + wide > width:
            lines.append(line)
            line, taken, empty = indent, cell_len(indent), True
        line, taken = (line + word, taken + wide) if empty else (f"{line} {word}", taken + 1 + wide)
        empty = False
    return lines if empty else [*lines, line]


def fitted(text: str, wide: int, right: bool = False) -> str:
    """Exactly so many columns: cut with a sign that there is more, or padded."""
    text = printable(text)
    taken = cell_len(text)
    if taken > wide:
        return set_cell_size(text, wide - 1) + MORE if wide > 0 else ""
    return " " * (wide - taken) + text if right else text + " " * (wide - taken)


def cut(text: str, wide: int) -> str:
    """At most so many columns."""
    return fitted(text, wide).rstrip()


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int, narrow: bool, titles: bool = True) -> list[str]:
    """Each column as wide as its widest cell, without those that are empty; the last is cut to the line."""
    cells = [[printable(cell) for cell in row] for row in rows]
    shown = [
        at
        for at, column in enumerate(columns)
        if at == len(columns) - 1 or ((column.narrow or not narrow) and any(row[at].strip() for row in cells))
    ]
    head = [[column.title for column in columns]] if titles else []
    wide = {at: max(cell_len(row[at]) for row in [*head, *cells]) for at in shown[:-1]} if cells else {}
    lines = []
    for row in [*head, *cells] if cells else []:
        line = GAP + "".join(fitted(row[at], wide[at], columns[at].right) + GAP for at in shown[:-1])
        lines.append((line + fitted(row[shown[-1]], max(1, width - cell_len(line)))).rstrip())
    return lines
