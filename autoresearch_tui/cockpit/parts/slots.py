"""What each of several slots does: how far its trial is, or why it has none. Up to four in a line each, more of them side by side. Pure.

Owns these lines of the status, how many they are, and how one trial stands. Does not own what is said of the run as a whole (`status.py`).
"""

from __future__ import annotations

from collections import Counter

import msgspec

from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, cells, cut, fitted, fitting, joined, row, shown
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.times import lasting
from autoresearch_tui.cockpit.slots import Place, idle, places
from autoresearch_tui.journal.experiment import Experiment

BAR = 10
EACH = 4  # slots that have a line of their own
LOW = 20  # lines of a screen, below which they share one
ROWS, FEW_ROWS = 5, 3  # of many slots, and on a screen of less than so many lines
TALL = 30
NAME = 14  # columns of a slot's name, at most
GAP = "  "
BLOCKS = "▁▂▃▄▅▆▇█"
MEASURES, IDLE = "=", "·"
LONGEST = 200  # characters of an idea that are looked at


class Slot(msgspec.Struct, frozen=True):
    """One slot in words."""

    name: str
    looked_at: bool
    state: str
    """`trains`, `measures` or `idle`."""
    number: str = ""
    """Of its experiment, such as `#12`."""
    share: float | None = None
    """Of the budget; None: it has not said yet."""
    parts: tuple[Row, ...] = ()
    """What there is to say, the most important first."""


class Slots(msgspec.Struct, frozen=True):
    each: tuple[Slot, ...]
    idle: str = ""
    """Why some have nothing to do."""


def part_of(moment: Moment) -> Slots | None:
    """None where there is a single slot, and where no engine works."""
    found = places(moment.run) if moment.alive and not moment.run.ended else {}
    if not found:
        return None
    why = shown(idle(moment.run))
    return Slots(tuple(_slot(moment, place, why) for place in found.values()), why)


def _slot(moment: Moment, place: Place, why: str) -> Slot:
    name, here, one = shown(place.name), place.name == moment.slot, place.one
    if one is None:
        return Slot(name, here, "idle", parts=(row(Span(f"idle: {why}", "dim")),))
    number = f"#{one.number}"
    if place.measures:
        return Slot(name, here, "measures", number, parts=(row(f"{number} is measured"), _idea(one)))
    line = moment.lines.get(one.number)
    parts = (row(f"{number} {shown(one.operator)}".rstrip()), clock(moment, one), loss(moment, one), _idea(one))
    return Slot(name, here, "trains", number, line.fraction if line else None, tuple(filter(None, parts)))


def _idea(one: Experiment) -> Row:
    return row(Span(shown(one.idea[:LONGEST]), "dim"))


# ---- one trial ----


def clock(moment: Moment, one: Experiment) -> Row:
    """How far it is."""
    line = moment.lines.get(one.number)
    if line is None or line.fraction is None:
        return row(Span(f"starting {lasting(moment.now - one.trials[-1].at)}", "dim"))
    full = min(BAR, int(line.fraction * BAR + 0.5))
    bar = (Span("█" * full, "accent"), Span("░" * (BAR - full), "dim"))
    return row(*bar, f" {lasting(line.fraction * moment.run.budget_s)}/{lasting(moment.run.budget_s)}")


def loss(moment: Moment, one: Experiment) -> Row:
    """Beside the trunk's at the same fraction of the budget."""
    line = moment.lines.get(one.number)
    if line is None or line.loss is None:
        return EMPTY
    curve = moment.curve_beside(one)
    there = curve.loss_at(line.fraction) if curve and line.fraction is not None else None
    return row(f"loss {line.loss:.3f}", Span(f", trunk {there:.3f} here" if there is not None else "", "dim"))


# ---- the lines ----


def tall(part: Slots, width: int, screen: int) -> int:
    """How many lines they take of a screen with so many."""
    if screen < LOW:
        return 1
    if len(part.each) <= EACH:
        return len(part.each)
    return min(1 + len(_grid(part, width)), ROWS if screen >= TALL else FEW_ROWS)


def rows(part: Slots, width: int, height: int) -> list[Row]:
    if len(part.each) <= min(EACH, height):
        wide = min(NAME, max(cells(slot.name) for slot in part.each))
        return [cut((_name(slot, wide), Span(GAP), *fitting(slot.parts, width - wide - 4, GAP)), width) for slot in part.each]
    if height == 1 and len(part.each) <= EACH:
        return [fitting([_cell(slot, cells(slot.name)) for slot in part.each], width, GAP)]
    return [_overview(part, width), *_in_sight(part, _grid(part, width), height - 1)][:height]


def _name(slot: Slot, wide: int) -> Span:
    return Span(f"{'▸' if slot.looked_at else ' '} {fitted(slot.name, wide)}", "strong" if slot.looked_at else "dim")


def _cell(slot: Slot, wide: int) -> Row:
    """A slot among many."""
    words = "idle" if slot.state == "idle" else f"{slot.number} {_said(slot)}"
    return (_name(slot, wide), Span(f" {words}", "dim" if slot.state == "idle" else ""))


def _said(slot: Slot) -> str:
    return "done" if slot.state == "measures" else "0%" if slot.share is None else f"{slot.share:.0%}"


def _grid(part: Slots, width: int) -> list[tuple[bool, Row]]:
    """All of them side by side, and of each line whether the slot that is looked at is in it."""
    wide = min(NAME, max(cells(slot.name) for slot in part.each))
    columns = max(cells("".join(span.text for span in _cell(slot, wide))) for slot in part.each)
    columns = max(columns, wide + 3 + max(len(slot.number) for slot in part.each) + len(" 100%"))
    across = max(1, (width + len(GAP)) // (columns + len(GAP)))
    lines = [part.each[at : at + across] for at in range(0, len(part.each), across)]
    return [(any(slot.looked_at for slot in line), _side_by_side(line, wide, columns)) for line in lines]


def _side_by_side(line: tuple[Slot, ...], wide: int, columns: int) -> Row:
    out: list[Span] = []
    for slot in line:
        name, words = _cell(slot, wide)
        gap = columns - cells(name.text) - cells(words.text)
        out += [name, Span(words.text + " " * gap + GAP, words.role)]
    return tuple(out)


def _in_sight(part: Slots, grid: list[tuple[bool, Row]], height: int) -> list[Row]:
    """As many of the lines as there is room for, with the slot that is looked at among them."""
    at = next((place for place, (here, _) in enumerate(grid) if here), 0)
    top = max(0, min(at - height // 2, len(grid) - height))
    return [line for _, line in grid[top : top + height]]


def _overview(part: Slots, width: int) -> Row:
    """A block for each, as high as it is far, and how many do not train."""
    counts = Counter(slot.state for slot in part.each)
    said = [row("".join(map(_block, part.each)))]
    said += [row(f"{counts['measures']} measured")] if counts["measures"] else []
    said += [row(Span(f"{counts['idle']} idle: {part.idle}", "dim"))] if counts["idle"] else []
    return cut(joined(said, GAP), width)


def _block(slot: Slot) -> str:
    if slot.state != "trains":
        return MEASURES if slot.state == "measures" else IDLE
    return BLOCKS[min(len(BLOCKS) - 1, int((slot.share or 0.0) * len(BLOCKS)))]
