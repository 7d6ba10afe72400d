"""A cockpit on a night with two bugs: `python -m tests.e2e.broken FOLDER`. After two seconds it cannot be looked at; no command goes in."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.opening import show
from autoresearch_tui.journal.commands import Command
from autoresearch_tui.workspace import RunFolder
from tests.e2e.engine import TAG


class BrokenNight(LiveNight):
    opened = time.monotonic()

    def moment(self) -> Moment:
        if time.monotonic() - self.opened > 2.0:
            raise ZeroDivisionError("a bug")
        return super().moment()

    def send(self, wish: Command) -> int:
        raise ZeroDivisionError("a bug")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.exit(show(folder, BrokenNight(RunFolder(folder / ".autoresearch" / TAG), folder)))
