"""What a prompt tells of the night so far, in as much room as there is. Pure.

The rooms go from all of it to nothing in fixed steps; what is least needed for the next move goes first. No line is ever cut for room, and
what is missing is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autoresearch_tui.proposals.knobs import Knob, NotPython, read_knobs
from autoresearch_tui.proposals.memory import Tried, decimals, lessons, line, measured
from autoresearch_tui.proposals.prompting.knobtable import FULL, LEGEND, Row, most_relevant, rows
from autoresearch_tui.proposals.prompting.knobtable import written as row_written
from autoresearch_tui.proposals.prompting.quoting import one_line

if TYPE_CHECKING:
    from autoresearch_tui.proposals.prompt import Briefing


class Room(msgspec.Struct, frozen=True):
    """How much of each kind is told."""

    rows: int = FULL
    steps: int = FULL
    """In a row of the knob table."""
    kept: int = 10
    near: int = 5
    last: int = 8
    now: int = FULL
    """What is being tried in other places."""
    others: int = 60
    """Changes of more than knobs, which stand in no table."""
    width: int = 120
    """Of an idea."""
    earlier: int = 8
    shelf: int = 3
    log: int = 40
    detail: int = 60
    notes: int = 20
    idea_lines: int = 60
    sentences: int = 20
    """About the machine."""
    untried: int = FULL
    """Knobs that were never turned, by name."""


STEPS: tuple[dict[str, int], ...] = (
    {"others": 40},
    {"rows": 40, "earlier": 5},
    {"others": 25, "steps": 16},
    {"log": 25, "width": 90},
    {"rows": 30, "steps": 12, "now": 32},
    {"others": 15, "shelf": 2, "earlier": 3},
    {"rows": 24, "steps": 8, "detail": 40},
    {"kept": 7, "others": 10, "last": 6},
    {"rows": 18, "steps": 6, "log": 16},
    {"earlier": 0, "shelf": 1, "notes": 10},
    {"rows": 14, "steps": 5, "width": 70, "untried": 20, "now": 16},
    {"others": 6, "near": 4, "kept": 5, "detail": 25},
    {"rows": 10, "shelf": 0, "log": 12, "last": 5},
    {"rows": 8, "steps": 4, "others": 3, "untried": 10},
    {"rows": 6, "kept": 4, "near": 3, "last": 4, "log": 8, "notes": 5},
    {"rows": 4, "steps": 3, "others": 0, "detail": 14, "idea_lines": 30, "now": 8},
    {"rows": 2, "kept": 2, "near": 2, "last": 3, "untried": 5, "sentences": 5, "log": 5},
    {"rows": 0, "kept": 0, "near": 0, "last": 2, "untried": 0, "detail": 8, "notes": 3, "now": 4},
    {"last": 0, "now": 0, "sentences": 0, "notes": 1, "detail": 4, "log": 3, "idea_lines": 12},
    {"notes": 0, "detail": 0, "log": 0, "idea_lines": 6},
)


NOW = "## Being tried just now, without a number yet (propose none of these, and turn no constant that one of them turns)"
PLAIN = 40  # characters of a value that somebody would turn


def _rooms() -> tuple[Room, ...]:
    rooms = [Room()]
    for step in STEPS:
        rooms.append(msgspec.structs.replace(rooms[-1], **step))
    return tuple(rooms)


ROOMS = _rooms()
"""From the largest to the smallest."""


def written(briefing: Briefing, room: Room) -> str:
    tried = sorted(briefing.tried, key=lambda one: one.number)
    digits = decimals(tried, briefing.sigma)
    knobs = _knobs(briefing.source)
    table = rows(tried, list(knobs))
    shown = most_relevant(table, room.rows, knobs)
    lists, listed = _lists(briefing, tried, digits, room)
    parts = [_standing(briefing, tried, room, digits), _table(briefing, shown, knobs, digits, room), *lists]
    parts += [_missing(briefing, tried, listed, shown, len(table) - len(shown)), _being_tried(briefing, tried, digits, room)]
    if found := lessons(briefing.earlier, room.earlier, room.width):
        head = "## Earlier nights in this workspace (another night's numbers do not compare with these)"
        parts.append(head + "\n" + "\n".join(found))
    if briefing.dialect != "set" and briefing.operator not in ("repair", "combine"):
        parts += _shelf(briefing, room)
    return "\n\n".join(part for part in parts if part)


def _knobs(source: str) -> dict[str, Knob]:
    try:
        return read_knobs(source)
    except NotPython:
        return {}


def _standing(briefing: Briefing, tried: list[Tried], room: Room, digits: int) -> str:
    said = [one_line(sentence, 300) for sentence in briefing.measured[: room.sentences]]
    if briefing.sigma:
        noise = f"{briefing.sigma:.{digits}f}"
        guess = ", as far as is guessed" if briefing.assumed else ""
        said.append(f"One training varies by about {noise} {briefing.metric}{guess}: twice that between two of them may still be chance.")
    best = next((one for one in tried if one.number == briefing.best), None)
    if best and best.value is not None:
        said.append(f"Best so far: #{best.number}, {briefing.metric} {best.value:.{digits}f}.")
    elif briefing.best == 0 and tried:
        said.append("Nothing has beaten the baseline so far.")
    return "\n".join(said)


def _table(briefing: Briefing, shown: list[Row], knobs: dict[str, Knob], digits: int, room: Room) -> str:
    text = ""
    if shown:
        lines = (row_written(row, digits, briefing.trunk, room.steps) for row in shown)
        text = f"## The knob table\n{LEGEND}\n" + "\n".join(lines)
    turned = {name for one in briefing.tried for name in one.changes}
    fresh = [name for name in knobs if name not in turned and "SEED" not in name and len(knobs[name].literal) <= PLAIN]
    if fresh and room.untried:
        more = f" and {len(fresh) - room.untried} more" if len(fresh) > room.untried else ""
        text += ("\n" if text else "") + f"Never tried: {', '.join(fresh[: room.untried])}{more}."
    return text


def _lists(briefing: Briefing, tried: list[Tried], digits: int, room: Room) -> tuple[list[str], set[int]]:
    """Each experiment that has its verdict in one list at most."""
    by_number = {one.number: one for one in tried}
    kept = [by_number[number] for number in briefing.trunk if number in by_number]
    best = sorted(kept, key=lambda one: (measured(one) or 0.0, one.number))[: room.kept]
    near = [by_number[number] for number in briefing.near if number in by_number][: room.near]
    said = {one.number for one in (*best, *near)}
    rest = [one for one in tried if one.number not in said and one.verdict]
    last = rest[len(rest) - min(room.last, len(rest)) :]
    older = [one for one in rest[: len(rest) - len(last)] if not one.changes]
    others = older[len(older) - min(room.others, len(older)) :]
    titled = (
        ("## Kept, and in the code above (the best first)", best),
        ("## Near misses: discarded, and hardly worse (the best first)", near),
        ("## Older changes of the code itself", others),
        ("## The last experiments (the newest at the end)", last),
    )
    texts = [f"{title}\n" + "\n".join(line(one, digits, room.width) for one in ones) for title, ones in titled if ones]
    return texts, {one.number for _, ones in titled for one in ones}


def _being_tried(briefing: Briefing, tried: list[Tried], digits: int, room: Room) -> str:
    """Nobody knows yet what that is worth, so nobody is to build on it, or to try it a second time."""
    now = [*(one for one in tried if not one.verdict), *briefing.waiting]
    if not now or not room.now:
        return ""
    said = [line(one, digits, room.width) for one in now[: room.now]]
    said += [f"- and {len(now) - room.now} more"] if len(now) > room.now else []
    return f"{NOW}\n" + "\n".join(said)


def _missing(briefing: Briefing, tried: list[Tried], listed: set[int], shown: list[Row], hidden: int) -> str:
    judged = {one.number for one in tried if one.verdict}
    in_table = judged & {one.number for row in shown for one in row.steps} - listed
    left = len(judged - listed - in_table) + briefing.older
    said = [f"{len(in_table)} older experiments are in the knob table only"] if in_table else []
    said += [f"{left} older experiments are left out for want of room"] if left else []
    said += [f"so are {hidden} rows of the knob table"] if hidden and left else []
    return f"({'; '.join(said)}.)" if said else ""


def _shelf(briefing: Briefing, room: Room) -> list[str]:
    known = briefing.shelf[: room.shelf]
    if not known:
        return []
    lines = [f"- {one.name}: {one.what} Needs: {one.needs} Costs: {one.costs} Reported: {one.reported}" for one in known]
    return ["## Published ideas that this code does not have (take one only if you think that it fits)\n" + "\n".join(lines)]
