"""The chart of progress: trials as dots, the trunk as a step line, by the number of the experiment.

The axis of values spans what matters: the trunk, and what came near it. What is beyond it is a mark at the edge, and what crashed one
on the line below. Owns what is drawn where; cells are `canvas.py`'s.
"""

from __future__ import annotations

import itertools
import math

import msgspec

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts.canvas import ACROSS, DOWN, Axis, Canvas, axis, full, step
from autoresearch_tui.cockpit.parts.ranking import value_of
from autoresearch_tui.cockpit.standing import once_for_each, standing
from autoresearch_tui.journal.experiment import Experiment, is_same_device, mean
from autoresearch_tui.journal.state import Run

ABSURD = 1e12  # beyond that a number is only large
FAR = 4.0  # times the way of the trunk, beyond which the axis does not follow what is worse
MARGIN = 0.04  # of the axis, above and below what matters
SMALL = 1e-7  # of a value, which an axis does not go below
LABELLED = 24  # columns, below which the axis has no labels
ELSEWHERE = "~"  # of a number that does not compare, for it is of another class of device
APART = 10  # columns from one number below the axis to the next


class Points(msgspec.Struct, frozen=True):
    """What there is to draw of a run."""

    dots: list[tuple[int, float]]
    """Experiment and number of every trial that has one."""
    elsewhere: list[tuple[int, float]]
    """The same, where the number is of another class of device than the trunk's."""
    trunk: list[tuple[int, float]]
    crashed: list[int]
    last: int
    axis: Axis | None
    """None: there is no number yet."""


@once_for_each
def points_of(run: Run) -> Points:
    ones = [one for _, one in sorted(run.experiments.items())]
    device = _device(run)
    drawn: tuple[list[tuple[int, float]], list[tuple[int, float]]] = ([], [])
    for one in ones:
        for trial in one.trials:
            if trial.value is not None:
                drawn[not is_same_device(trial.device, device)].append((one.number, _bounded(trial.value)))
    dots, elsewhere = drawn
    trunk = [(number, _bounded(value)) for number in run.trunk if (value := value_on(run.experiments[number], device)) is not None]
    crashed = [one.number for one in ones if one.verdict == "crash"]
    return Points(dots, elsewhere, trunk, crashed, ones[-1].number if ones else 0, _axis(run, dots, trunk) if dots else None)


def _device(run: Run) -> str:
    """The class of device whose numbers are drawn: the trunk's. Empty: there is only one."""
    tip = run.experiments.get(run.tip) if run.tip is not None else None
    return tip.device if tip and len(run.devices) > 1 else ""


def value_on(one: Experiment, device: str) -> float | None:
    """Its number there: on another class it would be another one."""
    if not device or is_same_device(one.device, device):
        return value_of(one)
    numbers = one.numbers_on(device)
    return mean(numbers) if numbers else None


def _bounded(value: float) -> float:
    return min(max(value, -ABSURD), ABSURD) if not math.isnan(value) else ABSURD


