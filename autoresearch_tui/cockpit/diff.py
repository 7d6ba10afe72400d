"""What one text has instead of another: the lines that went and came, with those around them, and in them the words that differ. Pure.

Lines that stand once in both are where the two are held together; between those the standard library decides. Owns the
comparing of lines; that of words is `likeness.py`'s, where the texts come from `versions.py`'s, how it looks `parts/difference.py`'s.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import islice

import msgspec

from autoresearch_tui.cockpit.drawing import shown
from autoresearch_tui.cockpit.likeness import Pair, alike, as_long, marked

AROUND = 3  # lines that stay, before and after one that does not
SHOWN = 2000  # lines that went or came; whoever wants more has git
LONG = 2000  # characters of a line that are drawn
OPENERS = ("def ", "class ", "async def ")
HARD = 50_000  # pairs of equal lines in one gap, from which on nothing in it is held together


class Line(msgspec.Struct, frozen=True):
    sign: str
    """`-` went, `+` came, a space stayed."""
    number: int
    """In the old text if it went, else in the new one."""
    text: str
    marks: tuple[Pair, ...] = ()
    """Where the words that differ begin and end, in the line as it is shown."""


class Hunk(msgspec.Struct, frozen=True):
    """Lines that stand together."""

    old: int
    """Where it begins in the old text, counted from 0; so is the next."""
    new: int
    heading: str
    """The function or class that it is in."""
    lines: tuple[Line, ...]


class Diff(msgspec.Struct, frozen=True):
    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0
    said: str = ""
    """Why it is not all, or nothing."""


def compared(old: str, new: str) -> Diff:
    """What the new text has instead."""
    before, after = old.split("\n"), new.split("\n")
    changes = _changes(before, after)
    removed, added = sum(hi - lo for lo, hi, _, _ in changes), sum(hi - lo for _, _, lo, hi in changes)
    if not changes:
        return Diff(said="The two are the same, to the last character.")
    openers = [at for at, line in enumerate(before) if line.lstrip().startswith(OPENERS)]
    hunks: list[Hunk] = []
    left = SHOWN
    for group in _grouped(changes):
        if left <= 0:
            break
        hunk = _hunk(before, after, group, openers)
        hunks.append(msgspec.structs.replace(hunk, lines=hunk.lines[:left]))
        left -= len(hunk.lines)
    drawn = sum(line.sign != " " for hunk in hunks for line in hunk.lines)
    said = f"{removed:,} lines went and {added:,} came: that is more than is shown here." if drawn < removed + added else ""
    return Diff(tuple(hunks), added, removed, said)


Change = tuple[int, int, int, int]
"""From and to in the old text, from and to in the new one."""


def _changes(old: list[str], new: list[str]) -> list[Change]:
    changes: list[Change] = []
    was, now = 0, 0
    for at, to, size in [*_blocks(old, new), (len(old), len(new), 0)]:
        if (was, now) != (at, to):
            changes.append((was, at, now, to))
        was, now = at + size, to + size
    return changes


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int]]:
    """Runs of lines that stay: where in the old text, where in the new one, how many."""
    tail = as_long(reversed(old), reversed(new))
    old, new = old[: len(old) - tail], new[: len(new) - tail]
    was = now = 0
    for at, to in [(0, 0), *_anchors(old, new), (len(old), len(new))]:
        if at < was or to < now:
            continue  # the run before it goes on to here
        yield from ((was + a, now + b, size) for a, b, size in _between(old[was:at], new[now:to]))
        size = as_long(islice(old, at, None), islice(new, to, None))
        yield at, to, size
        was, now = at + size, to + size
    yield len(old), len(new), tail


def _anchors(old: list[str], new: list[str]) -> list[Pair]:
    """Lines that stand once in both, as many as keep their order."""
    once, there = _once(old), _once(new)
    places = {there[line]: at for line, at in once.items() if line in there}  # in the order of the old text
    before: dict[int, int | None] = {}
    ends: list[int] = []  # of the chain of each length, the one that leaves the most room
    for to in places:
        length = bisect_left(ends, to)
        before[to] = ends[length - 1] if length else None
        ends[length : length + 1] = [to]
    chain: list[Pair] = []
    end = ends[-1] if ends else None
    while end is not None:
        chain.append((places[end], end))
        end = before[end]
    return chain[::-1]


def _once(lines: list[str]) -> dict[str, int]:
    """The lines that stand there once, and where."""
    count = Counter(lines)
    return {line: at for at, line in enumerate(lines) if count[line] == 1}


def _between(old: list[str], new: list[str]) -> list[tuple[int, int, int]]:
    """The same where no line stands once in both; too much of the same is not looked into."""
    ours, theirs = Counter(old), Counter(new)
    if sum(count * theirs[line] for line, count in ours.items()) > HARD:
        return []
    return [(a, b, size) for a, b, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks() if size]


def _grouped(changes: list[Change]) -> Iterator[list[Change]]:
    """Those that are so close that the lines around them meet."""
    group: list[Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * AROUND:
            yield group
            group = []
        group.append(change)
    yield group


def _hunk(old: list[str], new: list[str], group: list[Change], openers: list[int]) -> Hunk:
    first, last = group[0], group[-1]
    before = min(AROUND, first[0])
    was, now = first[0] - before, first[2] - before
    begins = (was, now)
    lines: list[Line] = []
    for change in group:
        lines += _kept(new, now, change[2])
        lines += _exchanged(old, new, change)
        was, now = change[1], change[3]
    lines += _kept(new, now, min(len(new), last[3] + AROUND))
    return Hunk(*begins, _heading(old, begins[0], openers), tuple(lines))


def _kept(new: list[str], lo: int, hi: int) -> list[Line]:
    return [Line(" ", at + 1, new[at]) for at in range(lo, hi)]


def _heading(old: list[str], at: int, openers: list[int]) -> str:
    """The nearest line above that opens something and is indented less than what follows."""
    depth = next((_depth(line) for line in islice(old, at, None) if line.strip()), 0)
    return next((old[above].strip() for above in reversed(openers) if above < at and _depth(old[above]) < depth), "")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _exchanged(old: list[str], new: list[str], change: Change) -> list[Line]:
    """What went and then what came, each line with the words that it has instead of its like."""
    was, till, now, end = change
    gone, come = [shown(line[:LONG]) for line in old[was:till]], [shown(line[:LONG]) for line in new[now:end]]
    marks: dict[tuple[str, int], tuple[Pair, ...]] = {}
    for a, b in alike(gone, come):
        marks["-", a], marks["+", b] = marked(gone[a], come[b])
    return [
        *(Line("-", was + at + 1, old[was + at], marks.get(("-", at), ())) for at in range(len(gone))),
        *(Line("+", now + at + 1, new[now + at], marks.get(("+", at), ())) for at in range(len(come))),
    ]
