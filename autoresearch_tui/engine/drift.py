"""Whether the machine measures the trunk's code otherwise than it did. Pure.

Owns the looks for it and what they say together: of one class of device, for another one says nothing of it. When one is due, and that a
second one follows, is `doubt.py`'s.
"""

from __future__ import annotations

from autoresearch_tui.engine.rule import CLEAR
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment, Trial, is_same_device, mean
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run

LOOKS = ("drift", "disturbed")  # purposes of a trial that may be one


def drift(run: Run, one: Experiment) -> e.Drifted | None:
    """That the trunk's code measures otherwise now, if two looks agree on it."""
    looks = looks_at(one)
    if len(looks) < 2 or not is_off(run, one):
        return None
    device = looks[0].device
    last_sure = max((trial.at for trial in one.trials_on(device) if trial.number < looks[0].number), default=0.0)
    newer = (other.number for other in run.experiments.values() if other.at > last_sure and is_same_device(other.device, device))
    since = min(newer, default=one.number + 1)
    return e.Drifted(one.number, looks[0].number, mean(_before(one, looks)), mean(_values(looks)), since)


def looks_at(one: Experiment) -> list[Trial]:
    """The trials at its end that were made to see drift, none of them settled yet: on one class of device, in one era."""
    last, looks = one.trials[-1], list[Trial]()
    for trial in reversed(one.trials[one.judged :]):
        if trial.purpose not in LOOKS or trial.era != last.era or not is_same_device(trial.device, last.device):
            break
        if trial.counts:
            looks.insert(0, trial)
    return looks


def is_off(run: Run, one: Experiment) -> bool:
    looks = looks_at(one)
    before, noise = _before(one, looks), noise_of(run, one.trials[-1].device)
    if not (before and looks) or noise.sigma is None:
        return False
    moved = [value - mean(before) for value in _values(looks)]
    agree = min(moved) > noise.sigma or max(moved) < -noise.sigma
    return agree and abs(mean(moved)) > CLEAR * (noise.error(len(looks), len(before)) or 0.0)


def _before(one: Experiment, looks: list[Trial]) -> list[float]:
    last = one.trials[-1]
    return _values([trial for trial in one.trials_on(last.device) if trial.counts and trial.era == last.era and trial not in looks])


def _values(trials: list[Trial]) -> list[float]:
    return [trial.value for trial in trials if trial.value is not None]
