"""Rows of cells: text with the role it plays, cut and padded by the width that a terminal gives it. Pure.

Owns how foreign text becomes a line that shows what it says. Does not own colour: a role gets its style in `app.tcss`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from autoresearch_tui.journal.text import ESCAPES, UNSEEN, replacement

ROLES = (
    "dim",  # what is there if looked for
    "strong",
    "accent",  # the one colour that means: look here
    "good",  # keep, up, added
    "bad",  # crash, gone
    "warn",
    "llm",  # owners of the card's memory
    "training",
    "others",
    "free",
    "added",  # lines of a diff, and the words in them that differ
    "removed",
    "added-word",
    "removed-word",
    "cursor",  # the row that a key would act on
    "found",  # what a search found
)
"""A span has one of these, several with spaces between, or none."""

MORE = "…"
TAB = 4
STACK = 2  # marks above and below one letter
LONGEST = 50_000  # characters of a text that anybody wrote; nobody reads more of it, and a screen that lays it out stands still
SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")  # how the sign before looks; some terminals show it beside that
UNSTEADY = re.compile("[\u2630-\u2637\u268a-\u268f\u3248-\u324f\U0001d300-\U0001d376]")  # as wide as each terminal likes
UNKNOWN = "\ufffd"


class Span(NamedTuple):
    """Text in one role."""

    text: str
    role: str = ""


Row = tuple[Span, ...]
EMPTY: Row = ()


def row(*parts: str | Span) -> Row:
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts if part)


def shown(text: str) -> str:
    """Foreign text as one line: no controls, escapes, bidirectional overrides or towers of marks; tabs are spaces.

    Every sign in it is as wide for us as for the terminal: where the two count differently, the border of the pane is torn.
    """
    if len(text) > LONGEST:
        text = text[:LONGEST] + MORE
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\x9d", "\x1b]")  # the same, and of many of them the next one ends the search for an end
    text = UNSEEN.sub("", ESCAPES.sub("", text)).expandtabs(TAB)
    return _unstacked("".join(sign if sign.isprintable() else _replaced(sign) for sign in SKIN.sub("", text)))


def _replaced(sign: str) -> str:
    """What no terminal could print; a letter newer than these tables may have any width."""
    kind = unicodedata.category(sign)
    return " " if kind in ("Zl", "Zp") else UNKNOWN if kind == "Cn" else replacement(sign)


def _unstacked(text: str) -> str:
    """A mark takes no cell of its own; a hundred of them on one letter would cover the rows around it."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", _lowered(UNSTEADY.sub(UNKNOWN, text), 2 * STACK))  # of a high tower this would take seconds
    return _lowered("".join(UNKNOWN if unicodedata.category(sign) == "Mc" else sign for sign in composed), STACK)


def _lowered(text: str, most: int) -> str:
    """With so many marks on one letter. None may come first: it would stand on what is not its own."""
    kept: list[str] = []
    marks = 0
    for sign in text:
        marks = 0 if cells(sign) else marks + 1
        if marks <= most and (kept or not marks):
            kept.append(sign)
    return "".join(kept)


def cells(text: str) -> int:
    """How many columns it takes."""
    return cell_len(text)


def width(line: Row) -> int:
    return sum(cells(span.text) for span in line)


def fitted(text: str, wide: int, right: bool = False) -> str:
    """Exactly that many columns: cut with a sign that there is more, or padded."""
    taken = cells(text)
    if taken > wide:
        return set_cell_size(text, wide - 1) + MORE if wide > 0 else ""
    pad = " " * (wide - taken)
    return pad + text if right else text + pad


def cut(line: Row, wide: int) -> Row:
    """At most that many columns."""
    if width(line) <= wide:
        return line
    kept: list[Span] = []
    left = wide
    for span in line:
        taken = cells(span.text)
        if taken >= left:
            kept.append(Span(fitted(span.text + MORE if taken == left else span.text, left), span.role))
            break
        kept.append(span)
        left -= taken
    return tuple(kept)


def padded(line: Row, wide: int) -> Row:
    """Exactly that many columns."""
    line = cut(line, wide)
    gap = wide - width(line)
    return (*line, Span(" " * gap)) if gap else line


def apart(left: Row, right: Row, wide: int) -> Row:
    """One at each end; where both do not fit the right one stays whole."""
    right = cut(right, wide)
    room = wide - width(right) - (1 if right else 0)
    return (*padded(left, max(0, room)), *((Span(" "), *right) if right and room > 0 else right))


def joined(parts: Iterable[Row], between: str = " · ") -> Row:
    """One after the other, those that say something."""
    out: list[Span] = []
    for part in parts:
        if part:
            out += [Span(between, "dim"), *part] if out else part
    return tuple(out)


def fitting(parts: Sequence[Row], wide: int, between: str = " · ") -> Row:
    """As many of them, the first before the others, as there is room for; a part is whole or not there, but for the first."""
    chosen = list(parts)
    while len(chosen) > 1 and width(joined(chosen, between)) > wide:
        chosen.pop()
    return cut(joined(chosen, between), wide)


def changed(before: Row, after: Row, wide: int) -> tuple[int, int]:
    """The columns in which two rows of that width differ: the first, and how many. A terminal is sent no others."""
    old, new = _columns(before, wide), _columns(after, wide)
    differ = [column for column in range(wide) if old[column] != new[column]]
    return (differ[0], differ[-1] + 1 - differ[0]) if differ else (0, 0)


def _columns(line: Row, wide: int) -> list[tuple[str, str]]:
    """What stands in each, and in which role; what follows the last goes on in its role where that is the cursor's."""
    out: list[tuple[str, str]] = []
    for span in line:
        if span.text.isascii():
            out += [(sign, span.role) for sign in span.text]
            continue
        for sign in span.text:
            if size := cells(sign):
                out += [(sign, span.role)] * size  # a half of a wide one is never sent alone
            elif out:
                out[-1] = (out[-1][0] + sign, span.role)  # it stands on the letter before
    rest = line[-1].role if line and "cursor" in line[-1].role else ""
    return (out + [(" ", rest)] * (wide - len(out)))[:wide]


def wrapped(text: str, wide: int) -> list[str]:
    """Foreign text in lines of that width, broken between words where that is possible; its own line ends stay."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + MORE
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lines += _broken(shown(line).rstrip(), max(1, wide))
    return lines


def _broken(line: str, wide: int) -> list[str]:
    out: list[str] = []
    begin = 0
    while (end := _reach(line, begin, wide)) < len(line):
        space = line.rfind(" ", begin + 1, end + 1)
        between_words = space - begin > (end - begin) // 2
        cut_at = space if between_words else end
        out.append(line[begin:cut_at].rstrip())
        begin = cut_at
        while between_words and line[begin] == " ":
            begin += 1
    return [*out, line[begin:]]


def _reach(line: str, begin: int, wide: int) -> int:
    """How far this many columns go from there; one letter at least."""
    if line.isascii():
        return min(len(line), begin + wide)
    end = begin
    while end < len(line) and (wide := wide - cells(line[end])) >= 0:
        end += 1
    return max(end, begin + 1) if begin < len(line) else end
