"""Which trials of an experiment were made under unfair conditions: by what was seen of the machine, and by one another. Pure.

Owns which trials are compared: for conditions all fair ones of the run, for pace and numbers those of the same code. What unfair
conditions are is `fairness.py`'s, what is done about it `doubt.py`'s.
"""

from __future__ import annotations

from autoresearch_tui.engine.fairness import unfair
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import ENOUGH
from autoresearch_tui.journal.state import Experiment, Run, Trial

FAIR = 0.85  # of the best pace of the same code: below it something else had a part of the machine
ODD = 10.0  # times the distance of the others from one another


def unfair_trial(run: Run, number: int, trial: int, purpose: str, card: e.Card | None) -> e.Tainted | None:
    """That this trial, which has just ended, was made under other conditions than fair ones of this run."""
    if card is None:
        return None
    fair = [(one.number, known.card) for one in run.experiments.values() for known in one.trials if known.counts and known.card]
    if purpose == "disturbed" and (run.tip is None or number in run.trunk):  # what the trunk meets twice is how the machine is
        fair += [(number, known.card) for known in run.experiments[number].trials if known.taint and known.card]
    why = unfair(card, [known for _, known in fair], [known for other, known in fair if other == number])
    return e.Tainted(number, trial, why) if why else None


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
