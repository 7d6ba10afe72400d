"""One trial's training: launched, watched, ended, and nothing of it left behind.

Owns what a trial is given, that it ends, and what its end was. Does not own the limits' reading (`watch.py`, `hope.py`), how its processes
are ended (`launcher.py`), what it died of by itself (`crashes.py`), what it may touch (the command) or what its number is.

    training = await spawn(order)      # processes exist and wait
    training.release()                 # after it is written down which
    outcome = await training.wait()    # all of them are gone
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine import launcher, processes
from autoresearch_tui.engine.caps import LOOK_S, UNCAPPED, Caps, Taken
from autoresearch_tui.engine.crashes import crash_of
from autoresearch_tui.engine.hope import Hope
from autoresearch_tui.engine.watch import TICK_S, Watch
from autoresearch_tui.telemetry.curve import Curve
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.telemetry.progress import tail_of

TAIL = 2**16  # of the log, for the reason of a crash
LAUNCHER = os.open(launcher.__file__, os.O_RDONLY | os.O_CLOEXEC)
"""The launcher as it was when this was imported: an upgrade in the middle of a night puts another file in its place."""
START = "import os, sys; number = int(sys.argv.pop(1)); exec(compile(os.pread(number, 2**20, 0), 'launcher.py', 'exec'))"
LAUNCHER_BOUND_S = launcher.STRAGGLER_GRACE_S + launcher.KILL_BOUND_S + 2.0
"""Beyond the patience: a launcher that has not reported by then is stopped or worse."""
ORPHANED_BOUND_S = 30.0
"""The same for one whose engine died, and whose patience we do not know."""


class Order(msgspec.Struct, frozen=True):
    """One trial."""

    name: str
    command: tuple[str, ...]
    folder: Path
    log: Path
    """Made if it is not there, appended to if it is."""
    environment: dict[str, str]
    """All of it; nothing is inherited. It holds the token by which the trial's processes are known."""
    timeout_s: float
    """For the whole trial."""
    stall_s: float
    """Without a new line of progress, once there was one, until the budget is used up."""
    log_bytes: int
    grace_s: float = 5.0
    """Between TERM and KILL."""
    descriptors: tuple[int, ...] = ()
    """Open files that the training gets under the same numbers."""
    file_bytes: int = 0
    """The largest file it may write; 0: any."""
    held: bool = False
    """The command is a sandbox's, with the training below it."""
    caps: Caps = UNCAPPED
    """What it may take of the machine."""
    trunk: Curve | None = None
    """The training beside which this one may turn out hopeless."""
    hopeless: float = 0.0
    """So many times the trunk's loss, or its pace divided by that; 0: never."""
    cores: tuple[int, ...] = ()
    """The only ones that it computes on; none: all of them."""

    @property
    def token(self) -> str:
        return self.environment[processes.TOKEN]


class Outcome(msgspec.Struct, frozen=True):
    """How a trial ended; all of its processes are gone, or `why` says which refuse."""

    outcome: str
    """`finished`, `hopeless`, `crash`, `skipped` or `interrupted`."""
    crash: str = ""
    """`nan`, `memory`, `contract`, `timeout`, `stalled`, `output`, `disk`, `killed` or `error`; or, interrupted, `lost`."""
    why: str = ""
    code: int | None = None
    """Of the training's main process; negative: a signal."""
    seconds: float = 0.0
    """From release to end, gaps left out."""
    gap_s: float = 0.0
    cpu_s: float = 0.0
    rss_mb: float = 0.0
    """Of the largest process, in the machine's memory."""
    stragglers: int = 0
    """Processes that outlived the main one and were ended."""
    shrank: bool = False
    """Whether its log once was longer: a training only adds to it."""
    slow: bool = False
    """Hopeless for its pace."""
    left: tuple[int, ...] = ()
    """Processes that no signal ends."""


class Report(msgspec.Struct, frozen=True):
    """A line of the launcher: the first has `main`, the last all others."""

    main: int = 0
    code: int | None = None
    by: str = ""
    stragglers: int = 0
    cpu_s: float = 0.0
    rss_mb: float = 0.0
    left: tuple[int, ...] = ()
    errno: int = 0
    """Why it could not be started."""


