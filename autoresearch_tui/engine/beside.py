"""What goes on beside the loop: the next draft is written ahead, researchers that are down are looked for, the machine is watched.

Owns when these begin and rest. What they do is the controller's, the chain's and `conditions.py`'s; whoever fails here fails the night.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.cardlock import Holder, card_lock
from autoresearch_tui.engine.lineage import LineageError
from autoresearch_tui.journal.store import JournalBusy
from autoresearch_tui.telemetry.machine import person

if TYPE_CHECKING:
    from autoresearch_tui.engine.controller import Controller

PATIENCE_S = 10.0  # after a disk that was full, or a journal that somebody held
LOOK_S = 0.5  # between two looks at the clock for researchers that are down
SAMPLE_S = 1.0
THIN_S, OLD_S = 600.0, 3600.0  # between two thinnings of the samples, and from which age on


class Beside:
    """The tasks beside a controller's loop."""

    def __init__(self, controller: Controller) -> None:
        self._night = controller
        self._thinned = time.monotonic()

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        return [self._draft_ahead(), self._look_for_researchers(), self._watch_the_machine(), self._hold_the_card()]

    async def _draft_ahead(self) -> None:
        """While a trial runs, the next draft is written, unless whoever writes it computes where the trial does."""
        night = self._night
        while True:
            night.news.clear()
            step = plan.ahead(night.run, night.moment())
            if step is None or not self._may_overlap(step):
                with contextlib.suppress(TimeoutError):  # what was too early becomes right with time alone
                    await asyncio.wait_for(night.news.wait(), PATIENCE_S)
                continue
            try:
                await night.do(step)
            except (OSError, LineageError, JournalBusy) as error:
                night.warn_aside(f"the next draft has to wait: {error}")
                await asyncio.sleep(PATIENCE_S)

    def _may_overlap(self, step: plan.Step) -> bool:
        night = self._night
        if night.ending or not night.restored or night.overlap == "off":
            return False
        draft = night.run.drafts.get(step.draft) if isinstance(step, plan.Ask) else None
        speaker = night.chain.speaker(night.run, draft)
        if speaker is None or (night.overlap == "on" and not (speaker.shares and self._swaps())):
            return speaker is not None
        return bool(speaker.dialects) and not speaker.shares  # who answers at once had better know how this trial ends

    def _swaps(self) -> bool:
        """The model goes before each trial, or it is not known yet whether it will."""
        sharing = self._night.run.sharing
        return self._night.trials.conditions.card is not None and (sharing is None or sharing.mode == "swap")

    async def _look_for_researchers(self) -> None:
        """Those that are down are asked whether they are back. Who returns is heard by whatever waits for it."""
        night = self._night
        while True:
            try:
                down = len(night.run.down)
                night.write_down_attempts()
                await night.chain.look(lambda: night.run, night.record)
                if len(night.run.down) < down:
                    night.nudge.set()
            except (OSError, JournalBusy) as error:
                night.warn_aside(f"that a researcher is back has to wait: {error}")
            await asyncio.sleep(LOOK_S)

    async def _watch_the_machine(self) -> None:
        """What cannot be kept for want of space is lost: it is only for whoever looks."""
        while True:
            with contextlib.suppress(OSError, JournalBusy):
                self._night.trials.conditions.look()
                if time.monotonic() - self._thinned > THIN_S:
                    self._thinned = time.monotonic()
                    self._night.journal.thin(time.time() - OLD_S)
            await asyncio.sleep(SAMPLE_S)

    async def _hold_the_card(self) -> None:
        """One run at a time computes on a card, whoever's they are."""
        night, conditions = self._night, self._night.trials.conditions
        while (card := conditions.card) is None or card.fault:  # its driver may still begin
            await asyncio.sleep(SAMPLE_S)
        workspace = night.executor.workspace.folder.name
        who = Holder(person().partition("@")[0], night.run.tag, workspace, os.getpid(), time.time())
        async with card_lock(card.uuid, who, lambda said: setattr(conditions, "in_line", said), card.name or "the GPU") as unlocked:
            conditions.in_line = ""
            night.nudge.set()
            if unlocked:
                night.warn_aside(unlocked)
            await asyncio.Event().wait()
