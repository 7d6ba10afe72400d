"""A training on another machine, and what is seen of its card there, in the words that the engine knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from autoresearch_tui.engine.executors import node_words as words
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.sample import Sample

Say = Callable[[words.Message], None]


class Afar:
    """What is seen of the other machine, by its own worker. No model of ours computes there, and no other run of ours."""

    in_line = ""
    llm_said: int | None = None
    card: Sample | None = None
    holds_model: bool | None = False
    stranger = ""
    others_memory = 0
    ours: frozenset[int] | None = None
    peak: int | None = None

    def __init__(self) -> None:
        self.told: words.Ended | None = None
        """How the last trial ended; None while one runs."""

    @property
    def fault(self) -> str:
        return self.told.fault if self.told else ""

    def hurry(self) -> None:
        """Nobody here waits for that card."""

    def look(self) -> None:
        """The worker looks."""

    def launched(self, pid: int) -> Sample | None:
        return None

    def ended(self) -> tuple[e.Card | None, float | None]:
        return (self.told.card, self.told.kwh) if self.told else (None, None)

    async def asked_anew(self) -> None:
        """The worker did, before it told of the end."""


class AfarTraining:
    """A training there."""

    def __init__(self, spawned: words.Spawned, say: Say) -> None:
        self.pid, self.born, self.boot = spawned.pid, spawned.born, spawned.boot
        self._say = say
        self.over: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def release(self) -> None:
        self._say(words.Go())

    def spare(self) -> None:
        self._say(words.Spare())

    def end(self, outcome: str = "skipped", why: str = "skipped by hand", crash: str = "") -> None:
        self._say(words.End(outcome, why, crash))

    async def wait(self) -> Outcome:
        return await asyncio.shield(self.over)
