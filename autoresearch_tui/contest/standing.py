"""What the journals of a contest come to: for each researcher what its runs gained, and how sure it is that this is another gain than the
control's. Pure. As JSON it is a documented interface: fields are only ever added, and with a default.

The number of a run is the mean of those trainings of its trunk that were made when the search was over, so nothing chose it. How far runs
of one researcher differ only its repeats tell, so all intervals rest on them. The baseline is the same numbers in all runs: what it is off
by moves all gains alike, and no difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from autoresearch_tui.contest.intervals import Against, against_of, interval_of
from autoresearch_tui.contest.places import CONTROL
from autoresearch_tui.contest.rounds import FRESH, afresh, fresh, tried
from autoresearch_tui.journal.experiment import is_same_device, mean
from autoresearch_tui.journal.noise import gain_of, gain_of_best
from autoresearch_tui.journal.state import Run


class Played(msgspec.Struct, frozen=True):
    """One run of a contest."""

    tag: str
    researcher: str
    repeat: int
    run: Run
    why: str = ""
    """What its last turn said that came to nothing."""


class Standing(msgspec.Struct, frozen=True):
    """One researcher."""

    researcher: str
    repeats: int
    gains: tuple[float | None, ...] = ()
    """Of each run, in order; above zero is better, whatever the goal. None: it tried nothing, or nothing that compares."""
    tried: tuple[int, ...] = ()
    """Experiments of each run, in the same order."""
    fresh: bool = False
    """All of them rest on trainings that nobody chose."""
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    experiments: int = 0
    kept: int = 0
    sure: int = 0
    """Kept for a gain that is sure."""
    crashed: int = 0
    drifted: int = 0
    """Runs in which the machine was seen to drift."""
    usable: int = 0
    refused: int = 0
    cost_usd: float | None = 0.0
    """None: some replies have no price that is known."""
    tokens: int = 0
    seconds: float = 0.0
    """It was waited for."""
    training_hours: float = 0.0
    against: Against | None = None
    """None for the control, without two numbers, and as long as some runs have searched further than others."""
    unfinished: tuple[str, ...] = ()
    """Runs with something left to do, and why, if a turn said so."""
    sure_gain_usd: float | None = None
    """What one that is sure cost; None: there is none, or nobody knows."""
    sure_gain_tokens: float | None = None
    sure_gain_seconds: float | None = None

    @property
    def compared(self) -> tuple[int, ...]:
        """Experiments of those of its runs that have a number."""
        return tuple(length for length, value in zip(self.tried, self.gains, strict=True) if value is not None)


class Contest(msgspec.Struct, frozen=True):
    """All of them, the control first."""

    sentence: str
    standings: tuple[Standing, ...]
    version: int = 1
    metric: str = "val_bpb"
    goal: str = "lower"
    device: str = ""
    experiments: int = 0
    """That each run may try, beside the baseline."""
    baseline: float | None = None
    baseline_trials: int = 0
    sigma: float | None = None
    assumed: bool = True
    notes: tuple[str, ...] = ()


def standings(first: Run, played: Sequence[Played], experiments: int) -> list[Standing]:
    researchers = list(dict.fromkeys(one.researcher for one in played))
    runs = {name: [one for one in played if one.researcher == name] for name in researchers}
    others = sum(bool(_numbers(first, mine)) for name, mine in runs.items() if name != CONTROL)
    return [_standing(name, first, mine, experiments, runs.get(CONTROL, []), others) for name, mine in runs.items()]


def gain_of_run(first: Run, run: Run) -> float | None:
    """By what was measured afresh; until then by the numbers of the search, which claim too much. A trunk that is still the baseline is
    trained afresh too, so the number that all are compared with is the one of before: on the class of device of what is afresh."""
    best = run.best
    if first.baseline is None or first.baseline.value is None or best is None or not tried(run):
        return None
    if trials := fresh(run):
        device = trials[-1].device
        before = first.baseline.value_on(device)
        numbers = [trial.value for trial in trials if trial.value is not None and is_same_device(trial.device, device)]
        return None if before is None else run.badness(before) - run.badness(mean(numbers))
    found = gain_of_best(run, best)
    return found.value if found else 0.0


def _numbers(first: Run, played: Sequence[Played]) -> list[float]:
    return [value for one in played if (value := gain_of_run(first, one.run)) is not None]


def _against(first: Run, played: Sequence[Played], control: Sequence[Played], others: int) -> Against | None:
    """Nothing where some have searched further than others: that alone finds more."""
    lengths = {tried(one.run) for one in (*played, *control) if gain_of_run(first, one.run) is not None}
    return against_of(_numbers(first, played), _numbers(first, control), others) if len(lengths) == 1 else None


def _standing(name: str, first: Run, played: Sequence[Played], experiments: int, control: Sequence[Played], others: int) -> Standing:
    gains, health = _numbers(first, played), [one for run in played for one in run.run.health.values()]
    changes = [(one.run, change) for one in played for _, change in sorted(one.run.experiments.items()) if change.number and change.settled]
    low, high = interval_of(first, gains)
    sure = sum(_sure_gains(one.run) for one in played)
    cost = None if any(one.unpriced for one in health) else math.fsum(one.cost for one in health)
    tokens, seconds = sum(one.tokens_in + one.tokens_out for one in health), math.fsum(one.seconds for one in health)
    return Standing(
        name,
        len(played),
        tuple(gain_of_run(first, one.run) for one in played),
        tuple(tried(one.run) for one in played),
        fresh=all(len(fresh(one.run)) >= FRESH for one in played),
        gain=mean(gains) if gains else None,
        low=low,
        high=high,
        experiments=len(changes),
        kept=sum(change.verdict == "keep" for _, change in changes),
        sure=sure,
        crashed=sum(change.verdict == "crash" for _, change in changes),
        drifted=sum(one.run.era > 0 for one in played),
        usable=sum(one.usable for one in health),
        refused=sum(one.refused for one in health),
        cost_usd=cost,
        tokens=tokens,
        seconds=seconds,
        training_hours=math.fsum(trial.seconds for _, change in changes for trial in change.trials) / 3600,
        sure_gain_usd=cost / sure if sure and cost is not None else None,
        sure_gain_tokens=tokens / sure if sure else None,
        sure_gain_seconds=seconds / sure if sure else None,
        against=None if name == CONTROL else _against(first, played, control, others),
        unfinished=tuple(filter(None, (_unfinished(first, one, experiments) for one in played))),
    )


def _sure_gains(run: Run) -> int:
    kept = (gain_of(run, one) for one in run.experiments.values() if (one.verdict, one.by) == ("keep", "policy"))
    return sum(one is not None and one.value > 0 and one.word == "sure" for one in kept)


def _unfinished(first: Run, one: Played, experiments: int) -> str:
    """What is left of a run, and why; empty: nothing."""
    done, trials = tried(one.run), fresh(one.run)
    if done >= experiments and len(trials) >= FRESH:
        elsewhere = gain_of_run(first, one.run) is None
        return f"{one.tag}: measured afresh on {trials[-1].device}, and the baseline was not" if elsewhere else ""
    taint = next((trial.taint for trial in reversed(afresh(one.run)) if trial.taint), "")
    left = f"{done} of {experiments} experiments" if done < experiments else "not measured afresh"
    left += f", disturbed each time ({taint})" if taint and not trials else ""
    return f"{one.tag}: {left}{f' ({one.why})' if one.why else ''}"
