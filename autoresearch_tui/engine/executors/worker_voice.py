"""What a worker says, on its way out."""

from __future__ import annotations

import contextlib
import queue
import threading

from autoresearch_tui.engine.executors.node_words import Message, framed, write_all

GRACE_S = 5.0  # for the last words, where nobody may be there to take them


class Voice:
    """What is said goes out in the order that it was said, and nobody waits for it: who carries it may be slow."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._said: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def say(self, message: Message) -> None:
        self._said.put(message)

    def end(self) -> None:
        self._said.put(None)
        self._thread.join(GRACE_S)

    def _carry(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # the input ends too, and with it everything
            while (message := self._said.get()) is not None:
                write_all(self._output, framed(message))
