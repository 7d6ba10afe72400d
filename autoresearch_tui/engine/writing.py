"""One reply at a time: who is asked for it, and what becomes of those who cannot, will not or do not understand.

Both the loop and what drafts ahead of it wait for the same reply. Every end is a fact, so each restart knows where it stands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from autoresearch_tui.engine.chain import Chain, again
from autoresearch_tui.engine.drafting import Drafter, Surely
from autoresearch_tui.engine.drafts import FRUITLESS, rest_s
from autoresearch_tui.engine.undecided import undecided
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Health
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.proposals.prompt import WindowTooSmall
from autoresearch_tui.researchers import Declined, NothingLeft, NotUnderstood, Researcher, ResearcherDown, WindowExceeded

MENDED_S = 60.0  # between two looks at what only a person mends
SMALLER = 0.75  # of the window that turned out to be too large, where the server does not say what fits
SMALLEST = 2048


class Writing:
    """The reply that is being written."""

    def __init__(self, journal: Journal, drafter: Drafter, chain: Chain, record: Callable[..., None], surely: Surely) -> None:
        self.journal = journal
        self.drafter = drafter
        self.chain = chain
        self.record = record
        self.surely = surely
        self.draft = ""
        """The draft that it is for; empty while nothing is written."""
        self._nothing_left: tuple[str, frozenset[int]] = "", frozenset()
        """What a researcher said when it had nothing more to propose, and what was without a verdict then."""
        self._task: asyncio.Task[None] | None = None
        self._windows: dict[str, int] = {}
        """Of researchers whose window turned out to be smaller than it was said to be."""

    async def reply(self, draft: str) -> None:
        """Get one more reply for this draft, or the fact that says why there is none. While another is written, only wait for that."""
        if self._task is None:
            self.draft = draft
            self._task = asyncio.create_task(self._write(draft))
            self._task.add_done_callback(self._written)
        task = self._task
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    @property
    def nothing_left(self) -> str:
        """Why there is nothing more to propose, until a verdict says more; a person's idea is tried all the same."""
        why, asked_of = self._nothing_left
        return "" if any(self.journal.run.experiments[number].verdict for number in asked_of) else why

    def give_up(self, draft: str, why: str) -> None:
        """Who has nothing usable to say rests for a while, and the next of the chain speaks; alone it is asked less and less often."""
        name = self.journal.run.drafts[draft].researcher
        self.record(*self.drafter.given_up(self.journal.run, draft, why))
        health = self.journal.run.health.get(name, Health())
        if len(self.chain.names) > 1 and health.fruitless >= FRUITLESS:
            why = f"{health.fruitless} drafts in a row came to nothing"
            self.record(e.ResearcherDown(name, why, time.time() + rest_s(health.fruitless)))

    def interrupt(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def idle(self) -> None:
        """Until nothing is written any more."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """End what is being written, and wait until it has let go of its server."""
        self.interrupt()
        await self.idle()

    def _written(self, _: asyncio.Task[None]) -> None:
        self.draft, self._task = "", None

    async def _write(self, name: str) -> None:
        run = self.journal.run
        draft = run.drafts[name]
        speaker = self.chain.speaker(run, draft)
        if speaker is None:
            if not draft.needs_reply or draft.replied:
                await self.drafter.ask(run, name, self.record, self.surely)
            return  # or it went down since this was planned
        window = self._windows.get(speaker.name) or speaker.window
        try:
            await self.drafter.ask(run, name, self.record, self.surely, speaker, window)
            self._nothing_left = "", frozenset()
        except NotUnderstood as error:
            self._passed(speaker, name, str(error))
        except NothingLeft as nothing:
            now = frozenset(one.number for one in undecided(self.journal.run))
            if self._passed(speaker, name, str(nothing), outdated=bool(now)):
                self._nothing_left = str(nothing), now
        except ResearcherDown as down:
            self._down(speaker, str(down), down.retry_s or 0.0, down.for_good)
        except Declined as declined:
            self._declined(speaker, name, declined)
        except WindowExceeded as small:
            self._smaller(speaker, name, small, window)
        except WindowTooSmall as small:
            self._down(speaker, str(small), for_good=True)

    def _passed(self, one: Researcher, draft: str, why: str, outdated: bool = False) -> bool:
        """The next of the chain is asked; after the last the draft is given up, and that is said. `outdated`: others are in its way."""
        asked = self.journal.run.drafts.get(draft)
        if asked is None:
            return False
        if others := set(self.chain.names) - {one.name, *asked.declined}:
            self.record(e.Passed(draft, one.name, clean_line(why, 300)))
        else:
            self.record(*self.drafter.given_up(self.journal.run, draft, why, outdated))
        return not others

    def _down(self, one: Researcher, why: str, least_s: float = 0.0, for_good: bool = False) -> None:
        until = again(self.journal.run, one.name, max(least_s, MENDED_S) if for_good else least_s)
        why = why.removeprefix(f"{one.name} at ")  # whoever reads it reads the name before it
        self.record(e.ResearcherDown(one.name, clean_line(why, 500), until, for_good))

    def _declined(self, one: Researcher, draft: str, declined: Declined) -> None:
        self.record(e.Declined(draft, one.name, clean_line(str(declined).partition(":")[0], 300)))
        run = self.journal.run
        times = run.health.get(one.name, Health()).declined
        if run.limits.declined is not None and times >= run.limits.declined:
            why = f"it declined {times} requests in a row, which is the limit: {declined}"
            self.record(e.ResearcherDown(one.name, clean_line(why, 500), for_good=True))

    def _smaller(self, one: Researcher, draft: str, small: WindowExceeded, before: int) -> None:
        """The next prompt is made shorter; where that cannot be, it is the researcher that cannot be used."""
        asked = self.journal.run.drafts.get(draft)
        before = before or (asked.tokens if asked else 0) + one.answer
        window = small.window if 0 < small.window < before else int(before * SMALLER)
        if window < SMALLEST:
            self._down(one, str(small), for_good=True)
        else:
            self._windows[one.name] = window
            self.record(e.Warned(clean_line(f"{one.name}: {small} The next prompt fits {window} tokens.", 500)))
