"""What every value of every knob was worth: one line per knob, in which nothing is estimated. Pure.

    MATRIX_LR: from 0.04: 0.02 +0.0031 | 0.05 -0.0020 x2 KEPT sure *; from 0.05: 0.06 +0.0011

A difference holds for the step from one value to another, so steps from the same value stand together. Knobs that were turned at once
share a line: what each of them did alone nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from autoresearch_tui.proposals.knobs import meaning
from autoresearch_tui.proposals.memory import Tried, measured, signed, value

LEGEND = (
    "`from A: B +0.003` says: the constant went from A to B, and the result got worse by 0.003; with minus it got better. "
    "x2: the mean of 2 trainings. KEPT: in the code since. *: the best step from A. No word: discarded."
)
FULL = 1000  # rows, or entries in a row: all of them


class Row(msgspec.Struct, frozen=True):
    """The steps of one knob, or of knobs that were turned together."""

    knobs: tuple[str, ...]
    steps: tuple[Tried, ...]
    """By number."""


def rows(tried: Iterable[Tried], order: Sequence[str]) -> list[Row]:
    """One for each knob, in the order of the file; then those that it has no more, and those that were turned together."""
    steps: dict[tuple[str, ...], list[Tried]] = {}
    for one in sorted(tried, key=lambda one: one.number):
        if one.changes:
            steps.setdefault(tuple(one.changes), []).append(one)
    place = {name: index for index, name in enumerate(order)}

    def standing(knobs: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
        return len(knobs), min(place.get(name, len(place)) for name in knobs), knobs

    return [Row(knobs, tuple(steps[knobs])) for knobs in sorted(steps, key=standing)]


def most_relevant(table: Sequence[Row], most: int, order: Collection[str]) -> list[Row]:
    """So many rows, in the same order: knobs that the code still has, alone, that helped or were turned often or lately."""
    if len(table) <= most:
        return list(table)

    def relevance(row: Row) -> tuple[bool, bool, int, int]:
        helped = sum(one.verdict == "keep" for one in row.steps)
        return all(name in order for name in row.knobs), len(row.knobs) == 1, 2 * helped + len(row.steps), row.steps[-1].number

    chosen = sorted(table, key=relevance, reverse=True)[: max(0, most)]
    return [row for row in table if row in chosen]


def written(row: Row, digits: int, trunk: Collection[int], most: int = FULL) -> str:
    """The row as a line; of more than `most` steps the kept, the best and the newest."""
    shown = _chosen(row, most)
    starts: dict[tuple[str, ...], list[Tried]] = {}
    for one in shown:
        starts.setdefault(tuple(value(old) for old, _ in one.changes.values()), []).append(one)
    parts = [f"from {' + '.join(start)}: {' | '.join(_steps(steps, digits, trunk))}" for start, steps in starts.items()]
    more = f"; {len(row.steps) - len(shown)} more" if len(shown) < len(row.steps) else ""
    return f"{' + '.join(row.knobs)}: {'; '.join(parts)}{more}"


def _chosen(row: Row, most: int) -> tuple[Tried, ...]:
    if len(row.steps) <= most:
        return row.steps
    best = min((one for one in row.steps if measured(one) is not None), key=lambda one: measured(one) or 0.0, default=None)
    ranked = sorted(row.steps, key=lambda one: (one.verdict == "keep", one is best, one.number), reverse=True)[:most]
    return tuple(one for one in row.steps if one in ranked)


def _steps(steps: Sequence[Tried], digits: int, trunk: Collection[int]) -> list[str]:
    """From one start, by the value they went to; the best is marked if it is better than nothing."""
    best = min((one for one in steps if (measured(one) or 0.0) < 0), key=lambda one: measured(one) or 0.0, default=None)
    return [_step(one, digits, trunk) + (" *" if one is best else "") for one in sorted(steps, key=_size)]


def _step(one: Tried, digits: int, trunk: Collection[int]) -> str:
    words = [" + ".join(value(new) for _, new in one.changes.values())]
    delta = measured(one)
    if delta is not None and one.verdict != "crash":
        words.append(signed(delta, digits))
        words += [f"x{one.trials}"] if one.trials > 1 else []
    if one.verdict == "keep":
        stays = one.number in trunk
        words += ["KEPT" if stays else "kept", *([one.word] if one.word else []), *([] if stays else ["and taken back"])]
    elif one.verdict == "crash":
        words.append("crash")
    elif not one.verdict:
        words.append("runs now")
    elif delta is None:
        words.append("no number")
    return " ".join(words)


def _size(one: Tried) -> tuple[int, float, int]:
    """Numbers by size, all else by when it was tried."""
    _, new = next(iter(one.changes.values()))
    number = meaning(new)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return 1, 0.0, one.number
    return 0, float(number), one.number
