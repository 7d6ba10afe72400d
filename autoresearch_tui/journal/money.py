"""What a run costs: tokens and hours of training, for each experiment and for each gain that is sure. Pure."""

from __future__ import annotations

import msgspec

from autoresearch_tui.journal.noise import gain_of
from autoresearch_tui.journal.state import Run


class Spending(msgspec.Struct, frozen=True):
    """What was spent so far. Researchers are paid in dollars, the card in the currency of its rate."""

    researchers: float
    unpriced: int
    """Replies whose cost nobody knows."""
    gpu_hours: float
    kwh: float | None
    """That the card took; None: it did not say."""
    gpu: float
    """What hours and energy cost."""
    currency: str
    experiments: int
    sure_gains: int

    def shared(self, among: int) -> dict[str, float] | None:
        """The part of one in so many, by currency; None where there is none to share it."""
        if not among:
            return None
        amounts = {"USD": self.researchers}
        amounts[self.currency] = amounts.get(self.currency, 0.0) + self.gpu
        return {currency: amount / among for currency, amount in amounts.items()}


def spending(run: Run) -> Spending:
    trials = [trial for one in run.experiments.values() for trial in one.trials]
    hours = sum(trial.seconds for trial in trials) / 3600
    taken = [trial.kwh for trial in trials if trial.kwh is not None]
    gains = (gain_of(run, one) for one in run.experiments.values() if (one.verdict, one.by) == ("keep", "policy"))
    rates = run.engine.rates if run.engine else None
    return Spending(
        researchers=run.cost,
        unpriced=sum(one.unpriced for one in run.health.values()),
        gpu_hours=hours,
        kwh=sum(taken) if taken else None,
        gpu=hours * rates.gpu_hour + sum(taken) * rates.kwh if rates else 0.0,
        currency=rates.currency if rates else "USD",
        experiments=len(run.experiments),
        sure_gains=sum(gain is not None and gain.value > 0 and gain.word == "sure" for gain in gains),
    )
