"""Which slots of a cluster are taken and given back as its nodes come and go. Ray is a table here, and workers say what a test does."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from autoresearch_tui.engine.executors import ray_bridge
from autoresearch_tui.engine.executors import ray_words as words
from autoresearch_tui.engine.executors.ray_bridge import Bridge


class Actor:
    """What holds a worker's pipes, on a node whose GPU may be somebody else's."""

    def __init__(self, node: str, gpus: int, table: Table) -> None:
        self.node, self.gpus = node, gpus
        self.card = self._asked(lambda: table.given(self))
        self.receive = self._asked(lambda: table.until_killed(self))
        self.last_words = self._asked(lambda: "its worker ended")

    @staticmethod
    def _asked(answer: Callable[[], Any]) -> Any:
        return SimpleNamespace(remote=lambda: answer)


class Killed(Exception):
    """As Ray has it for an actor that is gone."""


class Table:
    """A cluster as a test writes it down, in the few words of Ray that the bridge uses."""

    exceptions = SimpleNamespace(RayActorError=Killed, NodeDiedError=Killed)

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.busy: set[str] = set()
        """Nodes whose GPUs another job of Ray has."""
        self.fails = 0
        """So many answers from now on are none."""
        self.failing: Exception | None = None
        """What comes of asking for a card."""
        self._killed: set[int] = set()
        self._options: dict[str, Any] = {}
        self._over = False

    def add(self, name: str, gpus: int = 1, identity: str = "") -> None:
        identity = identity or name
        self.rows[identity] = {"NodeID": identity, "NodeManagerHostname": name, "Alive": True, "Resources": {"GPU": gpus} if gpus else {}}

    def lose(self, identity: str) -> None:
        self.rows[identity]["Alive"] = False

    def end(self) -> None:
        self._over = True

    # As Ray ---------------------------------------------------------------------------------------------------------------------

    def nodes(self) -> list[dict[str, Any]]:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("Deadline Exceeded")
        return [dict(row) for row in self.rows.values()]

    def get(self, answer: Callable[[], Any], timeout: float = 0.0) -> Any:
        return answer()

    def kill(self, actor: Actor) -> None:
        self._killed.add(id(actor))

    def given(self, actor: Actor) -> str:
        if self.failing:
            raise self.failing
        while actor.gpus and actor.node in self.busy:
            self._look_away(actor)
        return "0"

    def until_killed(self, actor: Actor) -> bytes:
        while True:
            self._look_away(actor)

    def _look_away(self, actor: Actor) -> None:
        time.sleep(0.005)
        if self._over or id(actor) in self._killed:
            raise Killed

    # As what `ray.remote` makes of the actor --------------------------------------------------------------------------------------

    def options(self, scheduling_strategy: str, num_gpus: int) -> Table:
        self._options = {"node": scheduling_strategy, "gpus": num_gpus}
        return self

    def remote(self, start: tuple[str, ...]) -> Actor:
        return Actor(table=self, **self._options)


class Watched(Bridge):
    """A bridge whose words a test hears, and that looks when a test says so."""

    def __init__(self, table: Table, cap: int | None = None, on_cards: bool = False) -> None:
        super().__init__(table, -1, cap, on_cards)
        self.said: queue.SimpleQueue[words.Word] = queue.SimpleQueue()
        self.slots: dict[int, str] = {}
        self.why: list[str] = []

    def say(self, word: words.Word) -> None:
        self.said.put(word)

    def there(self, *slots: str) -> bool:
        """Whether these slots, and no others, are there by what was said."""
        while not self.said.empty():
            match self.said.get():
                case words.There(place, node, slot):
                    self.slots[place] = f"{node}/{slot}"
                case words.Gone(place, _, why):
                    self.slots.pop(place, None)
                    self.why.append(why)
        return sorted(self.slots.values()) == sorted(slots)

    def look_until(self, *slots: str) -> None:
        """Look, and again, until these slots are there; the next look changes nothing."""
        until = time.monotonic() + 10
        while not self.there(*slots):
            assert time.monotonic() < until, (self.slots, self.why)
            self.look()
            time.sleep(0.01)
        self.look()
        time.sleep(0.05)
        assert self.there(*slots), (self.slots, self.why)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("ray", "ray.util", "ray.util.scheduling_strategies"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    setattr(sys.modules["ray.util.scheduling_strategies"], "NodeAffinitySchedulingStrategy", lambda node, soft: node)  # noqa: B010
    monkeypatch.setattr(ray_bridge, "transport", lambda ray: ray)
    monkeypatch.setattr(ray_bridge, "LOOK_S", 0.001)
    monkeypatch.setattr(ray_bridge, "FIRST_RETRY_S", 0.05)
    made = Table()
    yield made
    made.end()


def test_a_gpu_node_that_is_lost_and_comes_back_is_used_again_and_no_cores_meanwhile(table: Table) -> None:
    table.add("head", gpus=0)
    table.add("lab7")
    bridge = Watched(table)
    bridge.look_until("lab7/gpu0")
    table.lose("lab7")
    bridge.look_until()
    assert bridge.why == ["lab7 was lost"]
    table.add("lab7", identity="another")
    bridge.look_until("lab7/gpu0")


def test_a_bridge_that_is_started_again_keeps_a_night_of_gpus_off_the_cores(table: Table) -> None:
    table.add("head", gpus=0)
    bridge = Watched(table, on_cards=True)
    assert bridge.expected() == 0
    bridge.look_until()
    table.add("lab7")
    bridge.look_until("lab7/gpu0")


def test_a_cluster_that_never_had_a_gpu_is_used_by_its_cores(table: Table) -> None:
    table.add("lab1", gpus=0)
    table.add("lab2", gpus=0)
    bridge = Watched(table, cap=2)
    bridge.look_until("lab1/cpu0", "lab2/cpu0")


def test_slots_takes_at_most_so_many_from_as_many_machines_as_possible(table: Table) -> None:
    for name in ("lab1", "lab2"):
        table.add(name, gpus=4)
    bridge = Watched(table, cap=2)
    assert bridge.expected() == 2, "no more are waited for"
    bridge.look_until("lab1/gpu0", "lab2/gpu0")
    assert Watched(table, cap=20).expected() == Watched(table).expected() == 8


def test_slots_does_not_wait_for_a_busy_gpu_while_another_one_is_free(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_bridge, "PENDING_S", 0.05)
    for name in ("lab1", "lab2", "lab3"):
        table.add(name)
    table.busy = {"lab1"}
    bridge = Watched(table, cap=2)
    bridge.look_until("lab2/gpu0", "lab3/gpu0")


def test_a_busy_gpu_is_waited_for_where_there_is_no_other(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_bridge, "PENDING_S", 0.0)
    table.add("lab1")
    table.busy = {"lab1"}
    bridge = Watched(table, cap=1)
    for _ in range(3):
        bridge.look_until()
    assert bridge.why == [], "nobody gave it back"
    table.busy = set()
    bridge.look_until("lab1/gpu0")


def test_halves_of_the_cores_stay_halves_when_another_node_is_lost(table: Table) -> None:
    table.add("lab1", gpus=0)
    table.add("lab2", gpus=0)
    bridge = Watched(table, cap=4)
    bridge.look_until("lab1/cpu0", "lab1/cpu1", "lab2/cpu0", "lab2/cpu1")
    table.lose("lab2")
    bridge.look_until("lab1/cpu0", "lab1/cpu1")
    table.add("lab2", gpus=0, identity="another")
    bridge.look_until("lab1/cpu0", "lab1/cpu1", "lab2/cpu0", "lab2/cpu1")


def test_a_failure_without_words_is_told_by_its_kind_and_the_slot_is_tried_again(table: Table) -> None:
    table.add("lab7")
    table.failing = MemoryError()
    bridge = Watched(table)
    bridge.look()
    until = time.monotonic() + 10
    while not bridge.why and time.monotonic() < until:
        bridge.there()
        time.sleep(0.01)
    assert bridge.why == ["lab7: MemoryError"]
    table.failing = None
    bridge.look_until("lab7/gpu0")


class Ending(Watched):
    """It ends after so many looks that are answered."""

    left = 1

    def look(self) -> None:
        super().look()
        self.left -= 1
        self._ending = self.left == 0


def test_a_look_that_ray_does_not_answer_is_followed_by_the_next(table: Table) -> None:
    table.add("lab7")
    table.fails = ray_bridge.LOOKS - 1
    bridge = Ending(table)
    bridge.look_on()
    bridge.look_until("lab7/gpu0")


def test_a_cluster_that_does_not_answer_for_long_is_left(table: Table) -> None:
    table.fails = ray_bridge.LOOKS
    with pytest.raises(RuntimeError, match="Deadline Exceeded"):
        Ending(table).look_on()
