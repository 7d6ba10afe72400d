"""A real night with one thing done to it: what the tests of the reader take apart, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from autoresearch_tui.journal.results import Reading, Row, read
from tests.journal.nights import NIGHTS, rows

NIGHT = (NIGHTS / "karpathy__autoresearch.tsv").read_text()
ROWS = rows(NIGHT)
HEADER, *LINES = NIGHT.splitlines()
CELLS = [line.split("\t") for line in LINES]
CRASH = next(at for at, row in enumerate(ROWS) if row.status == "crash")


class Wild(NamedTuple):
    sentence: str
    text: str
    rows: list[Row] = ROWS
    passed_over: Sequence[int] = ()


def table(header: str, *columns: int | str, sign: str = "\t") -> str:
    """The night with these columns: by their numbers, or the same text in every row."""
    lines = [[cells[column] if isinstance(column, int) else column for column in columns] for cells in CELLS]
    return "\n".join([header, *(sign.join(line) for line in lines)]) + "\n"


def told(line: Callable[[list[str]], str], header: str = HEADER) -> str:
    """The night with each row as this function puts it."""
    return "\n".join([header, *(line(cells) for cells in CELLS)]) + "\n"


def said(at: int, cell: int, text: str) -> str:
    """The night with another text in one cell."""
    return with_line(at, "\t".join([*CELLS[at][:cell], text, *CELLS[at][cell + 1 :]]))


def with_line(at: int, line: str) -> str:
    return "\n".join([HEADER, *LINES[:at], line, *LINES[at + 1 :]]) + "\n"


def but(at: int, **fields: Any) -> list[Row]:
    """The night's rows, one of which is different."""
    return [*ROWS[:at], replace(ROWS[at], **fields), *ROWS[at + 1 :]]


def all_but(**fields: Any) -> list[Row]:
    return [replace(row, **fields) for row in ROWS]


def megabytes(cells: list[str]) -> str:
    return f"{float(cells[2]) * 1024:.1f}"


def markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def padded(cells: Sequence[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, (8, 8, 9, 7, 0), strict=True))


NAMES = HEADER.split("\t")
COLUMN_NAMES = {"commit": "commit", "val_bpb": 0.9, "memory_gb": 1.0, "status": "keep", "description": "status"}
COMMA = HEADER.replace("\t", ",")
AFTER = "\n".join(LINES[60:])


def read_closely(text: str) -> Reading:
    """The reading without what a change of units does to the last digits of the memory."""
    reading = read(text)
    amounts = [round(row.memory_gb, 3) if row.memory_gb else row.memory_gb for row in reading.rows]
    return replace(reading, rows=tuple(replace(row, memory_gb=amount) for row, amount in zip(reading.rows, amounts, strict=True)))
