"""Keeping the disk in bounds and a second copy of the journal: once in a while, never in the way of a trial."""

from __future__ import annotations

import gzip
import shutil
import time
from pathlib import Path

from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.workspace import RunFolder

LOOK_S = 60.0
BACK_UP_S = 3600.0
PLAIN_LOGS = 10  # the newest ones stay as they are, for whoever reads them


class Upkeep:
    def __init__(self, folder: RunFolder, backup: Path, floor_gb: float, max_gb: float) -> None:
        self.folder = folder
        self.backup = backup
        self.floor_gb = floor_gb
        self.max_gb = max_gb
        self._looked = self._backed_up = time.monotonic()

    def tidy(self, run: Run) -> None:
        now = time.monotonic()
        if now - self._backed_up >= BACK_UP_S:
            self.copy()
        if now - self._looked >= LOOK_S:
            self._looked = now
            if self.folder.size > self.max_gb * 1e9:
                self.shrink(run)

    def copy(self) -> None:
        """The journal once more, where `git clean` does not reach."""
        self._backed_up = time.monotonic()
        with Journal(self.folder.journal) as journal:  # a connection of its own: this runs in a thread
            journal.back_up(self.backup)

    def shrink(self, run: Run) -> None:
        """Compress old logs, and drop the checkpoints that are neither the best, nor the trunk's, nor the one before."""
        for log in sorted((self.folder.folder / "logs").glob("*.log"))[:-PLAIN_LOGS]:
            packed = log.with_name(log.name + ".gz")
            aside = packed.with_name("." + packed.name)
            with log.open("rb") as source, gzip.open(aside, "wb") as target:
                shutil.copyfileobj(source, target)
            aside.replace(packed)
            log.unlink()
        stay = {self.folder.checkpoint(number) for number in run.trunk[-2:]}
        if run.best:
            stay.add(self.folder.checkpoint(run.best.number))
        for checkpoint in (self.folder.folder / "checkpoints").glob("[0-9]*.pt"):
            if checkpoint not in stay:
                checkpoint.unlink()
