"""One turn of one run: a session of the engine, started by our own command line on its slot, and watched until it ends.

Owns the process. Its session goes no further than the turn, so an engine whose contest was killed ends by itself, and loses nothing. Who
proposes and does not come back while it is waited for loses the turn, for the others wait for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

import msgspec

from autoresearch_tui.contest.places import Entry, state
from autoresearch_tui.contest.rounds import Turn, asked
from autoresearch_tui.engine.executors.devices import Device
from autoresearch_tui.journal.commands import Again
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.journal.text import clean_line

LOOK_S = 0.05  # between two looks at the process,
WATCH_S = 2.0  # and at its journal
PATIENCE_S = 60.0  # for a researcher that is down, or comes to nothing
FRUITLESS = 3  # drafts in a row that came to nothing: from then on the engine rests
LONGEST = 200  # characters of a reason
BY = "bench"
OURS = "AUTORESEARCH_TUI_"


class Terms(msgspec.Struct, frozen=True):
    """What every turn is held to beside its run's settings."""

    max_cost: str = ""
    card: str = ""
    """`--gpu`, where there is a single slot."""


class Turns:
    """Those that are under way, so that they can be ended."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.ending = 0
        """How often somebody wanted an end."""
        self._processes: set[subprocess.Popen[bytes]] = set()

    def end(self, number: signal.Signals) -> None:
        """No further turn; those under way are told."""
        self.ending += 1
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(number)

    async def take(self, entry: Entry, turn: Turn, device: Device) -> str:
        """Until the session is over; why it came to nothing, as far as it said so."""
        if turn.again is not None:
            _ask_again(entry, turn.again)
        entry.log.parent.mkdir(mode=0o700, exist_ok=True)
        with entry.log.open("ab") as log, tempfile.TemporaryFile() as complaint:
            process = self._started(self._command(entry, turn), device, log.fileno(), complaint.fileno())
            self._processes.add(process)
            try:
                impatience = await self._over(process, entry)
            except BaseException:  # another turn failed, and the contest with it: no engine trains on without it
                await _ended(process)
                raise
            finally:
                self._processes.discard(process)
            complaint.seek(0)
            said = complaint.read().decode("utf-8", "replace").strip().splitlines()
        if impatience:
            return impatience
        why = said[-1].removeprefix("autoresearch-tui: ") if process.returncode and said else state(entry).ended
        return clean_line(why, LONGEST)

    def _command(self, entry: Entry, turn: Turn) -> list[str]:
        searches = turn.again is None and entry.repeat
        words = ["run", f"--dir={entry.folder}", f"--tag={entry.tag}", f"--experiments={turn.limit}"]
        words += [f"--researcher={entry.researcher if searches else 'sweep'}"]  # to train again nobody has to answer
        words += [f"--max-cost={self.terms.max_cost}"] if self.terms.max_cost and searches else []
        words += [f"--gpu={self.terms.card}"] if self.terms.card else []
        return [sys.executable, "-P", "-m", "autoresearch_tui", *words]

    def _started(self, command: list[str], device: Device, log: int, complaint: int) -> subprocess.Popen[bytes]:
        """On its cores and its card alone. What a child may compute on it has from us: we go there for as long as it takes to start it."""
        mine = os.sched_getaffinity(0) if device.cores else set()
        if device.cores:
            os.sched_setaffinity(0, device.cores)
        try:
            environment = _environment(os.environ, device.environment)
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=complaint, env=environment, start_new_session=True
            )
        finally:
            if mine:
                os.sched_setaffinity(0, mine)

    async def _over(self, process: subprocess.Popen[bytes], entry: Entry) -> str:
        """When the process has ended; why it was ended, if we did that."""
        looked, since, why = time.monotonic(), 0.0, ""
        while process.poll() is None:
            await asyncio.sleep(LOOK_S)
            if (now := time.monotonic()) - looked < WATCH_S:
                continue
            looked = now
            waits = _waits(state(entry))
            since = (since or now) if waits else 0.0
            if since and now - since > PATIENCE_S and not why:
                why = clean_line(waits, LONGEST)
                process.send_signal(signal.SIGTERM)
        return why


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """It is told to, and waited for: what it trains ends with it."""
    process.send_signal(signal.SIGTERM)
    while process.poll() is None:
        await asyncio.sleep(LOOK_S)


def _environment(mine: Mapping[str, str], devices: Mapping[str, str]) -> dict[str, str]:
    """Without settings of ours: those of the run are written down."""
    return {name: value for name, value in mine.items() if not name.startswith(OURS)} | dict(devices)


def _waits(run: Run) -> str:
    """For whom that does not answer, or not usably; a card that others have, or a full disk, is waited for."""
    if not run.waiting or run.ended:
        return ""
    return run.waiting if run.down or run.fruitless >= FRUITLESS else ""


def _ask_again(entry: Entry, number: int) -> None:
    with Journal(entry.run.journal) as journal:
        run = journal.refresh()
        if not asked(run, [sent.wish for sent in journal.commands(after=run.heard)], number):
            journal.send(Again(number), BY)
