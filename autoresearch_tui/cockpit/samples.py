"""The card in the last minute of a night that is over, row by row as its clock comes to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from autoresearch_tui.cockpit.moment import HISTORY_S
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.telemetry.owners import Seen, seen_of


class Samples:
    """From some time on; the rows before it are left out."""

    def __init__(self, journal: Journal, since: float = 0.0) -> None:
        self._rows = _rows(journal, since)
        self._next = next(self._rows, None)
        self._seen: deque[Seen] = deque()

    def until(self, now: float) -> tuple[Seen, ...]:
        """The last minute, the oldest first."""
        while self._next is not None and self._next[1] <= now:
            if self._next[1] >= now - HISTORY_S and (seen := seen_of(self._next[2])):
                self._seen.append(seen)
            self._next = next(self._rows, None)
        while len(self._seen) > 1 and self._seen[0].card.at < now - HISTORY_S:
            self._seen.popleft()
        return tuple(seen for seen in self._seen if seen.card.at <= now)

    def set_back(self) -> None:
        """The clock was: go on where that shows in the rows too."""
        self._seen.clear()
        while self._next is not None:
            before, self._next = self._next, next(self._rows, None)
            if self._next is not None and self._next[1] < before[1]:
                return


def _rows(journal: Journal, since: float) -> Iterator[tuple[int, float, str]]:
    """A page at a time: a night of a thousand hours has many."""
    after = 0
    while rows := journal.samples(after, since):
        yield from rows
        after = rows[-1][0]
