"""Which line became which, and the words in which the two differ. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import accumulate, takewhile

PAIRED = 400  # lines that went times lines that came, up to which each finds its like
LIKE = 0.5  # of their letters, from which on two lines are alike
WORD = re.compile(r"\d[\w.]*|\w+|\s+|.")  # a number is one word
Pair = tuple[int, int]


def as_long(old: Iterable[str], new: Iterable[str]) -> int:
    """For how many lines the two are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def alike(gone: list[str], come: list[str]) -> list[Pair]:
    """Which line became which, in their order, so that as much as possible is alike."""
    if len(gone) * len(come) > PAIRED:
        return []
    words = [[Counter(WORD.findall(line.strip())) for line in lines] for lines in (gone, come)]
    likeness = [[_likeness(a, b) for b in words[1]] for a in words[0]]
    best = [[0.0] * (len(come) + 1) for _ in range(len(gone) + 1)]
    for a in reversed(range(len(gone))):
        for b in reversed(range(len(come))):
            best[a][b] = max(best[a + 1][b], best[a][b + 1], best[a + 1][b + 1] + likeness[a][b])
    pairs, a, b = [], 0, 0
    while a < len(gone) and b < len(come):
        if likeness[a][b] and best[a][b] == best[a + 1][b + 1] + likeness[a][b]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1
    return pairs


def _likeness(a: Counter[str], b: Counter[str]) -> float:
    """The share of words, by their letters, that both have; nothing where it is too little to speak of."""
    total = _letters(a) + _letters(b)
    share = 2 * _letters(a & b) / total if total else 0.0
    return share if share >= LIKE else 0.0


def _letters(words: Counter[str]) -> int:
    return sum(len(word) * count for word, count in words.items())


def marked(old: str, new: str) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Where each of the two has other words than its like."""
    gone, come = WORD.findall(old), WORD.findall(new)
    head = as_long(gone, come)
    tail = as_long(reversed(gone[head:]), reversed(come[head:]))
    inside = SequenceMatcher(None, gone[head : len(gone) - tail], come[head : len(come) - tail], autojunk=False)
    changes = [one[1:] for one in inside.get_opcodes() if one[0] != "equal"]
    return _places(gone, head, [change[:2] for change in changes]), _places(come, head, [change[2:] for change in changes])


def _places(words: list[str], head: int, ranges: list[Pair]) -> tuple[Pair, ...]:
    """From words to letters."""
    starts = [0, *accumulate(map(len, words))]
    return tuple((starts[head + lo], starts[head + hi]) for lo, hi in ranges if hi > lo)
