"""Who is alive: one process named for ever, and the processes of a trial that nobody holds any more.

A launcher that lives ends its own tree and proves it (`launcher.py`). This is for the rest: what a launcher that was killed left
behind, found by the token in its environment or by its session, and the trials of an engine that died. Where there is no /proc
(macOS) nothing is found here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from autoresearch_tui.engine import launcher
from autoresearch_tui.engine.launcher import Seen
from autoresearch_tui.telemetry.machine import born

TOKEN = "AUTORESEARCH_TOKEN"
"""The environment variable that says to which trial a process belongs: `<run id>/<trial>`."""

KILL_BOUND_S = 10.0


class Unended(RuntimeError):
    """Processes that no signal ends. Its text says which, and what a person can do."""

    def __init__(self, pids: Collection[int]) -> None:
        super().__init__(
            f"{cannot_end(pids)}: see `ps -o pid,stat,wchan,cmd`; if they hang in a driver only a restart of the machine helps"
        )


def cannot_end(pids: Collection[int]) -> str:
    return f"process{'es' if len(pids) > 1 else ''} {', '.join(map(str, sorted(pids)))} of the trial cannot be ended"


def become_subreaper() -> None:
    """From now on the orphans below this process come to it. Once, by the engine."""
    launcher.prctl(launcher.PR_SET_CHILD_SUBREAPER, 1)


def oom_kills() -> int:
    """How often the system has killed for want of memory: in our cgroup if it keeps count, else anywhere."""
    with contextlib.suppress(OSError, StopIteration, IndexError):
        group = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))[3:]
        return counter(Path("/sys/fs/cgroup", group.lstrip("/"), "memory.events"))
    with contextlib.suppress(OSError, StopIteration):
        return counter(Path("/proc/vmstat"))
    return 0


def counter(path: Path) -> int:
    return int(next(line for line in path.read_text().splitlines() if line.startswith("oom_kill ")).split()[1])


def of_trial(token: str, sessions: Collection[int] = ()) -> list[Seen]:
    """The processes that carry this token or belong to these sessions, and all below them; never this one."""
    seen = launcher.processes()
    marked = [one for one in seen if one.session in sessions or carries(one.pid, token)]
    found = {one.pid: one for one in [*marked, *launcher.below({one.pid for one in marked}, seen)]}
    found.pop(os.getpid(), None)
    return list(found.values())


def carries(pid: int, token: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone meanwhile, or somebody else's
        return False
    return f"{TOKEN}={token}".encode() in environment.split(b"\0")


async def sweep(token: str, sessions: Collection[int] = (), bound_s: float = KILL_BOUND_S) -> tuple[int, list[int]]:
    """KILL all that is left of a trial until a look finds nothing: how many there were, and which remain after the bound."""
    ended: set[tuple[int, int]] = set()
    theirs = set(sessions)
    until = time.monotonic() + bound_s
    while True:
        found = of_trial(token, sessions)
        living = [one for one in found if not one.dead]
        ended.update((one.pid, one.born) for one in living)
        theirs.update(one.session for one in found)
        for one in living:
            launcher.send(one, signal.SIGKILL)
        await ends(living, until - time.monotonic())
        collect(theirs - {os.getsid(0)})
        if not living:
            return len(ended), []
        if time.monotonic() > until:
            return len(ended), [one.pid for one in of_trial(token, sessions) if not one.dead]


def collect(sessions: Collection[int]) -> None:
    """What ended in these sessions and was left to us leaves the table of processes.

    Only in these: a child that somebody else in this process waits for is not ours to collect.
    """
    for one in launcher.processes():
        if one.dead and one.parent == os.getpid() and one.session in sessions:
            os.waitpid(one.pid, os.WNOHANG)


async def ends(living: Iterable[Seen], bound_s: float) -> bool:
    """Wait until these have ended, at most so long; whether they have."""
    loop = asyncio.get_running_loop()
    waiting: dict[int, asyncio.Future[None]] = {}
    for one in living:
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(one.pid)
            waiting[pidfd] = loop.create_future()
            if born(one.pid) == one.born:
                loop.add_reader(pidfd, resolve, waiting[pidfd])
            else:  # its number is another's by now
                waiting[pidfd].set_result(None)
    try:
        return not waiting or not (await asyncio.wait(waiting.values(), timeout=max(0.0, bound_s)))[1]
    finally:
        for pidfd in waiting:
            loop.remove_reader(pidfd)
            os.close(pidfd)


def resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
