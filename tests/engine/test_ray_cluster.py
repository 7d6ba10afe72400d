"""What the engine makes of the word of the process that speaks to Ray. A test is that process, and the workers too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.engine.executors import node_words, ray_cluster
from autoresearch_tui.engine.executors import ray_words as words
from autoresearch_tui.engine.executors.node_words import framed
from autoresearch_tui.engine.executors.ray_cluster import Elsewhere
from autoresearch_tui.engine.executors.ray_process import Cluster
from autoresearch_tui.journal import events as e
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry.machine import boot_id
from autoresearch_tui.workspace import WorkspaceError
from tests.engine.afar import Bed
from tests.engine.nights import make_checkout


class Told:
    """The engine's slots of a cluster, whose bridge a test is."""

    def __init__(self, lab: Path, cluster: Cluster, bridge: socket.socket) -> None:
        self._bridge = bridge
        self.elsewhere = Elsewhere(cluster, Settings(), Bed(lab, lab, "off").site)
        self.lines: list[str] = []

    def say(self, *said: words.Word) -> None:
        self.say_bytes(b"".join(map(framed, said)))

    def say_bytes(self, body: bytes) -> None:
        self._bridge.sendall(body)

    def carry(self, place: int, *said: msgspec.Struct) -> None:
        """What that worker says."""
        self.say(words.Carried(place, b"".join(map(framed, said))))

    async def line(self) -> str:
        """The next one that the night has of its slots."""
        async with asyncio.timeout(10):
            while not self.lines:
                await asyncio.sleep(0.01)
        return self.lines.pop(0)


async def cluster_of(ours: socket.socket) -> Cluster:
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    return Cluster(subprocess.Popen([sys.executable, "-c", ""]), reader, writer)


@contextlib.asynccontextmanager
async def told(lab: Path) -> AsyncIterator[Told]:
    """With a night under way that has one slot, lab1/gpu0."""
    ours, theirs = socket.socketpair()
    with theirs:
        one = Told(make_checkout(lab), await cluster_of(ours), theirs)
        one.say(words.There(1, "lab1", "gpu0", has_card=True))
        one.carry(1, node_words.hello(boot_id()), node_words.Ready(e.Slot("gpu0", "a card")))
        await one.elsewhere.begin()
        assert list(one.elsewhere.slots) == ["lab1/gpu0"]
        keeping_up = asyncio.create_task(one.elsewhere.keep_up(one.lines.append))
        try:
            yield one
        finally:
            keeping_up.cancel()
            await one.elsewhere.end()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "AGAIN_S", 0.02)
    monkeypatch.setattr(ray_cluster, "TOGETHER_S", 0.02)


def test_a_slot_that_does_not_appear_is_explained_once_in_the_line_that_tells_of_slots(tmp_path: Path) -> None:
    async def night() -> None:
        async with told(tmp_path / "lab") as there:
            for place in (2, 3):  # it is tried again, and fails again
                there.say(words.There(place, "lab2", "gpu0", has_card=True))
                there.carry(place, node_words.hello(boot_id()), node_words.Refused("no space is left"))
                there.say(words.Gone(place, "lab2", "lab2: its worker ended"))
            assert await there.line() == "lab2 cannot train: no space is left"
            there.say(words.There(4, "lab3", "gpu0", has_card=True), words.Gone(4, "lab3", "lab3: No module named autoresearch_tui"))
            assert await there.line() == "lab3: No module named autoresearch_tui"
            there.say(words.Gone(5, "lab4", "lab4: Ray cannot start a process"))
            assert await there.line() == "lab4: Ray cannot start a process", "which never came so far as to be a worker"
            assert list(there.elsewhere.slots) == ["lab1/gpu0"]
            assert not there.lines

    asyncio.run(night())


def test_a_node_that_is_lost_and_one_that_joins_are_lines_of_the_night(tmp_path: Path) -> None:
    async def night() -> None:
        async with told(tmp_path / "lab") as there:
            there.say(words.Gone(1, "lab1", "lab1 was lost"))
            assert (await there.line(), dict(there.elsewhere.slots)) == ("lab1 was lost", {})
            there.say(words.There(2, "lab1", "gpu0", has_card=True))
            there.carry(2, node_words.hello(boot_id()), node_words.Ready(e.Slot("gpu0", "a card")))
            assert (await there.line(), list(there.elsewhere.slots)) == ("lab1/gpu0 joined", ["lab1/gpu0"])

    asyncio.run(night())


def test_a_slot_that_fails_in_the_same_way_again_and_again_leaves_each_time(tmp_path: Path) -> None:
    async def night() -> None:
        async with told(tmp_path / "lab") as there:
            for place in (1, 2, 3):
                if place > 1:
                    there.say(words.There(place, "lab1", "gpu0", has_card=True))
                    there.carry(place, node_words.hello(boot_id()), node_words.Ready(e.Slot("gpu0", "a card")))
                    assert (await there.line(), list(there.elsewhere.slots)) == ("lab1/gpu0 joined", ["lab1/gpu0"])
                there.carry(place, node_words.Refused("no space is left"))
                assert (await there.line(), dict(there.elsewhere.slots)) == ("lab1 cannot train: no space is left", {})
                there.say(words.Gone(place, "lab1", "lab1: its worker ended"))
            await asyncio.sleep(0.1)
            assert not there.lines, "and that its worker ends then is no news"

    asyncio.run(night())


@pytest.mark.parametrize("last", [b"", node_words.HEAD.pack(3) + b"\xc1\xc1\xc1"], ids=["it ends", "nonsense"])
@pytest.mark.parametrize("error", [WorkspaceError("no Ray cluster can be used"), OSError("no process can be made")], ids=["none", "broken"])
def test_a_cluster_that_goes_away_is_looked_for_until_it_is_there_and_cards_stay_cards(
    error: Exception, last: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    asked: list[bool] = []

    async def connect(settings: Settings, on_cards: bool = False) -> Cluster:
        asked.append(on_cards)
        if len(asked) == 1:
            raise error
        return await cluster_of(ours)

    monkeypatch.setattr(ray_cluster, "connect", connect)

    async def night() -> None:
        async with told(tmp_path / "lab") as there:
            there.say_bytes(last)
            if not last:
                there._bridge.shutdown(socket.SHUT_RDWR)
            assert (await there.line(), dict(there.elsewhere.slots)) == ("the Ray cluster is gone", {})
            there._bridge = theirs
            there.say(words.There(1, "lab1", "gpu0", has_card=True))
            there.carry(1, node_words.hello(boot_id()), node_words.Ready(e.Slot("gpu0", "a card")))
            assert await there.line() == "lab1/gpu0 joined"
            assert asked == [True, True]

    with theirs:
        asyncio.run(night())
