"""The worker: a process on another machine that trains and measures there, as the engine does at home, with the very same slot.

It hears frames on its standard input and says some on its standard output (`node_words.py`). When its input ends, everything that it
started ends, and its folder goes. It owns the order of a trial there; who carries the frames is not its business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from autoresearch_tui.engine.executors import node_words as words
from autoresearch_tui.engine.executors.bundle import Bundles
from autoresearch_tui.engine.executors.local import Local
from autoresearch_tui.engine.executors.node_data import Damaged, read_piece
from autoresearch_tui.engine.executors.worker_log import follow
from autoresearch_tui.engine.executors.worker_room import Unfit, room
from autoresearch_tui.engine.executors.worker_voice import Voice
from autoresearch_tui.engine.leavings import is_plain, remove_tree
from autoresearch_tui.engine.plumbing import LineageError
from autoresearch_tui.engine.processes import Unended, become_subreaper
from autoresearch_tui.engine.trainer import Training
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.telemetry.machine import boot_id
from autoresearch_tui.telemetry.progress import read_tail
from autoresearch_tui.workspace import WorkspaceError

SAMPLE_S = 1.0
EVALUATION = 2**16  # bytes of what an evaluation printed


class Worker:
    """One slot of this machine, from its first word to its last."""

    def __init__(self, reader: asyncio.StreamReader, say: Callable[[words.Message], None], tasks: asyncio.TaskGroup) -> None:
        self._reader = reader
        self.say = say
        self._tasks = tasks
        self._asked: dict[tuple[str, int], asyncio.Future[bytes]] = {}
        """Pieces of data that are on their way."""
        self._training: Training | None = None
        self._trial: asyncio.Task[None] | None = None
        self._end: words.End | None = None
        """It was said before there was something to end."""
        self._leaving = False
        self._measuring: asyncio.Task[None] | None = None
        self._trained: str = ""
        """The trial whose files are here."""
        self.slot: Local
        self.known: Bundles

    async def work(self) -> None:
        """Until nobody listens any more."""
        self.say(words.hello(boot_id()))
        welcome = await self._hear()
        if not isinstance(welcome, words.Welcome):
            return
        hearing = self._tasks.create_task(self._answer())
        try:
            async with room(welcome, self._ask, lambda *rows: self.say(words.Rows(tuple(rows)))) as (self.slot, self.known, why):
                await self.slot.conditions.begin()
                if fault := self._fault():
                    raise Unfit(fault)
                watching = self._tasks.create_task(self._watch())
                self._start = (welcome.start, welcome.files)
                self.say(words.Ready(self.slot.about, why))
                await hearing
                watching.cancel()
                await self._leave()
                self.slot.conditions.end()
        except (Unfit, Damaged, WorkspaceError, LineageError, OSError) as error:
            self.say(words.Refused(clean_line(str(error).rstrip("."), 300)))
            hearing.cancel()

    async def _hear(self) -> Any:
        """The next message; None when there will be none."""
        try:
            (length,) = words.HEAD.unpack(await self._reader.readexactly(words.HEAD.size))
            return msgspec.msgpack.decode(await self._reader.readexactly(length), type=words.FromHome)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def _answer(self) -> None:
        while (message := await self._hear()) is not None:
            match message:
                case words.Piece(sha, offset, body):
                    if (asked := self._asked.pop((sha, offset), None)) and not asked.done():
                        asked.set_result(body)
                case words.Spawn():
                    self._end = None
                    self._trial = self._tasks.create_task(self._train(message))
                case words.Go() if self._training:
                    self.slot.conditions.launched(self._training.pid)
                    self._training.release()
                case words.Spare() if self._training:
                    self._training.spare()
                case words.End(outcome, why, crash):
                    self._end = message
                    if self._training:
                        self._training.end(outcome, why, crash)
                case words.Measure():
                    self._measuring = self._tasks.create_task(self._measure(message))
                case words.Cease() if self._measuring:
                    self._measuring.cancel()
                case words.Fetch(offset):
                    await self._send_checkpoint(offset)
        for asked in self._asked.values():
            asked.cancel()

    async def _ask(self, sha: str, offset: int) -> bytes:
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[sha, offset] = asked
        self.say(words.Want(sha, offset))
        try:
            return await asked
        except asyncio.CancelledError:
            if asked.cancelled():
                raise Unfit("nobody is there any more") from None
            raise

    async def _watch(self) -> None:
        while True:
            self.slot.conditions.look()
            await asyncio.sleep(SAMPLE_S)

    async def _leave(self) -> None:
        """The engine is gone, or wants no more: what trains or is measured ends."""
        if self._measuring and not self._measuring.done():
            self._measuring.cancel()
            await asyncio.wait([self._measuring])
        self._leaving, self._end = True, words.End("interrupted", "the engine is gone")
        if self._training:
            self._training.end(self._end.outcome, self._end.why)
        if self._trial:
            await asyncio.wait([self._trial])

    # -----------------------------------------------------------------------------------------------------------------------------
    # A trial
    # -----------------------------------------------------------------------------------------------------------------------------

    async def _train(self, order: words.Spawn) -> None:
        job, folder = order.job, self.slot.folder
        self._trained = ""
        start, files = self._start
        log = folder.log(job.number, job.trial)
        if fault := self._fault():
            self.say(words.Unspawned(fault))
            return self.say(words.Refused(fault))
        try:
            self.known.learn({start: files, job.commit: order.files}, order.bodies)
            await asyncio.to_thread(remove_tree, folder.folder / "trials")  # of whatever could not be brought home
            log.unlink(missing_ok=True)
            log.touch(mode=0o600)
            training = await self.slot.spawn(job)
        except (OSError, Unended, LineageError) as error:
            self.say(words.Unspawned(why := clean_line(str(error), 300)))
            return self.say(words.Refused(why))  # else it would be the first that is free, again and again
        self._training = training
        if self._end:
            training.end(self._end.outcome, self._end.why, self._end.crash)
        following = asyncio.create_task(follow(log, lambda offset, body: self.say(words.Log(offset, body))))
        self.say(words.Spawned(training.pid, training.born, training.boot))
        try:
            outcome = await training.wait()
        finally:
            self._training = None
        following.cancel()
        await asyncio.wait([following])
        self.slot.ended(outcome)
        await asyncio.to_thread(self.slot.sweep)
        if outcome.outcome == "crash":
            await self.slot.conditions.asked_anew()
        card, kwh = self.slot.conditions.ended()
        if outcome.outcome == "finished":
            self._trained = job.name
        else:
            await asyncio.to_thread(self._forget, job.name)
        if not self._leaving:  # what was lost on the way is lost, whoever may still hear of it
            fault = self.slot.conditions.fault
            self.say(words.Ended(outcome, card, kwh, fault))
            if fault and outcome.outcome != "finished":  # a card that fails takes no further trial
                self.say(words.Refused(fault))

    def _fault(self) -> str:
        """Of the card, now."""
        card = self.slot.conditions.card
        return card.said if card and card.fault else ""

    async def _measure(self, asked: words.Measure) -> None:
        name = asked.job.name
        if name != self._trained:
            return self.say(words.Unmeasured("what it trained is gone"))
        try:
            fact = await self.slot.measure(asked.job, asked.trial)
        except (OSError, Unended, LineageError) as error:
            self.say(words.Unmeasured(why := clean_line(str(error), 300)))
            return self.say(words.Refused(why))
        log = self.slot.folder.folder / "logs" / f"{name}.evaluation.log"
        printed = b""
        with contextlib.suppress(OSError):
            printed = read_tail(log, EVALUATION)
            log.unlink()
        self.say(words.Measured(fact, printed))

    async def _send_checkpoint(self, offset: int) -> None:
        """A piece of it; when nobody wants more, the trial is forgotten."""
        if not self._trained:
            return self.say(words.Part(offset, 0))
        file = self.slot.folder.folder / "trials" / self._trained / "checkpoint.pt"
        if offset < 0:
            await asyncio.to_thread(self._forget, self._trained)
            self._trained = ""
        elif file.parent.is_symlink() or not is_plain(file):
            self.say(words.Part(offset, 0))
        else:
            self.say(words.Part(offset, file.stat().st_size, await asyncio.to_thread(read_piece, file, offset)))

    def _forget(self, name: str) -> None:
        """The trial's files, of which nothing is needed any more; its log has been told."""
        trials = self.slot.folder.folder / "trials"
        with contextlib.suppress(OSError):
            remove_tree(trials / name)
            remove_tree(trials / f"{name}.tmp")
            (self.slot.folder.folder / "logs" / f"{name}.log").unlink(missing_ok=True)


async def standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _work(output: int) -> None:
    reader, voice = await standard_input(), Voice(output)
    try:
        async with asyncio.TaskGroup() as tasks:
            await Worker(reader, voice.say, tasks).work()
    finally:
        voice.end()


def main() -> None:
    """What anybody prints by mistake is no frame: it goes where errors go."""
    become_subreaper()
    output = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(_work(output))


if __name__ == "__main__":
    main()
