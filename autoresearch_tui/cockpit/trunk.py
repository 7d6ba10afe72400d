"""How the trunk's training went, to compare those that run with: a curve is read once for each trunk, and not four times a second."""

from __future__ import annotations

from autoresearch_tui.journal.state import Run
from autoresearch_tui.telemetry.curve import Curve, read_curve
from autoresearch_tui.workspace import RunFolder


class TrunkCurve:
    """Of one run."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._read: dict[tuple[int, int], Curve | None] = {}
        """By experiment and trial."""

    def of(self, run: Run) -> dict[str, Curve]:
        """By class of device, of the newest training there that counts; none where there is none, or its log says nothing."""
        tip = run.experiments.get(run.tip) if run.tip is not None else None
        trials = {trial.device: (tip.number, trial.number) for trial in tip.trials if trial.counts} if tip else {}
        if {*trials.values()} != {*self._read}:
            self._read = {which: self._read.get(which) or read_curve(self._folder.log(*which)) for which in trials.values()}
        return {device: curve for device, which in trials.items() if (curve := self._read[which]) is not None}
