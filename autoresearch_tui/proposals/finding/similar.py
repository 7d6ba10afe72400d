"""The last rung: a place that is not what a hunk quotes, but so like it, and so unlike every other, that no other can be meant.

What goes must be there to the letter, and so must the lines next to a change. Of the others the comments may differ, and the spacing and
punctuation of the code, but no word or number of it. Whatever differs is kept as the file has it.
"""

from __future__ import annotations

import difflib
import functools
import re

from autoresearch_tui.proposals.finding.layout import Shift, plain, uniform_shift
from autoresearch_tui.proposals.reading.blocks import Line

ALIKE = 0.92
AHEAD = 0.05
OF_A_LINE = 0.6  # no line may be another one altogether
WORD = re.compile(r"\w+")
LONGEST = 200  # lines of a hunk
LONGEST_LINE = 400


def very_similar(source: list[str], lines: tuple[Line, ...]) -> tuple[int, Shift] | None:
    """Where it stands, and how far it is indented otherwise; None unless one place is far ahead."""
    old = [(sign, text) for sign, text in lines if sign != "+"]
    if not 2 <= len(old) <= min(LONGEST, len(source)):
        return None
    here, there = [plain(text) for _, text in old], [plain(line) for line in source]
    if max(map(len, here)) > LONGEST_LINE:
        return None
    ratio = functools.cache(_ratio)
    total = sum(map(len, here))
    best, second, where = 0.0, 0.0, 0
    for start in range(len(there) - len(here) + 1):
        window = there[start : start + len(here)]
        size = total + sum(map(len, window))
        if not size or 2 * sum(min(len(a), len(b)) for a, b in zip(here, window, strict=True)) < (ALIKE - AHEAD) * size:
            continue
        score = sum(ratio(a, b) * (len(a) + len(b)) for a, b in zip(here, window, strict=True)) / size
        if score > best:
            best, second, where = score, best, start
        elif score > second:
            second = score
    if best < ALIKE or best - second < AHEAD:
        return None
    window = there[where : where + len(here)]
    strict = _beside_changes(lines)
    for number, (a, b) in enumerate(zip(here, window, strict=True)):
        if a != b and (number in strict or _words(a) != _words(b) or ratio(a, b) < OF_A_LINE):
            return None
    same = [(source[where + number], text) for number, (_, text) in enumerate(old) if here[number] == window[number] and here[number]]
    return (where, shift) if (shift := uniform_shift(same)) is not None else None


def _beside_changes(lines: tuple[Line, ...]) -> set[int]:
    """The old lines, by their numbers, that go or stand next to a line that goes or comes."""
    strict = set()
    number = 0
    signs = [" ", *(sign for sign, _ in lines), " "]
    for before, sign, after in zip(signs, signs[1:], signs[2:], strict=False):
        if sign != "+":
            if (before, sign, after) != (" ", " ", " "):
                strict.add(number)
            number += 1
    return strict


def _words(line: str) -> list[str]:
    """Of the code; a comment may say the same in other words."""
    return WORD.findall(line.partition("#")[0])


def _ratio(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if len(one) > LONGEST_LINE or len(other) > LONGEST_LINE:
        return 0.0
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() > 0.5 else 0.5  # never too low, or another place might seem farther off than it is
