"""results.tsv: upstream's table of a night, written exactly, and its wild relatives, read with patience.

Owns what a row is, which lines are rows, and the file. Does not own the shape of foreign tables (`tables.py`), what a cell means
(`cells.py`), nor which row an experiment deserves (`experiment.py`). The reader drops nothing in silence: what is neither a row, a header,
a ruled line nor blank is given back with its line number, and what a cell says beyond its value stays in `extra`.
"""

from __future__ import annotations

import codecs
import math
import os
import re
import stat
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import msgspec

from autoresearch_tui.journal.cells import VERDICTS, is_number, read_gigabytes, read_number, read_verdict
from autoresearch_tui.journal.tables import BAR, COMMA, SEMICOLON, TAB, WORD, Layout, find_layout, quoted, upstream
from autoresearch_tui.journal.text import clean_line

HEADER = "commit\tval_bpb\tmemory_gb\tstatus\tdescription"
LARGEST_FILE = 64 * 2**20
LONGEST_LINE = 100_000
LONGEST_STATUS = 20  # where only commas or spaces hold the columns apart: more than this is prose
MOST_LAYOUTS = 8
MOST_LINES = 20  # of one quoted cell

ASSUMED = tuple(upstream(sign) for sign in (TAB, BAR, COMMA, SEMICOLON, WORD))
COMMENT = re.compile(r"#(?!\d+$)|//")  # a row that somebody took out; `#12` alone is the name of one


class Row(msgspec.Struct, frozen=True, dict=True):
    """One experiment, as a results file tells it."""

    commit: str
    val_bpb: float | None
    """Nothing where the file says zero, upstream's word for a crash."""
    memory_gb: float | None
    status: str
    """`keep`, `discard` or `crash`; any other word as it was found, in lower case."""
    description: str
    extra: dict[str, str] = {}
    """What else the line says, by the names of its columns."""

    @cached_property
    def line(self) -> str:
        """As upstream writes it. The file is written whole each time, and of ten thousand rows one is new."""
        commit = self.commit[:7] if re.fullmatch(r"[0-9a-f]{8,64}", self.commit) else self.commit
        val_bpb, memory = (0.0 if self.status == "crash" else finite(value) for value in (self.val_bpb, self.memory_gb))
        commit, status, description = (quoted(clean_line(text, None)) for text in (commit, self.status, self.description))
        return f"{commit}\t{val_bpb:.6f}\t{memory:.1f}\t{status}\t{description}"


class Reading(msgspec.Struct, frozen=True):
    """What a file turned out to hold."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    """As the headers name them; none if the file has no header."""
    passed_over: tuple[tuple[int, str], ...]
    """Lines that are no rows: prose, banners, the marks of a conflict. With their numbers, from 1."""


class Unreadable(Exception):
    """No table of results, in one sentence."""


def read_file(path: Path) -> Reading:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Unreadable(f"{path} is a folder: name the results file in it.")
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable(f"{path} is not a regular file: name a results file.")
        if found.st_size > LARGEST_FILE:
            raise Unreadable(f"{path} has more than {LARGEST_FILE >> 20} MB, which is no table of one night: name a results file.")
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror or error}): check its name and its permissions.") from error
    try:
        return read(decoded(raw))
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from None


def decoded(raw: bytes) -> str:
    """The text of a file from any machine: UTF-16 says so itself, and a line that is not UTF-8 is from an older Windows."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:  # line by line: of a file that was cut within a letter, only the last line suffers
        return "".join(decoded_line(line) for line in raw.splitlines(keepends=True))


