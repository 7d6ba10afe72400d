"""Single trials on the executor of a run, with nothing around them: a checkout, facts that were never written down, and processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autoresearch_tui.engine.caps import UNCAPPED, Caps
from autoresearch_tui.engine.ends import ended, heed
from autoresearch_tui.engine.executors.local import Local
from autoresearch_tui.engine.jobs import Jobs
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.opening import sandboxed
from autoresearch_tui.engine.trainer import Outcome, Training
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry.machine import boot_id
from autoresearch_tui.workspace import RunFolder, open_workspace
from tests.engine.nights import git


class Bed:
    """The executor of the run `night` in this checkout, and what its journal would say."""

    def __init__(
        self, lab: Path, rules: e.Rules | None = None, sandbox: str = "off", caps: Caps = UNCAPPED, log_bytes: int = 2**24
    ) -> None:
        self.lab = lab
        self.start = git(lab, "rev-parse", "HEAD")
        self.run = Run()
        workspace = open_workspace(lab, Settings())
        self.folder: RunFolder = workspace.run("night")
        self.folder.folder.mkdir(parents=True)
        chosen = asyncio.run(sandboxed(workspace, sandbox))
        self.lineage = Lineage(lab, "night")
        self.local = Local(workspace, self.folder, self.lineage, log_bytes, chosen.sandbox, caps)
        self.jobs = Jobs(workspace, self.folder)
        started = e.EngineStarted(1, 1, boot_id(), "1", "sweep", rules=rules or e.Rules())
        self.add(e.RunStarted("night", self.start), started, e.Proposed(0), e.Committed(0, self.start))

    def add(self, *facts: e.Event) -> None:
        self.run = fold([e.Recorded(self.run.seq + 1 + place, 0.0, 0.0, fact) for place, fact in enumerate(facts)], self.run)

    def propose(self, number: int, parent: int = 0, by: str = "") -> None:
        self.add(e.Proposed(number, parent=parent, operator="tune", by=by), e.Committed(number, self.start))

    def launched(self, number: int, trial: int, purpose: str = "") -> None:
        self.add(e.Launched(number, trial, 42, 1, 1, boot_id(), purpose))

    def kept(self, number: int, log: str | None, trial: int = 1) -> None:
        """This trial was fair and the experiment is the trunk's tip; this is what it left in its log."""
        self.launched(number, trial)
        self.add(
            e.Ended(number, trial, "finished", seconds=9.0), e.Measured(number, trial, 1.0), e.Judged(number, "keep", "better", number)
        )
        if log is not None:
            path = self.folder.log(number, trial)
            path.parent.mkdir(exist_ok=True)
            path.write_text(log)

    async def spawned(self, number: int, trial: int, purpose: str = "") -> Training:
        """Launched, and to be ended by whoever asked for it."""
        job = self.jobs.job(self.run, number, trial, 42, purpose)
        self.jobs.fresh_log(job)
        training = await self.local.spawn(job)
        self.launched(number, trial, purpose)
        return training

    def train(self, number: int, trial: int, purpose: str = "") -> Outcome:
        """The whole trial, written down."""

        async def whole() -> Outcome:
            training = await self.spawned(number, trial, purpose)
            heed(self.run, number, trial, training)
            training.release()
            return await asyncio.wait_for(training.wait(), 120)

        outcome = asyncio.run(whole())
        self.local.sweep()
        self.add(*ended(self.run, number, trial, outcome))
        return outcome

    def measure(self, number: int, trial: int) -> e.Measured:
        this = next(one for one in self.run.experiments[number].trials if one.number == trial)
        return asyncio.run(self.local.measure(self.jobs.job(self.run, number, trial, 42, this.purpose), this))
