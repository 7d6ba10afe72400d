"""Which trials of an experiment were made under unfair conditions, as far as its trials show it by one another. Pure.

Owns the comparison of trainings of the same code: their pace, and their numbers. What is done about it is `doubt.py`'s.
"""

from __future__ import annotations

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import ENOUGH
from autoresearch_tui.journal.state import Experiment, Trial

FAIR = 0.85  # of the best pace of the same code: below it something else had a part of the machine
ODD = 10.0  # times the distance of the others from one another


def slow_trials(one: Experiment) -> list[e.Event]:
    """Those that were far slower than the same code can be."""
    paces = {trial.number: trial.steps_per_s for trial in fair_trials(one) if trial.steps_per_s}
    best = max(paces.values(), default=0.0)
    return [e.Tainted(one.number, number, f"at {pace / best:.0%} of its own pace") for number, pace in paces.items() if pace < FAIR * best]


def odd_trials(one: Experiment) -> list[e.Event]:
    """One that is far from three others or more that are close together: whatever it was, it was not the code."""
    odd, others = odd_one(one), len(fair_trials(one)) - 1
    if odd is None or others < ENOUGH:
        return []
    return [e.Tainted(one.number, odd.number, f"{odd.value:.6f} is far from the {others} other trainings of the same code")]


def odd_one(one: Experiment) -> Trial | None:
    trials = sorted((trial for trial in fair_trials(one) if trial.purpose != "drift"), key=lambda trial: trial.value or 0.0)
    if len(trials) < ENOUGH:
        return None
    for odd, near, far in ((trials[0], trials[1], trials[-1]), (trials[-1], trials[-2], trials[0])):
        values = [trial.value or 0.0 for trial in (odd, near, far)]
        if abs(values[0] - values[1]) > ODD * abs(values[1] - values[2]) > 0:
            return odd
    return None


def tokens_per_s(one: Experiment) -> float | None:
    """The best of its trials, for nothing makes one faster than it is."""
    return max((trial.tokens_per_s for trial in fair_trials(one) if trial.tokens_per_s), default=None)


def fair_trials(one: Experiment) -> list[Trial]:
    return [trial for trial in one.trials if trial.counts and trial.era == one.era]
