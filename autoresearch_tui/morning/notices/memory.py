"""Where a follower stands, kept beside the journal: a file that is whole or the one of before, and one follower of a run at a time.

The file holds no address: a service goes by a short hash of its own.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.notices.box import Box
from autoresearch_tui.morning.notices.lasting import Trouble

FILE, LOG = "notices.json", "notices.log"
LOCK_S = 2.0  # one that has told the end takes a moment to go
LOOK_S = 0.05


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is done, and what is left to do."""

    seq: int = 0
    """The last fact that was looked at."""
    troubles: dict[str, Trouble] = {}
    boxes: dict[str, Box] = {}


def recall(folder: Path) -> Standing | None:
    """None where nobody followed this run before, or what is left of it cannot be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def remember(folder: Path, standing: Standing) -> None:
    """On the disk when this returns."""
    aside = folder / f".{FILE}.{os.getpid()}"
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(msgspec.json.encode(standing))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(folder / FILE)
    finally:
        aside.unlink(missing_ok=True)


class Followed(Exception):
    """Somebody follows this run already."""


class Log:
    """What was sent and what was not, a line each. Whoever holds it open is the follower of this run: it is the lock as well."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> None:
        line = f"{datetime.now():%Y-%m-%d %H:%M:%S}  {clean_line(text, 500)}\n"
        try:
            os.write(self._descriptor, line.encode(errors="replace"))
        except OSError:
            return  # a full disk; the night is not about this log


@contextmanager
def log_of(folder: Path) -> Iterator[Log]:
    """Raises Followed."""
    descriptor = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        until = time.monotonic() + LOCK_S
        while not _taken(descriptor):
            if time.monotonic() > until:
                raise Followed
            time.sleep(LOOK_S)
        yield Log(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