class Training:
    """A training that runs, or is about to."""

    def __init__(
        self,
        order: Order,
        child: subprocess.Popen[bytes],
        log: int,
        taken: Taken,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.order = order
        self.pid = child.pid
        """The launcher's, which lives as long as anything of the trial does."""
        self.born = born(child.pid)
        self.boot = boot_id()
        self._child = child
        self._log = log
        self._taken = taken
        self._reader = reader
        self._writer = writer
        self._hope = Hope(order.trunk, order.hopeless) if order.trunk and order.hopeless > 0 else None
        self._watch: Watch | None = None
        self._main = 0
        self._oom_kills = processes.oom_kills()
        self._ending: Outcome | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._life = asyncio.create_task(self._live(), name=f"training {order.name}")

    def release(self) -> None:
        """Let it begin; without effect on one that is ended already."""
        if not self._watch and not self._ending:
            self._watch = Watch(self._log, self.order.timeout_s, self.order.stall_s, self.order.log_bytes, self._hope)
            self._tell(b"go\n")

    def spare(self) -> None:
        """Somebody wants its number, however hopeless it looks."""
        self._hope = None
        if self._watch:
            self._watch.spare()

    def end(self, outcome: str = "skipped", why: str = "skipped by hand", crash: str = "") -> None:
        """End it, without waiting. Said more than once, the first reason stands."""
        self._end(Outcome(outcome, crash, why), self.order.grace_s)

    async def wait(self) -> Outcome:
        """How it ended, when all of it is gone."""
        return await asyncio.shield(self._life)

    # ---------------------------------------------------------------------------------------------------------------------------

    def _end(self, reason: Outcome, grace_s: float) -> None:
        if not self._ending and not self._life.done():
            self._ending = reason
            self._tell(f"end {grace_s}\n".encode())
            self._cut = asyncio.get_running_loop().call_later(grace_s + LAUNCHER_BOUND_S, self._child.kill)

    def _tell(self, line: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(line)

    async def _live(self) -> Outcome:
        try:
            async with asyncio.TaskGroup() as group:  # a watch that fails ends the training, loudly
                watching = [group.create_task(self._keep_watch()), group.create_task(self._keep_within())]
                report = await self._listen()
                for task in watching:
                    task.cancel()
            if not report or not report.left:
                self._child.wait()  # it has closed the socket, nearly its last act
            if report:
                return self._outcome(report, 0, ())
            # Nobody proved that the rest is gone.
            return self._outcome(None, *await processes.sweep(self.order.token, {self._main} if self._main else ()))
        finally:
            if self._cut:
                self._cut.cancel()
            self._writer.close()  # a launcher that still lives takes this for our end
            os.close(self._log)

    async def _listen(self) -> Report | None:
        """The launcher's report, when it has ended too; None if it ends without one."""
        report = None
        with contextlib.suppress(ConnectionError):  # it may end while we write to it
            async for line in self._reader:
                report = msgspec.json.decode(line, type=Report)
                if report.main:
                    self._main, report = report.main, None
                elif report.left:  # it stays with them
                    break
        return report

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._watch and (found := self._watch.look()):
                reason = Outcome("crash" if found.crash else "hopeless", found.crash, found.why, slow=found.slow)
                # Patience with a log that fills the disk would fill it further.
                self._end(reason, 0.0 if found.crash == "output" else self.order.grace_s)

    async def _keep_within(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if found := await asyncio.to_thread(self._taken.look):
                self._end(Outcome("crash", found.crash, found.why), 0.0)

    def _outcome(self, report: Report | None, swept: int, left: Collection[int]) -> Outcome:
        """Why it ended, and what is known of it beside."""
        reason, known = self._reason(report), report or Report(stragglers=swept, left=tuple(left))
        why = "; ".join(filter(None, (reason.why, processes.cannot_end(known.left) if known.left else "")))
        ended = replace(
            reason, why=why, left=tuple(known.left), code=known.code, cpu_s=known.cpu_s, rss_mb=known.rss_mb, stragglers=known.stragglers
        )
        if not self._watch:
            return ended
        self._watch.look()
        if ended.crash == "output":
            os.ftruncate(self._log, self.order.log_bytes)
        return replace(ended, seconds=self._watch.clock.seconds, gap_s=self._watch.clock.gap_s, shrank=self._watch.shrank)

    def _reason(self, report: Report | None) -> Outcome:
        """A person's wish stands; a limit that it reached while it was ending by itself does not."""
        itself = report is not None and report.by == "itself"
        if self._ending and not (itself and self._ending.outcome in ("crash", "hopeless")):
            return self._ending
        tail = tail_of(self._log, TAIL).decode("utf-8", "replace")
        if report is None and self._child.returncode > 0:
            return Outcome("crash", "error", f"its launcher failed: {crash_of(self._child.returncode, tail)[1]}")
        if report is None:
            return Outcome("crash", "killed", "its launcher was ended from outside, and the training with it")
        if report.errno:
            what, why = self.order.command[0], os.strerror(report.errno)
            return Outcome("crash", "error", f"{what} cannot be started in {self.order.folder}: {why}")
        if not itself or report.code is None:
            return Outcome("crash", "killed", "its launcher was told from outside to end it")
        if report.code == 0:
            return Outcome("finished")
        kind, why = crash_of(report.code, tail, processes.oom_kills() - self._oom_kills)
        return Outcome("crash", kind, why)


async def spawn(order: Order) -> Training:
    """The launcher of a trial, which waits for its release."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a trial is started from the main thread: the kernel ends it with the thread that started it")
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as opened:
        opened.enter_context(theirs)
        log = open_log(order.log)
        try:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", START, str(LAUNCHER), str(theirs.fileno())],
                env={processes.TOKEN: order.token} | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(LAUNCHER, theirs.fileno(), *order.descriptors),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            os.close(log)
            raise
    if order.cores:
        keep_to(child.pid, order.cores)  # it waits for its order, and all that it starts inherits this
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    writer.write(as_bytes(order))
    taken = Taken(order.caps, child.pid)
    if order.caps.disk:
        await asyncio.to_thread(taken.begin)
    return Training(order, child, log, taken, reader, writer)


def keep_to(pid: int, cores: Collection[int]) -> None:
    """Let a process compute on these cores alone, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(pid, cores)


def as_bytes(order: Order) -> bytes:
    """The order as the launcher reads it."""
    entries = (f"{name}={value}" for name, value in order.environment.items())
    held = "held" if order.held else ""
    numbers = (f"{order.grace_s}", f"{order.file_bytes}", held, " ".join(map(str, order.descriptors)), f"{len(order.command)}")
    text = b"\0".join(map(os.fsencode, (str(order.folder), *numbers, *order.command, *entries)))
    return f"order {len(text)}\n".encode() + text


def open_log(path: Path) -> int:
    """The log, to be written at its end only; we read it through the same descriptor, whatever becomes of its name."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(f"{path} is not a regular file: remove it")
    os.set_blocking(number, True)
    return number


async def clear(pid: int, birth: int, boot: str, token: str) -> int:
    """End what is left of a trial whose engine died; how many processes that was. Raises Unended if some remain.

    The launcher has begun already, if it noticed: it is asked once more and waited for. A number that is another process's by
    now, or that is from an earlier start of the machine, is not touched.
    """
    if boot != boot_id():
        return 0
    ended = 0
    one = launcher.look(pid)
    if one and one.born == birth and not one.dead:
        ended = 1 + sum(not child.dead for child in launcher.below({pid}, launcher.processes()))
        for number in (signal.SIGTERM, signal.SIGCONT):
            launcher.send(one, number)
        if not await processes.ends([one], ORPHANED_BOUND_S):
            launcher.send(one, signal.SIGKILL)
    swept, left = await processes.sweep(token)
    if left:
        raise processes.Unended(left)
    return ended + swept
