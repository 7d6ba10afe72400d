"""What the plan knows of the world beside the journal: the time, the disk, the researchers, the slots; and what keeps trials from starting.

A moment is taken by `controller.py`. Nothing here looks at a clock.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from autoresearch_tui.clock import inside
from autoresearch_tui.engine.steps import End, Rest
from autoresearch_tui.journal.commands import Pause, Stop
from autoresearch_tui.journal.experiment import is_same_device
from autoresearch_tui.journal.state import Run, Waiting


class Moment(msgspec.Struct, frozen=True):
    """The time, with its zone, and what there is to work with."""

    now: datetime
    free_gb: float = float("inf")
    floor_gb: float = 0.0
    trial_s: float = 0.0
    """How long a trial takes, from launch to verdict."""
    nothing_left: str = ""
    """Why the researcher has nothing more to propose, if it said so."""
    able: tuple[str, ...] | None = None
    """The researchers that can answer now; None: nobody asked."""
    back_at: float | None = None
    """When those that cannot are looked for again; None: only a person helps."""
    taken: str = ""
    """Who has the card, where that is to be waited for."""
    slots: tuple[str, ...] = ("",)
    """All that there are, each by its class of device."""
    free: tuple[str, ...] = ("",)
    """Those of them that could train now."""
    free_slots: tuple[str, ...] = ("",)
    """Their names."""
    busy: frozenset[int] = frozenset()
    """The experiments that are trained or measured."""
    crowded: bool = False
    """The slots share cores: the baseline is trained in as much company as what is compared with it."""
    in_turn: bool = False
    """Nothing is written while anything trains: drafts for all free slots come first."""

    def has(self, device: str) -> bool:
        """Some slot is of this class, though it may be busy."""
        return any(is_same_device(device, other) for other in self.slots)

    def has_free(self, device: str) -> bool:
        return any(is_same_device(device, other) for other in self.free)


def waiting(run: Run, *kinds: type) -> list[Waiting]:
    return [wish for wish in run.wishes.values() if isinstance(wish.wish, kinds)]


def gate(run: Run, moment: Moment) -> Rest | End | None:
    """What keeps anything new from starting."""
    for wish in waiting(run, Stop):
        return End(f"stopped by {wish.by}")
    now = moment.now.timestamp()
    limits = run.limits
    if limits.deadline is not None and now + moment.trial_s > limits.deadline:
        return End("the time is up" if now > limits.deadline else "no trial would end before the time is up")
    if run.paused or (pauses := waiting(run, Pause)):
        return Rest("paused" if run.paused else f"paused by {pauses[0].by}", pause=True)
    if limits.between:
        within, edge = inside(limits.between, moment.now)
        if not within:
            return Rest(f"outside {limits.between}", edge.timestamp())
    if moment.free_gb < moment.floor_gb:
        return Rest(f"less than {moment.floor_gb:g} GB of disk are free", now + 10)
    if moment.taken:
        return Rest(moment.taken, now + 1)
    return None
