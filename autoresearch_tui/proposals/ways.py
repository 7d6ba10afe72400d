"""Which way a change of knobs goes: up, down, or to another word; and which ways are taken. Pure.

Two changes that go the same way are one idea in two sizes: what one of them is worth says what to do with the other.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autoresearch_tui.proposals.knobs import meaning

Way = tuple[int, ...] | str
"""Of each number whether it rises or falls; of what has no order, what it becomes."""
Ways = frozenset[tuple[str, Way]]


class Taken(msgspec.Struct, frozen=True):
    """What is being tried, and by whom, as in `experiment 12`."""

    codes: Mapping[str, str] = {}
    """By fingerprint."""
    ways: Mapping[Ways, str] = {}


FREE = Taken()


def way(old: str, new: str) -> Way:
    """Of one knob, from its old literal to its new one."""
    before, after = _numbers(meaning(old)), _numbers(meaning(new))
    if before is None or after is None or len(before) != len(after):
        return repr(meaning(new))
    return tuple((b > a) - (b < a) for a, b in zip(before, after, strict=True))


def ways_of(changes: Mapping[str, tuple[str, str]]) -> Ways:
    """Of a change, by its knobs."""
    return frozenset((name, way(old, new)) for name, (old, new) in changes.items())


def _numbers(value: object) -> tuple[float, ...] | None:
    numbers = value if isinstance(value, tuple) else (value,)
    return numbers if all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers) else None
