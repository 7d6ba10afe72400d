"""A change made again on another text, pure: a step of knobs from where it was measured, else a three-way merge of lines.

Changes of neighbouring lines do not conflict, other than in git: knobs stand line by line, and MATRIX_LR changed here and EMBEDDING_LR
changed there are two ideas that can both be had. Whether the result is still Python is for `checks.py` to say.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping

from autoresearch_tui.proposals.knobs import NotLiteral, NotPython, meaning, read_knobs, set_knobs

Hunk = tuple[int, int, tuple[str, ...]]  # these lines of the base, first and past the last, become those


def made_again(base: str, changed: str, changes: Mapping[str, tuple[str, str]], onto: str) -> str | None:
    """What `onto` is after the change from base to changed; None where it does not fit.

    `changes` are the old and new literals of its knobs where it is of knobs alone: then what else became of their lines does not matter,
    and each must be what it was or what it is to be. A step that was measured from 0.04 says nothing about 0.06.
    """
    try:
        knobs = read_knobs(onto) if changes else {}
        if changes and all(name in knobs and repr(knobs[name].value) in _meanings(step) for name, step in changes.items()):
            return set_knobs(onto, {name: new for name, (_, new) in changes.items() if repr(knobs[name].value) != repr(meaning(new))})
    except (NotPython, NotLiteral):
        return reapply(base, changed, onto)
    return None if changes else reapply(base, changed, onto)


def _meanings(literals: tuple[str, str]) -> tuple[str, ...]:
    return tuple(repr(meaning(one)) for one in literals)


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
