"""The chart of a night in plain text: every experiment a dot by its number, kept ones strong, the trunk a step line. Pure.

The axis spans the trunk and what came near it; what lies beyond is a mark at the edge, and what crashed one below. Owns signs and places;
the picture is `charts.py`'s, the page's `page.py`'s.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from autoresearch_tui.morning.account import Account, Point
from autoresearch_tui.morning.wording import number

DOT, KEPT, ACROSS, DOWN, ABOVE, BELOW, CRASH = "·", "●", "─", "│", "▴", "▾", "x"
HEIGHT = 9
LEAST = 20  # columns of the plot itself
FAR = 2.0  # times the way of the trunk, beyond which the axis does not follow what is worse


def sketch(account: Account, width: int, height: int = HEIGHT) -> list[str]:
    """Nothing where there is no number, or no room."""
    values = {point.number: point.value for point in account.points if point.value is not None and math.isfinite(point.value)}
    trunk = [(one, values[one]) for one in account.trunk if one in values]
    if len(values) < 2 or not trunk:
        return []
    low, high = _ends([value for _, value in trunk], list(values.values()), account.sigma or 0.0, account.goal)
    labels = [number(high), number(low)]
    left = max(map(len, labels)) + 2
    wide = min(width - left - 2, max(LEAST, 3 * len(account.points)))
    if wide < LEAST:
        return []
    last = account.points[-1].number
    field = _Field(wide, height, last, low, high)
    field.draw_trunk(trunk)
    field.draw_points(account.points, {one for one, _ in trunk})
    lines = []
    for line in range(height):
        label = labels[0] if line == 0 else labels[1] if line == height - 1 else ""
        lines.append(f"  {label:>{left - 2}} {'┤' if label else '│'}{''.join(field.cells[line])}".rstrip())
    foot = "".join(CRASH if at in field.crashed else "─" for at in range(wide))
    lines.append(" " * left + f" └{foot}")
    lines.append(" " * left + f"  0{last!s:>{wide - 1}}")
    return lines


def _ends(trunk: Sequence[float], values: Sequence[float], sigma: float, goal: str) -> tuple[float, float]:
    """Of the axis: from the best to where the trunk began, or as far as half of all came, but not many times as far."""
    sign = 1.0 if goal == "lower" else -1.0
    best = min(sign * value for value in trunk)
    way = max(max(sign * value for value in trunk) - best, 3 * sigma)
    near = statistics.median(sign * value - best for value in values)
    far = max(min(max(way, near), FAR * way) if way else near, 1e-7 * abs(best), 1e-9)
    better = min(0.0, max(min(sign * value - best for value in values), -far / 2))
    ends = sign * (best + better), sign * (best + far)
    return min(ends), max(ends)


class _Field:
    """Cells by line and column, from the upper left."""

    def __init__(self, wide: int, high: int, last: int, low: float, high_value: float) -> None:
        self.wide, self.high, self.last = wide, high, max(1, last)
        self.low, self.top = low, high_value
        self.cells = [[" "] * wide for _ in range(high)]
        self.crashed: set[int] = set()

    def column(self, one: int) -> int:
        return round(one / self.last * (self.wide - 1))

    def line(self, value: float) -> int:
        return round((self.top - value) / (self.top - self.low) * (self.high - 1))

    def draw_trunk(self, trunk: Sequence[tuple[int, float]]) -> None:
        ends = [*trunk[1:], (self.last, trunk[-1][1])]
        for (start, value), (end, after) in zip(trunk, ends, strict=True):
            at, to = self.inside(value), self.inside(after)
            for column in range(self.column(start), self.column(end) + 1):
                self.cells[at][column] = ACROSS
            for line in range(min(at, to) + 1, max(at, to)):
                self.cells[line][self.column(end)] = DOWN

    def inside(self, value: float) -> int:
        return min(self.high - 1, max(0, self.line(value)))

    def draw_points(self, points: Sequence[Point], trunk: set[int]) -> None:
        for point in sorted(points, key=lambda one: one.number in trunk):
            column = self.column(point.number)
            if point.value is None or not math.isfinite(point.value):
                if point.verdict == "crash":
                    self.crashed.add(column)
                continue
            line = self.line(point.value)
            if 0 <= line < self.high:
                self.cells[line][column] = KEPT if point.number in trunk else self._faint(line, column, DOT)
            else:
                line, sign = (0, ABOVE) if line < 0 else (self.high - 1, BELOW)
                self.cells[line][column] = self._faint(line, column, sign)

    def _faint(self, line: int, column: int, sign: str) -> str:
        """What was not kept never hides the trunk."""
        there = self.cells[line][column]
        return sign if there == " " else there
