"""What a repair needs to see: the block that failed, and the lines of the file that it was probably about, with their numbers."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Sequence

SHOWN = 8
QUOTED = 1200
WIDEST = 160
PLACES = 3


def detail_of(source: Sequence[str], quoted: str, old: Sequence[str], places: Sequence[int] = ()) -> str:
    """`places` are where it fits, if it fits too often; else the nearest lines are looked for."""
    shown = quoted if len(quoted) <= QUOTED else f"{quoted[:QUOTED].rstrip()}\n[{len(quoted) - QUOTED:,} more characters]"
    heads = [max(0, start - 2) for start in places[:PLACES]] or [_nearest(source, old)]
    count = max(SHOWN // len(heads), 5)
    listings = ["\n".join(_listed(source, head, count)) for head in heads]
    real = "\n\n".join(listing for listing in listings if listing)
    return f"Nothing of the edit was applied. This failed:\n{shown}\n\nThe file has, with line numbers:\n{real}"


def _listed(source: Sequence[str], first: int, count: int) -> list[str]:
    return [f"{number + 1:4d} | {source[number][:WIDEST]}" for number in range(first, min(first + count, len(source)))]


def _nearest(source: Sequence[str], old: Sequence[str]) -> int:
    """The first of the lines to show: where most of the old lines stand in a row, or else a line that is like the longest of them."""
    wanted = [text.strip() for text in old[:400]]
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(source):
        if len(line.strip()) > 3:
            numbers[line.strip()].append(number)
    votes = Counter(max(0, number - offset) for offset, text in enumerate(wanted) for number in numbers.get(text, ())[:50])
    if votes:
        start = min(votes, key=lambda one: (-votes[one], one))
        return max(0, start - max(0, (SHOWN - len(wanted)) // 2))
    longest = max(wanted, key=len, default="")[:WIDEST]
    matcher = difflib.SequenceMatcher(None, "", longest, autojunk=False)
    best, where = 0.0, 0
    for number, line in enumerate(source[:5000]):
        matcher.set_seq1(line.strip()[:WIDEST])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, where = ratio, number
    return max(0, where - SHOWN // 2)
