"""Words beside the dots of a chart, none over another: each place around its dot is tried, and a word without room is left out. Pure.

Coordinates are those of the picture, in its pixels; which way y grows does not matter. Owns where a label goes. What it says, which
come first and how they are drawn is for those who draw.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

CELL = 8.0  # the side of the squares in which the ground is remembered
RADIUS = 4.0  # of a dot
GAP = 3.0  # between two labels
DISTANCES = (8.0, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0, 92.0, 112.0, 136.0, 164.0)
DIRECTIONS = tuple((math.cos(step * math.pi / 8), math.sin(step * math.pi / 8)) for step in range(16))
SIDEWAYS = 0.35  # below this a direction is straight up or down, or straight to the side
DEAREST = 200.0  # a label that would cost more is not worth its place
LINE = 30.0  # what it costs to hide a square of a line
STRONG = 60.0  # and one with a dot that has a label of its own
FAINT = 40.0  # and one with any other


class Box(msgspec.Struct, frozen=True):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box, gap: float = 0.0) -> bool:
        across = self.left < other.right + gap and other.left < self.right + gap
        return across and self.top < other.bottom + gap and other.top < self.bottom + gap

    def holds(self, other: Box) -> bool:
        return self.left <= other.left and self.right >= other.right and self.top <= other.top and self.bottom >= other.bottom


class Wanted(msgspec.Struct, frozen=True):
    """A label of this size beside the dot there."""

    x: float
    y: float
    width: float
    height: float


class Label(msgspec.Struct, frozen=True):
    """Where it goes: the line from its dot ends at `x`, `y` on the edge of the box."""

    of: int
    """Its place among those that were wanted."""
    box: Box
    x: float
    y: float
    distance: float


class Ground:
    """What a label would hide: dots and lines, by the squares they are in."""

    def __init__(self) -> None:
        self._cost: defaultdict[tuple[int, int], float] = defaultdict(float)

    def dots(self, places: Iterable[tuple[float, float]], cost: float = FAINT) -> None:
        for x, y in places:
            for cell in {_cell(x + across, y + down) for across in (-RADIUS, RADIUS) for down in (-RADIUS, RADIUS)}:
                self._cost[cell] += cost

    def line(self, one: tuple[float, float], other: tuple[float, float], cost: float = LINE) -> None:
        for cell in {_cell(x, y) for x, y in _between(one, other)}:
            self._cost[cell] += cost

    def under(self, box: Box) -> float:
        (left, top), (right, bottom) = _cell(box.left, box.top), _cell(box.right, box.bottom)
        return sum(self._cost.get((x, y), 0.0) for x in range(left, right + 1) for y in range(top, bottom + 1))

    def along(self, one: tuple[float, float], other: tuple[float, float]) -> float:
        """What a line from one to the other crosses; the square that it begins in does not count."""
        return sum(self._cost.get(cell, 0.0) for cell in {_cell(x, y) for x, y in _between(one, other)} - {_cell(*one)})


def place(wanted: Sequence[Wanted], room: Box, ground: Ground) -> list[Label]:
    """Those that have room, in the order in which they were wanted: the first chooses first."""
    placed: list[Label] = []
    for at, one in enumerate(wanted):
        best, least = None, DEAREST
        for label in _places(at, one):
            cost = label.distance
            if cost >= least or not room.holds(label.box) or _collides(label, one, placed, wanted):
                continue
            cost += ground.under(label.box) + ground.along((one.x, one.y), (label.x, label.y)) / 4
            if cost < least:
                best, least = label, cost
        if best:
            placed.append(best)
    return placed


def _places(at: int, one: Wanted) -> Iterable[Label]:
    for distance in DISTANCES:
        for across, down in DIRECTIONS:
            x, y = one.x + distance * across, one.y + distance * down
            left = x if across > SIDEWAYS else x - one.width if across < -SIDEWAYS else x - one.width / 2
            top = y if down > SIDEWAYS else y - one.height if down < -SIDEWAYS else y - one.height / 2
            yield Label(at, Box(left, top, left + one.width, top + one.height), x, y, distance)


def _collides(label: Label, of: Wanted, placed: Sequence[Label], wanted: Sequence[Wanted]) -> bool:
    """With a label that stands, with the line to it, or its own line with either."""
    mine = ((of.x, of.y), (label.x, label.y))
    for other in placed:
        theirs = ((wanted[other.of].x, wanted[other.of].y), (other.x, other.y))
        if label.box.meets(other.box, GAP) or _crosses(mine, other.box) or _crosses(theirs, label.box) or _meet(*mine, *theirs):
            return True
    return False


def _crosses(line: tuple[tuple[float, float], tuple[float, float]], box: Box) -> bool:
    (x, y), (other_x, other_y) = line
    around = Box(min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y))
    return around.meets(box) and any(box.left < x < box.right and box.top < y < box.bottom for x, y in _between(*line))


def _meet(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]) -> bool:
    """The lines from a to b and from c to d cross."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(one: tuple[float, float], other: tuple[float, float]) -> Iterable[tuple[float, float]]:
    """Points on the way, half a square apart."""
    steps = max(1, math.ceil(math.dist(one, other) / (CELL / 2)))
    for step in range(steps + 1):
        share = step / steps
        yield one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _cell(x: float, y: float) -> tuple[int, int]:
    return math.floor(x / CELL), math.floor(y / CELL)
