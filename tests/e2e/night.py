"""A real engine on a checkout whose trainings take a second or so, and the cockpit as anybody would open it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Command
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from tests.e2e.ptys import wait_until
from tests.engine.nights import TRAIN, engine, journal_of, make_checkout, state

TAG = "night"
TALKING = """step = 0
while (gone := time.time() - began) < SECONDS:
    print(f"\\rstep {step:05} ({100 * gone / SECONDS:.1f}%) | loss: {value + 3 - 2 * gone / SECONDS:.6f} | lrm: 1.00 | dt: 100ms", end="")
    print(f" | tok/sec: 1,000 | mfu: n/a | epoch: 1 | remaining: {max(0.0, SECONDS - gone):.0f}s", end="", flush=True)
    step += 1
    time.sleep(0.1)
"""
SILENT = "while time.time() - began < SECONDS:\n    time.sleep(0.01)\n"


class Night:
    """One engine at work, and what its journal says."""

    def __init__(self, folder: Path, seconds: float = 1.0, experiments: int = 400) -> None:
        assert SILENT in TRAIN
        self.folder = make_checkout(folder, TRAIN.replace(SILENT, TALKING))
        (folder / "autoresearch.toml").write_text("[judging]\nhopeless = 0\n")  # a busy machine slows single trainings down
        self.engine = engine(folder, "run", "--tag", TAG, "--researcher", "sweep", "--experiments", str(experiments), seconds=seconds)
        wait_until(lambda: journal_of(self.folder).exists() and self.run.running is not None, 30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The engine ends its training and itself."""
        with contextlib.suppress(ProcessLookupError):
            self.engine.send_signal(signal.SIGCONT)
            self.engine.send_signal(signal.SIGTERM)
        try:
            self.engine.wait(20)
        except subprocess.TimeoutExpired:
            self.engine.kill()
            self.engine.wait()
        if self.engine.stdout:
            self.engine.stdout.close()

    @property
    def run(self) -> Run:
        return state(self.folder)

    def facts(self) -> list[e.Recorded]:
        with Journal(journal_of(self.folder)) as journal:
            return list(journal.events())

    def answers(self) -> list[e.Commanded]:
        """What the engine said to every command so far, and to what."""
        return [one.event for one in self.facts() if isinstance(one.event, e.Commanded)]

    def accepted(self) -> list[Command]:
        return [one.wish for one in self.answers() if one.accepted and one.wish is not None]


def cockpit(folder: Path, *arguments: str) -> list[str]:
    """Open the screen on this folder."""
    return [sys.executable, "-P", "-m", "autoresearch_tui", str(folder), *arguments]


def environment(**more: str) -> dict[str, str]:
    """Of a person with a terminal that can do everything."""
    return {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **more}
