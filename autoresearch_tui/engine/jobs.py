"""What a trial is: everything that its place has to be told, made of the state of the run. It holds no path of this machine.

Owns how long a trial may take, and beside which training it may turn out hopeless. Does not own where it runs (`executors/`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

import msgspec

from autoresearch_tui.journal.experiment import Experiment, is_same_device
from autoresearch_tui.journal.state import Run
from autoresearch_tui.telemetry.curve import Curve, read_curve
from autoresearch_tui.workspace import RunFolder, Workspace, name_of

EXCESS = 1.5  # times what a baseline took beyond its budget, to start and to end
SLACK_S, COMPILING_S = 2.0, 90.0  # beside that, and for a graph that nobody compiled before


class Job(msgspec.Struct, frozen=True):
    """One trial."""

    number: int
    trial: int
    commit: str
    """The code; git names the files by what is in them."""
    start: str
    """The commit that the run began from: its frozen files measure."""
    seed: int
    timeout_s: float
    """For the whole trial, by our own clock."""
    closing: bool = False
    """It compiles from nothing, and is measured on both held-out texts."""
    trunk: Curve | None = None
    """The training beside which this one may turn out hopeless."""
    hopeless: float = 0.0

    @property
    def name(self) -> str:
        return name_of(self.number, self.trial)


class Jobs:
    """The jobs of one run."""

    def __init__(self, workspace: Workspace, folder: RunFolder) -> None:
        self.workspace = workspace
        self.folder = folder
        self._curves: dict[str, Curve | None] = {}
        """What the trunk's trainings left in their logs, which change no more."""

    def job(self, run: Run, number: int, trial: int, seed: int, purpose: str = "", device: str = "") -> Job:
        one = run.experiments[number]
        return Job(
            number,
            trial,
            one.commit,
            run.start,
            seed,
            self._timeout_s(run, one, purpose, device),
            closing=purpose == "closing",
            trunk=self._beside(run, one, device) if purpose != "again" else None,
            hopeless=run.rules.hopeless,
        )

    def expected_s(self, run: Run, devices: Collection[str] = ("",)) -> float:
        """How long the next trial takes, on the slowest of these: as the last one that had a compile cache did, or a guess."""
        lasted = (last for device in set(devices) if (last := _last_s(run, device)) is not None)
        longest = max(lasted, default=None)
        return self.workspace.budget_s * 1.1 + 10 if longest is None else longest * 1.1 + 5

    def _timeout_s(self, run: Run, one: Experiment, purpose: str, device: str) -> float:
        """What trains outside of its budget gains nothing by it. A baseline shows what is usual on such a device."""
        budget, whole = self.workspace.budget_s, self.workspace.timeout_s
        there = run.experiments[0].trials_on(device) if device else run.experiments[0].trials
        excess = [trial.seconds - budget for trial in there if trial.outcome == "finished" and trial.purpose != "closing"]
        if not excess:
            return whole
        kind = device or (run.engine.device if run.engine else "")
        compiles = purpose == "closing" or (one.number not in run.trunk and not kind.startswith("cpu"))
        return min(whole, budget + EXCESS * max(0.0, *excess) + SLACK_S + (COMPILING_S if compiles else 0.0))

    def _beside(self, run: Run, one: Experiment, device: str) -> Curve | None:
        """The trunk's newest fair training on such a device that left a curve; None for what is trained to its end in any case."""
        if run.rules.hopeless <= 0 or one.kept_by or one.number in run.trunk:
            return None
        for number in reversed(run.trunk):
            for trial in reversed(run.experiments[number].trials):
                name = name_of(number, trial.number)
                if trial.counts and name not in self._curves:
                    self._curves[name] = read_curve(self.folder.log(number, trial.number))
                if trial.counts and is_same_device(trial.device, device) and (curve := self._curves[name]):
                    return curve
        return None

    def fresh_log(self, job: Job) -> None:
        """The trial's log, empty, and shown as the one that was launched last."""
        log = self.folder.log(job.number, job.trial)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        log.unlink(missing_ok=True)
        log.touch(mode=0o600)
        aside = self.folder.folder / ".run.log"
        aside.unlink(missing_ok=True)
        aside.symlink_to(log.relative_to(self.folder.folder))
        with contextlib.suppress(IsADirectoryError):  # somebody made a folder of it: a view is not worth a night
            aside.replace(self.folder.run_log)


def _last_s(run: Run, device: str) -> float | None:
    """How long the last training on such a device took."""
    finished = (
        trial.seconds
        for one in run.lately()
        for trial in reversed(one.trials)
        if trial.outcome == "finished" and trial.purpose != "closing" and is_same_device(trial.device, device)
    )
    return next(finished, None)
