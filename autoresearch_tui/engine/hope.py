"""Whether a running trial can still come to something, beside the training of the trunk at the same fraction of the budget. Pure.

One wild line decides nothing, and neither does the first tenth, in which trainings differ most. What is done with a hopeless trial is
`trainer.py`'s, how lines and curves are read `telemetry`'s.
"""

from __future__ import annotations

import bisect

from autoresearch_tui.telemetry.curve import EARLY, Curve, is_settled
from autoresearch_tui.telemetry.progress import Progress

LOOKS = 4  # in a row, that find the loss too high,
STEPS = 12  # over so many steps: a single wild loss hangs about in a moving average
RATES = 5  # without which there is no pace


class Hope:
    """One trial beside the trunk. A loss of `factor` times the trunk's is hopeless, and so is its pace divided by that."""

    def __init__(self, trunk: Curve, factor: float) -> None:
        self._trunk = trunk
        self._factor = factor
        self._rates: list[float] = []
        """Tokens a second, in order of size."""
        self._looks = 0
        """In a row, the loss was too high."""
        self._since = 0
        """The step at the first of them."""

    def lost(self, progress: Progress) -> tuple[str, bool] | None:
        """Why the trial is hopeless after this line, and whether for its pace; None as long as it is not."""
        if progress.tokens_per_s is not None and is_settled(progress):
            bisect.insort(self._rates, progress.tokens_per_s)
        if progress.fraction is None or progress.fraction < EARLY:
            return None
        if why := self._bad(progress, progress.fraction):
            return f"at {progress.fraction:.0%}: {why}", False
        share = self._share(progress, progress.fraction)
        if share is not None and share * self._factor < 1:
            return f"at {progress.fraction:.0%}: {share:.0%} of the trunk's pace", True
        return None

    def _bad(self, progress: Progress, fraction: float) -> str:
        trunk = self._trunk.loss_at(fraction)
        if trunk is None or progress.loss is None or progress.loss <= self._factor * trunk:
            self._looks = 0
            return ""
        self._since = self._since if self._looks else progress.step
        self._looks += 1
        if self._looks < LOOKS or progress.step - self._since < STEPS:
            return ""
        return f"loss {_short(progress.loss)} where the trunk's was {_short(trunk)}"

    def _share(self, progress: Progress, fraction: float) -> float | None:
        """Of the trunk's pace: in tokens, or in steps where one of the two does not count those."""
        trunk = self._trunk.pace_until(fraction)
        if trunk and self._rates:
            return self._rates[len(self._rates) // 2] / trunk if len(self._rates) >= RATES else None
        steps = self._trunk.step_at(fraction)
        return progress.step / steps if steps and steps >= STEPS else None


def _short(loss: float) -> str:
    return f"{loss:#.3g}".rstrip(".")
