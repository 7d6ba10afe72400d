"""A world with a trunk whose noise is known, that says what the plan wants next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from autoresearch_tui.engine.steps import Judge, Notice, Train
from autoresearch_tui.journal import events as e
from tests.engine.histories import TRIAL_S
from tests.engine.worlds import World

SIGMA = 0.001
KNOWN = (1.0 - SIGMA, 1.0, 1.0 + SIGMA)
"""Three trials of the baseline whose spread is the guess."""


class Trunk(World):
    """A world whose noise is known."""

    def __init__(
        self, baseline: tuple[float, ...] = KNOWN, sigma: float | None = SIGMA, trust: str = "verified", goal: str = "lower", **rules: Any
    ) -> None:
        super().__init__()
        self.add(e.RunStarted("night", "c0", sigma=sigma, trust=trust, goal=goal))
        self.add(e.EngineStarted(1, 1, "boot", "1", "sweep", rules=e.Rules(**rules)))
        self.add(e.Proposed(0), e.Committed(0, "c0"))
        for value in baseline:
            self.trial(0, value)
        if baseline:
            self.judge(0)

    def trial(
        self, number: int, value: float | None = None, purpose: str = "", pace: float | None = None, slot: str = "", **ended: Any
    ) -> None:
        """One more training of it."""
        trial = len(self.run.experiments[number].trials) + 1
        self.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose, slot))
        self.now += timedelta(seconds=TRIAL_S)
        self.add(e.Ended(number, trial, **{"outcome": "finished" if value is not None else "crash", "seconds": TRIAL_S} | ended))
        if value is not None:
            steps, tokens = (None, None) if pace is None else (round(1000 * pace), 500 * pace)
            self.add(e.Measured(number, trial, value, "", self.run.trust, 1.0, steps, tokens, training_s=300.0))

    def experiment(self, number: int, value: float | None = None, parent: int = 0, **trial: Any) -> None:
        self.add(e.Proposed(number, parent=parent), e.Committed(number, f"c{number}"))
        self.trial(number, value, **trial)

    def wants(self) -> tuple[int, str] | str:
        """What comes next: which experiment is trained for what, or the verdict that there is."""
        while isinstance(step := self.next_step(), Notice):
            self.do(step)
        if isinstance(step, Train):
            return step.number, step.purpose
        assert isinstance(step, Judge), step
        self.do(step)
        one = self.run.experiments[step.number]
        self.add(e.Applied(step.number))
        return f"{one.verdict}: {one.reason}"
