"""Slots of this machine: a folder for each trial, its processes, and what it measured.

What a trial may see of the machine is `view.py`'s, and how it is kept to that `sandbox.py`'s. Watching and ending its processes is
`trainer.py`'s, its number `evaluation.py`'s, what it compiles `caches.py`'s, which slots there are `devices.py`'s.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from autoresearch_tui.engine import caches, shared_memory
from autoresearch_tui.engine.caps import UNCAPPED, Caps
from autoresearch_tui.engine.commits import Commits
from autoresearch_tui.engine.conditions import Conditions
from autoresearch_tui.engine.evaluation import Bench, changed_files, reported
from autoresearch_tui.engine.executors.devices import Device
from autoresearch_tui.engine.jobs import Job
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.engine.processes import Unended
from autoresearch_tui.engine.sandbox import Sandbox
from autoresearch_tui.engine.trainer import Order, Outcome, Training, clear, spawn
from autoresearch_tui.engine.view import training_view
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.telemetry.machine import born
from autoresearch_tui.workspace import RunFolder, Workspace, name_of


class Local:
    """One slot."""

    shares_its_card = True

    def __init__(
        self,
        workspace: Workspace,
        folder: RunFolder,
        lineage: Commits,
        log_bytes: int,
        sandbox: Sandbox,
        caps: Caps = UNCAPPED,
        device: Device | None = None,
        keep: Callable[..., None] = lambda *rows: None,
    ) -> None:
        self.workspace = workspace
        self.folder = folder
        self.lineage = lineage
        self.log_bytes = log_bytes
        self.sandbox = sandbox
        self.caps = caps
        self.device = device or Device()
        self.about = replace(self.device.about, sandbox=sandbox.name)
        self.conditions = Conditions(
            keep, not self.about.device.startswith("cpu"), self.device.watched, self.device.cores, self.device.neighbours
        )
        self._segments: frozenset[str] = frozenset()
        """What was in /dev/shm before the trial."""
        self._refusing: dict[int, int] = {}
        """Processes of the last trial that no signal ended: they may hold memory that the next one needs."""

    def token(self, number: int, trial: int) -> str:
        """Stands in the environment of everything that a trial starts: by it, leftovers are known."""
        return f"{self.folder.folder}/{name_of(number, trial)}"

    async def spawn(self, job: Job) -> Training:
        """The trial's folder and processes, which wait for the word. Raises Unended while something of the last one lives."""
        if living := [pid for pid, birth in self._refusing.items() if birth and born(pid) == birth]:
            raise Unended(living)
        where, temporary = self.folder.trial(job.number, job.trial), self.folder.temporary(job.number, job.trial)
        await asyncio.to_thread(remove_tree, where)
        await asyncio.to_thread(remove_tree, temporary)
        where.parent.mkdir(mode=0o700, exist_ok=True)
        temporary.mkdir(mode=0o700)
        await asyncio.to_thread(self.lineage.export, job.commit, where)
        cache = await asyncio.to_thread(caches.lend, self.folder, job.number, self.about.name, job.closing)
        environment = self._environment(job) | caches.environment(cache)
        environment |= {
            "AUTORESEARCH_TRIAL": job.name,
            "AUTORESEARCH_SEED": str(job.seed),
            "HF_HUB_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        view = await asyncio.to_thread(training_view, self.workspace, where, temporary, cache)
        self._segments = shared_memory.segments()
        return await spawn(
            Order(
                name=job.name,
                command=self.sandbox.wrap(self.workspace.train, view, where),
                folder=where,
                log=self.folder.log(job.number, job.trial),
                environment=environment | self.sandbox.environment(view),
                timeout_s=job.timeout_s,
                stall_s=self.workspace.stall_s,
                log_bytes=self.log_bytes,
                file_bytes=self.caps.disk,
                held=self.sandbox.namespaces,
                caps=replace(self.caps, folders=(where, temporary, cache, *(() if self.sandbox.namespaces else (shared_memory.FOLDER,)))),
                trunk=job.trunk,
                hopeless=job.hopeless,
                cores=self.device.cores,
            )
        )

    def _environment(self, job: Job) -> dict[str, str]:
        return scrubbed(os.environ) | self.device.environment | {"AUTORESEARCH_TOKEN": self.token(job.number, job.trial)}

    def sweep(self, before: frozenset[str] | None = None) -> None:
        """Take away what the trial that ended left in memory that others share. Looks at all processes: not for the loop."""
        if not self.sandbox.namespaces:
            shared_memory.sweep(self._segments if before is None else before, self.folder.folder / "from-dev-shm")

    def ended(self, outcome: Outcome) -> None:
        self._refusing = {pid: born(pid) for pid in outcome.left}

    async def clear(self, number: int, trial: Trial) -> int:
        """End what is left of a trial whose engine died."""
        return await clear(trial.pid, trial.born, trial.boot, self.token(number, trial.number))

    async def measure(self, job: Job, trial: Trial) -> e.Measured:
        log = self.folder.log(job.number, job.trial)
        where = self.folder.trial(job.number, job.trial)
        changed = await asyncio.to_thread(changed_files, where, self.workspace.frozen, self.lineage, job.start)
        train = (await asyncio.to_thread(self.lineage.read, job.commit, self.workspace.edit)).decode("utf-8", "replace")
        fact = await asyncio.to_thread(reported, job.number, trial, log, self.workspace, changed, train)
        if not self.workspace.measured:
            return fact
        bench = Bench(self.lineage, self.folder, self.workspace, self.sandbox, self.caps, self.device.cores)
        before = shared_memory.segments()
        try:
            return await bench.judged(
                fact, job.name, job.commit, job.start, where / "checkpoint.pt", self._environment(job), audit=job.closing
            )
        finally:
            await asyncio.to_thread(self.sweep, before)  # a host knows held-out text, and the next training must not find it there


class Here:
    """The executor of this machine: its slots stay as they are."""

    def __init__(self, slots: Sequence[Local]) -> None:
        self._slots = {one.about.name: one for one in slots}

    @property
    def slots(self) -> Mapping[str, Local]:
        return self._slots

    async def begin(self) -> None:
        await asyncio.gather(*(one.conditions.begin() for one in self._slots.values()))

    async def keep_up(self, changed: Callable[[str], None]) -> None:
        await asyncio.Event().wait()

    async def end(self) -> None:
        for one in self._slots.values():
            one.conditions.end()
