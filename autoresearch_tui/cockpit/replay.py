"""A night that is over, again: its journal is played on the same screen, by the same code as one that happens.

Owns how fast the seconds of `timeline.py` pass, and the state at that moment. Where nobody trains and nobody writes, the screen waits two
seconds at most. It reads a copy of the journal: one in a folder that cannot be written to plays as well, and of one that an engine still
writes, what was there at the start.
"""

from __future__ import annotations

import os
import shutil
import time
from bisect import bisect_right
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from autoresearch_tui.cockpit.growth import Growth
from autoresearch_tui.cockpit.moment import HISTORY_S, Moment, Told, told_of
from autoresearch_tui.cockpit.samples import Samples
from autoresearch_tui.cockpit.timeline import Timeline, timeline_of
from autoresearch_tui.cockpit.trunk import TrunkCurve
from autoresearch_tui.journal import fold
from autoresearch_tui.journal.commands import BadCommand, Command
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.workspace import RunFolder

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0)
REST_S = 2.0  # of the screen, for as long as nothing happens
STEP_S = 1.0  # of the screen, at most, between two looks: who suspends it goes on where it stood
MARK, MARKS = 200, 32  # facts at least between two states that are remembered to go back to, and how many those are at most
RECENT = 200  # facts that a jump tells of: nobody reads more at once
NOT_SENT = "this is a replay: nothing is sent."


class ReplayedNight:
    """Plays as often as it is polled. It stands at its end, and can be taken back from there."""

    def __init__(self, folder: RunFolder, git: Path, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.git, self._clock = folder, git, clock
        self._speed, self._stands = speed or SPEEDS[0], not speed
        self._copies = TemporaryDirectory(prefix="autoresearch-replay-")
        try:
            self._copy, self._timeline = _copied(folder.journal, Path(self._copies.name))
            self._journal = Journal(self._copy)
        except BaseException:
            self._copies.cleanup()
            raise
        self._growth, self._trunk = Growth(folder, self._timeline), TrunkCurve(folder)
        self._commands = self._journal.commands()
        self._looked = clock()
        self._moment, self._place, self._run, self._told = 0.0, 0, Run(), list[Told]()
        self._rests = True
        self._stride = max(MARK, len(self._timeline.moments) // MARKS)
        self._marks = [(0, Run())]
        self._facts = self._journal.events()
        self._samples = Samples(self._journal)
        self._move(self._timeline.begin)

    def close(self) -> None:
        self._growth.close()
        self._journal.close()
        self._copies.cleanup()

    # ---- as every night ----

    def poll(self) -> list[Told]:
        now = self._clock()
        left, self._looked = min(now - self._looked, STEP_S), now
        while left > 0 and self.speed:
            until = self._timeline.moments[self._place]
            gap, pace = until - self._moment, self._pace
            self._move(until if left * pace >= gap else self._moment + left * pace)
            left -= gap / pace
        told, self._told = self._told, []
        return told

    def moment(self) -> Moment:
        return Moment(
            run=self._run,
            now=self._now,
            alive=self._run.engine is not None and not self._run.ended,
            live=False,
            seen=self._samples.until(self._now),
            lines=self._growth.lines(self._run, self._moment),
            curves=self._trunk.of(self._run),
            sent=tuple(sent for sent in self._commands if sent.id > self._run.heard and sent.at <= self._now),
            speed=self.speed,
        )

    def visible(self, file: Path) -> int | None:
        return self._growth.visible(file, self._moment)

    def past(self) -> list[Told]:
        with Journal(self._copy) as journal:  # its own: this is asked from a thread
            return told_of(islice(journal.events(), self._place))

    def send(self, wish: Command) -> int:
        raise BadCommand(NOT_SENT)

    # ---- as a replay ----

    @property
    def over(self) -> bool:
        """All of it was shown."""
        return self._place == len(self._timeline.moments)

    @property
    def speed(self) -> float:
        """0: it stands still."""
        return 0.0 if self._stands or self.over else self._speed

    def steer(self, how: str) -> None:
        """What a key asks: `toggle` stands still or goes on as fast as before, `next` and `back` go to another verdict."""
        match how:
            case "toggle":
                self._stands = not self._stands
            case "faster":
                self._speed = next((speed for speed in SPEEDS if speed > self._speed), self._speed)
            case "slower":
                self._speed = next((speed for speed in reversed(SPEEDS) if speed < self._speed), self._speed)
            case "next" | "back":
                self.jump(1 if how == "next" else -1)

    def jump(self, experiments: int) -> None:
        """So many verdicts forward, or back; before the first is the start, after the last the end."""
        verdicts = self._timeline.verdicts
        wanted = bisect_right(verdicts, self._moment) + experiments
        moment = self._timeline.begin if wanted < 1 else verdicts[wanted - 1] if wanted <= len(verdicts) else self._timeline.end
        if moment < self._moment:
            self._return(moment)
        self._move(moment)
        self._samples = Samples(self._journal, self._now - HISTORY_S)

    # ---- inside ----

    @property
    def _now(self) -> float:
        return self._timeline.clock(self._moment, self._place)

    @property
    def _pace(self) -> float:
        """Seconds of the night in a second of the screen."""
        if not (self._rests or self._place in self._timeline.starts):
            return self._speed
        moments = self._timeline.moments
        return max(self._speed, (moments[self._place] - moments[self._place - 1]) / REST_S)

    def _move(self, moment: float) -> None:
        """On to this moment, with all that happens until then."""
        before, self._moment = self._now, moment
        more = self._timeline.place(moment) - self._place
        if not more:
            return
        self._fold(more - RECENT)
        told = told_of(islice(self._facts, min(more, RECENT)), self._run)
        self._told += told
        self._arrive(self._place + len(told), told[-1].run)
        if self._now < before - HISTORY_S:
            self._samples.set_back()

    def _return(self, moment: float) -> None:
        """Back to a moment, from the last remembered state before it; nothing is told twice."""
        place = self._timeline.place(moment)
        self._marks = [mark for mark in self._marks if mark[0] <= place]
        self._place, self._run = self._marks[-1]
        self._facts = self._journal.events(self._timeline.seqs[self._place - 1] if self._place else 0)
        self._moment, self._told = moment, []
        self._fold(place - self._place)

    def _fold(self, facts: int) -> None:
        """Without telling anybody, and with marks on the way."""
        while facts > 0:
            some = min(facts, self._stride)
            self._arrive(self._place + some, fold.fold(islice(self._facts, some), self._run))
            facts -= some

    def _arrive(self, place: int, run: Run) -> None:
        self._place, self._run = place, run
        self._rests = rests(run)
        if place - self._marks[-1][0] >= self._stride:
            self._marks.append((place, run))


def rests(run: Run) -> bool:
    """Nobody trains and nobody writes: there is nothing to see until the next fact."""
    if run.ended or run.engine is None:
        return True
    return run.phase not in ("training", "evaluating", "judging") and not any(draft.asked for draft in run.drafts.values())


def _copied(journal: Path, folder: Path) -> tuple[Path, Timeline]:
    """The journal as it is now. Where nobody may write no engine does, and its files are copied as they are."""
    copy = folder / journal.name
    if journal.is_file() and not (os.access(journal.parent, os.W_OK) and os.access(journal, os.W_OK)):
        for name in (journal.name, f"{journal.name}-wal"):
            if (file := journal.with_name(name)).exists():
                shutil.copyfile(file, folder / name)
        journal = copy
    with Journal(journal) as original:
        timeline = timeline_of(original.events())  # before the copy is made: what cannot be read is said of the original
        if journal != copy:
            original.back_up(copy)
    return copy, timeline
