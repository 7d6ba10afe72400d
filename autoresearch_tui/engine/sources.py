"""The train.py of each experiment. Its commit says which for ever, so git is asked once."""

from __future__ import annotations

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.journal.state import Run

REMEMBERED = 50  # those of the trunk's tip and its neighbours are what is asked for


class Sources:
    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self._read: dict[str, str] = {}

    def of(self, run: Run, number: int) -> str:
        commit = run.experiments[number].commit
        if commit not in self._read:
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[commit] = self.lineage.read(commit, run.edit).decode("utf-8", "surrogateescape")
        return self._read[commit]
