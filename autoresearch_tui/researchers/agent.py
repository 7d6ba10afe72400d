"""The processes of a coding agent: started in a session of their own, heard while they speak, and ended with nothing left behind.

Owns the agent's whole family: who is in it, and that it ends. What the agent is asked, and what its answer is worth, is `command.py`'s.

An agent starts tools, servers and daemons. They are known by a mark in their environment, and with each its session and all that is
below it. A daemon that left both and cleared its environment before it was ever seen is not found. Where there is no /proc (macOS) the
process group is all that is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

import msgspec

MARK = "AUTORESEARCH_TOKEN"
"""The environment variable that says whose a process is."""

GRACE_S = 1.0  # between TERM and KILL
KILL_S = 0.8  # for what was killed to be gone; what takes longer hangs in the kernel
PIPES_S = 0.5  # for the last words of a family that has ended
CHUNK = 1 << 16
LINUX = sys.platform == "linux"

Stream = Literal["out", "err"]


class Agent:
    """One agent at work. Leaving its `async with` ends it, however it is left."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], mark: str, prompt: Path) -> None:
        """Starts it, with the file `prompt` as its standard input; raises OSError if that cannot be done."""
        self._mark = f"{MARK}={mark}".encode()
        self._known: dict[int, int] = {}
        """When each process of the family was born, by its number."""
        self._looking = threading.Lock()
        self._over = False
        """Nothing is left of it: its number may be another's by now."""
        self._said: asyncio.Queue[tuple[Stream, bytes] | None] = asyncio.Queue(4)
        with prompt.open("rb") as stdin:
            self._child = subprocess.Popen(
                words,
                cwd=folder,
                env={**environment, MARK: mark},
                stdin=stdin,  # a file: an agent that does not read it keeps nobody waiting
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        self._sessions = {self._child.pid}
        self._listening = asyncio.create_task(self._listen())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listening.cancel()
        try:
            if not self._over:
                await self.end()
        finally:
            await asyncio.wait([self._listening])
            for pipe in (self._child.stdout, self._child.stderr):
                if pipe:
                    pipe.close()

    @property
    def code(self) -> int | None:
        """How it ended, as `subprocess` has it; None while it works."""
        return self._child.returncode

    async def hear(self, until: float) -> tuple[Stream, bytes] | None:
        """What it says next; None when it and all that it started have ended. TimeoutError after `until`, of the loop's clock."""
        if asyncio.get_running_loop().time() > until:  # who never pauses does not get round it
            raise TimeoutError
        async with asyncio.timeout_at(until):
            return await self._said.get()

    async def end(self) -> None:
        """TERM to all of the family, and KILL after a second, or as soon as nobody waits for that any more."""
        try:
            await asyncio.to_thread(self._ask_to_end)
        finally:
            await asyncio.to_thread(self._kill)  # a thread: once begun, it is done

    async def _listen(self) -> None:
        """Until the main process has ended, and its family with it: then the pipes end too, or somebody unknown holds them."""
        assert self._child.stdout and self._child.stderr
        reading = (self._read("out", self._child.stdout), self._read("err", self._child.stderr))
        readers = [asyncio.create_task(one) for one in reading]
        try:
            await self._main_ends()
            await self.end()
            await asyncio.wait(readers, timeout=PIPES_S)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.wait(readers)
        self._over = True
        await self._said.put(None)

    async def _read(self, stream: Stream, pipe: IO[bytes]) -> None:
        reader = asyncio.StreamReader(CHUNK)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        with contextlib.closing(transport):
            while chunk := await reader.read(CHUNK):
                await self._said.put((stream, chunk))

    async def _main_ends(self) -> None:
        """It is not collected by this: until then nobody else gets its number."""
        if not LINUX:
            await asyncio.to_thread(self._child.wait)
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        pidfd = os.pidfd_open(self._child.pid)
        loop.add_reader(pidfd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)

    def _ask_to_end(self) -> None:
        if living := self._tell(signal.SIGTERM, signal.SIGCONT):  # who stands still has to hear it too
            self._await_ends(living, GRACE_S)

    def _kill(self) -> None:
        until = time.monotonic() + KILL_S
        while (living := self._tell(signal.SIGKILL)) and time.monotonic() < until:
            self._await_ends(living, until - time.monotonic())  # who forks meanwhile is met in the next round
        self._collect()

    def _tell(self, *numbers: int) -> list[Seen]:
        """Signals to all that live, and who that was."""
        if not LINUX:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                for number in numbers:
                    os.killpg(self._child.pid, number)
            return [Seen(self._child.pid)] if self._child.poll() is None else []
        living = [one for one in self._family() if not one.dead]
        for one in living:
            send(one, *numbers)
        return living

    def _family(self) -> list[Seen]:
        with self._looking:
            seen = processes()
            ours = {pid for pid, born in self._known.items() if pid in seen and seen[pid].born == born}
            ours |= {one.pid for one in seen.values() if carries(one.pid, self._mark)} - {os.getpid()}
            while more := {one.pid for one in seen.values() if one.parent in ours or one.session in self._sessions} - ours:
                ours |= more
                self._sessions |= {seen[pid].session for pid in ours} - {os.getsid(0)}
            self._known |= {pid: seen[pid].born for pid in ours}
            return [seen[pid] for pid in ours]

    def _await_ends(self, living: Sequence[Seen], seconds: float) -> None:
        if not LINUX:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
            return
        until = time.monotonic() + seconds
        poll = select.poll()
        with contextlib.ExitStack() as opened:
            waiting = 0
            for one in living:
                with contextlib.suppress(ProcessLookupError):
                    pidfd = os.pidfd_open(one.pid)
                    opened.callback(os.close, pidfd)
                    poll.register(pidfd, select.POLLIN)
                    waiting += 1
            while waiting and (left := until - time.monotonic()) > 0:
                for pidfd, _ in poll.poll(left * 1000):
                    poll.unregister(pidfd)
                    waiting -= 1

    def _collect(self) -> None:
        """What ended and is ours leaves the table of processes: the orphans come to us if we are the reaper of ours."""
        self._child.poll()
        for one in self._family() if LINUX else ():
            if one.dead and one.parent == os.getpid() and one.pid != self._child.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(one.pid, os.WNOHANG)


class Seen(msgspec.Struct, frozen=True):
    """One process at one moment. Its number and its birth name it for ever."""

    pid: int
    parent: int = 0
    session: int = 0
    born: int = 0
    dead: bool = False


def processes() -> dict[int, Seen]:
    """All that can be seen, by number."""
    found = (look(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {one.pid: one for one in found if one}


def look(pid: int) -> Seen | None:
    stat = _told(pid, "stat")
    if not stat:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name before may hold anything
    dead = fields[0] in (b"Z", b"X") and int(fields[17]) <= 1  # a process whose first thread has ended may live on in others
    return Seen(pid, int(fields[1]), int(fields[3]), int(fields[19]), dead)


def carries(pid: int, mark: bytes) -> bool:
    return mark in _told(pid, "environ").split(b"\0")


def _told(pid: int, what: str) -> bytes:
    """A file of a process; nothing if it is gone meanwhile, or somebody else's."""
    try:
        with open(f"/proc/{pid}/{what}", "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""


def send(one: Seen, *numbers: int) -> None:
    """Signals to exactly this process, and never to a later one that was given its number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        pidfd = os.pidfd_open(one.pid)
        try:
            now = look(one.pid)
            for number in numbers if now and now.born == one.born else ():
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)
