"""What a screen knows at one moment of a night: the state of the run, and what was seen beside it. Immutable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from autoresearch_tui.cockpit import slots
from autoresearch_tui.journal import fold
from autoresearch_tui.journal.commands import Command
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.experiment import Experiment, is_same_device
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Sent
from autoresearch_tui.telemetry.curve import Curve
from autoresearch_tui.telemetry.owners import Seen
from autoresearch_tui.telemetry.progress import Progress
from autoresearch_tui.workspace import RunFolder

HISTORY_S = 60.0  # of the card, on its pane
VIEW = "this is a view: nothing is sent."
EXACT = 2000  # facts that each get the state after them; of more, many share one, or a long night would not fit in memory
STATES = 300


class Moment(msgspec.Struct, frozen=True):
    """Everything that is shown is made of this."""

    run: Run = Run()
    now: float = 0.0
    """Seconds of UTC, by the night's own clock: of a replay, then."""
    alive: bool = False
    """The engine lives."""
    live: bool = True
    """It happens now: not a replay."""
    view: bool = False
    """Whoever looks does nothing but look."""
    seen: tuple[Seen, ...] = ()
    """The cards in the last minute, the oldest first."""
    lines: dict[int, Progress] = {}
    """The newest line of each trial that runs, by its experiment."""
    curves: dict[str, Curve] = {}
    """How the trunk's training went on each class of device, to compare those that run with."""
    slot: str = ""
    """The one that is looked at; empty: there is only one."""
    sent: tuple[Sent, ...] = ()
    """Commands that the engine has not answered."""
    speed: float = 1.0
    """Of a replay; 0: it stands still."""

    @property
    def running(self) -> Experiment | None:
        """What trains where somebody looks."""
        return slots.at_work(self.run, self.slot)

    @property
    def progress(self) -> Progress | None:
        """The newest line of that."""
        running = self.running
        return self.lines.get(running.number) if running else None

    def curve_beside(self, one: Experiment) -> Curve | None:
        """The trunk's on the device on which this one trains; on another its steps take another time."""
        device = one.trials[-1].device
        return next((curve for other, curve in self.curves.items() if is_same_device(other, device)), None)

    @property
    def takes_wishes(self) -> bool:
        """A key may ask something of it."""
        return self.live and not self.view


class Told(msgspec.Struct, frozen=True):
    """A fact as it became known, and the state after it."""

    recorded: Recorded
    run: Run


def told_of(facts: Iterable[Recorded], run: Run = Run()) -> list[Told]:  # noqa: B008 - it is frozen
    """These facts, each with the state after it; of very many, some share one, or the states would not fit in memory."""
    facts = list(facts)
    size = 1 if len(facts) <= EXACT else -(-len(facts) // STATES)
    told: list[Told] = []
    for start in range(0, len(facts), size):
        some = facts[start : start + size]
        run = fold.fold(some, run)
        told += [Told(one, run) for one in some]
    return told


class Night(Protocol):
    """Where moments come from: a journal that is followed, or one that is played again."""

    folder: RunFolder
    git: Path
    """A folder that git finds the run's commits in."""

    def poll(self) -> list[Told]:
        """What became known since this was asked last. Cheap when nothing did: it is asked fifty times a second."""

    def moment(self) -> Moment:
        """Now."""

    def visible(self, file: Path) -> int | None:
        """How many bytes of a log or reply there are at this moment; None: all that the file has."""

    def past(self) -> list[Told]:
        """Every fact until now; of a long night it takes a second."""

    def send(self, wish: Command) -> int:
        """Ask something of the engine; the number of the command."""

    def close(self) -> None: ...
