"""HTML from text that others wrote: everything foreign goes through here, so that none of it is ever read as HTML. Pure.

Owns escaping, and the plain shapes of a page: tables, folded parts, code. What stands in them is `page.py`'s.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from autoresearch_tui.journal.text import clean_line, clean_text

MOST_ROWS = 40  # of a table that stand open; the rest is folded
FEW = 3  # rows that are not worth folding
LONGEST_LINE = 2000  # characters; what is longer was not written to be read
CODE = re.compile(r"`([^`]+)`")


class Column(msgspec.Struct, frozen=True):
    """Of a table."""

    name: str
    figure: bool = False
    """Numbers, set to the right."""
    extra: bool = False
    """Left out on a phone."""
    short: bool = False
    """Never broken into lines."""


def escaped(text: str) -> str:
    """Foreign text on one line: inert between tags and within a quoted attribute."""
    return html.escape(clean_line(text, LONGEST_LINE))


def foreign(text: str) -> str:
    """The same, and its direction of writing ends with it."""
    return f"<bdi>{escaped(text)}</bdi>"


def prose(text: str) -> str:
    """A sentence of ours; what stands between backquotes is a command."""
    return CODE.sub(r"<code>\1</code>", escaped(text))


def lines(text: str, limit: int) -> str:
    """Several foreign lines, with their indentation."""
    return html.escape(clean_text(text[:limit], limit))


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], about: str, most: int = MOST_ROWS, row: Callable[[int], str] = lambda at: ""
) -> str:
    """Its cells are HTML already. `row` gives a row's attributes, `about` is what a screen reader calls it."""
    head = "".join(f'<th scope="col"{_kind(one)}>{one.name}</th>' for one in columns)

    def body(first: int, last: int) -> str:
        written = (f"<tr{row(at)}>{_cells(columns, rows[at])}</tr>" for at in range(first, min(last, len(rows))))
        return (
            f'<div class="scroll"><table aria-label="{escaped(about)}"><thead><tr>{head}</tr></thead>\n<tbody>'
            + "\n".join(written)
            + "</tbody></table></div>"
        )

    if len(rows) <= most + FEW:
        return body(0, len(rows))
    return body(0, most) + folded(f"{len(rows) - most} more", body(most, len(rows)))


def _cells(columns: Sequence[Column], cells: Sequence[str]) -> str:
    return "".join(f"<td{_kind(one)}>{cell}</td>" for one, cell in zip(columns, cells, strict=True))


def _kind(column: Column) -> str:
    names = [name for name, holds in (("figure", column.figure), ("extra", column.extra), ("short", column.short)) if holds]
    return f' class="{" ".join(names)}"' if names else ""


def folded(summary: str, content: str, wide: bool = False) -> str:
    return f"<details{' open' if wide else ''}><summary>{summary}</summary>\n{content}\n</details>"


def section(name: str, title: str, parts: Iterable[str]) -> str:
    """A part of the page under its heading; without anything in it there is none."""
    content = "\n".join(part for part in parts if part)
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n{content}\n</section>' if content else ""


def paragraph(text: str, kind: str = "") -> str:
    return f"<p{f' class={kind!r}' if kind else ''}>{prose(text)}</p>" if text else ""
