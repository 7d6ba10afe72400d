"""A program on a terminal whose other end we hold: every byte that it writes is read, with the time when it came.

From these bytes stands what a terminal would be left with, so that "restored" is a thing that can be looked up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

PATIENCE_S = 15.0
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[ -/]*[0-~])")
MODES = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
PLAIN = dict.fromkeys((7, 25), True) | dict.fromkeys((1000, 1002, 1003, 1004, 1006, 1015, 1049, 2004, 2048), False)
"""What a shell wants: a cursor, and lines that wrap; no mouse, no events of focus or size, no second screen, no bracketed paste."""
TICKS = os.sysconf("SC_CLK_TCK")


class Pty:
    """A program with a terminal of its own. A thread reads what it writes, as a terminal would."""

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 120,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        controlling: bool = True,
    ) -> None:
        """Of a terminal that does not control it a program is told nothing when that hangs up."""
        self.began = time.monotonic()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._kept = os.dup(theirs)  # so that its settings can be asked for after the program has ended
        self._settings = _settings(theirs)
        self._chunks: list[tuple[float, bytes]] = []
        self.program = subprocess.Popen(
            command,
            env={"TERM": "xterm-256color", "COLORTERM": "truecolor"} | dict(os.environ if environment is None else environment),
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=(lambda: _own_terminal(0)) if controlling else None,
        )
        os.close(theirs)
        self._stop_r, self._stop_w = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program, whatever it does, and forget the terminal."""
        with contextlib.suppress(ProcessLookupError):
            self.program.kill()
        self.program.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """The terminal goes away, as where a window is closed or a line drops."""
        if self._ours >= 0:
            os.write(self._stop_w, b".")
            self._reader.join()
            for descriptor in (self._kept, self._ours, self._stop_r, self._stop_w):
                os.close(descriptor)
            self._ours = -1

    def write(self, keys: str | bytes) -> float:
        """Press these; the moment when that was done."""
        os.write(self._ours, keys.encode() if isinstance(keys, str) else keys)
        return time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.program.pid, number)

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._ours, self._stop_r], [], [])
            if self._stop_r in ready:
                return
            try:
                read = os.read(self._ours, 1 << 16)
            except OSError:
                return
            self._chunks.append((time.monotonic(), read))

    # ---- what came ----

    @property
    def output(self) -> bytes:
        return b"".join(read for _, read in list(self._chunks))

    @property
    def text(self) -> str:
        """All that was written, one after the other, without what a terminal would obey."""
        return plain(self.output)

    def count(self, since: float, until: float = float("inf")) -> int:
        """Bytes that came in this time."""
        return sum(len(read) for at, read in list(self._chunks) if since <= at < until)

    def when(self, text: str, since: float = 0.0, seconds: float = PATIENCE_S) -> float:
        """The moment when this had been written whole, counting only what came since then."""
        end = time.monotonic() + seconds
        while True:
            if over := self.program.poll() is not None or time.monotonic() > end:
                time.sleep(0.1)  # what it wrote last is on its way
            came = [chunk for chunk in list(self._chunks) if chunk[0] >= since]
            if text in plain(b"".join(read for _, read in came)):
                return _moment_of(text, came)
            assert not over, f"it never wrote {text!r}: {self.text[-3000:]}"
            time.sleep(0.002)

    def ended(self, seconds: float = PATIENCE_S) -> int:
        """Its exit code; minus the signal that ended it."""
        code = self.program.wait(seconds)
        time.sleep(0.05)  # what it wrote last is on its way
        return code

    # ---- what the terminal is left with ----

    @property
    def left(self) -> dict[int, bool]:
        """Of the modes that matter those that are not as a shell wants them."""
        modes = dict(PLAIN)
        for found in MODES.finditer(self.output):
            modes |= {int(number): found[2] == b"h" for number in found[1].split(b";") if number}
        return {number: on for number, on in modes.items() if number in PLAIN and on != PLAIN[number]}

    @property
    def is_restored(self) -> bool:
        """The modes are a shell's, and the line is edited and echoed as before."""
        return not self.left and _settings(self._kept) == self._settings


def plain(output: bytes) -> str:
    return ESCAPES.sub(b"", output).decode("utf-8", "replace")


def is_alive(pid: int) -> bool:
    """And no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """Of a core, used by this process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no memory")


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not happen in {seconds:g} s"
        time.sleep(0.01)


def _moment_of(text: str, came: list[tuple[float, bytes]]) -> float:
    """Of the chunk that completed it."""
    low, high = 1, len(came)
    while low < high:
        middle = (low + high) // 2
        if text in plain(b"".join(read for _, read in came[:middle])):
            high = middle
        else:
            low = middle + 1
    return came[low - 1][0]


def _settings(terminal: int) -> list[Any]:
    return termios.tcgetattr(terminal)


def _own_terminal(descriptor: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
