"""The columns of results: which of them a width has room for, and how numbers stand in them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from autoresearch_tui.cockpit import slots
from autoresearch_tui.cockpit.drawing import cells, shown
from autoresearch_tui.cockpit.parts.ranking import is_due
from autoresearch_tui.cockpit.standing import once_for_each
from autoresearch_tui.journal.state import Run

NARROW = 50  # cells, below which a row is what became of it, its number, and what it is
WIDE = 90  # cells, from which on numbers have all of their decimals, and more air between them
ROOM = 24  # cells of what it is, that one more column leaves
ORDER = ("number", "commit", "value", "trials", "change", "memory", "verdict", "trust", "slot", "what")
SLOT = 14  # cells of a slot's name, at most


class Column(NamedTuple):
    name: str
    wide: int
    right: bool = False


class Known(msgspec.Struct, frozen=True):
    """What all rows of a state ask."""

    trunk: frozenset[int]
    running: int | None
    """The first experiment that has no verdict on all of its trials."""
    waits: dict[int, str]
    """What a person wants of an experiment and has not got yet."""
    digits: int
    """Of the largest number of an experiment."""
    decimals: int
    """Of a value, so that it has seven digits."""
    repeated: bool
    """Some have several trials."""
    trust: int
    """Cells of the longest word for it."""
    slot: int
    """Cells of the longest name of one; 0: there is only one."""
    device: str
    """The class of device of the baseline's number; empty: there is only one."""


@once_for_each
def known(run: Run) -> Known:
    value = run.baseline.value if run.baseline else None
    before = len(f"{abs(value):.0f}") if value is not None and math.isfinite(value) else 1
    trusts = {trial.trust for one in run.experiments.values() for trial in one.trials}
    wishes = [(type(one.wish).__name__.lower(), getattr(one.wish, "experiment", None)) for one in run.wishes.values()]
    return Known(
        trunk=frozenset(run.trunk),
        running=next((one.number for one in run.unsettled if is_due(one)), None),
        waits={number: name for name, number in wishes if number is not None},
        digits=max(2, len(str(max(run.experiments, default=0)))),
        decimals=max(2, 7 - before),
        repeated=any(len(one.numbers) > 1 for one in run.experiments.values() if len(one.trials) > 1),
        trust=max((len(trust_word(trust)) for trust in trusts), default=0),
        slot=min(SLOT, max((cells(shown(name)) for name in slots.places(run)), default=0)),
        device=run.baseline.device if run.baseline and len(run.devices) > 1 else "",
    )


def is_headed(width: int) -> bool:
    """Whether the first row says what the columns are."""
    return width >= NARROW


def columns(run: Run, width: int) -> list[Column]:
    """Those that fit, the most telling before the others."""
    found = known(run)
    value, verdict = Column("value", 9 if width >= WIDE else 8, right=True), Column("verdict", 7)
    if width < NARROW:
        narrow = [Column("number", 2 + found.digits, right=True), verdict, value]
        return [*narrow, _rest(narrow, width)]
    chosen = [Column("number", 1 + found.digits, right=True), value, verdict]
    more = [Column("change", 14), Column("slot", found.slot), Column("memory", 5, right=True), Column("commit", 7)]
    more.append(Column("trust", found.trust))
    if found.repeated:
        more.insert(1, Column("trials", 3))
    for column in more:
        if column.wide and _rest([*chosen, column], width).wide >= (ROOM if column.name != "change" else 0):
            chosen.append(column)
    return sorted([*chosen, _rest(chosen, width)], key=lambda column: ORDER.index(column.name))


def gap(width: int) -> int:
    return 2 if width >= WIDE else 1


def _rest(chosen: Iterable[Column], width: int) -> Column:
    return Column("what", max(0, width - sum(column.wide + gap(width) for column in chosen)))


def trust_word(trust: str) -> str:
    """One word for it."""
    return shown(trust.rpartition(", ")[2])


def device_word(device: str) -> str:
    """The name in a class of device, without its power limit, driver and torch."""
    return shown(device.partition(",")[0])


def number(value: float, decimals: int, wide: int, sign: str = "") -> str:
    """With fixed decimals; what is too large for these has fewer."""
    fixed = (f"{value:{sign}.{places}f}" for places in range(decimals, -1, -1))
    return next((text for text in fixed if len(text) <= wide), f"{value:{sign}.0e}")
