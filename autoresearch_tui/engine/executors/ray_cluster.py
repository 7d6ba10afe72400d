"""The executor whose slots are a Ray cluster's: they come, train, and go as its nodes do.

Owns which slots there are, by the word of the process that speaks to Ray (`ray_process.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec

from autoresearch_tui.engine.executors import ray_words as words
from autoresearch_tui.engine.executors.node_place import Place, Site
from autoresearch_tui.engine.executors.node_slot import Distant
from autoresearch_tui.engine.executors.node_words import framed
from autoresearch_tui.engine.executors.ray_process import Cluster, connect
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import WorkspaceError

BEGIN_S, MORE_S = 60.0, 5.0  # for the first slot, and then for the others
AGAIN_S = 10.0  # before a cluster that went away is looked for again
TOGETHER_S = 0.5  # what comes or goes in one breath is told as one


class Elsewhere:
    """The slots of a cluster."""

    def __init__(self, cluster: Cluster, settings: Settings, site: Site) -> None:
        self._cluster: Cluster | None = cluster
        self._settings = settings
        self._site = site
        self._places: dict[int, Place] = {}
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._slots: dict[str, Distant] = {}
        self._on_cards = False
        """One of its slots had a card."""
        self._said: list[str] = []
        """What came or went since it was told last."""
        self._refused: set[str] = set()
        """Why nodes cannot be used, as far as it was said."""
        self._news = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @property
    def slots(self) -> Mapping[str, Distant]:
        return self._slots

    async def begin(self) -> None:
        assert self._cluster
        expected, self._listening = self._cluster.expected, asyncio.create_task(self._listen())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_S) as bound:
                while sum(bool(place.slot or place.refused) for place in self._places.values()) < expected:
                    await self._news.wait()
                    self._news.clear()
                    if self._slots and (until := asyncio.get_running_loop().time() + MORE_S) < (bound.when() or until):
                        bound.reschedule(until)
        self._said = [said for said in self._said if said in self._refused]

    async def keep_up(self, changed: Callable[[str], None]) -> None:
        while True:
            if self._said:
                await asyncio.sleep(TOGETHER_S)
                said, self._said = self._said, []
                changed("; ".join(dict.fromkeys(said)))
            await self._news.wait()
            self._news.clear()

    async def end(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        for task in self._serving.values():
            task.cancel()
        if self._cluster:
            await self._cluster.end()

    # -----------------------------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """What the cluster tells; when it goes away, it is looked for again."""
        while True:
            while self._cluster and (word := await self._cluster.hear()) is not None:
                self._heard(word)
            for place in list(self._places):
                self._lose(place, "the Ray cluster is gone")
            if self._cluster:
                cluster, self._cluster = self._cluster, None
                await cluster.end()
            await asyncio.sleep(AGAIN_S)
            with contextlib.suppress(WorkspaceError, OSError):
                self._cluster = await connect(self._settings, self._on_cards)

    def _heard(self, word: words.Word) -> None:
        match word:
            case words.There(number, node, slot, part, parts, has_card):
                cluster = self._cluster
                assert cluster
                self._on_cards |= has_card

                def say(message: msgspec.Struct) -> None:
                    cluster.say(words.Carried(number, framed(message)))

                self._places[number] = new = Place(self._site, f"{node}/{slot}", node, part, parts, say)
                self._serving[number] = asyncio.create_task(new.serve(lambda: self._changed(number)))
            case words.Carried(number, body) if place := self._places.get(number):
                try:
                    place.take(body)
                except (ValueError, msgspec.MsgspecError):
                    place.refused = f"{place.node} says what cannot be understood: install the same autoresearch-tui there"
                    self._changed(number)
            case words.Gone(number, node, why):
                self._lose(number, clean_line(why, 200))

    def _changed(self, number: int) -> None:
        """A worker became a slot, or will not."""
        place = self._places[number]
        if place.refused:
            self._tell_loss(place, place.refused)
            if self._cluster:
                self._cluster.say(words.Drop(number))
        elif place.slot:
            self._slots[place.name] = place.slot
            self._said.append(f"{place.name} joined")
        self._news.set()

    def _lose(self, number: int, why: str) -> None:
        place = self._places.pop(number, None)
        if place:
            self._serving.pop(number).cancel()
        self._tell_loss(place, (place.refused if place else "") or why)
        self._news.set()

    def _tell_loss(self, place: Place | None, why: str) -> None:
        """That a slot goes is news each time it does; why there is none is said once, however often it is tried."""
        goes = self._slots.pop(place.name, None) if place and place.slot else None
        if goes:
            goes.lose(why)
        if why and (goes or why not in self._refused):
            self._refused.add(why)
            self._said.append(why)
