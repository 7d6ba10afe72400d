"""A worker for tests: the real program, as a process with pipes, and the engine's half of the talk with it, without anything in between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from autoresearch_tui.engine.executors import node_words as words
from autoresearch_tui.engine.executors.node_place import Place, Site
from autoresearch_tui.engine.executors.node_slot import Distant, Packer
from autoresearch_tui.engine.executors.node_training import AfarTraining
from autoresearch_tui.engine.jobs import Job, Jobs
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.settings import load
from autoresearch_tui.workspace import RunFolder, open_workspace
from tests.engine.nights import git


class Bed:
    """A workspace at home and one worker, whose machine has a cache of its own."""

    def __init__(self, lab: Path, cache: Path, kind: str) -> None:
        settings = load(lab, {"sandbox.kind": kind}).settings
        self.workspace = open_workspace(lab, settings)
        self.start = git(lab, "rev-parse", "HEAD")
        self.folder: RunFolder = self.workspace.run("night")
        self.folder.folder.mkdir(parents=True, exist_ok=True)
        self.cache = cache
        self.rows: list[object] = []
        self.heard: list[words.Message] = []
        self.place: Place
        self.worker: asyncio.subprocess.Process
        self.ended = asyncio.Event()
        packer = Packer(Lineage(lab, "night"), self.folder.folder)
        self.site = Site(settings, self.workspace, self.folder, packer, self.start, lambda *rows: self.rows.extend(rows))

    @property
    def slot(self) -> Distant:
        assert self.place.slot, self.place.refused
        return self.place.slot

    @property
    def nodes(self) -> Path:
        """What the worker keeps on its machine."""
        return self.cache / "autoresearch-tui" / "nodes"

    async def train(self, number: int = 0, timeout_s: float = 60.0, commit: str = "") -> AfarTraining:
        job = self.job(number, timeout_s, commit)
        Jobs(self.workspace, self.folder).fresh_log(job)
        training = await self.slot.spawn(job)
        self.slot.conditions.launched(training.pid)
        training.release()
        return training

    def job(self, number: int = 0, timeout_s: float = 60.0, commit: str = "") -> Job:
        return Job(number, 1, commit or self.start, self.start, 42, timeout_s)

    def trial(self, outcome: Outcome) -> Trial:
        return Trial(1, 42, 1, 1, "", 0.0, seconds=outcome.seconds)


@contextlib.asynccontextmanager
async def bed(lab: Path, cache: Path, kind: str = "off", **environment: str) -> AsyncIterator[Bed]:
    """With a worker that is a slot by now, or was refused. `kind`: of sandbox; to choose one takes a moment."""
    one, changed = Bed(lab, cache, kind), asyncio.Event()
    command = (sys.executable, "-P", "-m", "autoresearch_tui.engine.executors.worker")
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "AUTORESEARCH_DEVICE": "cpu"} | environment
    environment.pop("AUTORESEARCH_DATA", None)
    one.worker = child = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1, env=environment)
    assert child.stdin and child.stdout
    talk, reader = child.stdin, child.stdout

    def say(message: words.Message) -> None:
        one.heard.append(message)
        talk.write(words.framed(message))

    one.place = Place(one.site, "lab7/gpu0", "lab7", 0, 1, say)

    async def carry() -> None:
        while body := await reader.read(2**16):
            one.place.take(body)
        if one.place.slot:
            one.place.slot.lose("lab7 was lost")
        one.ended.set()

    tasks = [asyncio.create_task(one.place.serve(changed.set)), asyncio.create_task(carry())]
    try:
        await asyncio.wait_for(changed.wait(), 60)
        yield one
    finally:
        talk.close()
        await asyncio.wait_for(child.wait(), 60)
        for task in tasks:
            task.cancel()
