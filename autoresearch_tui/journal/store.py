"""The journal on disk: one SQLite file, one writer of events, any number of readers; anybody may insert a command.

Events are appended in transactions that are on the disk when `append` returns. A reader never blocks the writer and polls one number
to learn that there is something new. What the events mean is `fold.py`'s.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Self

import msgspec

from autoresearch_tui.journal import commands, events, experiment, fold, state
from autoresearch_tui.journal.commands import Command
from autoresearch_tui.journal.events import Event, Recorded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.text import clean_line

SCHEMA = 1  # grows when an older version could misread a journal; new fields and new kinds do not need it
POLL_S = 0.02
SHORT = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)  # what SQLite may say where there is no space
SNAPSHOT_EVERY = 1000  # events; a state of ten thousand experiments is read ten times faster than it is folded
TABLES = """
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, at REAL NOT NULL, mono REAL NOT NULL, kind TEXT NOT NULL, experiment INTEGER,
  body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS command (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, by TEXT NOT NULL, kind TEXT NOT NULL,
  target TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sample (at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""

_command_decoder = msgspec.json.Decoder(Command)


class JournalError(Exception):
    """The journal cannot be used: one sentence."""


class JournalBusy(JournalError):
    """Somebody else holds it; later it will do."""


class Sent(msgspec.Struct, frozen=True):
    """A command as it stands in the journal; `wish` is missing where a later version sent it."""

    id: int
    at: float
    by: str
    kind: str
    wish: Command | None


class Journal:
    """What anybody can do with a journal: read it, follow it, send a command."""

    def __init__(self, path: Path, patience_s: float = 10.0) -> None:
        self.path = path
        self.schema = SCHEMA
        self.run = Run()
        self._version = -1
        _check(path)
        with _said_plainly(path):
            self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=patience_s)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        with _said_plainly(self.path):
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.text_factory = lambda text: text.decode("utf-8", "replace")  # anybody may write commands
            row = self._connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        self.schema = int(row[0]) if row and str(row[0]).isdecimal() else 0

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def changed(self) -> bool:
        """Whether another connection wrote since this was asked last."""
        with _said_plainly(self.path):
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        changed, self._version = version != self._version, version
        return bool(changed)

    def events(self, after: int = 0) -> Iterator[Recorded]:
        with _said_plainly(self.path):
            rows = self._connection.execute("SELECT seq, at, mono, kind, body FROM event WHERE seq > ? ORDER BY seq", (after,))
            for seq, at, mono, kind, body in rows:
                yield self._recorded(seq, at, mono, kind, body)

    def _recorded(self, seq: int, at: float, mono: float, kind: str, body: str) -> Recorded:
        if not (type(at) is type(mono) is float and type(kind) is type(body) is str):
            raise _damaged(self.path, f"event {seq}")
        try:
            return Recorded(seq, at, mono, events.decode(kind, body))
        except msgspec.MsgspecError as error:
            if self.schema > SCHEMA:
                return Recorded(seq, at, mono, events.Unknown(name=kind, body=body))
            raise JournalError(f"{self.path}: event {seq} ({kind}) cannot be read: {error}.") from None

    def refresh(self) -> Run:
        """The state as of now."""
        if not self.run.seq and (snapshot := self._snapshot()):
            self.run = snapshot
        self.run = fold.fold(self.events(self.run.seq), self.run)
        return self.run

    def follow(self, after: int = 0, poll_s: float = POLL_S) -> Iterator[Recorded | None]:
        """Events as they come, for ever; None whenever nothing new is there and a moment has passed."""
        while True:
            if self.changed():
                for recorded in self.events(after):
                    after = recorded.seq
                    yield recorded
            yield None
            time.sleep(poll_s)

    def send(self, wish: Command, by: str) -> int:
        """Ask something of the engine; the number of the command."""
        if self.schema > SCHEMA:
            raise JournalError(f"{self.path} was written by a later version: it can be looked at, but not be written to.")
        fields = msgspec.to_builtins(wish)
        kind = fields.pop("kind")
        target = " ".join(f"{name}={fields[name]}" for name in ("session", "experiment", "trial", "draft", "command") if name in fields)
        with _said_plainly(self.path):
            row = (time.time(), by, kind, target, events.encode(wish).decode())
            cursor = self._connection.execute("INSERT INTO command (at, by, kind, target, body) VALUES (?, ?, ?, ?, ?)", row)
        return int(cursor.lastrowid or 0)

    def commands(self, after: int = 0) -> list[Sent]:
        with _said_plainly(self.path):
            rows = self._connection.execute("SELECT id, at, by, kind, body FROM command WHERE id > ? ORDER BY id", (after,)).fetchall()
        return [Sent(number, at, clean_line(str(by)), str(kind), _wish(body)) for number, at, by, kind, body in rows]

    def samples(self, after: int = 0, since: float = 0.0, limit: int = 1000) -> list[tuple[int, float, str]]:
        """What was seen of the machine, from this time on: number, time, and the sample as `telemetry` wrote it."""
        query = "SELECT rowid, at, body FROM sample WHERE rowid > ? AND at >= ? ORDER BY rowid LIMIT ?"
        with _said_plainly(self.path):
            return self._connection.execute(query, (after, since, limit)).fetchall()

    def last_sample(self) -> tuple[int, float, str] | None:
        query = "SELECT rowid, at, body FROM sample ORDER BY rowid DESC LIMIT 1"
        with _said_plainly(self.path):
            row: tuple[int, float, str] | None = self._connection.execute(query).fetchone()
        return row

    def back_up(self, target: Path) -> None:
        """A whole copy, written aside and renamed."""
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            aside.unlink(missing_ok=True)
            aside.touch(0o600)
            with _said_plainly(target):
                self._connection.execute("VACUUM INTO ?", (aside.absolute().as_uri(),))
            with aside.open("rb") as copy:
                os.fsync(copy.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def last_at(self) -> float:
        with _said_plainly(self.path):
            row = self._connection.execute("SELECT at FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        return float(row[0]) if row else 0.0

    def _snapshot(self) -> Run | None:
        with _said_plainly(self.path):
            row = self._connection.execute("SELECT value FROM meta WHERE name = 'snapshot'").fetchone()
        if not row or not isinstance(row[0], bytes) or not row[0].startswith(_code_hash()):
            return None
        try:
            run = msgspec.msgpack.decode(row[0][len(_code_hash()) :], type=Run)
        except msgspec.MsgspecError:
            return None  # it is only a cache
        with _said_plainly(self.path):
            newest = self._connection.execute("SELECT max(seq) FROM event").fetchone()[0] or 0
        return run if run.seq <= newest else None


class Writer(Journal):
    """The engine's: appends events, and holds the state that they add up to."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.path.lexists(path):
            _create(path)
        super().__init__(path)

    def _open(self) -> None:
        super()._open()
        if self.schema > SCHEMA:
            raise JournalError(f"{self.path} was written by a later version of autoresearch-tui: install that one to go on with this run.")
        with _said_plainly(self.path):
            self._connection.execute("PRAGMA journal_mode=WAL")  # a copy that was put back has another
            verdict = self._connection.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise _damaged(self.path, verdict)
        self._snapshot_at = 0  # this version may have none yet: the next append saves one
        self.refresh()

    def append(self, *facts: Event) -> list[Recorded]:
        """Write these facts as one: all of them are on the disk, or none."""
        at, mono = time.time(), time.monotonic()
        rows, recorded = [], []
        for seq, fact in enumerate(facts, start=self.run.seq + 1):
            kind, body = type(fact).__name__, _body(fact)
            rows.append((seq, at, mono, kind, getattr(fact, "number", None), body))
            recorded.append(self._recorded(seq, at, mono, kind, body))  # what a reader gets, or nothing is written
        with _said_plainly(self.path), self._transaction():
            self._connection.executemany("INSERT INTO event (seq, at, mono, kind, experiment, body) VALUES (?, ?, ?, ?, ?, ?)", rows)
        self.run = fold.fold(recorded, self.run)
        if self.run.seq - self._snapshot_at >= SNAPSHOT_EVERY:
            self.save_snapshot()
        return recorded

    def sample(self, *seen: tuple[float, str]) -> None:
        """Keep what was seen of the machine."""
        with _said_plainly(self.path), self._transaction():
            self._connection.executemany("INSERT INTO sample (at, body) VALUES (?, ?)", seen)

    def thin(self, before: float) -> None:
        """Of samples older than this one in ten seconds is enough."""
        with _said_plainly(self.path), self._transaction():
            self._connection.execute("DELETE FROM sample WHERE at < ? AND CAST(at AS INTEGER) % 10", (before,))

    def save_snapshot(self) -> None:
        self._snapshot_at = self.run.seq
        with suppress(OSError, OverflowError, JournalError), _said_plainly(self.path):  # only a cache: the facts are there without it
            value = _code_hash() + msgspec.msgpack.encode(self.run)
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (value,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _create(path: Path) -> None:
    """A journal that is whole or not there: its tables are made aside."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        with _said_plainly(path), closing(sqlite3.connect(aside, isolation_level=None)) as connection:
            os.chmod(aside, 0o600)
            connection.executescript("PRAGMA synchronous=FULL;" + TABLES)
            connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
            connection.execute("PRAGMA journal_mode=WAL")
        aside.replace(path)  # closing left no -wal behind
    finally:
        aside.unlink(missing_ok=True)


def _wish(body: str) -> Command | None:
    try:
        wish: Command = _command_decoder.decode(body)
    except (msgspec.MsgspecError, TypeError, UnicodeError):
        return None
    return wish


def last_moment(path: Path) -> float:
    """When the last fact was written; zero for a journal that cannot be read. Looking at a file changes its own times."""
    try:
        with Journal(path) as journal:
            return journal.last_at()
    except (JournalError, OSError):
        return 0.0


@cache
def _code_hash() -> bytes:
    """Of the code that folds: a snapshot of other code is thrown away."""
    files = [Path(module.__file__ or "").read_bytes() for module in (commands, events, experiment, fold, state)]
    return hashlib.sha256(b"".join(files)).digest()


def _check(path: Path) -> None:
    """Say why this cannot be a journal, where SQLite would say less, or wait."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        raise JournalError(f"{path} is not there: no run was started here.") from None
    except OSError as error:
        raise JournalError(f"{path} cannot be opened: {error.strerror}.") from None
    if not stat.S_ISREG(kind):
        raise JournalError(f"{path} is no file: a journal has to stand in its place.")
    if not os.access(path, os.R_OK):
        raise JournalError(f"{path} may not be read by you: change its permissions, or ask its owner.")


def _damaged(path: Path, what: object) -> JournalError:
    copy = f'"$(git rev-parse --git-common-dir)/autoresearch/{path.parent.name}.sqlite"'
    return JournalError(f"{path} is damaged ({clean_line(str(what))}): `cp {copy} {path}` puts the last copy in its place.")


@contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    """SQLite's errors in a sentence; no space left is an OSError, for the night waits for space."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what it was doing
        if code in SHORT and (number := _shortage(path.parent, code)):
            raise OSError(number, "no space left for the journal", str(path)) from None
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _damaged(path, error) from None
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise JournalBusy(f"{path} is held by another program for longer than is usual") from None
        raise JournalError(f"{path} cannot be used as a journal: {error}.") from None


def _shortage(folder: Path, code: int) -> int:
    """Which shortage SQLite met, if any: of a quota, or of room for its index, it says no more than of a broken disk."""
    from tempfile import TemporaryFile  # late: only who fails pays

    try:
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(2**16))
    except OSError as error:
        return error.errno if error.errno in (errno.ENOSPC, errno.EDQUOT) else 0
    return errno.ENOSPC if code == sqlite3.SQLITE_FULL else 0


def _body(fact: Event) -> str:
    try:
        return events.encode(fact).decode()
    except UnicodeEncodeError as error:
        raise JournalError(f"a {type(fact).__name__} cannot be written: {error}.") from None
