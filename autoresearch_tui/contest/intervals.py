"""How far the mean of a few runs may be off, and whether two researchers differ by more than chance sets them apart. Pure.

Runs are few, and those of a model may differ more than those of a search: Student's t, with a spread of its own for each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from autoresearch_tui.journal.experiment import mean
from autoresearch_tui.journal.noise import IN_TWENTY, LIKELY, SURE, beyond, edge, noise_of
from autoresearch_tui.journal.state import Run

POWER = 0.2  # how often a difference that is there may still be missed, in as many repeats as would tell
TOLD = 3  # repeats of each, before gains that are all equal are sure to be no accident
MOST = 1000  # repeats that anybody would make


class Against(msgspec.Struct, frozen=True):
    """What a researcher's runs gained more than the control's."""

    value: float
    low: float | None = None
    high: float | None = None
    """Nineteen of twenty such intervals hold the true difference; all researchers of the contest considered. None: too few repeats."""
    p: float | None = None
    """How often chance alone would set two equal researchers so far apart, in either direction, for any of them."""
    word: str = ""
    """`sure`, `likely` or `unsure` that the one ahead is better; empty where nobody can say."""
    repeats: int | None = None
    """Of each that would most likely tell, if the true difference is as it looks. None: it is told, or nobody knows."""


def interval_of(first: Run, gains: Sequence[float]) -> tuple[float | None, float | None]:
    """Of the gain over the baseline, whose own number is off too."""
    if len(gains) < 2:
        return None, None
    noise, known = noise_of(first), len(first.baseline.numbers) if first.baseline else 0
    parts = [(_variance(gains) / len(gains), len(gains) - 1.0)]
    if noise.sigma and known:
        parts.append((noise.sigma**2 / known, noise.freedom))
    error, freedom = _together(parts)
    reach = edge(IN_TWENTY, freedom) * error if error else 0.0
    return mean(gains) - reach, mean(gains) + reach


def against_of(gains: Sequence[float], control: Sequence[float], others: int) -> Against | None:
    """Welch's: a model's runs may differ more than the control's do. Each of several researchers might have been ahead by chance."""
    if not gains or not control:
        return None
    value = mean(gains) - mean(control)
    if len(gains) < 2 or len(control) < 2:
        return Against(value)
    error, freedom = _together([(_variance(some) / len(some), len(some) - 1.0) for some in (gains, control)])
    if not error:
        told = "sure" if min(len(gains), len(control)) >= TOLD else "likely"  # two that are equal may be so by chance
        return Against(value, value, value, word=told if value else "unsure")
    t, reach = abs(value) / error, edge(IN_TWENTY / others, freedom) * error
    word = "sure" if t > edge(SURE / (2 * others), freedom) else "likely" if t > edge(LIKELY / (2 * others), freedom) else "unsure"
    spread = math.sqrt((_variance(gains) + _variance(control)) / 2)
    return Against(
        value,
        value - reach,
        value + reach,
        min(1.0, 2 * others * beyond(t, freedom)),
        word,
        repeats=repeats_to_tell(value, spread, others, max(len(gains), len(control))) if abs(value) <= reach else None,
    )


def repeats_to_tell(value: float, spread: float, others: int = 1, made: int = 1) -> int | None:
    """Of each researcher, and more than were made: in four of five contests of so many the interval would leave zero out. None: more than
    anybody makes."""

    def tells(n: int) -> bool:
        freedom = 2.0 * n - 2
        return abs(value) >= (edge(IN_TWENTY / others, freedom) + edge(POWER, freedom)) * spread * math.sqrt(2 / n)

    if not tells(MOST):
        return None
    low, high = min(MOST, made + 1), MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if tells(middle) else (middle + 1, high)
    return low


def _variance(numbers: Sequence[float]) -> float:
    middle = mean(numbers)
    return math.fsum((number - middle) ** 2 for number in numbers) / (len(numbers) - 1)


def _together(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The standard error of a sum of means, and its degrees of freedom, after Welch and Satterthwaite."""
    whole = math.fsum(part for part, _ in parts)
    if not whole:
        return 0.0, math.fsum(freedom for _, freedom in parts)
    return math.sqrt(whole), whole**2 / math.fsum(part**2 / freedom for part, freedom in parts)
