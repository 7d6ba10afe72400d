"""Runs made of facts alone: no process, no disk, no git."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from autoresearch_tui.engine.answers import answer
from autoresearch_tui.engine.judge import judge
from autoresearch_tui.engine.moment import waiting
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Sent

EVENING = datetime(2026, 1, 10, 22, 0, tzinfo=UTC)
TRIAL_S = 300.0


class History:
    """The facts of a run, and the state that they add up to."""

    def __init__(self) -> None:
        self.run = Run()
        self.now = EVENING
        self.transactions: list[tuple[e.Recorded, ...]] = []
        self.numbers = itertools.count(1)

    def add(self, *facts: e.Event) -> None:
        """Written down as one."""
        at = self.now.timestamp()
        recorded = tuple(e.Recorded(self.run.seq + 1 + place, at, at, fact) for place, fact in enumerate(facts))
        self.transactions.append(recorded)
        self.run = fold(recorded, self.run)

    def send(self, wish: c.Command, by: str = "ann") -> list[e.Event]:
        """What the engine says to a command that it hears now."""
        sent = Sent(next(self.numbers), self.now.timestamp(), by, type(wish).__name__.lower(), wish)
        facts = answer(self.run, sent, self.now)
        self.add(*facts)
        return facts

    def begin(self, limits: e.Limits | None = None, review: bool = False) -> None:
        """A new run, and its first session."""
        self.add(e.RunStarted("night", "c0"))
        self.start(limits or e.Limits(), review)

    def start(self, limits: e.Limits | None = None, review: bool | None = None, after: str = "") -> None:
        """An engine takes the run up: for a person, or for a keeper that says how the one before it died."""
        self.now += timedelta(seconds=1)
        stale = () if after else (c.Pause, c.Resume, c.Stop)
        lapsed = [e.Lapsed(wish.command, "the engine that it was meant for has ended") for wish in waiting(self.run, *stale)]
        review = self.run.review if review is None else review
        self.add(*lapsed, e.EngineStarted(1, 1, "boot", "1", "sweep", limits or self.run.limits, review, after=after))
        self.now += timedelta(seconds=1)

    def launch(self, number: int, parent: int | None = None, **intent: Any) -> None:
        """An experiment, up to its running trial."""
        self.add(e.Proposed(number, parent=parent, **intent))
        self.add(e.Committed(number, f"c{number}"))
        self.relaunch(number)

    def relaunch(self, number: int) -> None:
        """One more trial of it."""
        self.add(e.Launched(number, len(self.run.experiments[number].trials) + 1, 42, 1, 1, "boot"))
        self.now += timedelta(seconds=TRIAL_S)

    def end(self, number: int, value: float | None = None, outcome: str = "finished", by: str = "") -> None:
        """The end of its running trial, and its number."""
        trial = len(self.run.experiments[number].trials)
        self.add(e.Ended(number, trial, outcome, by=by, seconds=TRIAL_S))
        if outcome == "finished":
            self.add(e.Measured(number, trial, value, memory_gb=1.0))

    def judge(self, number: int) -> list[e.Event]:
        """The facts of its verdict, which is settled with them."""
        facts = judge(self.run, number)
        self.add(*facts)
        self.add(e.Applied(number))
        return facts

    def settle(self, number: int, parent: int | None, value: float | None, outcome: str = "finished", by: str = "") -> None:
        """An experiment from its number to its verdict."""
        self.launch(number, parent)
        self.end(number, value, outcome, by)
        self.judge(number)


def a_night(history: History) -> None:
    """Nine experiments, one of each kind; the trunk is 0, 1, 3."""
    history.begin()
    history.settle(0, None, 1.000)
    history.settle(1, 0, 0.990)
    history.settle(2, 1, 0.995)
    history.settle(3, 1, 0.980)
    history.settle(4, 3, 0.970)
    history.settle(5, 4, 0.960)
    history.add(e.Rewound(3, "ann"))
    history.settle(6, 3, 0.985)
    history.settle(7, 3, None, "crash")
    history.settle(8, 3, None, "skipped", by="ann")
