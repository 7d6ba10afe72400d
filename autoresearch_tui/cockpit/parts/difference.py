"""How a difference looks: its lines numbered and signed, with the words that differ marked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autoresearch_tui.cockpit.diff import LONG, Diff, Line
from autoresearch_tui.cockpit.drawing import MORE, Row, Span, cells, cut, row, shown, wrapped

SIGN = {"-": "removed", "+": "added", " ": "dim"}


def rows(diff: Diff, wide: int) -> list[Row]:
    """Numbered and signed; a line that is too long goes on below."""
    digits = max([len(str(line.number)) for hunk in diff.hunks for line in hunk.lines], default=1)
    out: list[Row] = []
    for place, hunk in enumerate(diff.hunks):
        if place or hunk.heading:
            out.append(cut(row(Span(f"{'·' * digits} {shown(hunk.heading)}", "dim")), wide))
        for line in hunk.lines:
            out += _drawn(line, digits, wide)
    said = wrapped(diff.said, wide) if diff.said else []
    return [*out, *(row(Span(line, "dim")) for line in said)]


def _drawn(line: Line, digits: int, wide: int) -> list[Row]:
    """What went or came is seen to its end; of what stays the beginning does."""
    margin = row(Span(f"{line.number:>{digits}} ", "dim"), Span(f"{line.sign} ", SIGN[line.sign]))
    if line.sign == " ":
        return [cut((*margin, *_spans(line)), wide)]
    drawn = []
    for spans in _folded(_spans(line), max(8, wide - digits - 3)):
        drawn.append((*margin, *spans))
        margin = row(Span(" " * (digits + 3)))
    return drawn


def _spans(line: Line) -> Iterator[Span]:
    text, role = shown(line.text[:LONG]) + (MORE if len(line.text) > LONG else ""), SIGN[line.sign]
    at = 0
    for start, end in line.marks:
        yield Span(text[at:start], role)
        yield Span(text[start:end], f"{role}-word")
        at = end
    yield Span(text[at:], role)


def _folded(spans: Iterable[Span], room: int) -> Iterator[Row]:
    """In rows of that width; between words, where one ends in the second half."""
    out: list[Span] = []
    left = room
    for text, role in spans:
        while cells(text) > left:
            at = _fitting(text, left) or (0 if out else 1)
            space = text.rfind(" ", 0, at) + 1
            at = space if room - left + space > room // 2 else at
            out.append(Span(text[:at], role))
            yield tuple(span for span in out if span.text)
            out, left, text = [], room, text[at:]
        out.append(Span(text, role))
        left -= cells(text)
    yield tuple(span for span in out if span.text)


def _fitting(text: str, room: int) -> int:
    """How many of its characters fit."""
    taken = 0
    for at, sign in enumerate(text):
        taken += cells(sign)
        if taken > room:
            return at
    return len(text)
