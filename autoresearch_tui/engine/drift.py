"""Whether the machine measures the trunk's code otherwise than it did. Pure.

Owns the looks for it and what they say together. When one is due, and that a second one follows, is `doubt.py`'s.
"""

from __future__ import annotations

from autoresearch_tui.engine.rule import CLEAR
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Experiment, Run, Trial, mean


def drift(run: Run, one: Experiment) -> e.Drifted | None:
    """That the trunk's code measures otherwise now, if two looks agree on it."""
    looks = looks_at(run, one)
    if len(looks) < 2 or not is_off(run, one):
        return None
    before = _before(one, looks)
    values = [trial.value for trial in looks if trial.value is not None]
    last_sure = max((trial.at for trial in one.trials if trial.number < looks[0].number), default=0.0)
    since = min((other.number for other in run.experiments.values() if other.at > last_sure), default=one.number + 1)
    return e.Drifted(one.number, looks[0].number, mean(before), mean(values), since)


def looks_at(run: Run, one: Experiment) -> list[Trial]:
    """The trials at its end that were made to see drift: those since the last experiment began, in this era."""
    began = max(other.at for other in run.experiments.values())
    looks: list[Trial] = []
    for trial in reversed(one.trials):
        if trial.purpose not in ("drift", "disturbed") or trial.era != one.trials[-1].era or trial.at < began:
            break
        if trial.counts:
            looks.insert(0, trial)
    return looks


def _before(one: Experiment, looks: list[Trial]) -> list[float]:
    era = one.trials[-1].era
    return [trial.value for trial in one.trials if trial.counts and trial.value is not None and trial.era == era and trial not in looks]


def is_off(run: Run, one: Experiment) -> bool:
    noise, looks = noise_of(run), looks_at(run, one)
    before = _before(one, looks)
    if not (before and looks) or noise.sigma is None:
        return False
    moved = [trial.value - mean(before) for trial in looks if trial.value is not None]
    agree = min(moved) > noise.sigma or max(moved) < -noise.sigma
    return agree and abs(mean(moved)) > CLEAR * (noise.error(len(looks), len(before)) or 0.0)
