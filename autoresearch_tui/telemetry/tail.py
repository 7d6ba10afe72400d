"""A log that grows, read by the bytes where its lines begin: a gigabyte costs what is shown of it.

Owns how lines are found, read, counted and searched, in a file that a trial wrote: it may be torn, replaced, packed or hostile. Does not
own what a terminal would show of a line (`printed.py`), how wide it is shown, nor when it is looked at again. Nothing of the file is kept
but where very long lines begin.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from autoresearch_tui.telemetry.breaks import READ, begin_of, blocks, end_of
from autoresearch_tui.telemetry.printed import may_hold, text_of
from autoresearch_tui.telemetry.progress import plain_file

SHOWN = 2**12  # bytes of a line, its last
LONG = 2**16  # where such a line begins is remembered
ENDING = 64  # bytes that are not the same where another file came in its place, though it has its number
UNPACKED = 2**26  # of a packed log, its first


class Line(NamedTuple):
    """From one byte of the log to another."""

    text: str
    begin: int
    end: int
    """Where the next one begins."""
    cut: bool = False
    """It is longer: this is its end."""
    unfinished: bool = False
    """It is still being written."""


class Window(NamedTuple):
    """Some lines in a row, and what there was of the log when they were read."""

    lines: tuple[Line, ...] = ()
    size: int = 0
    file: int = 0
    """Another number, another file: it was replaced, or began again."""
    capped: bool = False
    """It was packed, and is longer than what was unpacked."""
    said: str = ""
    """Why there is nothing."""

    @property
    def at_end(self) -> bool:
        return not self.lines or self.lines[-1].end >= self.size


class Tail:
    """One log. What was seen of it is compared with what is there, so each view of a log has a tail of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._ending = b""
        self._file = 0
        self._begins: dict[int, int] = {}
        self._unpacked: int | None = None
        self._capped = False

    # ---- what is there ----

    def changed(self) -> bool:
        """Since a window was asked for last. It costs one look at the folder."""
        if self._unpacked is not None:
            return False
        try:
            return _identity(os.stat(self.path, follow_symlinks=False)) != self._seen
        except OSError:
            return self._seen is not None

    def window(self, rows: int, end: int | None = None, at: int | None = None) -> Window:
        """So many lines from the one that holds this byte; without one, the last. Of a replayed log there is what comes before `end`."""
        try:
            with self._open() as number:
                size = self._notice(number, end)
                begins = self._back(number, size, rows) if at is None or at >= size else self._on(number, at, size, rows)
                ends = [*begins[1:], end_of(number, begins[-1], size)] if begins else []
                lines = tuple(_line(number, begin, after, size) for begin, after in zip(begins, ends, strict=True))
                return Window(lines, size, self._file, self._capped)
        except FileNotFoundError:
            self._seen = None
            return Window(said=f"There is no {self.path.name}.")
        except OSError as error:
            return Window(said=f"{self.path.name} cannot be read: {error.strerror or error}.")

    def up(self, at: int, rows: int) -> int:
        """Where the line begins that is so many above the one that begins here."""
        with self._open() as number:
            return next(iter(self._back(number, at, rows)), at)

    def count(self, begin: int, end: int) -> int:
        """How many lines end between these two bytes."""
        with self._open() as number:
            return sum(block.count(b"\n") for _, block in blocks(number, begin, end))

    def find(self, text: str, before: int | None, stopped: Callable[[], bool]) -> int | None:
        """Where the last line begins, of those before this byte, that shows this text in whatever case. Takes seconds for a gigabyte."""
        wanted = text.lower()
        with self._open() as number:
            size = os.fstat(number).st_size
            high = size if before is None else min(before, size)
            while high > 0 and not stopped():
                low = max(0, high - READ)
                block = os.pread(number, high - low, low)
                torn = block.find(b"\n") + 1 if low else 0
                if low and torn in (0, len(block)):  # of a line that is longer than that
                    low, torn = self._begin(number, high), 0
                    found = low if wanted in _line(number, low, high, size).text.lower() else None
                else:
                    found = _find(block[torn:], low + torn, size, wanted)
                if found is not None:
                    return found
                high = low + torn
        return None

    # ---- where lines begin ----

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        packed = self.path.with_name(self.path.name + ".gz")
        if self._unpacked is None and not self.path.exists() and packed.exists():
            self._unpack(packed)
        with plain_file(self.path) if self._unpacked is None else contextlib.nullcontext(self._unpacked) as number:
            yield number

    def _unpack(self, packed: Path) -> None:
        """Into a file without a name, which goes when this does."""
        with tempfile.TemporaryFile() as target:
            with plain_file(packed) as number, os.fdopen(number, "rb", closefd=False) as file:
                self._capped = _unpack(gzip.GzipFile(fileobj=file), target)
            target.flush()
            self._unpacked = os.dup(target.fileno())
        weakref.finalize(self, os.close, self._unpacked)

    def _notice(self, number: int, end: int | None) -> int:
        """How much there is of it, and whether it is the same file still."""
        now = _identity(os.fstat(number))
        if self._seen is None or now[:2] != self._seen[:2] or self._ending != _ending(number, self._seen[2]):
            self._file += 1
            self._begins = {}
        self._seen, self._ending = now, _ending(number, now[2])
        return now[2] if end is None else max(0, min(now[2], end))

    def _back(self, number: int, before: int, count: int) -> list[int]:
        """Where so many lines before this byte begin, in order."""
        begins: list[int] = []
        while before > 0 and len(begins) < count:
            before = self._begin(number, before)
            begins.append(before)
        return begins[::-1]

    def _on(self, number: int, at: int, size: int, count: int) -> list[int]:
        """Where the line that holds this byte begins, and those after it."""
        begins = [self._begin(number, at + 1)]
        while len(begins) < count and (after := end_of(number, begins[-1], size)) < size:
            begins.append(after)
        return begins[:count]

    def _begin(self, number: int, before: int) -> int:
        """A very long line is read to its beginning once."""
        known = self._begins
        if before in known:
            return known[before]
        begin = begin_of(number, before)
        if before - begin > LONG:
            known[before] = begin
        return begin


def _unpack(source: gzip.GzipFile, target: IO[bytes]) -> bool:
    """Whether there is more than what is unpacked at most. Of one that is torn, what comes before counts."""
    with contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):
        while target.tell() < UNPACKED:
            if not (block := source.read1(READ)):
                return False
            target.write(block)
        return bool(source.read(1))
    return False


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_size


def _ending(number: int, size: int) -> bytes:
    return os.pread(number, min(size, ENDING), max(0, size - ENDING))


# ---- what stands in them ----


def _line(number: int, begin: int, end: int, size: int) -> Line:
    start = max(begin, end - SHOWN)
    raw = os.pread(number, end - start, start)
    unfinished = end == size and not raw.endswith(b"\n")
    text, whole = text_of(raw, start == begin, unfinished)
    return Line(text, begin, end, not whole, unfinished)


def _find(block: bytes, begin: int, size: int, wanted: str) -> int | None:
    """The last of these whole lines that shows the text. Most blocks hold it nowhere, and are not taken apart."""
    if not may_hold(block, wanted):
        return None
    end = len(block)
    while end > 0:
        start = block.rfind(b"\n", 0, end - 1) + 1
        line = block[start:end]
        unfinished = begin + end == size and not line.endswith(b"\n")
        if wanted in text_of(line[-SHOWN:], len(line) <= SHOWN, unfinished)[0].lower():
            return begin + start
        end = start
    return None
