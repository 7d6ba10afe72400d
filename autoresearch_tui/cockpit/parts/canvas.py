"""A rectangle of cells to draw a chart in: dots in braille, two wide and four high in a cell, and signs and words between them.

Owns cells and axes. Does not own what is drawn. A row has few roles: what is sent to a terminal grows with every change of them.
"""

from __future__ import annotations

import math

import msgspec

from autoresearch_tui.cockpit.drawing import Row, Span, cells

ACROSS, DOWN = 2, 4  # dots in a cell
BLANK = 0x2800  # braille with no dot
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
FULL = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)  # where an axis may end: it is seldom drawn anew, and never half empty
STEPS = (1, 2, 5, 10)
FEWEST = 10  # experiments that there is room for from the beginning
LONGEST = 9  # characters of a label with fixed decimals


class Axis(msgspec.Struct, frozen=True):
    """Of values: its ends, rounded away from each other."""

    low: float
    high: float
    decimals: int

    def label(self, value: float) -> str:
        text = f"{value:.{self.decimals}f}"
        return text if len(text) <= LONGEST else f"{value:.2e}"

    def share(self, value: float) -> float:
        """How far below the upper end, of all that there is."""
        return min(1.0, max(0.0, (self.high - value) / (self.high - self.low)))


def axis(low: float, high: float) -> Axis:
    """Around these two, which differ; the space between them is told by two digits, and one more in the middle."""
    power = math.floor(math.log10(high - low)) - 1
    unit = 10.0**power
    return Axis(math.floor(low / unit) * unit, math.ceil(high / unit) * unit, max(0, 1 - power))


def full(last: int) -> int:
    """The number at the end of an axis of experiments."""
    size = 10.0 ** math.floor(math.log10(max(last, FEWEST)))
    return next(int(step * size) for step in FULL if step * size >= max(last, FEWEST))


def step(span: int, most: int) -> int:
    """Between two of the numbers below an axis, of which there is room for so many."""
    least = max(1.0, span / max(1, most))
    size = 10.0 ** math.floor(math.log10(least))
    return next(int(step * size) for step in STEPS if step * size >= least - 1e-9)


class Canvas:
    """What stands where, by line and column, both from the upper left."""

    def __init__(self, wide: int, high: int) -> None:
        self.wide, self.high = wide, high
        self._dots: dict[tuple[int, int], int] = {}
        self._strong: set[tuple[int, int]] = set()
        self._signs: dict[tuple[int, int], Span] = {}

    def dot(self, x: int, y: int, strong: bool = False) -> None:
        """In dots; a cell with a strong one is strong as a whole."""
        place = (y // DOWN, x // ACROSS)
        self._dots[place] = self._dots.get(place, 0) | DOTS[y % DOWN][x % ACROSS]
        if strong:
            self._strong.add(place)

    def line(self, x: int, y: int, to_x: int, to_y: int) -> None:
        """Across or down."""
        for across in range(min(x, to_x), max(x, to_x) + 1):
            for down in range(min(y, to_y), max(y, to_y) + 1):
                self.dot(across, down, strong=True)

    def put(self, line: int, column: int, text: str, role: str = "") -> None:
        """Over whatever is there; each sign is one cell wide."""
        for at, sign in enumerate(text):
            self._signs[line, column + at] = Span(sign, role)

    def write(self, line: int, column: int, text: str, role: str = "") -> bool:
        """Where nothing is, if there is such room."""
        taken = range(column - 1, column + cells(text) + 1)
        fits = 0 <= line < self.high and column >= 0 and column + cells(text) <= self.wide
        if not fits or any((line, at) in self._dots or (line, at) in self._signs for at in taken):
            return False
        self.put(line, column, text, role)
        return True

    def write_near(self, line: int, column: int, text: str, role: str, lines: range) -> bool:
        """Beside this place, above or below it, on one of these lines."""
        aside = (0, 2, -len(text) // 2, -len(text) - 1)
        beside = [(line + off, column + across) for off in (-1, 1, -2, 2, -3, 3) for across in aside]
        return any(at in lines and self.write(at, start, text, role) for at, start in beside)

    def rows(self) -> list[Row]:
        return [self._row(line) for line in range(self.high)]

    def _row(self, line: int) -> Row:
        spans: list[Span] = []
        for column in range(self.wide):
            span = self._cell((line, column))
            if spans and (span.role == spans[-1].role or (span.text == " " and spans[-1].role != "cursor")):
                spans[-1] = Span(spans[-1].text + span.text, spans[-1].role)
            else:
                spans.append(span)
        return tuple(spans)

    def _cell(self, place: tuple[int, int]) -> Span:
        if place in self._signs:
            return self._signs[place]
        if place in self._dots:
            return Span(chr(BLANK + self._dots[place]), "accent" if place in self._strong else "")
        return Span(" ")
