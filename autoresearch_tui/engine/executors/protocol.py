"""What the engine asks of whoever has the devices: slots, each of which trains one trial at a time.

Owns the words between the two. Does not own what a trial is (`jobs.py`), nor what follows from its end (`trials.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from autoresearch_tui.engine.jobs import Job
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.telemetry.sample import Sample


class Lost(Exception):
    """What a trial left is gone with the place where it was: it counts for nothing, and is trained again."""


class Training(Protocol):
    """A training that runs, or is about to."""

    pid: int
    """Of the process that lives as long as anything of the trial does, on whichever machine."""
    born: int
    boot: str
    """Of that machine."""

    def release(self) -> None:
        """Let it begin."""

    def spare(self) -> None:
        """Somebody wants its number, however hopeless it looks."""

    def end(self, outcome: str = "skipped", why: str = "skipped by hand", crash: str = "") -> None:
        """End it, without waiting. Said more than once, the first reason stands."""

    async def wait(self) -> Outcome:
        """How it ended, when all of it is gone. A place that is lost ends it as `interrupted`."""
        ...


class Observer(Protocol):
    """What is seen of a slot's card and cores, by whoever is near them."""

    in_line: str
    """For whom the card is waited for, while another run has it."""
    llm_said: int | None
    """Bytes that a language model has on the card, by its server's word."""

    @property
    def card(self) -> Sample | None: ...

    @property
    def holds_model(self) -> bool | None:
        """Whether a language model is on its card now; None: it cannot be told whose memory is whose."""
        ...

    @property
    def stranger(self) -> str: ...

    @property
    def others_memory(self) -> int: ...

    @property
    def fault(self) -> str: ...

    @property
    def ours(self) -> frozenset[int] | None: ...

    @property
    def peak(self) -> int | None: ...

    def hurry(self) -> None: ...

    def look(self) -> None: ...

    def launched(self, pid: int) -> Sample | None: ...

    def ended(self) -> tuple[e.Card | None, float | None]: ...

    async def asked_anew(self) -> None: ...


class Slot(Protocol):
    """A place where one trial at a time trains, and is measured."""

    @property
    def about(self) -> e.Slot: ...

    @property
    def conditions(self) -> Observer: ...

    @property
    def shares_its_card(self) -> bool:
        """Runs of this machine may want the same card, and wait for one another."""
        ...

    async def spawn(self, job: Job) -> Training:
        """The trial's folder and processes, which wait for the word."""
        ...

    def sweep(self) -> None:
        """Take away what the trial that ended left in memory that others share. May take its time: not for the loop."""

    def ended(self, outcome: Outcome) -> None:
        """The trial is over, and this is how."""

    async def clear(self, number: int, trial: Trial) -> int:
        """End what is left of a trial whose engine died; how many processes that was."""
        ...

    async def measure(self, job: Job, trial: Trial) -> e.Measured:
        """Its number, made where it was trained. Raises Lost where that is gone."""
        ...


class Executor(Protocol):
    """The slots of a session."""

    @property
    def slots(self) -> Mapping[str, Slot]:
        """By name, those that there are now. A slot that is gone ends what it trained."""
        ...

    async def begin(self) -> None:
        """Get to know them."""

    async def keep_up(self, changed: Callable[[str], None]) -> None:
        """Until it is cancelled. What came or went is said in words, after it did."""

    async def end(self) -> None:
        """Nothing of ours is left on any of them."""
