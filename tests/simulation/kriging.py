"""Curves through noisy measurements: a sum of random walks, one for each axis, and of products of pairs of them. Pure arithmetic.

Kriging, with each walk starting at a base: straight between the measured places, level beyond them, and shrunk towards nothing as far as
one noisy measurement deserves. What an axis is, and what is measured, `surface.py` knows.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import msgspec

Features = dict[str, float | str]
"""Where something stands on each axis: a number, or a name among names."""


class Curves(msgspec.Struct, frozen=True):
    """A sum of curves and of products of pairs of them, each a random walk that starts at the base."""

    base: Features
    places: tuple[Features, ...]
    """Of each measured row: the axes on which it differs from the base."""
    weights: tuple[float, ...]
    walk: float
    """Variance of the walk over one step."""
    together: float
    """How strong the products are beside the curves."""

    def at(self, place: Features, gains: Mapping[str, float] | None = None) -> float:
        near = {axis: value for axis, value in place.items() if value != self.base.get(axis)}
        pairs = zip(self.weights, self.places, strict=True)
        return sum(weight * self.covariance(near, other, gains) for weight, other in pairs)

    def covariance(self, one: Features, other: Features, gains: Mapping[str, float] | None = None) -> float:
        each = []
        for axis, value in other.items():
            if axis in one and (shared := self._shared(axis, one[axis], value)):
                each.append(shared * (gains[axis] if gains else 1.0))
        linear = sum(each)
        products = (linear * linear - sum(value * value for value in each)) / 2
        return self.walk * (linear + self.together * products)

    def _shared(self, axis: str, one: float | str, other: float | str) -> float:
        """How far two walks went together."""
        start = self.base[axis]
        if isinstance(start, str) or isinstance(one, str) or isinstance(other, str):
            return float(one == other)
        a, b = one - start, other - start
        return min(abs(a), abs(b)) if a * b > 0 else 0.0


def fitted(base: Features, places: Sequence[Features], values: Sequence[float], walk: float, together: float, noise: float) -> Curves:
    moved = tuple({axis: value for axis, value in place.items() if value != base.get(axis)} for place in places)
    empty = Curves(base, moved, (), walk, together)
    matrix = _covariances(empty, noise)
    return Curves(base, moved, tuple(row[0] for row in _solved(matrix, [[value] for value in values])), walk, together)


def left_out(curves: Curves, noise: float) -> list[float]:
    """How far each row is from what the others say of it."""
    size = len(curves.places)
    inverse = _solved(_covariances(curves, noise), [[float(i == j) for j in range(size)] for i in range(size)])
    return [weight / inverse[i][i] for i, weight in enumerate(curves.weights)]


def _covariances(curves: Curves, noise: float) -> list[list[float]]:
    size = range(len(curves.places))
    return [[curves.covariance(curves.places[i], curves.places[j]) + (noise**2 if i == j else 0.0) for j in size] for i in size]


def _solved(matrix: list[list[float]], right: list[list[float]]) -> list[list[float]]:
    """Gauss; the matrix is positive, so no row needs to change its place."""
    rows = [[*one, *other] for one, other in zip(matrix, right, strict=True)]
    for i, pivot in enumerate(rows):
        scaled = rows[i] = [value / pivot[i] for value in pivot]
        for j, row in enumerate(rows):
            if j != i and (factor := row[i]):
                rows[j] = [value - factor * other for value, other in zip(row, scaled, strict=True)]
    return [row[len(matrix) :] for row in rows]


def quality(curves: Curves, values: Sequence[float], noise: float) -> tuple[float, float]:
    """How well each row that moves on several axes is foretold by all the others: R squared, rank correlation."""
    errors = left_out(curves, noise)
    many = [i for i, place in enumerate(curves.places) if len(place) > 1]
    actual = [values[i] for i in many]
    foretold = [values[i] - errors[i] for i in many]
    mean = statistics.mean(actual)
    unexplained = sum((a - b) ** 2 for a, b in zip(actual, foretold, strict=True))
    explained = 1 - unexplained / sum((a - mean) ** 2 for a in actual)
    return explained, statistics.correlation(_ranks(actual), _ranks(foretold))


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    return [float(order.index(value)) for value in values]
