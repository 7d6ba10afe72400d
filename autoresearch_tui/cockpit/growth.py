"""How much of a log or a reply there was at a moment of a night that is over: by the share of its time that had passed.

Owns that share, and the newest lines of progress within it. Files are read by offset, and a large one is never read whole.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from pathlib import Path

from autoresearch_tui.cockpit.timeline import Span, Timeline, share
from autoresearch_tui.journal.state import Run
from autoresearch_tui.telemetry.progress import Progress, last_progress, plain_file
from autoresearch_tui.telemetry.tail import UNPACKED
from autoresearch_tui.workspace import RunFolder

TAIL = 4096  # bytes at the end of a log, in which its newest line of progress stands
LINE = 2**16  # bytes of a reply that are looked at in one go
ATTEMPT = b'{"kind": "attempt"'
LOG = re.compile(r"([0-9]{1,9})-([0-9]{1,9})\.log")


class Growth:
    """Of the files of one run."""

    def __init__(self, folder: RunFolder, timeline: Timeline) -> None:
        self._folder, self._timeline = folder, timeline
        self._attempts: dict[Path, tuple[int, list[int]]] = {}
        self._logs: dict[Path, _Log] = {}
        """Of the trials that run."""

    def visible(self, file: Path, moment: float) -> int | None:
        """Bytes of it at this moment; None: all."""
        if file.parent.name == "logs" and (name := LOG.fullmatch(file.name)):
            span = self._timeline.trials.get((int(name[1]), int(name[2])))
            return 0 if span is None else _whole_lines(file, _part(span, moment, 0, _size(file)))
        if file.parent.name == "replies":
            return self._of_reply(file, moment)
        return None

    def _of_reply(self, file: Path, moment: float) -> int | None:
        """Each attempt has a time of its own."""
        asked = [span for span in self._timeline.replies.get(file.stem, []) if span[0] <= moment]
        begins = [*self._attempts_of(file), _size(file)]
        if not asked or len(begins) < 2:
            return 0
        attempt = min(len(asked), len(begins) - 1)  # an engine that died may have asked, and heard nothing
        return _part(asked[-1], moment, begins[attempt - 1], begins[attempt])

    def _attempts_of(self, file: Path) -> list[int]:
        """Where each begins; read again only where the file grew."""
        size = _size(file)
        if self._attempts.get(file, (-1, []))[0] != size:
            self._attempts[file] = (size, _attempts(file))
        return self._attempts[file][1]

    def lines(self, run: Run, moment: float) -> dict[int, Progress]:
        """The newest of each trial that runs, by its experiment."""
        files = {one.number: self._folder.log(one.number, one.trials[-1].number) for one in run.under_way}
        for gone in self._logs.keys() - {*files.values()}:
            self._logs.pop(gone).close()
        found = {}
        for number, file in files.items():
            log = self._logs.setdefault(file, _Log(file))
            if line := last_progress(log.tail(self.visible(file, moment))):
                found[number] = line
        return found

    def close(self) -> None:
        for log in self._logs.values():
            log.close()
        self._logs.clear()


class _Log:
    """The end of a log at a moment. A packed one is unpacked as far as it is needed, and not again."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._opened: io.BufferedIOBase | None = None
        self._at, self._tail = 0, b""

    def tail(self, end: int | None) -> bytes:
        try:
            return self._read(_size(self.file) if end is None else end)
        except (OSError, EOFError, zlib.error):
            return b""

    def _read(self, end: int) -> bytes:
        if self._opened is None or end < self._at:
            self.close()
            self._opened = _open(self.file)
        if end - TAIL > self._at:
            self._at, self._tail = self._opened.seek(end - TAIL), b""
        more = self._opened.read(end - self._at)
        self._at, self._tail = self._at + len(more), (self._tail + more)[-TAIL:]
        return self._tail

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened, self._at, self._tail = None, 0, b""


def _part(span: Span, moment: float, begins: int, ends: int) -> int:
    return begins + int((ends - begins) * share(span, moment))


def _whole_lines(file: Path, end: int) -> int:
    """Up to the end of a line, for a training writes them whole; of one that is longer than anybody reads, as it comes."""
    try:
        with plain_file(file) as number:
            tail = os.pread(number, min(end, TAIL), max(0, end - TAIL))
    except OSError:
        return end  # a packed one
    return end - len(tail) + last + 1 if (last := max(tail.rfind(b"\r"), tail.rfind(b"\n"))) >= 0 else end


def _packed(file: Path) -> Path:
    return file.with_name(file.name + ".gz")


def _size(file: Path) -> int:
    """Of what it holds; of a packed one, as its last four bytes tell it, and no more than anybody shows."""
    try:
        return file.lstat().st_size
    except OSError:
        pass
    try:
        with plain_file(_packed(file)) as number:
            return min(UNPACKED, int.from_bytes(os.pread(number, 4, os.fstat(number).st_size - 4), "little"))
    except OSError:
        return 0


def _open(file: Path) -> io.BufferedIOBase:
    try:
        with plain_file(file) as number:
            return os.fdopen(os.dup(number), "rb")
    except FileNotFoundError:
        with plain_file(_packed(file)) as number:
            return gzip.GzipFile(fileobj=os.fdopen(os.dup(number), "rb"))


def _attempts(file: Path) -> list[int]:
    found: list[int] = []
    try:
        with plain_file(file) as number, os.fdopen(os.dup(number), "rb") as opened:
            at = 0
            while line := opened.readline(LINE):
                if line.startswith(ATTEMPT):
                    found.append(at)
                at += len(line)
    except OSError:
        return []
    return found
