"""The process that speaks to Ray for the engine, and nothing else: Ray takes signals, prints, opens threads and ends the process that it
is in when a cluster goes away. None of that may happen to a night.

It starts a worker in each slot of the cluster and carries the frames between them and the engine, unread. It ends with its input, and
its workers with it. What there is to carry is `node_words.py`'s, which slots there are `ray_places.py`'s.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from typing import Any

import msgspec

from autoresearch_tui.engine.executors import ray_words as words
from autoresearch_tui.engine.executors.node_words import Frames, framed, write_all
from autoresearch_tui.engine.executors.ray_places import Node, Seat, is_undivided, nodes_of, seats

LOOK_S = 1.5  # between two looks at the nodes
LOOKS = 20  # that may fail one after the other, before the cluster is called gone
PENDING_S = 15.0  # for a seat that Ray does not give, where another one may be free
FIRST_RETRY_S, LAST_RETRY_S = 5.0, 300.0  # for a slot whose worker ended
LEAVING_S = 20.0  # for workers that are to end what they train
START = ("-P", "-m", "autoresearch_tui.engine.executors.worker")


def transport(ray: Any) -> Any:
    """The actor that holds a worker's pipes. Ray takes it along as it is written here, so that it runs where this package does not."""

    @ray.remote(num_cpus=0, max_restarts=0, max_task_retries=0, concurrency_groups={"out": 1})
    class Transport:
        def __init__(self, start: tuple[str, ...]) -> None:
            import subprocess
            import sys
            import tempfile

            self.errors = tempfile.TemporaryFile()  # noqa: SIM115
            self.child = subprocess.Popen(
                [sys.executable, *start],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                cwd="/",
                start_new_session=True,
            )

        def card(self) -> str:
            """The number of the GPU that Ray gave."""
            import ray

            return ",".join(map(str, ray.get_runtime_context().get_accelerator_ids().get("GPU", [])))

        def send(self, body: bytes) -> None:
            assert self.child.stdin
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.write(body)
                self.child.stdin.flush()

        def close(self, bound_s: float) -> None:
            """It ends when its input does."""
            import subprocess

            assert self.child.stdin
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(bound_s)

        @ray.method(concurrency_group="out")  # type: ignore[untyped-decorator, unused-ignore]
        def receive(self) -> bytes:
            """What it said since; nothing: it has ended."""
            import os
            import select

            assert self.child.stdout
            number = self.child.stdout.fileno()
            pieces = [os.read(number, 2**20)]
            while pieces[-1] and sum(map(len, pieces)) < 2**22 and select.select([number], [], [], 0)[0]:
                pieces.append(os.read(number, 2**20))
            return b"".join(pieces)

        @ray.method(concurrency_group="out")  # type: ignore[untyped-decorator, unused-ignore]
        def last_words(self) -> str:
            self.errors.seek(0, 2)
            self.errors.seek(max(0, self.errors.tell() - 4000))
            lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else "its worker ended"

    return Transport


