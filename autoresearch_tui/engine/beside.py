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
from autoresearch_tui.engine.executors.protocol import Observer
from autoresearch_tui.engine.lineage import LineageError
from autoresearch_tui.engine.patience import PATIENCE_S
from autoresearch_tui.engine.steps import Ask, Step
from autoresearch_tui.journal.state import Draft
from autoresearch_tui.journal.store import JournalBusy
from autoresearch_tui.telemetry.machine import person

if TYPE_CHECKING:
    from autoresearch_tui.engine.controller import Controller

LOOK_S = 0.5  # between two looks at the clock for researchers that are down
SAMPLE_S = 1.0
THIN_S, OLD_S = 600.0, 3600.0  # between two thinnings of the samples, and from which age on


class Beside:
    """The tasks beside a controller's loop."""

    def __init__(self, controller: Controller) -> None:
        self._night = controller
        self._thinned = time.monotonic()

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        return [self._draft_ahead(), self._look_for_researchers(), self._watch_the_machine(), self._keep_up()]

    def in_turn(self) -> bool:
        """Nothing is written while anything trains, wherever there is a free slot."""
        return not self._may_write(None, waited_for=True)

    async def _draft_ahead(self) -> None:
        """While a trial runs, the next draft is written, unless whoever writes it computes where the trial does."""
        night = self._night
        while True:
            night.news.clear()
            moment = night.moment()
            step = plan.ahead(night.run, moment)
            if step is None or not self._may_overlap(step, waited_for=bool(moment.busy and moment.free)):
                with contextlib.suppress(TimeoutError):  # what was too early becomes right with time alone
                    async with asyncio.timeout(PATIENCE_S):
                        await night.news.wait()
                continue
            try:
                await night.do(step)
            except (OSError, LineageError, JournalBusy) as error:
                night.warn_aside(f"the next draft has to wait: {error}")
                await asyncio.sleep(PATIENCE_S)

    def _may_overlap(self, step: Step, waited_for: bool) -> bool:
        night = self._night
        if night.ending or not night.restored:
            return False
        return self._may_write(night.run.drafts.get(step.draft) if isinstance(step, Ask) else None, waited_for)

    def _may_write(self, draft: Draft | None, waited_for: bool) -> bool:
        """`waited_for`: by a slot that has nothing to train."""
        night = self._night
        if waited_for and draft is not None and not draft.needs_reply:
            return True
        speaker = night.chain.speaker(night.run, draft)
        if night.overlap == "off" or speaker is None:
            return False
        if night.overlap == "on" and not (speaker.shares and self._swaps()):
            return True
        if speaker.shares:
            return False
        return waited_for or bool(speaker.dialects)  # who answers at once had better know how this trial ends

    def _swaps(self) -> bool:
        """The model goes before each trial, or it is not known yet whether it will."""
        sharing = self._night.run.sharing
        seen = [slot.conditions for slot in self._night.executor.slots.values()]
        with_card = any(one.card is not None and (len(seen) == 1 or one.holds_model is not False) for one in seen)
        return with_card and (sharing is None or sharing.mode == "swap")

    async def _look_for_researchers(self) -> None:
        """Those that are down are asked whether they are back. Who returns is heard by whatever waits for it."""
        night = self._night
        while True:
            try:
                down = len(night.run.down)
                night.write_down_attempts()
                await night.chain.look(lambda: night.run, night.record)
                if len(night.run.down) < down:
                    night.stir()
            except (OSError, JournalBusy) as error:
                night.warn_aside(f"that a researcher is back has to wait: {error}")
            await asyncio.sleep(LOOK_S)

    async def _watch_the_machine(self) -> None:
        """What cannot be kept for want of space is lost: it is only for whoever looks."""
        while True:
            with contextlib.suppress(OSError, JournalBusy):
                for slot in self._night.executor.slots.values():
                    slot.conditions.look()
                if time.monotonic() - self._thinned > THIN_S:
                    self._thinned = time.monotonic()
                    self._night.journal.thin(time.time() - OLD_S)
            await asyncio.sleep(SAMPLE_S)

    async def _keep_up(self) -> None:
        """With the slots that come and go; on a card that is this machine's one run at a time computes, whoever's they are."""
        night = self._night
        async with asyncio.TaskGroup() as holding:
            for slot in night.executor.slots.values():
                if slot.shares_its_card:
                    holding.create_task(self._hold_the_card(slot.conditions))
            await night.executor.keep_up(night.equip)

    async def _hold_the_card(self, conditions: Observer) -> None:
        night = self._night
        while (card := conditions.card) is None or card.fault:  # its driver may still begin
            await asyncio.sleep(SAMPLE_S)
        workspace = night.jobs.workspace.folder.name
        who = Holder(person().partition("@")[0], night.run.tag, workspace, os.getpid(), time.time())
        async with card_lock(card.uuid, who, lambda said: setattr(conditions, "in_line", said), card.name or "the GPU") as unlocked:
            conditions.in_line = ""
            night.stir()
            if unlocked:
                night.warn_aside(unlocked)
            await asyncio.Event().wait()
