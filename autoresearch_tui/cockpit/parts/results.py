"""Results: every experiment of the night, what runs, and what waits for a person.

Owns what is said besides the rows: how far what runs is, why there is nothing yet, and which experiment the keys mean. Which rows there
are is `ranking.py`'s, how one is drawn `entries.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from autoresearch_tui.cockpit.drawing import Row, Span, cut, shown, wrapped
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.columns import is_headed, known
from autoresearch_tui.cockpit.parts.entries import Entries, Look
from autoresearch_tui.cockpit.parts.ranking import EVERYTHING, Filter, Table, is_due
from autoresearch_tui.cockpit.parts.ranking import table as table_of
from autoresearch_tui.cockpit.parts.times import lasting
from autoresearch_tui.cockpit.standing import standing
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run

SOON_S = 90.0  # of which seconds are said, not minutes


class Results(msgspec.Struct, frozen=True):
    run: Run
    order: str = "number"
    filter: Filter = EVERYTHING
    running: dict[int, str] = {}
    """How far each is that has no verdict on all of its trials."""
    looked_at: int | None = None
    """The experiment that trains where somebody looks."""
    several: bool = False
    """There are several slots."""
    held: str = ""
    """How long the draft that waits for a person still waits."""
    awaited: str = ""
    """What the first result waits for; empty once there is one."""


def part_of(moment: Moment, order: str = "number", filter: Filter = EVERYTHING) -> Results:
    running = {one.number: _running(moment, one) for one in moment.run.unsettled if is_due(one)}
    at_work = moment.running.number if moment.running else None
    return Results(moment.run, order, filter, running, at_work, bool(moment.run.slots), _held(moment), _awaited(moment))


def table(part: Results) -> Table:
    return table_of(part.run, part.order, part.filter)


def rows(part: Results, width: int, height: int, cursor: int | None = None, marked: int | None = None) -> Sequence[Row]:
    """Each is drawn when it is asked for; the first is the header, where there is one."""
    said = _nothing(part)
    look = Look(cursor, marked, part.filter.text, part.running, part.held)
    return Entries(part.run, table(part), width, look, [cut((Span(line, "dim"),), width) for line in wrapped(said, width)] if said else [])


def title(part: Results) -> str:
    best = {"value": f"best {part.run.metric} first", "change": "largest gain first", "memory": "most memory first"}
    ways = [best[part.order]] if part.order != "number" else []
    ways += [f"{part.filter.verdict} only"] if part.filter.verdict != "all" else []
    ways += [f'holds "{part.filter.text}"'] if part.filter.text else []
    counts = " ".join(f"{count} {verdict}" for verdict, count in standing(part.run).counts.items() if count)
    return " · ".join(["results", *(ways or ([counts] if counts else []))])


def subtitle(part: Results, top: int, width: int, height: int) -> str:
    """Which rows are seen, where that is not all of them."""
    entries, seen = len(table(part).entries), height - is_headed(width)
    return f"{top + 1}-{min(entries, top + seen)} of {entries}" if entries > seen > 0 else ""


# ---- the cursor ----


def aimed(part: Results, selected: int | None) -> int | None:
    """The experiment that keys mean: the one that was chosen, else the one that trains where somebody looks."""
    return selected if selected is not None else part.looked_at


def followed(part: Results, selected: int | None) -> int | None:
    """The experiment that stays in sight: the one that was chosen, else where the work is, else the newest; in another order the first."""
    numbers, running = table(part).numbers, known(part.run).running if not part.several else part.looked_at
    found = running if selected is None else selected
    return found if found is not None or not numbers else numbers[-1 if part.order == "number" else 0]


def place(part: Results, selected: int | None) -> int | None:
    """Where it stands; behind the newest a draft may wait for a person, and that is in sight with it."""
    found, number = table(part), followed(part, selected)
    if selected is None and found.numbers and (number, part.order) == (found.numbers[-1], "number"):
        return len(found.entries) - 1
    return None if number is None else found.places.get(number)


def end(part: Results, selected: int | None) -> int | None:
    """Where the newest stands, of those that run beside what is followed: they are in sight with it, if there is room."""
    return len(table(part).entries) - 1 if part.several and selected is None and part.order == "number" else None


def moved(part: Results, selected: int | None, by: int) -> int | None:
    """The experiment so many rows further."""
    found, at = table(part), followed(part, selected)
    if at is None or at not in found.places:
        return nearest(part, at)
    place = found.places[at] - found.places[found.numbers[0]] + by
    return found.numbers[min(max(0, place), len(found.numbers) - 1)]


def nearest(part: Results, number: int | None) -> int | None:
    """Of the experiments that a filter lets through, the one whose number is nearest."""
    return min(table(part).numbers, key=lambda other: abs(other - (number or 0)), default=number)


# ---- in words ----


def _running(moment: Moment, one: Experiment) -> str:
    if not moment.alive:
        return "interrupted"
    if not one.training:
        return "waits" if one.between_trials else "evaluating" if not one.trials[-1].measured else "judging"
    line = moment.lines.get(one.number)
    if line is None or line.fraction is None:
        return f"starting {lasting(moment.now - one.trials[-1].at)}"
    return f"training {lasting(line.fraction * moment.run.budget_s)}"


def _held(moment: Moment) -> str:
    waiting = [draft.held_until for draft in moment.run.drafts.values() if draft.waits and draft.held_until is not None]
    if not waiting:
        return ""
    return f"review {lasting(waiting[0] - moment.now)} left" if moment.alive else "review"


def _awaited(moment: Moment) -> str:
    run = moment.run
    if standing(run).judged:
        return ""
    one = next(iter(run.experiments.values()), None)
    if run.ended:
        return "No results: the run ended before its baseline did."
    if not moment.alive:
        return "No results, and no engine works on it: `autoresearch-tui run` goes on."
    if run.paused and (one is None or not one.training):
        return f"No results yet: paused by {run.paused_by}, `p` goes on."
    if one is None or not one.trials:
        return f"No results yet: the baseline is trained first, for {_about(run.budget_s)}."
    if not one.training:
        return "No results yet: the baseline is being measured."
    line = moment.lines.get(one.number)
    told = line.remaining_s if line else None
    return f"No results yet: the baseline ends in about {_about(run.budget_s - moment.now + one.trials[-1].at if told is None else told)}."


def _about(seconds: float) -> str:
    """Not so exact that it changes all the time."""
    return f"{round(seconds / 60)} min" if seconds > SOON_S else f"{max(1, math.ceil(seconds / 10)) * 10} s"


def _nothing(part: Results) -> str:
    """Why there are no rows, or no result among them yet."""
    if part.awaited or table(part).entries:
        return part.awaited
    if part.filter.text:
        return f'No row holds "{shown(part.filter.text)}" in its idea, commit, reason or researcher: Escape shows all again.'
    happened = {"keep": "was kept", "discard": "was discarded", "crash": "crashed", "running": "runs"}
    return f"No experiment {happened.get(part.filter.verdict, 'was begun')}: `F` shows the others."