def _axis(run: Run, dots: list[tuple[int, float]], trunk: list[tuple[int, float]]) -> Axis:
    """From the best to where the trunk began, or as far as half of all trials came, but not many times as far.

    Before anything was gained there is some room for what will be.
    """
    sign = 1.0 if run.goal == "lower" else -1.0
    line = [sign * value for _, value in trunk or dots]
    best = min(line)
    away = sorted(sign * value - best for _, value in dots)
    near = max(0.0, away[len(away) // 2])
    way = max(max(line) - best if trunk else 0.0, min(ABSURD, 3 * (standing(run).noise.sigma or 0.0)))
    far = max(min(max(way, near), FAR * way) if way else near, SMALL * abs(best), SMALL)
    better = max(away[0], -far) if len(trunk) > 1 else -far / 2
    ends = sign * (best + better - MARGIN * far), sign * (best + far + MARGIN * far)
    return axis(min(ends), max(ends))


class Chart:
    """Of one size: labels at the left, the dots, below them the line with the crashes, and numbers."""

    def __init__(self, run: Run, cursor: int | None, points: Points, axis: Axis, width: int, height: int) -> None:
        self.run, self.points, self.axis = run, points, axis
        self.chosen = run.experiments.get(cursor) if cursor is not None else None
        self.canvas = Canvas(width, height)
        self.foot = 2 if height >= 5 else 1
        lines = height - self.foot
        self.plot = range(lines)
        above = lines > 2 and any(value > axis.high for _, value in points.dots)
        below = lines - above > 2 and any(value < axis.low for _, value in points.dots)
        self.top, self.lines = int(above), lines - above - below
        self.labels = self._labels() if width >= LABELLED else {}
        self.left = max(map(len, self.labels.values()), default=-1) + 1
        self.wide = width - self.left - 1
        self.end = full(points.last)

    def x(self, number: int) -> int:
        """In dots, of the whole canvas."""
        return ACROSS * (self.left + 1) + round(number / self.end * (ACROSS * self.wide - 1))

    def y(self, value: float) -> int:
        return DOWN * self.top + round(self.axis.share(value) * (DOWN * self.lines - 1))

    def rows(self) -> list[Row]:
        self._frame()
        self._trunk()
        self._dots()
        self._crashes()
        self._cursor()
        self._names()
        self._numbers()
        return self.canvas.rows()

    def _labels(self) -> dict[int, str]:
        """By line: the ends, and the middle where there is one."""
        ends = {self.top: self.axis.high, self.top + self.lines - 1: self.axis.low} if self.lines > 1 else {self.top: self.axis.high}
        if self.lines % 2 and self.lines > 3:
            ends[self.top + self.lines // 2] = (self.axis.low + self.axis.high) / 2
        return {line: self.axis.label(value) for line, value in ends.items()}

    def _frame(self) -> None:
        for line in self.plot:
            self.canvas.put(line, 0, self.labels.get(line, "").rjust(self.left), "dim")
            self.canvas.put(line, self.left, "┤" if line in self.labels else "│", "dim")
        self.canvas.put(self.plot.stop, 0, " " * self.left + "└" + "─" * self.wide, "dim")

    def _trunk(self) -> None:
        line = [(self.x(number), self.y(value)) for number, value in self.points.trunk]
        if line:
            line.append((self.x(self.points.last), line[-1][1]))
        for (x, y), (to_x, to_y) in itertools.pairwise(line):
            self.canvas.line(x, y, to_x, y)
            self.canvas.line(to_x, y, to_x, to_y)

    def _dots(self) -> None:
        for number, value in self.points.elsewhere:
            if self.axis.low <= value <= self.axis.high:
                self.canvas.put(*self._place(number, value), ELSEWHERE, "dim")
        for number, value in self.points.dots:
            if self.axis.low <= value <= self.axis.high:
                self.canvas.dot(self.x(number), self.y(value))
            else:
                self.canvas.put(*self._place(number, value), self._edge(value), "dim")

    def _place(self, number: int, value: float) -> tuple[int, int]:
        """The cell of a dot, or of its mark."""
        column = self.x(number) // ACROSS
        if value > self.axis.high:
            return 0, column
        if value < self.axis.low:
            return self.plot.stop - 1, column
        return self.y(value) // DOWN, column

    def _edge(self, value: float) -> str:
        return "▲" if value > self.axis.high else "▼"

    def _crashes(self) -> None:
        for number in self.points.crashed:
            self.canvas.put(self.plot.stop, self.x(number) // ACROSS, "x", "bad")

    def _cursor(self) -> None:
        one = self.chosen
        if one is None:
            return
        value = value_of(one)
        if value is None:
            self.canvas.put(self.plot.stop, self.x(one.number) // ACROSS, "x" if one.verdict == "crash" else "┴", "cursor")
            return
        line, column = self._place(one.number, value)
        inside = self.axis.low <= value <= self.axis.high
        self.canvas.put(line, column, "●" if inside else self._edge(value), "cursor")
        self.canvas.write_near(line, column, f"#{one.number} {self.axis.label(value)}", "strong", self.plot)

    def _names(self) -> None:
        """Of the two ends of the trunk, where there is room."""
        best, baseline = standing(self.run).best, self.run.baseline
        for one, name in ((best, "best"), (baseline, "baseline")):
            value = value_of(one) if one is not None else None
            if one is not None and value is not None and one is not self.chosen and not (one is best and one is baseline):
                self.canvas.write_near(*self._place(one.number, value), f"{name} {self.axis.label(value)}", "dim", self.plot)

    def _numbers(self) -> None:
        if self.foot < 2:
            return
        line, gap = self.canvas.high - 1, step(self.end, self.wide // APART)
        one = self.chosen
        if one is not None:
            self._number(line, one.number, f"#{one.number}", "strong")
        for number in (self.points.last, *range(0, self.end + 1, gap)):
            self._number(line, number, str(number), "dim")

    def _number(self, line: int, number: int, text: str, role: str) -> None:
        column = self.x(number) // ACROSS - len(text) // 2
        self.canvas.write(line, min(max(0, column), self.canvas.wide - len(text)), text, role)
