"""What the measurements of one axis say about its other values: a parabola, with how sure it is. Pure arithmetic.

The loss along an axis is taken as `slope * step + bend * step**2`, seen from where the trunk stands. Before anything is measured both
are guesses: no direction is better, and far away is worse. Each experiment on the axis moves the guess by as much as its noise allows.
So a step that helped is followed by a further one, one that failed by the opposite, and two that failed by a small one between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

BEND, BEND_SPREAD = 0.35, 0.25  # of the guess, in typical effects: a factor of two from a usual value costs more often than it pays
MISFIT = 0.25  # how far a parabola is from the truth, one step away
ALTERNATIVE = 0.4  # how much worse another name is than the present one, as a guess


class Measured(msgspec.Struct, frozen=True):
    """One experiment on an axis."""

    start: float
    """Where its parent stood, in steps from where the trunk stands now."""
    end: float
    delta: float
    """How much worse the end was than the start."""
    variance: float


class Response(msgspec.Struct, frozen=True):
    """Slope and bend of an axis, and their covariance."""

    slope: float
    bend: float
    slope_variance: float
    covariance: float
    bend_variance: float
    effect: float
    """What one step typically does to the loss, here."""

    def expected_gain(self, step: float) -> float:
        """What a step there improves on average, if what is worse is not kept."""
        square = step * step
        loss = self.slope * step + self.bend * square
        variance = square * (self.slope_variance + 2 * step * self.covariance + square * self.bend_variance)
        return gain_of_keeping(loss, variance + (MISFIT * self.effect * min(square, 4.0)) ** 2)


def response(measured: Iterable[Measured], effect: float) -> Response:
    """The guess, and then each experiment: the least squares of two unknowns, one after the other."""
    slope, bend = 0.0, BEND * effect
    a, b, c = effect**2, 0.0, (BEND_SPREAD * effect) ** 2  # of the covariance: slope, both, bend
    for one in measured:
        x, y = one.end - one.start, one.end**2 - one.start**2
        noise = one.variance + (MISFIT * effect * min(x * x, 4.0)) ** 2
        p, q = a * x + b * y, b * x + c * y
        spread = x * p + y * q + noise
        surprise = one.delta - slope * x - bend * y
        slope, bend = slope + p * surprise / spread, bend + q * surprise / spread
        a, b, c = a - p * p / spread, b - p * q / spread, c - q * q / spread
    return Response(slope, bend, a, b, c, effect)


def alternative(deltas: Iterable[tuple[float, float]], effect: float) -> float:
    """What an alternative improves on average; `deltas` are what it was measured to be elsewhere, with their variances."""
    loss, variance = ALTERNATIVE * effect, effect**2
    for delta, noise in deltas:
        share = variance / (variance + noise)
        loss, variance = loss + share * (delta - loss), variance * (1 - share)
    return gain_of_keeping(loss, variance)


def gain_of_keeping(loss: float, variance: float) -> float:
    """The mean of what is gained where a normal loss turns out below zero."""
    spread = math.sqrt(max(variance, 1e-300))
    z = -loss / spread
    return spread * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - loss * math.erfc(-z / math.sqrt(2)) / 2
