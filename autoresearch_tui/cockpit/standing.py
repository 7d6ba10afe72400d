"""How a run stands: what every pane asks of it, worked out once for each state. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.money import Spending, spending
from autoresearch_tui.journal.noise import Gain, Noise, gain_of, gain_of_best, noise_of
from autoresearch_tui.journal.state import Run

PLATEAU = 10  # experiments without a gain, from which on it is said
Answer = TypeVar("Answer")


def once_for_each(question: Callable[[Run], Answer]) -> Callable[[Run], Answer]:
    """Asked four times a second of a state that changes twice a minute, this works it out twice a minute."""
    last: list[Any] = [None, None]

    def answered(run: Run) -> Answer:
        if last[0] is not run:
            last[:] = run, question(run)
        answer: Answer = last[1]
        return answer

    return answered


class Standing(msgspec.Struct, frozen=True):
    phase: str
    running: Experiment | None
    """The experiment that trains."""
    latest: Experiment | None
    """The one that trains, else the one that did last."""
    counts: dict[str, int]
    """Experiments by their verdict."""
    judged: int
    """Experiments that have one."""
    noise: Noise
    spent: Spending
    best: Experiment | None
    gain: Gain | None
    """Of the best against the baseline; None where there is nothing to compare."""
    gains: dict[int, Gain]
    """Of each experiment against its parent, as far as the two compare."""
    per_hour: float | None
    """Experiments, of this session."""
    since_gain: int
    """Experiments since one was kept."""
    speaker: str
    """Who proposes now; empty: nobody can."""


@once_for_each
def standing(run: Run) -> Standing:
    noise, running, best = noise_of(run), run.running, run.best
    return Standing(
        phase=run.phase,
        running=running,
        latest=running or _latest(run),
        counts=run.counts,
        judged=sum(bool(one.verdict) for one in run.experiments.values()),
        noise=noise,
        spent=spending(run),
        best=best,
        gain=gain_of_best(run, best),
        gains={number: found for number, one in run.experiments.items() if (found := gain_of(run, one)) is not None},
        per_hour=_per_hour(run),
        since_gain=_since_gain(run),
        speaker=next((name for name in researchers(run) if name not in run.down), ""),
    )


def researchers(run: Run) -> tuple[str, ...]:
    """Who may propose, in the order in which they are asked."""
    return (run.engine.researcher, *run.engine.chain) if run.engine else ()


def _latest(run: Run) -> Experiment | None:
    started = (one for one in run.experiments.values() if one.trials)
    return max(started, key=lambda one: (one.trials[-1].at, one.number), default=None)


def _per_hour(run: Run) -> float | None:
    """The pace of what was judged; the time that nobody worked is not in it."""
    begun = [one.at for one in run.experiments.values() if one.verdict and one.at >= run.session_at]
    if len(begun) < 3:
        return None
    return 3600 * (len(begun) - 1) / max(1.0, max(begun) - min(begun))


def _since_gain(run: Run) -> int:
    judged = sorted(number for number, one in run.experiments.items() if one.verdict)
    kept = [number for number in judged if run.experiments[number].verdict == "keep"]
    return sum(number > kept[-1] for number in judged) if kept else len(judged)
