"""Nights to compare, made of facts alone."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.morning.parts.looks import Place
from autoresearch_tui.morning.reading import Reading

HERE = {"prepare.py": "0123456789abcdef", "budget_s": "300", "device": "H100"}
SIGMA = 0.001
Fact = tuple[float, e.Event]


class Night:
    """A night whose facts come one by one, each trial three hundred seconds after the one before."""

    def __init__(
        self,
        tag: str = "nov20",
        key: dict[str, str] | None = None,
        sigma: float | None = SIGMA,
        goal: str = "lower",
        metric: str = "val_bpb",
        start: str = "a" * 40,
        at: float = 1e9,
    ) -> None:
        self.tag = tag
        self.at = at
        self.facts: list[e.Recorded] = []
        self.tip: int | None = None
        key = HERE if key is None else key
        self.add(e.RunStarted(tag, start, key=key, sigma=sigma, goal=goal, metric=metric))
        self.add(e.EngineStarted(1, 1, "boot", "1", "sweep", device=key.get("device", "")))

    def add(self, *facts: e.Event, seconds: float = 0.0) -> None:
        self.at += seconds
        self.facts += [e.Recorded(len(self.facts) + 1 + place, self.at, self.at, fact) for place, fact in enumerate(facts)]

    def draft(self, number: int, program: str, by: str) -> None:
        self.add(e.Drafting(f"d{number}", "tune", self.tip or 0, by, program=program), e.Replied(f"d{number}", 1.0, 10, 10, 0.25))
        self.add(e.Drafted(f"d{number}", "blob", "an idea"))

    def measure(
        self, values: Sequence[float], verdict: str = "keep", by: str = "sweep", program: str = "", decided: str = "policy"
    ) -> None:
        """An experiment on the tip with these numbers; none is a crash."""
        number = len([fact for fact in self.facts if isinstance(fact.event, e.Proposed)])
        if program:
            self.draft(number, program, by)
        draft = f"d{number}" if program else ""
        self.add(e.Proposed(number, draft, parent=self.tip, idea=f"idea {number}", researcher=by if number else ""))
        self.add(e.Committed(number, f"{number:040x}"))
        for trial, value in enumerate(values, start=1):
            self.trial(number, trial, value)
        if not values:
            self.add(e.Launched(number, 1, 42, 1, 1, "boot"))
            self.add(e.Ended(number, 1, "crash", crash="error", why="it broke", seconds=300.0), seconds=300.0)
        self.tip = number if verdict == "keep" and values else self.tip
        self.add(e.Judged(number, verdict if values else "crash", "because", self.tip or 0, by=decided), e.Applied(number))

    def trial(self, number: int, trial: int, value: float, purpose: str = "") -> None:
        self.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose=purpose))
        self.add(e.Ended(number, trial, "finished", seconds=300.0), seconds=300.0)
        self.add(e.Measured(number, trial, value, memory_gb=1.0))

    def close(self, before: Sequence[float], after: Sequence[float]) -> None:
        """The closing measurement of baseline and tip."""
        assert self.tip is not None
        for number, values in ((0, before), (self.tip, after)):
            taken = len([fact for fact in self.facts if isinstance(fact.event, e.Launched) and fact.event.number == number])
            for place, value in enumerate(values, start=taken + 1):
                self.trial(number, place, value, "closing")
        gain = sum(before) / len(before) - sum(after) / len(after)
        self.add(e.Concluded(self.tip, gain, baseline_trials=len(before), tip_trials=len(after)))

    def reading(self, source: str = "run", alive: bool = False) -> Reading:
        run = fold(self.facts)
        return Reading(self.tag, source, run, Place(self.tag, self.tag, alive=alive), facts=self.facts)


def a_night(
    tag: str,
    gains: Sequence[float],
    base: Sequence[float] = (1.0, 1.001, 0.999),
    key: dict[str, str] | None = None,
    sigma: float | None = SIGMA,
    start: str = "a" * 40,
    at: float = 1e9,
) -> Night:
    """A baseline that was measured three times, then one kept change for each gain, and a discard after each."""
    night = Night(tag, key, sigma, start=start, at=at)
    night.measure(base)
    value = sum(base) / len(base)
    for gained in gains:
        value -= gained
        night.measure([value + 0.0005, value - 0.0005])
        night.measure([value + 0.01], "discard")
    return night
