"""Follows the journal of one run and tells what happens in it: a process of its own, which the engine does not know.

What was told, and what waits, stands on the disk; what was heard since stands in the journal. So whatever is killed, each thing is told
once, but for the blink between an answer and the disk, after which it is told twice; who asks it to end waits out that blink. A follower
goes when the end is told.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, JournalError
from autoresearch_tui.morning.notices import box, lasting
from autoresearch_tui.morning.notices.letter import letter
from autoresearch_tui.morning.notices.memory import Followed, Standing, log_of, recall, remember
from autoresearch_tui.morning.notices.news import News, news_of
from autoresearch_tui.morning.notices.services import NOT_HERE, Service, missing, send
from autoresearch_tui.morning.notices.wishes import Wishes, wishes_of
from autoresearch_tui.privacy import guard
from autoresearch_tui.settings import SettingsError, load
from autoresearch_tui.telemetry.machine import is_alive
from autoresearch_tui.workspace import RunFolder, WorkspaceError, open_workspace

POLL_S = 0.5
DISK_S = 30.0
STALE_S = 24 * 3600.0  # nobody wants to be woken for what is older
PATIENCE_S = 12 * 3600.0  # with a service that fails, when all else is over
NICE = 10  # the trials come first


class Follower:
    """One run. `say` gets a line for whatever was sent, and was not; `anew` reads the settings again when a person starts an engine."""

    def __init__(self, run: RunFolder, where: str, wishes: Wishes, say: Callable[[str], None], anew: Callable[[], Wishes]) -> None:
        self._folder, self._where, self._say, self._anew = run.folder, where, say, anew
        self.wishes = wishes
        self._journal = Journal(run.journal)
        known = recall(run.folder)
        self.run = fold(one for one in self._journal.events() if known is None or one.seq <= known.seq)
        self._standing = _without_stale(known, time.time()) if known else self._beginning()
        self._written = known
        self._looked_at = -DISK_S
        self._free_gb: float | None = None

    def _beginning(self) -> Standing:
        """Nobody followed it before: all of a run that has just begun, of an older one what comes from now on."""
        if self.run.session <= 1 and not self.run.ended and (self.run.engine is None or self.alive):
            self.run = Run()
        return Standing(self.run.seq)

    def close(self) -> None:
        self._journal.close()

    @property
    def alive(self) -> bool:
        engine = self.run.engine
        return engine is not None and is_alive(engine.pid, engine.born, engine.boot)

    @property
    def over(self) -> bool:
        """Nothing more can come, as far as the run tells: it ended, or the engine's death was told."""
        death = self._standing.troubles.get("died")
        return self.run.engine is None or bool(self.run.ended) or (death is not None and death.told)

    def left(self, now: float) -> bool:
        """Something is still to be told, and worth waiting for."""
        boxes = map(self._box, self.wishes.services)
        return any(one.held and not (one.failures and now - one.held[-1].at > PATIENCE_S) for one in boxes)

    def step(self, now: datetime) -> None:
        """What is new, what has lasted, and whatever is due."""
        moment = now.timestamp()
        self._hear(moment)
        self._look(moment)
        for service in self.wishes.services:
            self._send(service, now)
        self._write()

    def _hear(self, now: float) -> None:
        for recorded in self._journal.events(self.run.seq):
            before, self.run = self.run, fold([recorded], self.run)
            if isinstance(recorded.event, e.EngineStarted) and not recorded.event.after and before.engine is not None:
                self.wishes = self._anew()  # whoever starts it again may have written others
            troubles, heard = lasting.heard(self._standing.troubles, recorded, before, self.run)
            found = news_of(recorded, self.run)
            self._standing = replace(self._standing, seq=recorded.seq, troubles=troubles)
            self._hold([one for one in (*heard, found) if one is not None and abs(now - one.at) < STALE_S])

    def _look(self, now: float) -> None:
        if time.monotonic() - self._looked_at >= DISK_S:
            self._looked_at = time.monotonic()
            with contextlib.suppress(OSError):
                self._free_gb = shutil.disk_usage(self._folder).free / 1e9
        look = lasting.Look(now, self.alive, self._free_gb, self.wishes.floor_gb)
        troubles, found = lasting.looked(self._standing.troubles, self.run, look)
        self._standing = replace(self._standing, troubles=troubles)
        self._hold(found)

    def _hold(self, found: list[News]) -> None:
        if wanted := [one for one in found if one.kind in self.wishes.about]:
            boxes = {one.mark: box.add(self._box(one), *wanted) for one in self.wishes.services}
            self._standing = replace(self._standing, boxes=boxes)

    def _box(self, service: Service) -> box.Box:
        return self._standing.boxes.get(service.mark, box.Box())

    def _send(self, service: Service, now: datetime) -> None:
        mine, moment = self._box(service), now.timestamp()
        those = box.due(mine, self.wishes.rules, now)
        if not those:
            return
        message = letter(self._where, those, now, mine.dropped)
        with _undisturbed():
            why = send(service, message, self.wishes.only_here)
            after = box.failed(mine, moment) if why else box.sent(mine, those, moment)
            self._standing = replace(self._standing, boxes={**self._standing.boxes, service.mark: after})
            self._write()
        if why == NOT_HERE:  # nobody is asked twice for what is forbidden
            self.wishes = replace(self.wishes, services=tuple(one for one in self.wishes.services if one != service))
        self._say(f"not sent to {service.name}: {why}." if why else f"sent to {service.name}: {message.title}")

    def _write(self) -> None:
        """What was heard and is no news may be heard again. A disk that is full keeps nobody from being told."""
        old, new = self._written, self._standing
        if old is not None and (old.boxes, old.troubles) == (new.boxes, new.troubles):
            return
        with contextlib.suppress(OSError):
            remember(self._folder, new)
            self._written = new


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """A machine that shuts down, or a terminal that closes, waits until this is done. A person's ctrl+c does not."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _without_stale(standing: Standing, now: float) -> Standing:
    """What waited while nobody followed, and is of a day that is over, is told to nobody."""
    boxes = {mark: replace(one, held=tuple(news for news in one.held if now - news.at < STALE_S)) for mark, one in standing.boxes.items()}
    return replace(standing, boxes=boxes)


def follow(workspace: Path, tag: str, say: Callable[[str], None], going: Callable[[], bool]) -> None:
    """Until the end is told, and for as long as somebody may start the engine again (`going`). Raises Followed: another one does it."""
    settings = load(workspace, {}).settings
    wishes = wishes_of(settings, os.environ)
    run = open_workspace(workspace, settings).run(tag)
    while not run.journal.exists():
        if not going():
            return
        time.sleep(POLL_S)
    if not wishes.services:
        return
    with log_of(run.folder) as log, guard(log.write) if wishes.only_here else contextlib.nullcontext():

        def told(line: str) -> None:
            log.write(line)
            say(line)

        def anew() -> Wishes:
            try:
                return wishes_of(load(workspace, {}).settings, os.environ)
            except SettingsError as error:
                told(str(error))
                return wishes

        if lacking := missing():
            return told(lacking)
        with contextlib.closing(Follower(run, f"{workspace.name}/{tag}", wishes, told, anew)) as follower:
            _until_over(follower, run, told, going)


def _until_over(follower: Follower, run: RunFolder, say: Callable[[str], None], going: Callable[[], bool]) -> None:
    said = ""
    while run.journal.exists():
        try:
            follower.step(datetime.now(LOCAL))
        except (JournalError, OSError) as error:
            if said != (said := str(error)):  # once, not at every look
                say(said)
        if follower.over and not going() and not follower.left(time.time()):
            return
        time.sleep(POLL_S)


def main(workspace: str, tag: str, parent: str) -> int:
    """For a keeper, or an engine in a terminal: while that lives the engine may be started again. 0: nothing is left to do here."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    try:
        follow(Path(workspace), tag, lambda line: None, lambda: os.getppid() == int(parent))
    except (Followed, SettingsError, WorkspaceError):
        return 0  # another one does it; or the engine has said the same
    except (JournalError, OSError):
        return 1  # later it may do
    return 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # all is written; a server that hangs is waited for by a thread, and by nobody else
