"""Where the lines of an open file begin and end, found from any byte of it. Nothing is read but what lies in between."""

from __future__ import annotations

import os
from collections.abc import Iterator

READ = 2**18  # bytes at once
NEAR = 2**12  # of the first look for the end of a line, which is near as a rule
STRETCH = 2**23  # so many bytes with no line end, from a multiple of them on, are a line: to look for where it begins has an end


def begin_of(number: int, before: int) -> int:
    """Where the line begins that the byte before this one belongs to."""
    stretch = (before - 1) // STRETCH * STRETCH
    found = _after_last(number, stretch, before - 1)
    if found is None and stretch:
        found = _after_last(number, stretch - STRETCH, stretch) or stretch
    return found or 0


def end_of(number: int, begin: int, size: int) -> int:
    """Where the line ends that begins here; the last one ends where the log does."""
    stretch = begin // STRETCH * STRETCH
    whole = stretch if stretch == begin else stretch + STRETCH  # the first one that could be all this line's
    return _after_first(number, begin, min(whole + STRETCH, size)) or min(whole + STRETCH, size)


def _after_last(number: int, low: int, high: int) -> int | None:
    """The byte after the last line end in between."""
    read = NEAR
    while high > low:
        start = max(low, high - read)
        found = os.pread(number, high - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        high, read = start, READ
    return None


def _after_first(number: int, low: int, high: int) -> int | None:
    for start, block in blocks(number, low, high, NEAR):
        found = block.find(b"\n")
        if found >= 0:
            return start + found + 1
    return None


def blocks(number: int, low: int, high: int, read: int = READ) -> Iterator[tuple[int, bytes]]:
    """The bytes in between, each block with where it begins."""
    while low < high and (block := os.pread(number, min(read, high - low), low)):
        yield low, block
        low, read = low + len(block), READ
