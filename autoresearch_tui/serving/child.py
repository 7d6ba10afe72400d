"""One cockpit in a process of its own, which draws for one browser.

Owns its beginning, what goes in and comes out, and its end, which it reaches whatever it does. What comes out are packets as Textual's
driver for browsers writes them: one byte that says what it is, four for how long, and what there is to draw. Other kinds than drawing are
about files to be handed over, which no cockpit does, and are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence

BEGIN = b"__GANGLION__\n"
DRAWING, WORD = b"D", b"M"
PATIENCE_S = 2.0  # between asking it to leave and ending it
DEAF_S = 10.0  # that it may read nothing of what was pressed
TAIL = 4000  # bytes of what it said beside the drawing


class Child:
    """It is there when this was entered, and gone when it was left."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self._said = b""
        self._listening = asyncio.create_task(self._listen(process.stderr))

    async def frames(self) -> AsyncIterator[bytes]:
        """What it draws, until it ends. While nobody takes it, it waits."""
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._output.readuntil(BEGIN)
            while True:
                head = await self._output.readexactly(5)
                drawn = await self._output.readexactly(int.from_bytes(head[1:], "big"))
                if head[:1] == DRAWING:
                    yield drawn

    async def type(self, text: str) -> None:
        if keys := text.encode("utf-8", "ignore"):  # half a letter is no key, and nothing would end the cockpit
            await self._send(DRAWING, keys)

    async def tell(self, what: str, **more: int) -> None:
        """`resize`, `focus` or `blur`."""
        await self._send(WORD, json.dumps({"type": what, **more}).encode())

    async def _send(self, kind: bytes, what: bytes) -> None:
        """One that has ended hears nothing; one that does not listen for too long is taken for broken."""
        with contextlib.suppress(ConnectionError):
            self._input.write(kind + len(what).to_bytes(4, "big") + what)
            async with asyncio.timeout(DEAF_S):  # wait_for of 3.11 forgets that it was cancelled, if this is done just then
                await self._input.drain()

    async def last_words(self) -> str:
        """The last line that it said, of one that has ended."""
        await self._listening
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    async def _listen(self, errors: asyncio.StreamReader) -> None:
        while said := await errors.read(TAIL):
            self._said = (self._said + said)[-TAIL:]

    async def end(self) -> None:
        """Ask it to leave, and make it where it does not; an engine that it started has a session of its own and goes on."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._send(WORD, b'{"type": "quit"}')
                while await self._output.read(1 << 16):  # it could not leave before somebody took what it has drawn
                    pass
                await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._listening.cancel()


@contextlib.asynccontextmanager
async def child(command: Sequence[str], environment: Mapping[str, str], columns: int, rows: int) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environment, "COLUMNS": str(columns), "ROWS": str(rows)},
        start_new_session=True,  # what ends the server's terminal is the server's to hear
    )
    one = Child(process)
    try:
        yield one
    finally:
        await asyncio.shield(one.end())


def environment_of(ours: Mapping[str, str]) -> dict[str, str]:
    """Of a cockpit in a browser: that has every colour, whatever the terminal has that the server was started in."""
    left = {name: value for name, value in ours.items() if name not in ("COLUMNS", "LINES", "COLORFGBG", "TMUX", "TMUX_PANE")}
    return left | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TERM_PROGRAM": "textual", "TEXTUAL_COLOR_SYSTEM": "truecolor"}
