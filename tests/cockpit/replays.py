"""Journals with facts at chosen times, played again on a screen with a clock of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

import msgspec

from autoresearch_tui.cockpit.replay import ReplayedNight
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.owners import Owned, Seen
from autoresearch_tui.telemetry.sample import Sample
from autoresearch_tui.workspace import RunFolder

AT = 1_790_000_000.0
Fact = tuple[float, e.Event]


class Screen:
    """Polls as an app does, by a clock of its own."""

    def __init__(self, folder: RunFolder, speed: float = 1.0) -> None:
        self.now = 1000.0
        self.night = ReplayedNight(folder, folder.folder, speed, lambda: self.now)

    def wait(self, seconds: float) -> list[e.Event]:
        """What became known meanwhile."""
        told = []
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            told += self.night.poll()
        return [one.recorded.event for one in told]

    @property
    def clock(self) -> float:
        """Of the night, since its beginning."""
        return self.night.moment().now - AT


Play = Callable[..., Screen]


@contextmanager
def playing(folder: RunFolder) -> Iterator[Play]:
    """`play(*facts, speed=1.0, samples=())` writes a journal into the folder, and plays it."""
    screens: list[Screen] = []

    def play(*facts: Fact, speed: float = 1.0, samples: Iterable[float] = ()) -> Screen:
        write(folder, [e.Recorded(seq, AT + at, 100 + at, fact) for seq, (at, fact) in enumerate(facts, 1)], samples)
        screens.append(Screen(folder, speed))
        return screens[-1]

    try:
        yield play
    finally:
        for screen in screens:
            screen.night.close()


def write(folder: RunFolder, facts: Iterable[e.Recorded], samples: Iterable[float] = ()) -> None:
    Writer(folder.journal).close()
    rows = [(one.seq, one.at, one.mono, type(one.event).__name__, e.encode(one.event).decode()) for one in facts]
    seen = [(AT + at, msgspec.json.encode(Seen(Sample(AT + at, util=97), Owned())).decode()) for at in samples]
    with closing(sqlite3.connect(folder.journal)) as journal:
        journal.executemany("INSERT INTO event (seq, at, mono, kind, body) VALUES (?, ?, ?, ?, ?)", rows)
        journal.executemany("INSERT INTO sample VALUES (?, ?)", seen)
        journal.commit()


def started(at: float = 0.0) -> list[Fact]:
    return [(at, e.RunStarted("nov20", "c0")), (at, engine())]


def engine() -> e.EngineStarted:
    return e.EngineStarted(1, 1, "boot", "1", "sweep")


def trial(number: int, begins: float, ends: float) -> list[Fact]:
    return [
        (begins, e.Proposed(number, parent=number - 1 if number else None)),
        (begins, e.Committed(number, f"c{number}")),
        (begins, e.Launched(number, 1, 42, 1, 1, "boot")),
        (ends, e.Ended(number, 1, "finished", seconds=ends - begins)),
        (ends, e.Measured(number, 1, 1.0 - 0.01 * number)),
        (ends, e.Judged(number, "keep", "", number)),
        (ends, e.Applied(number)),
    ]
