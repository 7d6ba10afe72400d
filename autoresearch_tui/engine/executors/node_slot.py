"""A slot on another machine, as the engine sees it: what it asks goes to the worker there, and what the worker tells comes to the
journal, the log and the run's folder as if the trial had been here.

Owns one slot's half of that talk. How a worker becomes a slot is `node_place.py`'s, what it does there `worker.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.engine.commits import Commits
from autoresearch_tui.engine.executors import bundle
from autoresearch_tui.engine.executors import node_words as words
from autoresearch_tui.engine.executors.node_training import Afar, AfarTraining, Say
from autoresearch_tui.engine.executors.protocol import Lost
from autoresearch_tui.engine.jobs import Job
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.store import JournalBusy
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.workspace import RunFolder

CHECKPOINT = 2**33  # bytes: a larger one stays where it was made
SKEW_S = 5.0  # that a clock may differ from ours, the way of a row included

Packed = tuple[tuple[bundle.File, ...], dict[str, bytes]]


class Packer:
    """The files of commits, ready to travel."""

    def __init__(self, commits: Commits, folder: Path) -> None:
        self._commits = commits
        self._folder = folder
        self._packed: dict[str, Packed] = {}

    def pack(self, commit: str, keep: bool = False) -> Packed:
        """Takes a moment: not for the loop. What the run began from is asked for again and again."""
        if commit in self._packed:
            return self._packed[commit]
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=self._folder) as aside:
            self._commits.export(commit, Path(aside, "files"))
            packed = bundle.pack(Path(aside, "files"))
        if keep:
            self._packed[commit] = packed
        return packed


class Distant:
    """One slot."""

    shares_its_card = False

    def __init__(self, about: e.Slot, node: str, say: Say, packer: Packer, folder: RunFolder, keep: Callable[..., None]) -> None:
        self.about = about
        self.node = node
        self.conditions = Afar()
        self._say = say
        self._packer = packer
        self._folder = folder
        self._keep = keep
        self._known: set[str] = set()
        """Contents of the last trial's files."""
        self._answer: asyncio.Future[words.Message] | None = None
        self._training: AfarTraining | None = None
        self._log: Path | None = None
        self._gone = ""

    # -----------------------------------------------------------------------------------------------------------------------------
    # What the engine asks
    # -----------------------------------------------------------------------------------------------------------------------------

    async def spawn(self, job: Job) -> AfarTraining:
        """The trial's folder and processes there. Raises OSError where they cannot be made."""
        start = (await asyncio.to_thread(self._packer.pack, job.start, True))[1].keys()
        files, bodies = await asyncio.to_thread(self._packer.pack, job.commit)
        new = {sha: body for sha, body in bodies.items() if sha not in self._known and sha not in start}
        self._known = set(bodies)
        self._log = self._folder.log(job.number, job.trial)
        self.conditions.told = None
        match await self._asked(words.Spawn(job, files, new), lambda: self._say(words.End("interrupted", "nobody wants it any more"))):
            case words.Spawned() if self._training:
                return self._training
            case words.Unspawned(why):
                raise OSError(f"{self.node}: {why}")
        raise OSError(self._gone)

    def sweep(self) -> None:
        """The worker did, before it told of the end."""

    def ended(self, outcome: Outcome) -> None:
        self._training = None

    async def clear(self, number: int, trial: Trial) -> int:
        """What ran there has ended with its engine: a worker outlives nobody."""
        return 0

    async def measure(self, job: Job, trial: Trial) -> e.Measured:
        match await self._asked(words.Measure(job, trial), lambda: self._say(words.Cease())):
            case words.Measured(fact, printed):
                if printed:
                    log = self._folder.folder / "logs" / f"{job.name}.evaluation.log"
                    await asyncio.to_thread(log.write_bytes, printed)
                with contextlib.suppress(OSError):  # its number is not lost by it
                    await self._bring_checkpoint(job)
                self._say(words.Fetch(-1))
                return fact
            case words.Unmeasured(why):
                raise Lost(f"{self.node}: {why}")
        raise Lost(self._gone)

    async def _bring_checkpoint(self, job: Job) -> None:
        where = self._folder.trial(job.number, job.trial)
        await asyncio.to_thread(remove_tree, where)
        where.parent.mkdir(mode=0o700, exist_ok=True)
        where.mkdir(mode=0o700)
        aside = where / ".checkpoint.pt"
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            size = 1
            while file.tell() < size:
                part = await self._asked(words.Fetch(file.tell()), lambda: None)
                if not isinstance(part, words.Part) or not part.body or part.size > CHECKPOINT:
                    remove_tree(where)
                    return
                size = part.size
                await asyncio.to_thread(file.write, part.body)
        aside.rename(where / "checkpoint.pt")

    async def _asked(self, question: words.Message, withdraw: Callable[[], None]) -> words.Message | None:
        """What the worker answers; None where it is gone."""
        if self._gone:
            return None
        answer: asyncio.Future[words.Message] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self._say(question)
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.cancelled() and self._gone:
                return None
            withdraw()
            raise

    # -----------------------------------------------------------------------------------------------------------------------------
    # What the worker tells
    # -----------------------------------------------------------------------------------------------------------------------------

    def heard(self, message: words.Message) -> None:
        match message:
            case words.Log(offset, body) if self._log:
                with contextlib.suppress(OSError):  # a view is not worth a night
                    _write(self._log, offset, body)
            case words.Rows(rows):
                with contextlib.suppress(OSError, JournalBusy):  # they are only for whoever looks
                    self._keep(*_by_our_clock(rows))
            case words.Ended(outcome):
                self.conditions.told = message
                if self._training and not self._training.over.done():
                    self._training.over.set_result(outcome)
            case words.Spawned() if self._answer and not self._answer.done():
                self._training = AfarTraining(message, self._say)  # now: its end, or its place's, may come in the same breath
                self._answer.set_result(message)
            case words.Unspawned() | words.Measured() | words.Unmeasured() | words.Part():
                if self._answer and not self._answer.done():
                    self._answer.set_result(message)

    def lose(self, why: str) -> None:
        """Nothing comes from there any more: what trained there counts for nothing."""
        self._gone = clean_line(why, 200)
        if self._training and not self._training.over.done():
            self._training.over.set_result(Outcome("interrupted", crash="lost", why=self._gone))
        if self._answer and not self._answer.done():
            self._answer.cancel()


def _by_our_clock(rows: tuple[tuple[float, str], ...]) -> list[tuple[float, str]]:
    """That of another machine may be wrong, and the newest row was made just now."""
    skew = time.time() - max(at for at, _ in rows)
    return [(at + skew if abs(skew) > SKEW_S else at, text) for at, text in rows]


def _write(log: Path, offset: int, body: bytes) -> None:
    """A log that became shorter there becomes shorter here."""
    number = os.open(log, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(number, offset)
        os.pwrite(number, body, offset)
    finally:
        os.close(number)
