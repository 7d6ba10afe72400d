"""The person of the recorded night: looks at it now and then, and sends a command where there is a reason to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from autoresearch_tui.journal.commands import BadCommand, parse
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal

NAME = "ann@lab"
When = Callable[[Run], bool]


class Plan(NamedTuple):
    """What is said, once, and when; and after how long the person has made up their mind."""

    words: str
    """`NEAR` stands for the experiment that was discarded by the least."""
    when: When
    after_s: float = 1.0


def trains(number: int) -> When:
    return lambda run: run.running is not None and run.running.number == number


def holds(run: Run) -> bool:
    return any(draft.waits for draft in run.drafts.values())


PLANS = (
    Plan("note prefer changes that cost no tokens a second", trains(1), 5.0),
    Plan("skip", trains(7), 5.0),
    Plan("idea try GELU instead of the squared ReLU", trains(5), 3.0),
    Plan("pause", trains(8), 6.0),
    Plan("resume", lambda run: run.paused, 6.0),
    Plan("again NEAR", trains(10), 2.0),
    Plan("review on", trains(11), 1.0),
    Plan("approve", holds, 7.0),
    Plan("review off", trains(12), 0.5),
    Plan("keep NEAR", trains(13), 3.0),
    Plan("limit experiments 16", trains(14), 2.0),
)


class Person:
    def __init__(self) -> None:
        self._plans = list(PLANS)
        self._since: dict[str, float] = {}

    def look(self, journal: Journal, run: Run) -> None:
        for plan in list(self._plans):
            if plan.when(run):
                self._since.setdefault(plan.words, time.monotonic())
            if plan.words in self._since and time.monotonic() - self._since[plan.words] >= plan.after_s:
                self._plans.remove(plan)
                self._send(journal, run, plan.words.replace("NEAR", near(run)))

    def _send(self, journal: Journal, run: Run, words: str) -> None:
        try:
            journal.send(parse(words.split(" "), run), NAME)
        except BadCommand as error:
            print(f"{words}: {error}")


def near(run: Run) -> str:
    lost = [one for one in run.experiments.values() if one.verdict == "discard" and one.value is not None]
    return str(min(lost, key=lambda one: one.value or 0.0).number) if lost else ""
