"""Trials on this machine, one at a time: a folder for each, its processes, and what it measured.

What a trial may see of the machine is `view.py`'s, and how it is kept to that `sandbox.py`'s. Watching and ending its processes is
`trainer.py`'s, its number `evaluation.py`'s, what it compiles `caches.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

from msgspec.structs import replace

from autoresearch_tui.engine import caches, shared_memory
from autoresearch_tui.engine.caps import UNCAPPED, Caps
from autoresearch_tui.engine.evaluation import Bench, changed_files, reported
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.processes import Unended
from autoresearch_tui.engine.sandbox import Sandbox
from autoresearch_tui.engine.trainer import Order, Outcome, Training, clear, spawn
from autoresearch_tui.engine.view import training_view
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Keep, Skip
from autoresearch_tui.journal.state import Experiment, Run, Trial, Waiting
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.telemetry.curve import Curve, read_curve
from autoresearch_tui.telemetry.machine import born
from autoresearch_tui.workspace import RunFolder, Workspace, name_of

ENGINE_DEATHS = 3  # while one experiment trains, before that is called its own doing
DISK_TRIES = 3  # trainings that may die of a full disk before that is called the experiment's own fault
EXCESS = 1.5  # times what a baseline took beyond its budget, to start and to end
SLACK_S, COMPILING_S = 2.0, 90.0  # beside that, and for a graph that nobody compiled before


class Local:
    """The executor of one run."""

    def __init__(
        self, workspace: Workspace, folder: RunFolder, lineage: Lineage, boot: str, log_bytes: int, sandbox: Sandbox, caps: Caps = UNCAPPED
    ) -> None:
        self.workspace = workspace
        self.folder = folder
        self.lineage = lineage
        self.boot = boot
        self.log_bytes = log_bytes
        self.sandbox = sandbox
        self.caps = caps
        self.running: Training | None = None
        self._curves: dict[str, Curve | None] = {}
        """What the trunk's trainings left in their logs, which change no more."""
        self._segments: frozenset[str] = frozenset()
        """What was in /dev/shm before the trial."""
        self._refusing: dict[int, int] = {}
        """Processes of the last trial that no signal ended: they may hold memory that the next one needs."""

    def expected_s(self, run: Run) -> float:
        """How long the next trial takes: as the last one that had a compile cache did, or a guess."""
        for one in reversed(run.experiments.values()):
            for trial in reversed(one.trials):
                if trial.outcome == "finished" and trial.purpose != "closing":
                    return trial.seconds * 1.1 + 5
        return self.workspace.budget_s * 1.1 + 10

    def token(self, number: int, trial: int) -> str:
        """Stands in the environment of everything that a trial starts: by it, leftovers are known."""
        return f"{self.folder.folder}/{name_of(number, trial)}"

    async def spawn(self, run: Run, one: Experiment, trial: int, seed: int, purpose: str = "") -> Training:
        """The trial's folder and processes, which wait for the word. Raises Unended while something of the last one lives."""
        if living := [pid for pid, birth in self._refusing.items() if birth and born(pid) == birth]:
            raise Unended(living)
        where, temporary = self.folder.trial(one.number, trial), self.folder.temporary(one.number, trial)
        await asyncio.to_thread(remove_tree, where)
        await asyncio.to_thread(remove_tree, temporary)
        where.parent.mkdir(mode=0o700, exist_ok=True)
        temporary.mkdir(mode=0o700)
        await asyncio.to_thread(self.lineage.export, one.commit, where)
        cache = await asyncio.to_thread(caches.lend, self.folder, one.number, purpose == "closing")
        name, log = name_of(one.number, trial), self._log(one.number, trial)
        environment = scrubbed(os.environ) | caches.environment(cache)
        environment |= {
            "AUTORESEARCH_TOKEN": self.token(one.number, trial),
            "AUTORESEARCH_TRIAL": name,
            "AUTORESEARCH_SEED": str(seed),
            "HF_HUB_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        view = await asyncio.to_thread(training_view, self.workspace, where, temporary, cache)
        self._segments = shared_memory.segments()
        self.running = await spawn(
            Order(
                name=name,
                command=self.sandbox.wrap(self.workspace.train, view, where),
                folder=where,
                log=log,
                environment=environment | self.sandbox.environment(view),
                timeout_s=self._timeout_s(run, one, purpose),
                stall_s=self.workspace.stall_s,
                log_bytes=self.log_bytes,
                file_bytes=self.caps.disk,
                held=self.sandbox.namespaces,
                caps=replace(self.caps, folders=(where, temporary, cache, *(() if self.sandbox.namespaces else (shared_memory.FOLDER,)))),
                trunk=await asyncio.to_thread(self._beside, run, one) if purpose != "again" else None,
                hopeless=run.rules.hopeless,
            )
        )
        return self.running

    def sweep(self, before: frozenset[str] | None = None) -> None:
        """Take away what the trial that ended left in memory that others share. Looks at all processes: not for the loop."""
        if not self.sandbox.namespaces:
            shared_memory.sweep(self._segments if before is None else before, self.folder.folder / "from-dev-shm")

    def _log(self, number: int, trial: int) -> Path:
        """The trial's log, empty, and shown as the one that runs."""
        log = self.folder.log(number, trial)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        log.unlink(missing_ok=True)
        log.touch(mode=0o600)
        self._show(log)
        return log

    def _timeout_s(self, run: Run, one: Experiment, purpose: str) -> float:
        """Our own clock on the whole trial: what trains outside of its budget gains nothing by it. A baseline shows what is usual."""
        budget, whole = self.workspace.budget_s, self.workspace.timeout_s
        excess = [
            trial.seconds - budget for trial in run.experiments[0].trials if trial.outcome == "finished" and trial.purpose != "closing"
        ]
        if not excess:
            return whole
        compiles = purpose == "closing" or (one.number not in run.trunk and not (run.engine and run.engine.device.startswith("cpu")))
        return min(whole, budget + EXCESS * max(0.0, *excess) + SLACK_S + (COMPILING_S if compiles else 0.0))

    def _beside(self, run: Run, one: Experiment) -> Curve | None:
        """The trunk's newest fair training that left a curve; None for what is trained to its end, however it looks beside that."""
        if run.rules.hopeless <= 0 or one.kept_by or one.number in run.trunk:
            return None
        for number in reversed(run.trunk):
            for trial in reversed(run.experiments[number].trials):
                name = name_of(number, trial.number)
                if trial.counts and name not in self._curves:
                    self._curves[name] = read_curve(self.folder.log(number, trial.number))
                if trial.counts and (curve := self._curves[name]):
                    return curve
        return None

    def _show(self, log: Path) -> None:
        """`run.log` is the trial that runs."""
        aside = self.folder.folder / ".run.log"
        aside.unlink(missing_ok=True)
        aside.symlink_to(log.relative_to(self.folder.folder))
        with contextlib.suppress(IsADirectoryError):  # somebody made a folder of it: a view is not worth a night
            aside.replace(self.folder.run_log)

    def heed(self, run: Run) -> None:
        """End the trial that somebody skipped; let the one that somebody wants kept come to its number."""
        if not self.running or not (one := run.running):
            return
        if _skip_of(run, one.number, one.trials[-1].number):
            self.running.end("skipped", "skipped by hand")
        if any(isinstance(wish.wish, Keep) and wish.wish.experiment == one.number for wish in run.wishes.values()):
            self.running.spare()

    def ended(
        self, run: Run, number: int, trial: int, outcome: Outcome, kwh: float | None = None, card: e.Card | None = None
    ) -> list[e.Event]:
        """What to write down when a trial's processes are gone, with the energy that it took and its conditions."""
        self.running = None
        self._refusing = {pid: born(pid) for pid in outcome.left}
        kind, crash = outcome.outcome, outcome.crash
        if crash == "error" and shutil.disk_usage(self.folder.folder).free < 2**20:
            crash = "disk"  # a training that cannot even print says nothing
        full = [one for one in run.experiments[number].trials if one.crash == "disk"]
        if crash == "disk" and len(full) < DISK_TRIES - 1:
            kind = "interrupted"
        skip = _skip_of(run, number, trial)
        if skip and kind == "interrupted" and not crash:
            kind = "skipped"  # said after `stop now`, and it still holds
        fact = e.Ended(
            number,
            trial,
            kind,
            crash=crash,
            why=outcome.why,
            by=skip.by if skip and kind == "skipped" else "",
            code=outcome.code,
            seconds=round(outcome.seconds, 3),
            gap_s=round(outcome.gap_s, 3),
            kwh=kwh,
            card=card,
            slow=outcome.slow,
            shrank=outcome.shrank,
        )
        if skip is None:
            return [fact]
        return [fact, e.Fulfilled(skip.command) if kind == "skipped" else e.Lapsed(skip.command, "it ended by itself before")]

    async def clear(self, number: int, trial: Trial) -> int:
        """End what is left of a trial whose engine died."""
        return await clear(trial.pid, trial.born, trial.boot, self.token(number, trial.number))

    def buried(self, run: Run, number: int, trial: int, why: str) -> list[e.Event]:
        """An interrupted trial; a skip that was heard before the engine died still holds."""
        if skip := _skip_of(run, number, trial):
            return [e.Ended(number, trial, "skipped", why="skipped by hand", by=skip.by), e.Fulfilled(skip.command)]
        before = [one for one in run.experiments[number].trials if one.why.startswith(why[:15])]
        if len(before) >= ENGINE_DEATHS - 1:
            return [e.Ended(number, trial, "crash", crash="killed", why=f"{why}, for the {len(before) + 1}rd time while it trained")]
        return [e.Ended(number, trial, "interrupted", why=why)]

    async def measure(self, one: Experiment, trial: int, start: str) -> e.Measured:
        name = name_of(one.number, trial)
        log = self.folder.log(one.number, trial)
        this = next(known for known in one.trials if known.number == trial)
        where = self.folder.trial(one.number, trial)
        changed = await asyncio.to_thread(changed_files, where, self.workspace.frozen, self.lineage, start)
        train = (await asyncio.to_thread(self.lineage.read, one.commit, self.workspace.edit)).decode("utf-8", "replace")
        fact = await asyncio.to_thread(reported, one.number, this, log, self.workspace, changed, train)
        if not self.workspace.measured:
            return fact
        bench = Bench(self.lineage, self.folder, self.workspace, self.sandbox, self.caps)
        environment = scrubbed(os.environ) | {"AUTORESEARCH_TOKEN": self.token(one.number, trial)}
        checkpoint = self.folder.trial(one.number, trial) / "checkpoint.pt"
        before = shared_memory.segments()
        try:
            return await bench.judged(fact, name, one.commit, start, checkpoint, environment, audit=this.purpose == "closing")
        finally:
            await asyncio.to_thread(self.sweep, before)  # a host knows held-out text, and the next training must not find it there


def _skip_of(run: Run, number: int, trial: int) -> Waiting | None:
    for wish in run.wishes.values():
        if isinstance(wish.wish, Skip) and (wish.wish.experiment, wish.wish.trial) == (number, trial):
            return wish
    return None
