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
from msgspec.structs import replace

from autoresearch_tui.journal.experiment import Experiment, Worth, is_same_device, mean
from autoresearch_tui.journal.state import Run

ENOUGH = 3  # trainings of one code, before a guess is replaced by what was measured
PRIOR = 2.0  # degrees of freedom that the guess is worth beside them
FAR = 10.0  # guessed sigmas that a change is worse
IN_TWENTY = 0.025  # on either side of an interval
NORMAL = 2.326348  # beyond it is one in a hundred, where the noise is known exactly
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
    chosen: float = 0.0
    """How much of it the choice of the best among many may have brought; p and the word allow for it."""

    @property
    def p(self) -> float | None:
        """How often chance alone would look as good or better; None where nothing is left to chance, and where nobody knows."""
        return beyond((self.value - self.chosen) / self.error, self.freedom) if self.error else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Nineteen of twenty such intervals hold the true gain, but for what was chosen for its number; none: nobody knows the noise."""
        if self.error is None:
            return None, None
        reach = edge(IN_TWENTY, self.freedom) * self.error
        return self.value - reach, self.value + reach

    def change(self, goal: str) -> float:
        """As the metric counts: below zero where lower is better and this is. Never a zero with a sign."""
        return (-self.value if goal == "lower" else self.value) + 0.0

    @property
    def word(self) -> str:
        """`sure`, `likely` or `unsure` that it is better at all: what p says, without working it out for each of ten thousand."""
        if not self.error:
            return "sure" if self.value > 0 and self.error == 0 else "unsure"
        t = (self.value - self.chosen) / self.error
        return "sure" if t > edge(SURE, self.freedom) else "likely" if t > edge(LIKELY, self.freedom) else "unsure"


def noise_of(run: Run, device: str = "") -> Noise:
    """On one class of device, or on each as far as it tells the same of all."""
    known: Noise | None = run.noises.get(device)
    if known is None:
        known = run.noises[device] = _noise_of(run, device)
    return known


def _noise_of(run: Run, device: str) -> Noise:
    freedom, squares, repeats = 0, [], 0
    for numbers in _repeated(run, device):
        middle = mean(numbers)
        squares += [(number - middle) * (number - middle) for number in numbers]  # a power would raise where this is infinite
        freedom += len(numbers) - 1
        repeats = max(repeats, len(numbers))
    spread = math.fsum(squares)
    if repeats < ENOUGH and (run.sigma or not freedom):
        return Noise(run.sigma or None, PRIOR, max(repeats, 1))
    if not spread:
        return Noise(0.0 if repeats >= ENOUGH else None, freedom, repeats)
    prior = PRIOR if run.sigma else 0.0
    return Noise(math.sqrt((prior * (run.sigma or 0.0) ** 2 + spread) / (prior + freedom)), prior + freedom, repeats)


def _repeated(run: Run, device: str) -> Iterator[list[float]]:
    """The numbers of the same code under the same conditions; a look for drift asks whether they still are."""
    for one in run.repeated:
        if not _is_far(run, one):
            alike = defaultdict(list)
            for trial in one.trials:
                if trial.counts and trial.value is not None and trial.purpose != "drift" and is_same_device(trial.device, device):
                    alike[trial.era, trial.device].append(trial.value)
            yield from (sorted(numbers) for numbers in alike.values() if len(numbers) > 1)


def _is_far(run: Run, one: Experiment) -> bool:
    """A change that was far worse: a training that fails in part varies by far more than those that a verdict is about."""
    parent = run.experiments.get(one.parent) if one.parent is not None else None
    if one.verdict != "discard" or parent is None:
        return False
    value, before = one.value, parent.value_on(one.device)
    return value is not None and before is not None and (not run.sigma or run.badness(value) - run.badness(before) > FAR * run.sigma)


def gain_of(run: Run, one: Experiment) -> Gain | None:
    """What an experiment is better than its parent, as far as that is known; None where the two do not compare."""
    compared = _compared(run, one)
    if compared is None:
        return None
    after, before, noise = *compared, noise_of(run, one.device)
    return Gain(_better_by(run, after, before), noise.error(len(after.numbers), len(before.numbers)), noise.freedom)


def difference(run: Run, one: Experiment) -> float | None:
    """The same without how sure it is."""
    compared = _compared(run, one)
    return None if compared is None else _better_by(run, *compared)


def _compared(run: Run, one: Experiment) -> tuple[Worth, Worth] | None:
    """The experiment and its parent, on its own class of device."""
    parent = run.experiments.get(one.parent) if one.parent is not None else None
    if parent is None:
        return None
    device = one.device
    after, before = one.worth_on(device), parent.worth_on(device)
    return (after, before) if after.era == before.era and after.numbers and before.numbers else None


def _better_by(run: Run, after: Worth, before: Worth) -> float:
    return run.badness(before.value) - run.badness(after.value)


def gain_of_best(run: Run, best: Experiment | None) -> Gain | None:
    """What the night has gained since its baseline; None where the two do not compare, as after a drift."""
    baseline = run.baseline
    if best is None or baseline is None or best.number == baseline.number:
        return None
    device = run.yardstick
    noise = noise_of(run, device)
    numbers, before = best.numbers_on(device), baseline.numbers_on(device)
    if best.era_on(device) != baseline.era_on(device) or not (numbers and before):
        return None
    found = gain(run, numbers, before, noise)
    return replace(found, chosen=choice(noise, tried(run, baseline), len(numbers)))


def tried(run: Run, baseline: Experiment) -> int:
    """Among how many the best was chosen."""
    return sum(one is not baseline and one.value is not None for one in run.experiments.values())


def choice(noise: Noise, among: int, trials: int) -> float:
    """How much the best of so many equal codes would look better than it is; more, the less is known of the noise."""
    if among < 2 or not noise.sigma:
        return 0.0
    unknown = edge(SURE, noise.freedom) / NORMAL
    return noise.sigma * unknown * math.sqrt(2 * math.log(among) / trials)


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
