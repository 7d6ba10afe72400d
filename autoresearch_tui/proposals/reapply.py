"""A change made again on another text: a three-way merge of lines, pure and symmetric.

Changes of neighbouring lines do not conflict, other than in git: knobs stand line by line, and MATRIX_LR changed here and EMBEDDING_LR
changed there are two ideas that can both be had. Whether the result is still Python is for `checks.py` to say.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator

Hunk = tuple[int, int, tuple[str, ...]]  # these lines of the base, first and past the last, become those


def reapply(base: str, changed: str, onto: str) -> str | None:
    """What `onto` is after the change from base to changed; None where both changed the same lines, each in its own way.

    A change that `onto` already contains is made once. To revert a change is `reapply(changed, base, onto)`.
    """
    lines = base.split("\n")  # not splitlines: the end of the last line is a line like any other
    hunks = sorted({*_hunks(lines, changed.split("\n")), *_hunks(lines, onto.split("\n"))})
    if any(_collide(one, other) for one, other in itertools.pairwise(hunks)):
        return None
    merged: list[str] = []
    position = 0
    for start, end, new in hunks:
        merged += [*lines[position:start], *new]
        position = end
    return "\n".join([*merged, *lines[position:]])


def _hunks(base: list[str], text: list[str]) -> Iterator[Hunk]:
    for kind, start, end, first, last in difflib.SequenceMatcher(None, base, text, autojunk=False).get_opcodes():
        if kind == "replace" and end - start == last - first:  # line by line, so that one of them can be had already
            yield from ((start + i, start + i + 1, (text[first + i],)) for i in range(end - start))
        elif kind != "equal":
            yield start, end, tuple(text[first:last])


def _collide(one: Hunk, other: Hunk) -> bool:
    """Of two hunks in order: they share a line, or both insert at one place, and nobody knows which comes first."""
    return other[0] < one[1] or one[:2] == other[:2]
