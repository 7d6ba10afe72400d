"""What a researcher wrote, as `replies/<draft>.jsonl` has it: read as it grows, by its bytes.

Owns how the file is read: torn lines, strange ones, one of a hundred megabytes, one that is played again and shows its beginning only.
Does not own what a reply is worth, nor how it is drawn. Of what is long the end is kept: that is what somebody looks at.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from pathlib import Path

import msgspec

from autoresearch_tui.telemetry.progress import plain_file
from autoresearch_tui.workspace import RunFolder

WINDOW = 2 << 20  # bytes that are read at once; who is further behind begins there before the end
KEPT = 200_000  # characters of a text
ATTEMPTS = 20
DRAFTS = 4  # that are remembered: the one in writing, and those somebody looks at


class Attempt(msgspec.Struct, frozen=True):
    """One answer to the question; a draft that was refused has several."""

    number: str
    """As the file has it; empty where its beginning was not read."""
    thinking: str = ""
    text: str = ""


class Reply(msgspec.Struct, frozen=True):
    """Everything that was answered for a draft, the oldest first."""

    attempts: tuple[Attempt, ...] = ()
    skipped: bool = False
    """There was more before it."""

    @property
    def thinking(self) -> str:
        """Of the newest attempt; so is the text."""
        return self.attempts[-1].thinking if self.attempts else ""

    @property
    def text(self) -> str:
        return self.attempts[-1].text if self.attempts else ""


NO_REPLY = Reply()


class _Part(msgspec.Struct):
    kind: str
    text: str


_decode = msgspec.json.Decoder(_Part).decode


class Replies:
    """The replies of one run. Asked four times a second, it reads what came since."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._open: OrderedDict[str, _Growing] = OrderedDict()

    def read(self, draft: str, end: int | None = None) -> Reply:
        """As much of it as there is, or as these first bytes hold; empty where there is none."""
        growing = self._open.setdefault(draft, _Growing(self._folder.reply(draft)))
        self._open.move_to_end(draft)
        while len(self._open) > DRAFTS:
            self._open.popitem(last=False)
        return growing.read(end)


class _Growing:
    """One file, as far as it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin(0)

    def _begin(self, inode: int, at: int = 0) -> None:
        """In the middle of a file the line that it begins in is not known."""
        self._inode, self._at, self._lost = inode, at, at > 0
        self._rest = b""
        self._writing = _Writing("")
        self._finished: tuple[Attempt, ...] = ()
        self._reply = Reply(skipped=at > 0)

    def read(self, end: int | None) -> Reply:
        try:
            with plain_file(self._path) as file:
                status = os.fstat(file)
                size = status.st_size if end is None else max(0, min(end, status.st_size))
                if status.st_ino != self._inode or size < self._at:
                    self._begin(status.st_ino)
                if size - self._at > WINDOW:
                    self._begin(status.st_ino, size - WINDOW)
                if size > self._at:
                    self._hear(os.pread(file, size - self._at, self._at))
        except OSError:
            self._begin(0)  # it is not there, or nothing that is read
        return self._reply

    def _hear(self, found: bytes) -> None:
        self._at += len(found)
        *lines, self._rest = (self._rest + found).split(b"\n")
        if self._lost and lines:
            del lines[0]
            self._lost = False
        if self._lost or len(self._rest) > WINDOW:
            self._rest, self._lost = b"", True
        for line in lines:
            self._take(line)
        if lines:
            attempts = (*self._finished, *self._writing.so_far())
            self._reply = Reply(attempts[-ATTEMPTS:], self._reply.skipped or len(attempts) > ATTEMPTS)

    def _take(self, line: bytes) -> None:
        part = _part_of(line)
        if part and part.kind == "attempt":
            self._finished = (*self._finished, *self._writing.so_far())[-ATTEMPTS:]
            self._writing = _Writing(part.text)
        elif part:
            self._writing.add(part)


class _Writing:
    """An attempt, as far as it came."""

    def __init__(self, number: str) -> None:
        self._number = number
        self._texts = {"thinking": "", "text": ""}
        self._new: dict[str, list[str]] = {"thinking": [], "text": []}

    def add(self, part: _Part) -> None:
        if part.kind in self._new:  # a later version may write more
            self._new[part.kind].append(part.text[-KEPT:])

    def so_far(self) -> tuple[Attempt, ...]:
        """This one, if anything is known of it, with what was added put to the rest."""
        for kind, new in self._new.items():
            self._texts[kind] = (self._texts[kind] + "".join(new))[-KEPT:]
            new.clear()
        newest = Attempt(self._number, **self._texts)
        return () if newest == Attempt("") else (newest,)


def _part_of(line: bytes) -> _Part | None:
    """A line of the file, if it is one."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeError):
        pass
    try:
        return msgspec.convert(json.loads(line), _Part)  # half a pair of surrogates, which a model may well write
    except (ValueError, RecursionError):
        return None