def decoded_line(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


def read(text: str) -> Reading:
    if "\0" in text:
        raise Unreadable("this is a binary file: name a table of results as text.")
    if not text.strip("\ufeff \t\r\n"):
        raise Unreadable("this is empty, with neither a header nor a row: name a results file.")
    rows: list[Row] = []
    passed_over: list[tuple[int, str]] = []
    layouts: list[Layout] = []  # the newest first
    columns: dict[str, None] = {}
    lines = [line.removeprefix("\ufeff") for line in text.split("\n" if "\n" in text else "\r")]
    at = 0
    while at < len(lines):
        line, taken = lines[at], 1
        if found := find_record(lines, at, layouts):  # first: the description of a row may look like a header
            row, taken = found
            rows.append(row)
        elif header := read_header(line):
            layouts = [header, *(layout for layout in layouts if layout != header)][:MOST_LAYOUTS]
            columns |= dict.fromkeys(header.columns)
        elif line.strip("-|:+ \t\r") and (shown := clean_line(line, None)):  # not the ruled line of a drawn table
            passed_over.append((at + 1, shown))
        at += taken
    if not rows and not columns:
        wanted = HEADER.replace(TAB, ", ")
        raise Unreadable(f"no header here names val_bpb or status, and no line is one of {wanted}: name a results file.")
    return Reading(tuple(rows), tuple(columns), tuple(passed_over))


def read_header(line: str) -> Layout | None:
    return next((layout for spelling in spellings(line) if (layout := find_layout(spelling))), None)


def find_record(lines: list[str], at: int, layouts: list[Layout]) -> tuple[Row, int] | None:
    """The row that begins in this line, and how many lines it takes: a quoted cell may hold line ends."""
    if any(layout.opens(lines[at]) for layout in layouts):
        record = lines[at]
        for end in range(at + 1, min(at + MOST_LINES, len(lines))):
            if read_header(lines[end]) or find_row(lines[end], layouts):
                break  # the quote was never closed: it is a letter like any other
            record += "\n" + lines[end]
            if not any(layout.opens(record) for layout in layouts):
                if row := find_row(record, layouts):
                    return row, end + 1 - at
                break
    row = find_row(lines[at], layouts)
    return (row, 1) if row else None


def find_row(line: str, layouts: list[Layout]) -> Row | None:
    """The line as the newest header has it, else as an older one, else as upstream writes it."""
    for spelling in spellings(line):
        for layout in layouts:
            if row := read_row(spelling, layout):
                return row
        for layout in ASSUMED:
            if row := read_row(spelling, layout, assumed=True):
                return row
    return None


def spellings(line: str) -> list[str]:
    r"""The line as it is; then with tabs for a literal \t, which is what `echo "a\tb"` leaves in a file."""
    if len(line) > LONGEST_LINE or not line.strip():
        return []
    return [line, line.replace("\\t", TAB)] if TAB not in line and line.count("\\t") > 1 else [line]


def read_row(line: str, layout: Layout, assumed: bool = False) -> Row | None:
    """The row, if this line is one under this layout."""
    cells, places = layout.cells(line), layout.places
    if len(cells) <= max(places.get("val_bpb", 0), places.get("status", 0)):
        return None
    if places.get("commit") == 0 and COMMENT.match(cells[0]):
        return None
    said = {field: layout.pick(cells, field) for field in ("commit", "val_bpb", "memory_gb", "status", "description")}
    val_bpb, val_rest = read_number(said["val_bpb"])
    memory, memory_rest = read_gigabytes(said["memory_gb"], layout.unit)
    failed = [read_verdict(rest) == "crash" for rest in (val_rest, memory_rest)]  # `OOM` where a number belongs
    status = read_verdict(said["status"]) or ("crash" if failed[0] else "")
    measured = (val_bpb is not None or not val_rest or failed[0], memory is not None or not memory_rest or failed[1])
    if not is_row(layout, assumed, status, bool(said["val_bpb"]), measured):
        return None
    more = {"val_bpb": val_rest, "memory_gb": memory_rest, "status": said["status"].lower() != status}
    told = {at for field, at in places.items() if not more.get(field)}
    extra = {layout.name(at): cell for at, cell in enumerate(cells) if cell and at not in told}
    return Row(said["commit"].strip("`* "), val_bpb, memory, status, said["description"], extra)


def is_row(layout: Layout, assumed: bool, status: str, has_value: bool, measured: tuple[bool, bool]) -> bool:
    """Whether cells at these places are a row's, and not prose that happens to hold the sign."""
    if status in VERDICTS:
        return all(measured) if assumed else measured[0] or layout.firm
    if is_number(status) or not all(measured) or not (status or has_value):
        return False
    return layout.sign == TAB if assumed else layout.firm or len(status) <= LONGEST_STATUS


def write(rows: Iterable[Row]) -> str:
    """Upstream's file, to the byte."""
    return "\n".join([HEADER, *(row.line for row in rows), ""])


def finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0


def write_file(path: Path, rows: Iterable[Row]) -> None:
    """Whole or not at all: written beside, flushed to the disk, renamed. A link in its place is replaced, not followed."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with open(part, "xb") as file:
            file.write(write(rows).encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
