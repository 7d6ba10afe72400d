"""What an ollama did and when, as seconds of UTC, for a test to lay beside what an engine wrote down."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import msgspec


class Span(msgspec.Struct):
    """A request to compute, from its arrival to the end of its answer."""

    began: float
    ended: float = float("inf")

    def touches(self, began: float, ended: float) -> bool:
        return self.began < ended and began < self.ended


class Moved(msgspec.Struct, frozen=True):
    """A model that came into memory, or left it."""

    at: float
    model: str
    loaded: bool


class Record:
    """`heard` is told how many bytes the models take, whenever that changes."""

    def __init__(self) -> None:
        self.inferences: list[Span] = []
        self.moves: list[Moved] = []
        self.heard: Callable[[int], object] = lambda size: None
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        span = Span(time.time())
        self.inferences.append(span)
        try:
            yield
        finally:
            span.ended = time.time()

    def loaded(self, model: str, size: int) -> None:
        with self._lock:
            if self._sizes.get(model) != size:
                self._sizes[model] = size
                self.moves.append(Moved(time.time(), model, True))
                self.heard(sum(self._sizes.values()))

    def left(self, model: str) -> None:
        with self._lock:
            if self._sizes.pop(model, None) is not None:
                self.moves.append(Moved(time.time(), model, False))
                self.heard(sum(self._sizes.values()))
