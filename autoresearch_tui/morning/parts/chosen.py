"""What the choice of the best number alone may have brought, and what is left of a gain beside that. Pure.

The best of many equal codes looks better than it is. What a report says of one night and a comparison of two allows for that here. How
far two numbers of the same code differ, and how much a choice may bring, is `journal/noise.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autoresearch_tui.journal.experiment import Experiment, is_same_device
from autoresearch_tui.journal.noise import IN_TWENTY, LIKELY, SURE, Noise, beyond, choice, edge, tried
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.parts.gains import root_of


class Ends(msgspec.Struct, frozen=True):
    """What a night's gain is made of: the numbers of its best code and of its baseline."""

    end: Sequence[float]
    base: Sequence[float]
    tried: int
    """Among how many the best was chosen; 0 where its numbers had no part in the choice."""
    still: bool = False
    """Both are the same code: nothing was gained, and nothing is left to chance."""

    def brought(self, noise: Noise) -> float:
        """How much the best of so many equal codes would look better than it is; more, the less is known of the noise."""
        return choice(noise, self.tried, len(self.end))

    @property
    def spread(self) -> float:
        """The variance of the gain, in that of one training."""
        return 0.0 if self.still else 1 / len(self.end) + 1 / len(self.base)


class Weighed(msgspec.Struct, frozen=True):
    """A gain, or the difference of two, with the choice allowed for."""

    low: float
    high: float
    """Nineteen of twenty such intervals hold the truth."""
    brought: float
    """How much of it the choice may have brought."""
    p: float | None
    """How often chance and choice would look as good or better; None where nothing is left to chance."""
    word: str
    """`sure`, `likely` or `unsure`."""


def ends_of(run: Run, source: str) -> Ends | None:
    """None where there is no number, or where the best and the baseline do not compare."""
    base, best = root_of(run), run.best
    if base is None or best is None or not (base.numbers and best.numbers):
        return None
    if run.conclusion is not None and run.conclusion.tip == run.tip and source != "table":
        fresh = [_fresh(run, run.experiments[number]) for number in (run.conclusion.tip, base.number)]
        if all(fresh):
            return Ends(fresh[0], fresh[1], 0)
    if best is base:
        return Ends(base.numbers, base.numbers, 0, still=True)
    device = run.yardstick
    after, before = best.numbers_on(device), base.numbers_on(device)
    if best.era_on(device) != base.era_on(device) or not (after and before):
        return None
    return Ends(after, before, tried(run, base))


def _fresh(run: Run, one: Experiment) -> list[float]:
    """The numbers of the closing measurement, all on the class of device that the baseline had in it."""
    device = next((trial.device for trial in run.closing(0)), "")
    mine = (trial for trial in run.closing(one.number) if trial.counts and is_same_device(trial.device, device))
    return [trial.value for trial in mine if trial.value is not None]


def weigh(value: float, error: float, freedom: float, chosen: tuple[float, float], asked: int = 1) -> Weighed:
    """`chosen`: what the choice may have brought to the one and to the other; who is ahead has to be ahead by more.

    `asked`: how many such questions are asked at once; chance has as many opportunities.
    """
    reach = edge(IN_TWENTY, freedom) * error
    low, high = value - chosen[0] - reach, value + chosen[1] + reach
    brought = chosen[0] if value >= 0 else chosen[1]
    clear = abs(value) - brought
    if not error:
        return Weighed(low, high, brought, None, "sure" if clear > 0 else "unsure")
    p = beyond(clear / error, freedom)
    return Weighed(low, high, brought, p, "sure" if p * asked < SURE else "likely" if p * asked < LIKELY else "unsure")
