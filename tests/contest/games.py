"""Runs of a contest made of facts alone."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.contest.standing import Played
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from tests.engine.histories import History

BASELINE = (1.000, 1.002, 1.004)


def measured(values: Sequence[float] = BASELINE) -> History:
    """The beginning that all share: the baseline, three times."""
    history = History()
    history.begin()
    history.settle(0, None, values[0])
    for value in values[1:]:
        trained_again(history, 0, value)
    return history


def trained_again(history: History, number: int, value: float | None, device: str = "") -> None:
    trial = len(history.run.experiments[number].trials) + 1
    history.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose="again", device=device))
    history.now += history.now.resolution
    history.end(number, value)
    history.judge(number)


def search(values: Sequence[float | None], fresh: Sequence[float] = ()) -> Run:
    """A run whose changes measured so, each made from the trunk as it was; then its trunk, afresh."""
    history = measured()
    for number, value in enumerate(values, 1):
        history.settle(number, history.run.tip, value, "finished" if value is not None else "crash")
        if not history.run.experiments[number].settled:
            raise AssertionError("a doubt that these facts do not settle")
    for value in fresh:
        assert history.run.tip is not None
        trained_again(history, history.run.tip, value)
    return history.run


def played(researcher: str, *runs: Run, why: str = "") -> list[Played]:
    return [Played(f"{researcher}-{repeat}", researcher, repeat, run, why) for repeat, run in enumerate(runs, 1)]
