"""A table of results as a run: what its rows say in the terms of the journal, so that one account is told of both. Pure.

The first row with a number is the baseline. A kept row is compared with the one kept before it, and so is what was discarded. Each row
was measured once, and no row says when, by whom, nor of which code.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.results import Row
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.tables import place


def run_of(rows: Sequence[Row], sigma: float | None = None, metric: str = "val_bpb") -> Run:
    experiments: dict[int, Experiment] = {}
    tip: int | None = None
    for number, row in enumerate(rows):
        one = _experiment(number, row, tip)
        experiments[number] = one
        if one.value is not None and (tip is None or row.status == "keep"):
            tip = number
    return Run(experiments=experiments, tip=tip, sigma=sigma, metric=metric)


def _experiment(number: int, row: Row, parent: int | None) -> Experiment:
    value = None if row.status == "crash" else row.val_bpb
    trial = Trial(
        1,
        0,
        0,
        0,
        "",
        0.0,
        outcome="crash" if value is None else "finished",
        crash="crash" if row.status == "crash" else "",
        why=row.description if row.status == "crash" else "",
        measured=value is not None,
        value=value,
        memory_gb=row.memory_gb or 0.0,
    )
    return Experiment(
        number,
        "",
        parent,
        row.description,
        0.0,
        commit=row.commit,
        trials=(trial,),
        verdict=row.status or "no status",
        judged=1,
        settled=True,
    )


def metric_of(columns: Sequence[str]) -> str:
    """What the column of the numbers is called; upstream's name where no header says."""
    places = place(columns)[0]
    return columns[places["val_bpb"]] if "val_bpb" in places else "val_bpb"
