"""Keep, discard, or measure once more: what two sets of numbers say. Pure, of plain values; where they come from is `judge.py`'s.

The steps were chosen by simulated nights (`docs/judging.md`). A second look is for what looks better at first, for a discard that was
luck costs one idea, and a keep that was luck is the bar for all that follow. Where the noise is as large as the gains, up to four.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autoresearch_tui.journal.experiment import mean

CLEAR = 3.0  # sigmas: beyond doubt at the first look
DOUBTS = (CLEAR, 2.0, 1.0)  # sigmas that end the doubt after one, two and three looks, where the noise is loud
HARDLY = 0.25  # sigmas: so little better is no better, where gains are larger than the noise
LOUD = 1.5  # sigmas: gains below that are as small as the noise
WORTH_IT = 2.0  # sigmas: a gain that may cost memory or code
ROUNDING = 0.002  # of the number: sums in another order come out otherwise
MORE_MEMORY = 1.25  # of the trunk's
MORE_CODE, LESS_CODE = 40, -10  # nodes of the syntax tree


class Case(msgspec.Struct, frozen=True):
    """A change and the trunk that it was made from. The lower the numbers the better, whatever the goal."""

    numbers: Sequence[float]
    trunk: Sequence[float]
    sigma: float
    best: float
    """The lowest mean that a trunk of this run ever had."""
    loud: bool = False
    """The noise is as large as the gains that were seen."""
    added: int = 0
    """Nodes of the syntax tree."""
    memory_gb: float = 0.0
    trunk_gb: float = 0.0


class Ruling(msgspec.Struct, frozen=True):
    keep: bool
    reason: str
    again: bool = False
    """One more trial may change it."""


def rule(case: Case) -> Ruling:
    gain = mean(case.trunk) - mean(case.numbers)
    if gain <= (0.0 if case.loud else HARDLY * case.sigma):
        return _no_better(case, gain)
    words = f"better by {gain:.6f}"
    looks = len(case.numbers)
    doubts = DOUBTS if case.loud else DOUBTS[:1]
    again = looks <= len(doubts) and gain < doubts[looks - 1] * case.sigma
    if not again and gain < WORTH_IT * case.sigma and (price := _price(case)):
        return Ruling(False, f"{words}, which is not worth {price}")
    return Ruling(True, words, again)


def refitted(case: Case) -> Ruling:
    """The same training in smaller pieces gains nothing, and is kept for the memory that it leaves, unless it is clearly worse."""
    loss = mean(case.numbers) - mean(case.trunk)
    words = f"worse by {loss:.6f}" if loss > 0 else f"better by {abs(loss):.6f}"
    return Ruling(
        loss <= max(CLEAR * case.sigma, ROUNDING * abs(mean(case.trunk))),
        f"refit: {case.trunk_gb:.1f} GB before, {case.memory_gb:.1f} GB now, {words}",
    )


def _no_better(case: Case, gain: float) -> Ruling:
    words = f"worse by {-gain:.6f}" if gain < 0 else f"hardly better, by {gain:.6f}" if gain else "no better"
    near = gain > -case.sigma or gain == 0
    if case.added <= LESS_CODE and near and mean(case.numbers) <= case.best + case.sigma and not _larger(case):
        return Ruling(True, f"simpler: {-case.added} nodes less, {words}", again=len(case.numbers) < 2 and case.sigma > 0)
    return Ruling(False, words)


def _price(case: Case) -> str:
    if _larger(case):
        return f"{case.memory_gb - case.trunk_gb:.1f} GB more memory"
    return f"{case.added} more nodes of code" if case.added > MORE_CODE else ""


def _larger(case: Case) -> bool:
    return case.trunk_gb > 0 and case.memory_gb > MORE_MEMORY * case.trunk_gb
