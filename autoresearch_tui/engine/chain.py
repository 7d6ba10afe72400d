"""Who proposes: the researchers of a run in their order. While the first is down the next one speaks, and hands back when it returns.

Who is down stands in the journal. Here they are asked whether they are back, less and less often, beside whatever else goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Draft, Health, Run
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.researchers import Researcher, ResearcherDown

FIRST_S, LONGEST_S = 2.0, 300.0  # between two looks at one that is down: at first, and after a night of silence
CHECK_S = 30.0  # that a look may take: the first one loads a client too
REMOTE = "it is on another machine or forwards to one, and this run speaks to this machine only: `[privacy] local_only = false` allows it"


class Chain:
    """The researchers of a run."""

    def __init__(self, researchers: Sequence[Researcher], local_only: bool = False) -> None:
        assert researchers, "somebody proposes"
        self.researchers = tuple(researchers)
        self.local_only = local_only

    @property
    def first(self) -> Researcher:
        return self.researchers[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of those that can answer."""
        return tuple(warning for one in self.researchers if (warning := getattr(one, "warning", "")))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.researchers)

    def speaker(self, run: Run, draft: Draft | None = None) -> Researcher | None:
        """The first who can answer, and has not declined this draft; None: nobody can."""
        declined = draft.declined if draft else ()
        return next((one for one in self.researchers if one.name not in run.down and one.name not in declined), None)

    def back_at(self, run: Run) -> float | None:
        """When the first of those that are down is looked for; None: nobody is, or only a person helps."""
        times = [down.until for name, down in run.down.items() if name in self.names and down.until is not None]
        return min(times, default=None)

    async def refusal(self, one: Researcher) -> str | None:
        """What keeps this one from answering, asked of it now."""
        try:
            async with asyncio.timeout(CHECK_S):
                said = await one.check()
        except TimeoutError:
            return f"{one.name} did not say within {CHECK_S:g} s whether it can answer"
        except ResearcherDown as down:
            return str(down)
        return said or (f"{one.name}: {REMOTE}" if self.local_only and one.remote else None)

    async def look(self, run: Callable[[], Run], record: Callable[..., None]) -> None:
        """Ask those whose time has come whether they are back."""
        for one in self.researchers:
            down = run().down.get(one.name)
            if down is None or down.until is None or down.until > time.time():
                continue
            said = await self.refusal(one)
            if one.name not in run().down:
                continue
            if said is None:
                record(e.ResearcherUp(one.name))
            else:
                record(e.ResearcherDown(one.name, clean_line(said.removeprefix(f"{one.name} at "), 500), until=again(run(), one.name)))

    @property
    def unloads(self) -> bool:
        """What computes on the card gives its memory back when it is asked to; most servers cannot."""
        return all(hasattr(one, "load") for one in self.researchers if one.shares)

    async def load(self) -> None:
        """Those that hold memory of the GPU while they answer take it now."""
        for one in self.researchers:
            if one.shares and (load := getattr(one, "load", None)):
                await load()

    async def release(self) -> None:
        """Those that hold memory of the GPU give it back."""
        for one in self.researchers:
            if one.shares:
                await one.release()


def again(run: Run, name: str, least_s: float = 0.0) -> float:
    """When to look for a researcher that failed once more: later each time, and not before it asked for itself."""
    failures = run.health.get(name, Health()).failures
    return time.time() + max(least_s, min(LONGEST_S, FIRST_S * 2.0 ** min(failures, 30)))
