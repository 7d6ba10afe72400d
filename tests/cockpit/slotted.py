"""A night with several slots, and the moments of it. Used by the tests of each part of the screen."""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import status
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.progress import Progress
from tests.engine.histories import History, a_night

FAST, SLOW = "NVIDIA H200, 700 W, driver 570, torch 2.9", "NVIDIA L4, 72 W, driver 570, torch 2.9"


def night(count: int = 2, training: int = 2, device: str = FAST) -> History:
    """Nine experiments are over, and from #9 on one trains in each of the first slots."""
    history = History()
    a_night(history)
    history.add(e.Equipped(tuple(e.Slot(f"gpu{place}", device, f"GPU-{place}") for place in range(count))))
    for place in range(training):
        begin(history, 9 + place, f"gpu{place}", device)
    return history


def begin(history: History, number: int, slot: str, device: str = FAST) -> None:
    trial = len(history.run.experiments[number].trials) + 1 if number in history.run.experiments else 1
    if trial == 1:
        history.add(e.Proposed(number, parent=3, operator="tune", idea=f"idea {number}"), e.Committed(number, f"c{number}"))
    history.add(e.Launched(number, trial, 42, 1, 1, "boot", slot=slot, device=device))


def measured(history: History, number: int, value: float) -> None:
    """Its trial is over, and its number made."""
    trial = len(history.run.experiments[number].trials)
    history.add(e.Ended(number, trial, "finished", seconds=300.0), e.Measured(number, trial, value, memory_gb=1.0))


def at(history: History, slot: str = "gpu0", alive: bool = True, after: float = 0.0, **known: object) -> Moment:
    moment = Moment(run=history.run, now=history.now.timestamp() + after, alive=alive, slot=slot)
    return replace(moment, **known)


def said(rows: list[Row]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in rows]


def status_of(moment: Moment, wide: int = 120, high: int = 40) -> list[str]:
    part = status.part_of(moment)
    tall = status.tall(part, wide, high)
    found = status.rows(part, wide, 2 if tall is None else tall)
    assert all(width(row) <= wide for row in found)
    assert tall is None or len(found) == tall
    return said(found)


LINES = {9: Progress(100, 0.74, 3.214), 10: Progress(10, 0.12, 5.0)}
ALL = {9 + place: Progress(100, place / 16, 3.0) for place in range(16)}
