"""Nights by a model for tests: what it says, the checkout that it works on, and how long the card waited for it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autoresearch_tui.engine.night import spend
from autoresearch_tui.engine.opening import Asked
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.settings import load
from autoresearch_tui.workspace import open_workspace
from tests.engine.nights import TRAIN, check_whole, make_checkout
from tests.servers.wire import Heard


def turning(seconds: float = 0.0, knob: str = "MATRIX_LR", value: float = 0.01, step: float = 0.001) -> Callable[[Heard], str]:
    """Replies of a model that turns one knob a little further each time, and takes so long to think of it."""
    steps = itertools.count(1)

    def reply(heard: Heard) -> str:
        time.sleep(seconds)
        new = round(value + step * next(steps), 4)
        return f"<idea>{knob} {new}</idea>\n<why>It may be too small.</why>\n<edit>\nSET {knob} = {new}\n</edit>\n"

    return reply


class Lab:
    """A checkout, and nights on it."""

    def __init__(self, folder: Path, train: str = TRAIN) -> None:
        self.folder = make_checkout(folder / "lab", train)
        self.facts: list[Recorded] = []
        self.on: Callable[[Recorded, Run], None] = lambda recorded, run: None

    def night(self, researcher: str | list[str], experiments: int, **flags: object) -> Run:
        settings = load(self.folder, {"run.researcher": researcher, "limits.experiments": experiments, **flags}).settings

        def tell(recorded: Recorded, run: Run) -> None:
            self.facts.append(recorded)
            self.on(recorded, run)

        spend(open_workspace(self.folder, settings), settings, Asked(tag="night"), tell)
        return check_whole(self.folder)

    def all(self, kind: type[Any]) -> list[Any]:
        return [recorded.event for recorded in self.facts if isinstance(recorded.event, kind)]

    def written(self) -> bytes:
        """Everything that is on the disk of this run and of its repository."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return b"\n".join(path.read_bytes() for path in files)


def gaps(facts: list[Recorded]) -> list[float]:
    """Seconds in which nothing trained, between two trials."""
    moments = [recorded for recorded in facts if isinstance(recorded.event, e.Launched | e.Ended)]
    return [after.at - before.at for before, after in itertools.pairwise(moments) if isinstance(after.event, e.Launched)]
