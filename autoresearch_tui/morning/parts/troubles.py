"""What went wrong: crashes by kind with the end of a log, and trials whose number is not taken at its word. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Crashes, Doubt


def crashes_by_kind(run: Run) -> dict[str, list[Experiment]]:
    """The most frequent kind first; in each the oldest first."""
    kinds: dict[str, list[Experiment]] = {}
    for _, one in sorted(run.experiments.items()):
        if one.verdict == "crash":
            kinds.setdefault(_kind(one), []).append(one)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


def _kind(one: Experiment) -> str:
    if not one.trials:
        return "error"
    last = one.trials[-1]
    return last.crash or ("contract" if last.measured else "error")


def crashes_of(run: Run, tails: Mapping[int, Sequence[str]]) -> tuple[Crashes, ...]:
    return tuple(
        Crashes(kind, tuple(one.number for one in crashed), _why(crashed[-1]), tuple(tails.get(crashed[-1].number, ())))
        for kind, crashed in crashes_by_kind(run).items()
    )


def _why(one: Experiment) -> str:
    return (one.trials[-1].why if one.trials else "") or one.reason


def doubts_of(run: Run) -> tuple[Doubt, ...]:
    found = []
    for _, one in sorted(run.experiments.items()):
        for trial in one.trials:
            if trial.taint:
                found.append(Doubt(one.number, trial.number, "tainted", trial.taint))
            if trial.evidence:
                found.append(Doubt(one.number, trial.number, "suspect", "; ".join(trial.evidence)))
    return tuple(found)
