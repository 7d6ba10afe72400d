"""The words that a night is worth (`worth.py`), as a screen has them: how many at once, and which of them ring. Pure.

Does not own how a notice looks: `parts/notices.py` lists them, the app shows new ones.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from autoresearch_tui import lines
from autoresearch_tui.cockpit.drawing import shown
from autoresearch_tui.cockpit.moment import Moment, Told
from autoresearch_tui.cockpit.parts.said import Word
from autoresearch_tui.worth import DEAD_S, Kind, Severity, worth

SEVERITIES: tuple[Severity, ...] = ("information", "warning", "error")
WORDS: dict[Severity, str] = {"information": "news", "warning": "warning", "error": "error"}
TOGETHER = 3  # things that are told one by one; more are one notice
MOST, WITHIN_S = 4, 10.0  # toasts in that time: more of them nobody reads
RING = ("best", "ended")


class Notice(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at: float
    """Seconds of UTC, by the clock of the night."""
    severity: Severity
    title: str
    text: str
    seq: int = 0
    """Of the fact in the journal; 0: the screen says it itself."""
    kind: Kind = "other"


def notice_of(told: Told) -> Notice | None:
    """None where the fact is worth no toast."""
    found = worth(told.recorded.event, told.run, told.recorded.at)
    if found is None:
        return None
    return Notice(told.recorded.at, found.severity, shown(found.title), shown(found.text), told.recorded.seq, found.kind)


# ------------------------------------------------------------------------------------------------------------------------------
# How many at once
# ------------------------------------------------------------------------------------------------------------------------------


def gathered(notices: Sequence[Notice]) -> Notice:
    """Many as one, as serious as the worst of them."""
    counts = Counter(one.severity for one in notices)
    worst = max(counts, key=SEVERITIES.index)
    parts = [_counted(counts[severity], WORDS[severity]) for severity in reversed(SEVERITIES) if counts[severity]]
    return Notice(notices[-1].at, worst, f"{len(notices)} things happened while you were away", f"{', '.join(parts)}; N shows them")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 or word == "news" else f"{count} {word}s"


class Heard:
    """What was heard since the screen was opened: what of it is told now, and how much nobody has looked at."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: list[Notice] = []
        self._told: deque[float] = deque()
        self.notices: list[Notice] = []
        self.last: Word | None = None
        """The newest line of the night."""
        self._looked = 0

    def hear(self, told: Iterable[Told]) -> list[Notice]:
        """The toasts of this moment: few, and none lost, for those that would be too many come together as one."""
        for one in told:
            found = notice_of(one)
            if found:
                self.notices.append(found)
                self._held.append(found)
            if text := lines.sentence(one.recorded.event, one.run, one.recorded.at):
                role = {"warning": "warn", "error": "bad"}.get(found.severity, "") if found else ""
                self.last = Word(one.recorded.at, text, role)
        return self._due()

    def say(self, notice: Notice) -> list[Notice]:
        """A notice of the screen's own."""
        self.notices.append(notice)
        self._held.append(notice)
        return self._due()

    def _due(self) -> list[Notice]:
        now = self._clock()
        while self._told and now - self._told[0] > WITHIN_S:
            self._told.popleft()
        room = MOST - len(self._told)
        if not self._held or room <= 0:
            return []
        due = self._held if len(self._held) <= min(TOGETHER, room) else [gathered(self._held)]
        self._held = []
        self._told.extend([now] * len(due))
        return due

    def look(self) -> None:
        """Somebody reads them."""
        self._looked = len(self.notices)

    @property
    def unseen(self) -> dict[Severity, int]:
        """Since somebody looked last, by severity."""
        return dict(Counter(one.severity for one in self.notices[self._looked :]))


class Bell:
    """When the terminal's bell rings: at a new best, at the end, and once for an engine that stays dead. Only while it happens."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._dead_at: float | None = None
        """Since when it is dead; None: it lives, or its death was rung already, or was there before anybody looked."""
        self._lived = False

    def rings(self, notices: Iterable[Notice], moment: Moment) -> bool:
        if not moment.live:
            return False
        return any(one.kind in RING for one in notices) or self._stays_dead(moment)

    def _stays_dead(self, moment: Moment) -> bool:
        if moment.alive or moment.run.ended:
            self._lived, self._dead_at = moment.alive, None
            return False
        if self._lived:
            self._lived, self._dead_at = False, self._clock()
        if self._dead_at is None or self._clock() - self._dead_at < DEAD_S:
            return False
        self._dead_at = None
        return True
