"""How far two trainings of the same code differ, and what a difference is worth beside that. Pure questions about a run.

Sigma is pooled over every code that was trained more than once, but for changes that were far worse; until one code was trained three
times it is the profile's guess. What follows from a difference is the engine's to judge.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

import msgspec

from autoresearch_tui.journal.state import Experiment, Run, mean

ENOUGH = 3  # trainings of one code, before a guess is replaced by what was measured
PRIOR = 2.0  # degrees of freedom that the guess is worth beside them
FAR = 10.0  # guessed sigmas that a change is worse
SURE, LIKELY = 0.01, 0.1  # how often chance alone may look like this


class Noise(msgspec.Struct, frozen=True):
    """How far two trainings of the same code differ."""

    sigma: float | None = None
    """Standard deviation of one training's number; None: nobody knows yet."""
    freedom: float = PRIOR
    """Degrees of freedom behind it."""
    repeats: int = 0
    """The most trainings of one code that were compared."""

    @property
    def assumed(self) -> bool:
        return self.repeats < ENOUGH

    @property
    def deterministic(self) -> bool:
        """Equal code gave equal numbers each time: any difference is real."""
        return self.sigma == 0 and self.repeats >= ENOUGH

    def error(self, n: int, m: int) -> float | None:
        """The standard error of the difference of two means."""
        return None if self.sigma is None else self.sigma * math.sqrt(1 / n + 1 / m)


class Gain(msgspec.Struct, frozen=True):
    """How much better one code is than another. Above zero it is better, whatever the goal."""

    value: float
    error: float | None
    """Its standard error; None: nobody knows the noise."""
    freedom: float = PRIOR
    """Degrees of freedom behind that."""

    @property
    def p(self) -> float | None:
        """How often chance alone would look as good or better; None where nothing is left to chance, and where nobody knows."""
        return beyond(self.value / self.error, self.freedom) if self.error else None

    @property
    def word(self) -> str:
        """`sure`, `likely` or `unsure` that it is better at all: what p says, without working it out for each of ten thousand."""
        if not self.error:
            return "sure" if self.value > 0 and self.error == 0 else "unsure"
        t = self.value / self.error
        return "sure" if t > edge(SURE, self.freedom) else "likely" if t > edge(LIKELY, self.freedom) else "unsure"


def noise_of(run: Run) -> Noise:
    freedom, squares, repeats = 0, [], 0
    for numbers in _repeated(run):
        middle = mean(numbers)
        squares += [(number - middle) ** 2 for number in numbers]
        freedom += len(numbers) - 1
        repeats = max(repeats, len(numbers))
    spread = math.fsum(squares)
    if repeats < ENOUGH and (run.sigma or not freedom):
        return Noise(run.sigma or None, PRIOR, max(repeats, 1))
    if not spread:
        return Noise(0.0 if repeats >= ENOUGH else None, freedom, repeats)
    prior = PRIOR if run.sigma else 0.0
    return Noise(math.sqrt((prior * (run.sigma or 0.0) ** 2 + spread) / (prior + freedom)), prior + freedom, repeats)


def _repeated(run: Run) -> Iterator[list[float]]:
    """The numbers of the same code under the same conditions; a look for drift asks whether they still are."""
    for one in run.experiments.values():
        if len(one.trials) > 1 and not _is_far(run, one):
            eras = defaultdict(list)
            for trial in one.trials:
                if trial.counts and trial.value is not None and trial.purpose != "drift":
                    eras[trial.era].append(trial.value)
            yield from (sorted(numbers) for numbers in eras.values() if len(numbers) > 1)


def _is_far(run: Run, one: Experiment) -> bool:
    """A change that was far worse: a training that fails in part varies by far more than those that a verdict is about."""
    parent = run.experiments.get(one.parent) if one.parent is not None else None
    if one.verdict != "discard" or parent is None or one.value is None or parent.value is None:
        return False
    return not run.sigma or run.badness(one.value) - run.badness(parent.value) > FAR * run.sigma


def gain_of(run: Run, one: Experiment, noise: Noise) -> Gain | None:
    """What an experiment is better than its parent, as far as that is known; None where the two do not compare."""
    parent = run.experiments.get(one.parent) if one.parent is not None else None
    if parent is None:
        return None
    (era, numbers), (before_era, before) = one.measured, parent.measured
    if era != before_era or not (numbers and before):
        return None
    return gain(run, numbers, before, noise)


def gain(run: Run, numbers: Sequence[float], before: Sequence[float], noise: Noise) -> Gain:
    value = mean(before) - mean(numbers)
    value = value if run.goal == "lower" else -value
    return Gain(value, noise.error(len(numbers), len(before)), noise.freedom)


# ------------------------------------------------------------------------------------------------------------------------------
# Student's t
# ------------------------------------------------------------------------------------------------------------------------------


def beyond(t: float, freedom: float) -> float:
    """The share of Student's distribution above t."""
    share = _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return share if t > 0 else 1 - share


@cache
def edge(share: float, freedom: float) -> float:
    """The t above which this share lies, for a share below one half."""
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle, freedom) > share else (low, middle)
    return high


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised, by its continued fraction, which converges fast on this side of the mean."""
    if x <= 0 or x >= 1:
        return min(1.0, max(0.0, x))
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for k in range(1, 300):
        for term in (k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)), -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return front * fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300
