"""A command of ours at work, with its lines as they come. It has a terminal of its own to write to, for only there does it show progress.

Owns its beginning, its lines and its end. Does not own which command it is, nor what follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import termios
from collections.abc import Callable, Sequence

from autoresearch_tui.cockpit.drawing import shown
from autoresearch_tui.telemetry.printed import text_of

KEPT = 1000  # lines
WIDEST = 10_000  # bytes of one, with all that it was before it was written over: its last
PATIENCE_S = 5.0  # between asking it to end and ending it


class Lines:
    """What was printed, as a terminal would show it: a line that is written over counts once."""

    def __init__(self) -> None:
        self._whole: list[str] = []
        self._live = b""

    def feed(self, chunk: bytes) -> None:
        *ended, rest = (self._live + chunk).split(b"\n")
        self._whole = [*self._whole, *(_text(line, unfinished=False) for line in ended[-KEPT:])][-KEPT:]
        self._live = rest[-WIDEST:]

    @property
    def shown(self) -> tuple[str, ...]:
        live = _text(self._live, unfinished=True)
        return (*self._whole, live) if live else tuple(self._whole)

    @property
    def sentence(self) -> str:
        """The last thing that it said."""
        said = next((line for line in reversed(self.shown) if line.strip()), "")
        return said.removeprefix("autoresearch-tui: ").strip()


def _text(line: bytes, unfinished: bool) -> str:
    """What a terminal would have left of it."""
    return shown(text_of(line[-WIDEST:], len(line) < WIDEST, unfinished)[0]).rstrip()


class Watched:
    """One process with all that it starts, but for an engine, which begins a session of its own."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._ended = False

    async def run(self, command: Sequence[str], columns: int, tell: Callable[[bytes], None]) -> int:
        """Its exit code, once all that it wrote was told. Whoever does not wait for that any more ends it."""
        ours, theirs = os.openpty()
        try:
            termios.tcsetwinsize(theirs, (24, max(20, columns)))
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=theirs, stderr=theirs, start_new_session=True
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, lambda: _told(ours, tell))
        try:
            if self._ended:
                self._signal(signal.SIGINT)
            return await self._process.wait()
        finally:
            loop.remove_reader(ours)
            while _told(ours, tell):
                pass
            os.close(ours)
            self._signal(signal.SIGKILL)  # whoever of its group is left
            self._process = None

    async def end(self) -> None:
        """Ask it to end as Ctrl+C would, and make it end where it does not hear."""
        self._ended = True
        if self._process is None:
            return
        self._signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._process.wait()), PATIENCE_S)
            return
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def _told(ours: int, tell: Callable[[bytes], None]) -> bool:
    """Whether there was something; an end that has no other side any more is an error on Linux and nothing elsewhere."""
    try:
        chunk = os.read(ours, 65536)
    except OSError:
        chunk = b""
    if chunk:
        tell(chunk)
    return bool(chunk)
