"""Followers for tests: real ones, in processes of their own, that are quicker to speak and sooner worried; and an engine that only lives.

An engine's facts are written by a journal's real writer; its pid is a process that sleeps, so whether it lives can be chosen.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from tests.engine.nights import journal_of

HASTY = """
import os, sys
from autoresearch_tui.morning.notices import box, follower, lasting, services
box.GATHER_S, box.FIRST_S, box.LONGEST_S, follower.POLL_S = 0.1, 0.2, 0.2, 0.05
lasting.LASTED_S["died"] = float(sys.argv[4])
services.SEND_S = 1.0
os._exit(follower.main(*sys.argv[1:4]))
"""


def follower(folder: Path, tag: str = "night", parent: int = 0, died_s: float = 0.5, **more: str) -> subprocess.Popen[bytes]:
    """As a keeper starts it; without a parent nobody is going to start the engine again."""
    line = [sys.executable, "-c", HASTY, str(folder), tag, str(parent), str(died_s)]
    return subprocess.Popen(line, env=os.environ | more)


def lab(folder: Path, *settings: str) -> Path:
    """A workspace with these lines under `[notify]`."""
    folder.mkdir()
    (folder / "train.py").write_text("")
    (folder / "autoresearch.toml").write_text("\n".join(["[notify]", *settings, "[disk]", "floor_gb = 0"]))
    return folder


class Lived:
    """A run whose engine is alive until it is ended or killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Writer(journal_of(folder))
        self.journal.append(e.RunStarted("night", "c0"))
        self.start()

    def start(self, after: str = "") -> None:
        self._engine = subprocess.Popen(["sleep", "600"])
        pid = self._engine.pid
        self.journal.append(e.EngineStarted(pid, born(pid), boot_id(), "1", "sweep", after=after))

    def judge(self, number: int, value: float, parent: int | None = None) -> None:
        """An experiment that is kept."""
        self.journal.append(e.Proposed(number, parent=parent, idea=f"idea {number}"), e.Committed(number, f"c{number}"))
        self.journal.append(e.Launched(number, 1, 42, 1, 1, "boot"), e.Ended(number, 1, "finished"), e.Measured(number, 1, value))
        self.journal.append(e.Judged(number, "keep", "better", number), e.Applied(number))

    def kill(self) -> None:
        self._engine.send_signal(signal.SIGKILL)
        self._engine.wait()

    def end(self, why: str = "the time is up") -> None:
        self.journal.append(e.EngineEnded(why))
        self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.journal.close()
