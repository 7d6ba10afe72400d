"""What is said between the engine and its worker on another machine: frames, each a message, over whatever carries bytes.

Owns the words and how they are framed. Who carries them is `ray_bridge.py`'s, who answers `worker.py`'s and `node_place.py`'s.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from importlib.metadata import version

import msgspec

from autoresearch_tui.engine.executors.bundle import File
from autoresearch_tui.engine.jobs import Job
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.sections import Settings

PIECE = 2**22  # bytes of a file that travel in one message
HEAD = struct.Struct("!I")
LARGEST = 2**29  # of a frame: no commit of a training comes near it


class Message(msgspec.Struct, frozen=True, tag=True):
    """Something that one side says to the other."""


# ---------------------------------------------------------------------------------------------------------------------------------
# What the worker says
# ---------------------------------------------------------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """Its first word: who it is."""

    version: str
    python: str
    boot: str


class Want(Message, frozen=True):
    """A piece of a data file that its machine lacks."""

    sha: str
    offset: int


class Ready(Message, frozen=True):
    """It can train. The slot is named as on its own machine."""

    about: e.Slot
    why: str = ""
    """It has no stronger sandbox."""


class Refused(Message, frozen=True):
    """It cannot train, and ends."""

    why: str


class Spawned(Message, frozen=True):
    """The trial's processes exist and wait for the word."""

    pid: int
    born: int
    boot: str


class Unspawned(Message, frozen=True):
    """They could not be made, and no others will be."""

    why: str


class Log(Message, frozen=True):
    """What the trial's log holds from there on."""

    offset: int
    body: bytes


class Rows(Message, frozen=True):
    """What was seen of the card or the cores, as the journal keeps it."""

    rows: tuple[tuple[float, str], ...]


class Ended(Message, frozen=True):
    """The trial's processes are gone."""

    outcome: Outcome
    card: e.Card | None = None
    kwh: float | None = None
    fault: str = ""
    """Of the card, meanwhile."""


class Measured(Message, frozen=True):
    """Its number, and what the evaluation printed."""

    fact: e.Measured
    evaluation: bytes = b""


class Unmeasured(Message, frozen=True):
    """No number can be made there: what it trained counts for nothing."""

    why: str


class Part(Message, frozen=True):
    """A piece of the checkpoint, and how large the whole is; 0: there is none."""

    offset: int
    size: int
    body: bytes = b""


# ---------------------------------------------------------------------------------------------------------------------------------
# What the engine says
# ---------------------------------------------------------------------------------------------------------------------------------


class DataFile(msgspec.Struct, frozen=True):
    """A file of the prepared data."""

    path: str
    size: int
    sha: str


class Welcome(Message, frozen=True):
    """Everything that holds for all trials of a run."""

    run: str
    """Of all runs of all machines this one."""
    slot: str
    """Of the node."""
    tag: str
    start: str
    files: tuple[File, ...]
    """Of the commit that the run began from."""
    bodies: dict[str, bytes]
    folder: str
    """The workspace at home; a checkout with an environment of its own may stand at the same place here."""
    train: tuple[str, ...]
    edit: str
    frozen: tuple[str, ...]
    metric: str
    goal: str
    budget_s: float
    timeout_s: float
    stall_s: float
    measured: bool
    record: tuple[str, ...]
    settings: Settings
    """Of these only the caps, the sandbox and the log's size."""
    environment: dict[str, str]
    """What a person said at home of how trainings run."""
    part: int = 0
    """Of so many that share this machine's cores."""
    parts: int = 1
    data_name: str = ""
    data: tuple[DataFile, ...] = ()


class Piece(Message, frozen=True):
    sha: str
    offset: int
    body: bytes


class Spawn(Message, frozen=True):
    """Make the processes of a trial."""

    job: Job
    files: tuple[File, ...]
    bodies: dict[str, bytes]
    """Those that it does not know from the last trial, or from the start."""


class Go(Message, frozen=True):
    """Let it begin."""


class Spare(Message, frozen=True):
    """Somebody wants its number."""


class End(Message, frozen=True):
    outcome: str
    why: str
    crash: str = ""


class Measure(Message, frozen=True):
    job: Job
    trial: Trial


class Cease(Message, frozen=True):
    """Nobody waits for the number any more."""


class Fetch(Message, frozen=True):
    """The checkpoint from there on; a negative offset: nobody wants it, or any more of the trial."""

    offset: int


FromWorker = Hello | Want | Ready | Refused | Spawned | Unspawned | Log | Rows | Ended | Measured | Unmeasured | Part
FromHome = Welcome | Piece | Spawn | Go | Spare | End | Measure | Cease | Fetch


# ---------------------------------------------------------------------------------------------------------------------------------


def framed(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message)
    return HEAD.pack(len(body)) + body


class Frames:
    """Cuts what arrives into messages. Raises ValueError for what is none."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._rest += chunk
        while len(self._rest) >= HEAD.size:
            (length,) = HEAD.unpack_from(self._rest)
            if length > LARGEST:
                raise ValueError(f"a message of {length} bytes")
            if len(self._rest) < HEAD.size + length:
                return
            body = bytes(self._rest[HEAD.size : HEAD.size + length])
            del self._rest[: HEAD.size + length]
            yield body


def hello(boot: str) -> Hello:
    return Hello(version("autoresearch-tui"), ".".join(map(str, sys.version_info[:3])), boot)


def write_all(number: int, body: bytes) -> None:
    """To a pipe that may take only a part at a time."""
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(number, rest) :]
