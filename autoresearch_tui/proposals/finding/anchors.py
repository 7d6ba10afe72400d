"""Where a hunk belongs in a file: the ladder from an exact match to a very similar one, on each rung exactly one place or none.

Only whole lines match. Lines that stay are kept as the file has them; a line that goes must be there, but for its layout and look-alike
characters, or the author has seen another file than this one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from autoresearch_tui.proposals.finding.layout import Shift, indent_of, plain, plainly_indented, retab, uniform_shift
from autoresearch_tui.proposals.finding.nearest import detail_of
from autoresearch_tui.proposals.finding.similar import very_similar
from autoresearch_tui.proposals.reading.blocks import Hunk, Line
from autoresearch_tui.proposals.unusable import Unusable

COMPARED = 4_000_000  # pairs of characters; more are not compared one by one


class Replacement(msgspec.Struct, frozen=True):
    """Lines `first` to before `last` of a file, and what stands there instead: new lines, and numbers of old ones."""

    name: str
    first: int
    last: int
    lines: tuple[str | int, ...]


class Found(NamedTuple):
    start: int
    lines: tuple[Line, ...]
    shift: Shift = Shift()


def place(source: list[str], hunk: Hunk) -> Replacement:
    """What the hunk replaces; raises Unusable with the nearest lines unless there is exactly one place for it."""
    if not any(text.strip() for reading in hunk.readings for sign, text in reading if sign != "+"):
        raise Unusable(
            f"The {hunk.name} names no line that is there: what is new needs lines beside it that are.", detail=hunk.quoted[:1000]
        )
    found = _found(source, hunk)
    if not found:
        raise _nowhere(source, hunk)
    if len(found) > 1:
        found = _hinted(source, hunk, found)
    return _replacement(source, hunk, found[0])


def _found(source: list[str], hunk: Hunk) -> list[Found]:
    """The places on the first rung that has any."""
    for rung in (_exact, _unspaced, _shifted, _retabbed, _alike):
        for reading in hunk.readings:
            if found := list(rung(source, reading)):
                return found
    similar = very_similar(source, hunk.readings[0])
    return [Found(similar[0], hunk.readings[0], similar[1])] if similar else []


def _old(lines: tuple[Line, ...]) -> list[str]:
    return [text for sign, text in lines if sign != "+"]


# ------------------------------------------------------------------------------------------------------------------------------
# The rungs
# ------------------------------------------------------------------------------------------------------------------------------


def _windows(source: list[str], wanted: list[str]) -> Iterator[int]:
    if not wanted:
        return
    length = len(wanted)
    for start in range(len(source) - length + 1):
        if source[start] == wanted[0] and source[start : start + length] == wanted:
            yield start


def _exact(source: list[str], lines: tuple[Line, ...]) -> Iterator[Found]:
    return (Found(start, lines) for start in _windows(source, _old(lines)))


def _unspaced(source: list[str], lines: tuple[Line, ...]) -> Iterator[Found]:
    return (Found(start, lines) for start in _windows([line.rstrip() for line in source], [text.rstrip() for text in _old(lines)]))


def _shifted(source: list[str], lines: tuple[Line, ...], key: Callable[[str], str] = str.strip) -> Iterator[Found]:
    old = _old(lines)
    for start in _windows([key(line) for line in source], [key(text) for text in old]):
        shift = uniform_shift(zip(source[start : start + len(old)], old, strict=True))
        if shift is not None:
            yield Found(start, lines, shift)


def _retabbed(source: list[str], lines: tuple[Line, ...]) -> Iterator[Found]:
    """Tabs for every four spaces, or the other way round, whichever the file has."""
    tabs = any(line.startswith("\t") for line in source)
    retabbed = tuple((sign, retab(text, tabs)) for sign, text in lines)
    return _shifted(source, retabbed) if retabbed != lines else iter(())


def _alike(source: list[str], lines: tuple[Line, ...]) -> Iterator[Found]:
    return _shifted(source, tuple((sign, plainly_indented(text)) for sign, text in lines), plain)


# ------------------------------------------------------------------------------------------------------------------------------
# One place
# ------------------------------------------------------------------------------------------------------------------------------


def _hinted(source: list[str], hunk: Hunk, found: list[Found]) -> list[Found]:
    """The one of several places at which a number or a heading points."""
    hinted: list[Found] = []
    if hunk.at is not None:
        before = next((number for number, (_, text) in enumerate(hunk.readings[0]) if text.strip()), 0)  # blank lines that were left out
        hinted = [one for one in found if one.start + 1 in (hunk.at, hunk.at + before)]
        hinted = [one for one in hinted if one.start + 1 == hunk.at] or hinted
    elif hunk.within:
        first, last = _scope(source, hunk.within)
        hinted = [one for one in found if first <= one.start < last]
    if len(hinted) == 1:
        return hinted
    places = [f"line {one.start + 1}" for one in found[:4]]
    named = f"{', '.join(places[:-1])} and {places[-1]}" if len(found) <= 4 else f"{', '.join(places)} and more"
    why = f"The {hunk.name} fits {len(found)} places, {named}: add lines around it until it fits one."
    raise Unusable(why, detail=detail_of(source, hunk.quoted, _old(found[0].lines), [one.start for one in found]))


def _scope(source: list[str], headings: tuple[str, ...]) -> tuple[int, int]:
    """The lines of the block that the last heading begins, inside those of the ones before; none if a heading stands twice, or nowhere."""
    first, last = 0, len(source)
    for heading in headings:
        at = [number for number in range(first, last) if source[number].strip() == heading]
        if len(at) != 1:
            return 0, 0
        indent = len(indent_of(source[at[0]]))
        inside = range(at[0] + 1, last)
        ends = (number for number in inside if source[number].strip() and len(indent_of(source[number])) <= indent)
        first, last = at[0], next(ends, last)
    return first, last


def _nowhere(source: list[str], hunk: Hunk) -> Unusable:
    old = [text for sign, text in hunk.readings[0] if sign != "+"]
    solid = [text.strip() for text in old if text.strip()]
    why = f"The {hunk.name} fits no place in the file: its old lines must be copied from there as they are."
    if len(solid) == 1 and any(solid[0] in line for line in source):
        why = f"The {hunk.name} quotes a part of a line: its old lines must be whole lines of the file."
    return Unusable(why, detail=detail_of(source, hunk.quoted, old))


def _replacement(source: list[str], hunk: Hunk, found: Found) -> Replacement:
    lines: list[str | int] = []
    gone: list[int] = []
    come: list[str] = []
    position = found.start

    def close() -> None:
        lines.extend(_with_real_letters(source, gone, gone_as_written, come, hunk.name))
        gone.clear()
        gone_as_written.clear()
        come.clear()

    gone_as_written: list[str] = []
    for sign, text in found.lines:
        if sign == " ":
            close()
            lines.append(position)
        elif sign == "-":
            gone.append(position)
            gone_as_written.append(found.shift.of(text))
        else:
            come.append(found.shift.of(text))
        position += sign != "+"
    close()
    return Replacement(hunk.name, found.start, position, tuple(lines))


def _with_real_letters(source: list[str], gone: list[int], written: list[str], come: list[str], name: str) -> list[str]:
    """New lines in which the letters that are kept of the old ones are those of the file, not what the author took them for."""
    real = "\n".join(source[number].rstrip() for number in gone)
    taken_for = "\n".join(text.rstrip() for text in written)
    if not come or real == taken_for or len(real) != len(taken_for):
        return come
    new = "\n".join(come)
    if len(new) * len(taken_for) > COMPARED:
        raise Unusable(f"The {name} has other letters than the file, and is too long to tell which of them are meant.")
    pieces = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, taken_for, new, autojunk=False).get_opcodes():
        pieces.append(real[a:b] if kind == "equal" else new[c:d])
    return "".join(pieces).split("\n")