class Bridge:
    """The workers of one engine on one cluster."""

    def __init__(self, ray: Any, output: int, cap: int | None, on_cards: bool) -> None:
        self._ray = ray
        self._transport = transport(ray)
        self._output = output
        self._cap = cap
        self._on_cards = on_cards
        """A night that has trained on cards does not go on on cores while they are away."""
        self._writing = threading.Lock()
        self._changing = threading.RLock()
        self._names: dict[str, str] = {}
        self._taken: dict[tuple[str, int], int] = {}
        """The place of each seat that has a worker."""
        self._actors: dict[int, Any] = {}
        self._seats: dict[int, Seat] = {}
        self._pending: dict[int, float] = {}
        """Places that Ray has not given yet, and since when."""
        self._not_before: dict[tuple[str, int], tuple[float, float]] = {}
        """Of seats whose worker ended: when, and how long was waited before."""
        self._next = 0
        self._ending = False

    def say(self, word: words.Word) -> None:
        with self._writing, contextlib.suppress(OSError):  # nobody listens: the input has ended too
            write_all(self._output, framed(word))

    def expected(self) -> int:
        """The slots that a night has of the cluster as it is now."""
        found = len(self._there(self._nodes()))
        return found if self._cap is None else min(self._cap, found)

    def _nodes(self) -> list[Node]:
        nodes = nodes_of(self._ray.nodes(), self._names)
        self._names = {node.id: node.name for node in nodes}
        return nodes

    def _there(self, nodes: list[Node]) -> list[Seat]:
        self._on_cards = self._on_cards or any(node.gpus for node in nodes)
        return seats(nodes, self._cap, self._on_cards)

    def look_on(self) -> None:
        """Again and again. Raises what Ray raises, when it has not answered for long."""
        failed = 0
        while not self._ending:
            try:
                self.look()
                failed = 0
            except Exception:  # Ray has dozens, and the next look may be answered
                failed += 1
                if failed == LOOKS:
                    raise
            time.sleep(LOOK_S)

    def look(self) -> None:
        """A worker for each slot that is there and has none; words for those whose node is not."""
        nodes = self._nodes()
        living = {node.id for node in nodes}
        with self._changing:
            for place, seat in list(self._seats.items()):
                if seat.node.id not in living:
                    self._lose(place, f"{seat.node.name} was lost")
            free = [seat for seat in self._there(nodes) if self._is_free(seat)]
            if free and self._cap is not None and len(self._taken) >= self._cap:
                self._give_back()
            for seat in free:
                if (self._cap is None or len(self._taken) < self._cap) and is_undivided(seat, self._seats.values()):
                    self._start(seat)

    def _is_free(self, seat: Seat) -> bool:
        due, _ = self._not_before.get(seat.key, (0.0, 0.0))
        return seat.key not in self._taken and time.monotonic() >= due

    def _give_back(self) -> None:
        """What somebody else has, so that another seat can be had; each time it is waited for longer, for Ray may only be slow."""
        for place, since in list(self._pending.items()):
            _, waited = self._not_before.get(self._seats[place].key, (0.0, 0.0))
            if time.monotonic() - since >= PENDING_S + waited:
                self._lose(place, "", 0.0)

    def _start(self, seat: Seat) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        place = self._next = self._next + 1
        affinity = NodeAffinitySchedulingStrategy(seat.node.id, soft=False)
        made = self._transport.options(scheduling_strategy=affinity, num_gpus=1 if seat.has_card else 0)
        self._actors[place] = actor = made.remote(START)
        self._taken[seat.key], self._seats[place], self._pending[place] = place, seat, time.monotonic()
        threading.Thread(target=self._carry, args=(place, seat, actor), daemon=True).start()

    def _carry(self, place: int, seat: Seat, actor: Any) -> None:
        began = time.monotonic()
        try:
            card = self._ray.get(actor.card.remote()) if seat.has_card else ""
            self._given(place, seat, card)
            began = time.monotonic()
            while body := self._ray.get(actor.receive.remote()):
                self.say(words.Carried(place, body))
            why = f"{seat.node.name}: {self._ray.get(actor.last_words.remote(), timeout=5)}"
        except Exception as error:  # Ray has dozens, and each of them means that nothing comes from there any more
            told = next(iter(str(error).splitlines()), type(error).__name__)
            why = f"{seat.node.name} was lost" if self._is_loss(error) else f"{seat.node.name}: {told}"
        with self._changing:
            self._lose(place, why, time.monotonic() - began)

    def _given(self, place: int, seat: Seat, card: str) -> None:
        slot = f"gpu{card or seat.part}" if seat.has_card else f"cpu{seat.part}"
        with self._changing:
            if self._pending.pop(place, None) is not None:  # else it was given back just now
                self.say(words.There(place, seat.node.name, slot, seat.part, seat.parts, seat.has_card))

    def _is_loss(self, error: Exception) -> bool:
        return isinstance(error, self._ray.exceptions.RayActorError | self._ray.exceptions.NodeDiedError)

    def _lose(self, place: int, why: str, lived_s: float = LAST_RETRY_S) -> None:
        seat, actor = self._seats.pop(place, None), self._actors.pop(place, None)
        if seat is None:
            return
        del self._taken[seat.key]
        self._pending.pop(place, None)
        waited = self._not_before.get(seat.key, (0.0, 0.0))[1] if lived_s < LAST_RETRY_S else 0.0
        wait = min(LAST_RETRY_S, max(FIRST_RETRY_S, 2 * waited))
        self._not_before[seat.key] = time.monotonic() + wait, wait
        self.say(words.Gone(place, seat.node.name, why))
        with contextlib.suppress(Exception):  # it is gone already
            self._ray.kill(actor)

    def listen(self) -> None:
        """Until the input ends."""
        frames = Frames()
        while chunk := os.read(0, 2**20):
            for frame in frames.feed(chunk):
                match msgspec.msgpack.decode(frame, type=words.ToBridge):
                    case words.Carried(place, body) if actor := self._actors.get(place):
                        actor.send.remote(body)
                    case words.Drop(place) if actor := self._actors.get(place):
                        actor.close.remote(LEAVING_S)

    def end(self) -> None:
        """Workers end what they train, and then there are none."""
        with self._changing:
            self._ending = True
            closing = [actor.close.remote(LEAVING_S) for actor in self._actors.values()]
        if closing:
            self._ray.wait(closing, num_returns=len(closing), timeout=LEAVING_S)


def _look_on(bridge: Bridge) -> None:
    """A cluster that does not answer is gone, as far as anybody here can tell; the engine looks for it again."""
    try:
        bridge.look_on()
    except Exception:
        os._exit(1)


def main(address: str, cap: str, on_cards: str) -> None:
    """Ray prints where it likes, and that is no frame. Its own account of a failure is for who develops it."""
    output = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, namespace=f"autoresearch-{os.getpid()}")
        bridge = Bridge(ray, output, int(cap) or None, bool(int(on_cards)))
        bridge.say(words.Reached(bridge.expected()))
    except Exception as error:
        said = str(error).strip().splitlines()
        return write_all(output, framed(words.Unreachable(said[0] if said else type(error).__name__)))
    threading.Thread(target=_look_on, args=(bridge,), daemon=True).start()
    bridge.listen()
    with contextlib.suppress(Exception):  # the cluster may be gone, and its workers with it
        bridge.end()
        ray.shutdown()
    os._exit(0)  # threads may still wait for somebody who is gone


if __name__ == "__main__":
    main(*sys.argv[1:])
