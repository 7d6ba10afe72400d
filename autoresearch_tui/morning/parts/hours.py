"""Where the hours of a night went, by its facts. Pure.

Between two facts something trained, or was evaluated, or a person had it paused, or a researcher was waited for, or none of these, or no
engine worked: the first of them that is true has the time, so that all of them together are the whole. Within one boot of the machine
seconds are those of the clock that nobody can set. The one clock of the morning: how much work had been done by a verdict is told here too.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from autoresearch_tui.journal import events as e
from autoresearch_tui.morning.account import Hours

SLEPT_S = 60.0  # by which the clock on the wall is ahead of the other: the machine slept
CLOCK_S = 30 * 86400.0  # or somebody set it

Key = tuple[int, int]
"""An experiment and its trial."""


class Clocked(msgspec.Struct, frozen=True):
    """Where the hours went, and when in them something was known."""

    hours: Hours
    judged: dict[int, float]
    """Seconds of work until each experiment had its first verdict."""


def clocked(facts: Iterable[e.Recorded], seen: Mapping[int, float] | None = None) -> Clocked:
    """`seen`: when something was last seen of an engine that died, by the number of the fact with which the next one began."""
    work = _Work(seen or {})
    before: e.Recorded | None = None
    for recorded in facts:
        if before is not None:
            work.pass_to(before, recorded)
        work.take(recorded.event)
        before = recorded
    return Clocked(work.hours(), work.judged)


def hours_of(facts: Iterable[e.Recorded], seen: Mapping[int, float] | None = None) -> Hours:
    return clocked(facts, seen).hours


class _Work:
    """What goes on at a moment, and the seconds so far."""

    def __init__(self, seen: Mapping[int, float]) -> None:
        self.seen = seen
        self.boot = ""
        self.works = False
        self.paused = False
        self.training: dict[Key, None] = {}
        self.evaluating: dict[int, None] = {}
        self.asked: dict[str, str] = {}
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.trained: defaultdict[Key, float] = defaultdict(float)
        self.lasted: dict[Key, float] = {}
        self.budget: dict[Key, float] = {}
        self.worked = 0.0
        self.judged: dict[int, float] = {}

    def pass_to(self, before: e.Recorded, after: e.Recorded) -> None:
        fact = after.event
        boot = fact.boot if isinstance(fact, e.EngineStarted) else self.boot
        seconds, slept = _between(before, after, same_boot=boot == self.boot or not self.boot)
        self.spent["away"] += slept
        if isinstance(fact, e.EngineStarted) and self.works:  # the one before it died
            until = self.seen.get(after.seq)
            lived = seconds if fact.after and until is None else min(seconds, max(0.0, (until or 0.0) - before.at))
            self.spent["away"] += seconds - lived
            seconds = lived
        self._spend(seconds)

    def _spend(self, seconds: float) -> None:
        busy = self.training or self.evaluating
        if not self.works or (self.paused and not busy):
            self.spent["paused" if self.works else "away"] += seconds
            return
        self.worked += seconds
        if self.training:
            for key in self.training:
                self.trained[key] += seconds / len(self.training)
        elif self.evaluating:
            self.spent["evaluating"] += seconds
        else:
            self.spent["drafting" if self.asked else "idle"] += seconds

    def take(self, fact: e.Event) -> None:
        match fact:
            case e.EngineStarted():
                self._stop(works=True)
                self.boot, self.paused = fact.boot, self.paused and bool(fact.after)
            case e.EngineEnded():
                self._stop(works=False)
            case e.Launched():
                self.training[fact.number, fact.trial] = None
            case e.Ended():
                self.training.pop((fact.number, fact.trial), None)
                self.lasted[fact.number, fact.trial] = fact.seconds
                if fact.outcome == "finished":
                    self.evaluating[fact.number] = None
            case e.Measured():
                self.evaluating.pop(fact.number, None)
                if fact.training_s is not None:
                    self.budget[fact.number, fact.trial] = fact.training_s
            case e.Judged():
                self.evaluating.pop(fact.number, None)
                self.judged.setdefault(fact.number, self.worked)
            case e.Paused() | e.Resumed():
                self.paused = isinstance(fact, e.Paused)
            case e.Drafting() | e.Asked():
                if fact.researcher:
                    self.asked[fact.draft] = fact.researcher
            case e.ResearcherDown():
                self.asked = {draft: name for draft, name in self.asked.items() if name != fact.researcher}
            case e.Replied() | e.Drafted() | e.Refused() | e.Abandoned() | e.Declined() | e.Passed():
                self.asked.pop(fact.draft, None)

    def _stop(self, works: bool) -> None:
        self.works = works
        self.training.clear()
        self.evaluating.clear()
        self.asked.clear()

    def hours(self) -> Hours:
        """With the time of each training divided into its start and the rest; of one that does not say, by what is usual."""
        whole = sum(self.spent.values()) + sum(self.trained.values())
        starts = {key: max(0.0, lasted - self.budget[key]) for key, lasted in self.lasted.items() if key in self.budget}
        usual = statistics.median(starts.values()) if starts else 0.0
        for key, seconds in self.trained.items():
            start = min(seconds, starts.get(key, usual))
            self.spent["starting"] += start
            self.spent["training"] += seconds - start
        return Hours(whole=whole, **self.spent)


def _between(before: e.Recorded, after: e.Recorded, same_boot: bool) -> tuple[float, float]:
    """The seconds that a machine which was awake counted from one fact to the next, and those that it slept."""
    passed, counted = after.at - before.at, after.mono - before.mono
    if not same_boot or counted < 0:
        return max(0.0, passed), 0.0
    asleep = passed - counted
    return counted, asleep if SLEPT_S < asleep < CLOCK_S else 0.0
