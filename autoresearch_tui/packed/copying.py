"""The journal in a packed file: a copy as of one moment, or one that is written anew from what others may read.

A redacted journal is never a copy that something was taken out of: a page that was freed, an index, a cached state could still hold it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import SCHEMA, TABLES, Journal, Sent
from autoresearch_tui.packed.form import PackedError
from autoresearch_tui.packed.redacting import Redactor
from autoresearch_tui.telemetry.owners import Seen, seen_of

MANY = 5000  # samples that are read at a time


class Night(msgspec.Struct, frozen=True):
    """What a journal held at one moment."""

    journal: Path
    facts: tuple[e.Recorded, ...]
    sent: tuple[Sent, ...]

    def seen(self) -> Iterator[tuple[float, Seen]]:
        """Samples; those that cannot be read are left out."""
        with Journal(self.journal) as journal:
            after = 0
            while rows := journal.samples(after, limit=MANY):
                after = rows[-1][0]
                yield from ((at, seen) for _, at, body in rows if (seen := seen_of(body)))

    @property
    def blobs(self) -> list[str]:
        """The texts of code that were drafted, each once."""
        return list(
            dict.fromkeys(one.event.blob for one in self.facts if isinstance(one.event, e.Drafted | e.RunStarted) and one.event.blob)
        )

    @property
    def programs(self) -> list[str]:
        return list(dict.fromkeys(one.event.sha for one in self.facts if isinstance(one.event, e.ProgramChanged)))


def copied(journal: Path, copy: Path) -> Night:
    """A journal that somebody may be writing, as it is now, in one file without a cached state."""
    with Journal(journal) as original:
        original.back_up(copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta WHERE name = 'snapshot'")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
    with Journal(copy) as whole:
        return Night(copy, tuple(whole.events()), tuple(whole.commands()))


def redacted(night: Night, redactor: Redactor, target: Path) -> None:
    """The same journal, as far as others may read it."""
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", map(_row, filter(None, map(redactor.fact, night.facts))))
        connection.executemany("INSERT INTO command VALUES (?, ?, ?, ?, ?, ?)", _commands(night, redactor))
        connection.executemany("INSERT INTO sample VALUES (?, ?)", ((at, _json(redactor.seen(seen))) for at, seen in night.seen()))
        connection.execute("COMMIT")


def refuse_a_later_version(journal: Path) -> None:
    with Journal(journal) as read:
        if read.schema > SCHEMA:
            raise PackedError(f"{journal} was written by a later version, and what is private in it is not known here: install that one.")


def _row(recorded: e.Recorded) -> tuple[object, ...]:
    event = recorded.event
    return recorded.seq, recorded.at, recorded.mono, type(event).__name__, getattr(event, "number", None), _json(event)


def _commands(night: Night, redactor: Redactor) -> Iterator[tuple[object, ...]]:
    """What a later version sent is left out, as its fact is told without it."""
    for one in night.sent:
        if one.wish is not None:
            wish = redactor.wish(one.wish)
            yield one.id, one.at, redactor.person(one.by), type(wish).__name__.lower(), "", _json(wish)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
