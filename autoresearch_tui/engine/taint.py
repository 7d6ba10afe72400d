"""Which trials of an experiment were made under unfair conditions: by what was seen of the machine, and by one another. Pure.

Owns which trials are compared: for conditions all fair ones of the run, for pace and numbers those of the same code, and always those on
the same class of device. What unfair conditions are is `fairness.py`'s, what is done about it `doubt.py`'s.
"""

from __future__ import annotations

from autoresearch_tui.engine.fairness import unfair
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment, Trial, is_same_device
from autoresearch_tui.journal.noise import ENOUGH
from autoresearch_tui.journal.state import Run

FAIR = 0.85  # of the best pace of the same code: below it something else had a part of the machine
CROWDED = 0.6  # the same where other slots compute on the same machine's cores, now more and now less
ODD = 10.0  # times the distance of the others from one another


def unfair_trial(run: Run, number: int, trial: int, purpose: str, card: e.Card | None) -> e.Tainted | None:
    """That this trial, which has just ended, was made under other conditions than fair ones of this run on such a device."""
    if card is None:
        return None
    one = run.experiments[number]
    device = next((known.device for known in one.trials if known.number == trial), "")
    seen = {**{other.number: other for other in run.lately()}, number: one}
    there = [(other.number, known) for other in seen.values() for known in other.trials if is_same_device(known.device, device)]
    fair = [(other, known.card) for other, known in there if known.counts and known.card]
    if purpose == "disturbed" and (run.tip is None or number in run.trunk):  # what the trunk meets twice is how the machine is
        fair += [(number, known.card) for other, known in there if other == number and known.taint and known.card]
    why = unfair(card, [known for _, known in fair], [known for other, known in fair if other == number])
    return e.Tainted(number, trial, why) if why else None


def slow_trials(one: Experiment) -> list[e.Event]:
    """Those that were far slower than the same code can be, where it was trained last."""
    device = one.trials[-1].device
    paces = {trial.number: trial.steps_per_s for trial in fair_trials(one, device) if trial.steps_per_s}
    best = max(paces.values(), default=0.0)
    least = fair_pace(one, device) * best
    return [e.Tainted(one.number, number, f"at {pace / best:.0%} of its own pace") for number, pace in paces.items() if pace < least]


def fair_pace(one: Experiment, device: str) -> float:
    """What of the best pace is fair where this was trained. Noise that all meet alike is no taint: it is a part of sigma."""
    return CROWDED if any(trial.slot.rpartition("/")[2].startswith("cpu") for trial in one.trials_on(device)) else FAIR


def odd_trials(one: Experiment) -> list[e.Event]:
    """One that is far from three others or more that are close together: whatever it was, it was not the code."""
    device = one.trials[-1].device
    odd, others = odd_one(one, device), len(fair_trials(one, device)) - 1
    if odd is None or others < ENOUGH:
        return []
    return [e.Tainted(one.number, odd.number, f"{odd.value:.6f} is far from the {others} other trainings of the same code")]


def odd_one(one: Experiment, device: str) -> Trial | None:
    trials = sorted((trial for trial in fair_trials(one, device) if trial.purpose != "drift"), key=lambda trial: trial.value or 0.0)
    if len(trials) < ENOUGH:
        return None
    for odd, near, far in ((trials[0], trials[1], trials[-1]), (trials[-1], trials[-2], trials[0])):
        values = [trial.value or 0.0 for trial in (odd, near, far)]
        if abs(values[0] - values[1]) > ODD * abs(values[1] - values[2]) > 0:
            return odd
    return None


def tokens_per_s(one: Experiment, device: str) -> float | None:
    """The best of its trials on such a device, for nothing makes one faster than it is."""
    return max((trial.tokens_per_s for trial in fair_trials(one, device) if trial.tokens_per_s), default=None)


def fair_trials(one: Experiment, device: str) -> list[Trial]:
    """Those that compare: on one class of device, since it last drifted."""
    era = one.era_on(device)
    return [trial for trial in one.trials_on(device) if trial.counts and trial.era == era]
