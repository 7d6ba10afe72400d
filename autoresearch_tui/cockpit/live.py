"""A night that happens: its journal is followed, and commands are sent into it.

It is the one place where a command leaves the screen. Of a view none does, whatever was pressed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.cockpit.moment import HISTORY_S, VIEW, Moment, Told, told_of
from autoresearch_tui.cockpit.trunk import TrunkCurve
from autoresearch_tui.journal import fold
from autoresearch_tui.journal.commands import BadCommand, Command
from autoresearch_tui.journal.store import Journal, Sent
from autoresearch_tui.telemetry.machine import person
from autoresearch_tui.telemetry.owners import Seen, seen_of
from autoresearch_tui.telemetry.progress import Progress, last_progress, read_tail
from autoresearch_tui.terminal import works
from autoresearch_tui.workspace import RunFolder

ALIVE_S = 0.5  # between two looks whether the engine lives
PROGRESS_S = 1.0
PATIENCE_S = 0.3  # with somebody else who writes: the screen stands still meanwhile
TAIL = 4096  # bytes at the end of a log, in which its newest line of progress stands


class LiveNight:
    """Of one run, whether its engine works or not."""

    def __init__(self, folder: RunFolder, git: Path, clock: Callable[[], float] = time.time, view: bool = False) -> None:
        self.folder, self.git, self._clock, self._view = folder, git, clock, view
        self._journal = Journal(folder.journal, PATIENCE_S)
        self._run = self._journal.refresh()
        self._unread = True
        self._sent: list[Sent] = []
        self._seen: deque[Seen] = deque()
        self._sampled = 0
        self._alive, self._looked = False, 0.0
        self._lines: dict[Path, Progress | None] = {}
        self._lined = 0.0
        self._trunk = TrunkCurve(folder)
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._journal.close()

    def poll(self) -> list[Told]:
        self._unread = self._journal.changed() or self._unread
        return self._read() if self._unread else []

    def _read(self) -> list[Told]:
        """What cannot be read now is read the next time; what was told once is not told again."""
        self._sent = self._journal.commands(self._run.heard)
        self._sample()
        told = []
        for recorded in list(self._journal.events(self._run.seq)):
            self._run = fold.fold([recorded], self._run)
            told.append(Told(recorded, self._run))
        self._sent = [sent for sent in self._sent if sent.id > self._run.heard]
        self._unread = False
        return told

    def _sample(self) -> None:
        """Of a long night the last minute is enough; where nothing comes any more, what came last."""
        since = self._clock() - HISTORY_S
        rows = self._journal.samples(self._sampled, since)
        if not rows and not self._seen and (last := self._journal.last_sample()):
            rows = [last]
        for row, _, body in rows:
            self._sampled = row
            if seen := seen_of(body):
                self._seen.append(seen)
        while len(self._seen) > 1 and self._seen[0].card.at < since:
            self._seen.popleft()

    def past(self) -> list[Told]:
        with Journal(self.folder.journal) as journal:  # its own: this is asked from a thread
            return told_of(journal.events())

    def visible(self, file: Path) -> int | None:
        return None

    def send(self, wish: Command) -> int:
        if self._view:
            raise BadCommand(VIEW)
        number = self._journal.send(wish, person())
        self._sent = self._journal.commands(self._run.heard)
        return number

    def moment(self) -> Moment:
        return Moment(
            run=self._run,
            now=self._clock(),
            alive=self._is_alive(),
            view=self._view,
            seen=tuple(self._seen),
            lines=self._progress(),
            curves=self._trunk.of(self._run),
            sent=tuple(self._sent),
        )

    def _is_alive(self) -> bool:
        if self._run.engine is None or self._run.ended:
            return False
        if time.monotonic() - self._looked > ALIVE_S:
            self._looked = time.monotonic()
            self._alive = works(self._run)
        return self._alive

    def _progress(self) -> dict[int, Progress]:
        """Once a second: its digits stand in rows that would be sent anew each time. Of what was only just launched at once."""
        files = {one.number: self.folder.log(one.number, one.trials[-1].number) for one in self._run.under_way}
        if self._clock() - self._lined >= PROGRESS_S:
            self._lines, self._lined = {}, self._clock()
        self._lines = {file: self._lines[file] if file in self._lines else _newest_line(file) for file in files.values()}
        return {number: line for number, file in files.items() if (line := self._lines[file]) is not None}


def _newest_line(file: Path) -> Progress | None:
    try:
        return last_progress(read_tail(file, TAIL))
    except OSError:
        return None
