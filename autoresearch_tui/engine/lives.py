"""The slots of a session, and what is done in each beside the loop: a training, and what is measured right after it.

Owns who is where. Does not own what comes next (`plan.py`), the order within a trial (`trials.py`), nor how patient one is with a disk
that is full (`patience.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple

from autoresearch_tui.engine.executors.protocol import Slot
from autoresearch_tui.engine.trials import Trials
from autoresearch_tui.journal.events import Slot as About
from autoresearch_tui.journal.experiment import is_same_device
from autoresearch_tui.journal.state import Run


class Life(NamedTuple):
    """What is done for one experiment."""

    trials: Trials
    task: asyncio.Task[None]
    bell: asyncio.Event
    """Somebody said something while it rests."""


class Lives:
    """One in each slot at most. What a slot that is gone still does is in its life."""

    def __init__(self, over: Callable[[], None]) -> None:
        self._slots: dict[str, Trials] = {}
        self._lives: dict[int, Life] = {}
        self._over = over

    # ---------------------------------------------------------------------------------------------------------------------------
    # The slots
    # ---------------------------------------------------------------------------------------------------------------------------

    def equip(self, slots: Mapping[str, Slot], made: Callable[[Slot], Trials]) -> tuple[About, ...]:
        """These are there from now on; what is to be said of them."""
        known = {id(trials.slot): trials for trials in self._slots.values()}
        self._slots = {name: known.get(id(slot)) or made(slot) for name, slot in slots.items()}
        return tuple(trials.slot.about for trials in self._slots.values())

    @property
    def devices(self) -> tuple[str, ...]:
        """The class of each slot."""
        return tuple(trials.slot.about.device for trials in self._slots.values())

    @property
    def idle(self) -> list[Trials]:
        busy = {id(life.trials) for life in self._lives.values()}
        return [trials for trials in self._slots.values() if id(trials) not in busy]

    @property
    def free(self) -> list[Trials]:
        """Those that nobody else's trial keeps from training either."""
        return [trials for trials in self.idle if not trials.taken]

    @property
    def taken(self) -> str:
        """Who has the card of an idle slot; empty: nobody."""
        return next((trials.taken for trials in self.idle if trials.taken), "")

    def free_for(self, device: str, name: str) -> Trials:
        """The plan saw that there is one: nothing has happened since."""
        abouts = ((trials.slot.about, trials) for trials in self.free)
        return next(trials for about, trials in abouts if is_same_device(about.device, device) and name in ("", about.name))

    def of(self, run: Run, number: int, trial: int) -> Trials:
        """The slot that this trial was in; if that is gone, an idle one, or any."""
        name = next((one.slot for one in run.experiments[number].trials if one.number == trial), "")
        return self._slots.get(name) or next(iter((*self.idle, *self._slots.values())))

    def every(self) -> Iterable[Trials]:
        """Of slots that are gone too, as long as something in them is not over."""
        return {id(one): one for one in (*self._slots.values(), *(life.trials for life in self._lives.values()))}.values()

    # ---------------------------------------------------------------------------------------------------------------------------
    # What is done in them
    # ---------------------------------------------------------------------------------------------------------------------------

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(self._lives)

    def begin(self, number: int, trials: Trials, done: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(done, name=f"experiment {number}")
        self._lives[number] = Life(trials, task, asyncio.Event())
        task.add_done_callback(lambda _: self._ended(number, task))

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:  # the loop raises what it failed of
            del self._lives[number]
        self._over()

    def bell(self, number: int | None) -> asyncio.Event | None:
        """That rings when somebody says something; None: nothing is done for this one."""
        return self._lives[number].bell if number in self._lives else None

    def ring(self) -> None:
        for life in self._lives.values():
            life.bell.set()

    def raise_failed(self) -> None:
        for life in self._lives.values():
            if life.task.done():
                life.task.result()

    async def end(self, why: str) -> None:
        """End all of it, and wait until that is written down."""
        for life in self._lives.values():
            life.trials.interrupt(why)
        await asyncio.gather(*(life.task for life in self._lives.values()), return_exceptions=True)
