"""A text that is looked for in a log, upwards from where somebody reads; by a thread, for a gigabyte takes seconds. It knows no screen."""

from __future__ import annotations

import asyncio
import threading

from autoresearch_tui.telemetry.tail import Tail


class Search:
    """Of one log. `said` is what to tell of it."""

    def __init__(self, tail: Tail, text: str, before: int | None) -> None:
        self.text, self.said = text, ""
        self.found: int | None = None
        """Where the line begins that it came to."""
        self._tail = tail
        self._before = before

    def begin(self) -> None:
        self.said = f"searching for {self.text} .."

    async def back(self, end: int | None) -> None:
        """To the time before; after the last one from the end again, of as much of the log as there is."""
        stop = threading.Event()
        try:
            self.found = await asyncio.to_thread(self._tail.find, self.text, end if self._before is None else self._before, stop.is_set)
        except OSError as error:
            self.found, self.said = None, f"no search: {error.strerror or error}"
        else:
            self.said = self._says()
        finally:
            stop.set()  # a thread knows nothing of who waited for it
        self._before = self.found

    def _says(self) -> str:
        if self.found is not None:
            return f"{self.text} · b the time before"
        return f"no {self.text} here" if self._before is None else f"no {self.text} above · b looks from the end"
