"""The course of a contest: the beginning is measured once, then round after round until all have had their turns.

Everything is in the journals of the runs: killed at any moment, the same call goes on. What a contest alone remembers are the turns that
came to nothing in it.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import msgspec

from autoresearch_tui.contest.beginning import begin, copy, seed_of
from autoresearch_tui.contest.places import Entry, entries, state
from autoresearch_tui.contest.rounds import STRIKES, Turn, first_turn_of, level, queues, tried, turn_of
from autoresearch_tui.contest.turns import Terms, Turns
from autoresearch_tui.engine.executors.devices import Device
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.journal.state import Run
from autoresearch_tui.sections import Settings
from autoresearch_tui.terminal import works
from autoresearch_tui.workspace import Workspace

LOOK_S = 0.5


class Unmeasured(Exception):
    """The baseline has no number: one sentence."""


class Lineup(msgspec.Struct, frozen=True):
    """Who takes part, and for how long."""

    first: Entry
    entries: tuple[Entry, ...]
    company: tuple[Entry, ...]
    """What trains beside the first one, where slots share a processor."""
    experiments: int


class Course:
    """One session of a contest."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        lineup: Lineup,
        devices: Sequence[Device],
        sharing: Collection[str],
        tell: Callable[[str], None],
    ) -> None:
        self.workspace = workspace
        self.settings = settings
        self.lineup = lineup
        self.devices = devices
        self.sharing = sharing
        """The researchers that have memory of the card."""
        self.tell = tell
        self.turns = Turns(_terms(settings, devices))
        self.since = time.time()
        self.failed: Counter[str] = Counter()
        """Turns that came to nothing, by tag;"""
        self.strikes: Counter[str] = Counter()
        """those of them in a row,"""
        self.why: dict[str, str] = {}
        """and what the last of them said."""
        self.ended_by = 0
        """The first signal that somebody sent."""

    def run(self) -> None:
        """Until all is done, or somebody ends it."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._listen()
        await self._orphans()
        await self._measure()
        await self._play()

    @property
    def ended(self) -> bool:
        """Somebody wanted it to."""
        return self.turns.ending > 0

    async def _measure(self) -> None:
        """The baseline, with as much company as what is compared with it."""
        first, company = self.lineup.first, self.lineup.company
        if not self.ended and first_turn_of(state(first), self.since) is not None:
            self.tell("the baseline is trained, once for all")
            for entry in (first, *company):
                begin(self.workspace, self.settings, entry)
            await self._trained_in_company()
        if self.ended:
            return
        for entry in company:
            remove_tree(entry.folder)
        baseline = state(first).baseline
        if baseline is None or baseline.value is None:
            why = (baseline and baseline.reason) or self.why.get(first.tag) or "nobody said why"
            raise Unmeasured(f"the baseline has no number: {why.rstrip('.')}. {first.log} tells more.")

    async def _trained_in_company(self) -> None:
        """The company trains for as long as it takes, and no longer."""
        first, company = self.lineup.first, self.lineup.company
        beside = [asyncio.create_task(self._keeps_company(entry, device)) for entry, device in zip(company, self.devices[1:], strict=False)]
        try:
            while self._gets_turns(first) and (turn := first_turn_of(state(first), self.since)):
                await self._turn(first, turn, self.devices[0])
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        for task in beside:
            if not task.cancelled():
                task.result()  # raises what it met: the baseline was alone from then on

    async def _keeps_company(self, entry: Entry, device: Device) -> None:
        while self._gets_turns(entry):
            await self._turn(entry, first_turn_of(state(entry), self.since) or Turn(1, again=0), device)

    def _gets_turns(self, entry: Entry) -> bool:
        return not self.ended and not self._is_out(entry)

    async def _play(self) -> None:
        """Copies of what is missing, and rounds until nobody has anything left to do."""
        seed, by_tag = self.settings.run.seed, {entry.tag: entry for entry in self.lineup.entries}
        for entry in self.lineup.entries:
            if not entry.folder.exists() and not self.ended:
                await asyncio.to_thread(copy, self.lineup.first, entry, seed_of(seed, entry.repeat))
        while not self.ended:
            levels = {entry.tag: (entry.researcher, at) for entry in self.lineup.entries if (at := self._level(entry)) is not None}
            if not levels:
                return
            lists = queues(levels, self.sharing, len(self.devices), str(seed))
            going = zip(lists, self.devices, strict=True)
            await asyncio.gather(*(self._queue([by_tag[tag] for tag in queue], device) for queue, device in going))

    def _level(self, entry: Entry) -> int | None:
        run, is_out = state(entry), self._is_out(entry)
        if turn_of(run, self.lineup.experiments, is_out, self.since) is None or self.strikes[entry.tag] >= 2 * STRIKES:
            return None
        return level(run, self.failed[entry.tag], is_out, self.lineup.experiments)

    def _is_out(self, entry: Entry) -> bool:
        """It is tried no more in this session; what it has is still trained afresh."""
        return self.strikes[entry.tag] >= STRIKES

    async def _queue(self, entries: Sequence[Entry], device: Device) -> None:
        for entry in entries:
            if self.ended:
                return
            if (turn := turn_of(state(entry), self.lineup.experiments, self._is_out(entry), self.since)) is not None:
                await self._turn(entry, turn, device)

    async def _turn(self, entry: Entry, turn: Turn, device: Device) -> None:
        before = state(entry)
        why = await self.turns.take(entry, turn, device)
        now = state(entry)
        if _trials(now) > _trials(before) or tried(now) > tried(before):
            del self.strikes[entry.tag]
            self.tell(f"{entry.tag}  {_told(now, turn)}")
        elif not self.ended:
            self.failed[entry.tag] += 1
            self.strikes[entry.tag] += 1
            self.why[entry.tag] = why
            out = ": no more turns for it now" if self.strikes[entry.tag] == STRIKES and entry.repeat else ""
            self.tell(f"{entry.tag}  came to nothing ({why or 'nobody said why'}){out}")

    async def _orphans(self) -> None:
        """Engines of a contest that was killed come to the end of their turn: nothing else is trained beside them."""
        home = self.lineup.first.folder.parent
        for entry in dict.fromkeys((self.lineup.first, *self.lineup.company, *entries(home))):
            if works(state(entry)):
                self.tell(f"{entry.tag}  its engine is still at work, from a contest that was killed: it is waited for")
            while works(state(entry)) and not self.ended:
                await asyncio.sleep(LOOK_S)

    def _listen(self) -> None:
        """Ctrl+C: the turns under way come to their end; twice: at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupted, number)

    def _interrupted(self, number: signal.Signals) -> None:
        is_first, self.ended_by = not self.ended, self.ended_by or number
        self.turns.end(number)
        if number != signal.SIGINT:
            self.tell(f"it ends now: {number.name} arrived")
        elif is_first:
            self.tell("it ends after the trainings that are under way; Ctrl+C again: at once")


def _terms(settings: Settings, devices: Sequence[Device]) -> Terms:
    cost = settings.limits.max_cost
    return Terms(
        max_cost="none" if cost is None else "" if cost == "auto" else f"{cost:g}", card=settings.gpu.card if len(devices) == 1 else ""
    )


def _trials(run: Run) -> int:
    return sum(trial.outcome != "interrupted" for one in run.experiments.values() for trial in one.trials if trial.outcome)


def _told(run: Run, turn: Turn) -> str:
    """What the turn came to, in a line."""
    number = turn.again if turn.again is not None else max(run.experiments)
    one = run.experiments[number]
    last = one.trials[-1] if one.trials else None
    value = f" {last.value:.6f}" if last and last.value is not None else ""
    return f"#{number} trained again{value}" if turn.again is not None else f"#{number} {one.verdict}{value}  {one.idea}"
