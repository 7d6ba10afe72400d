"""The lines at the top: is it alive, is it winning, who proposes, until when.

Each line is a list of what it could say, the most important first: a narrow screen shows as much of it as fits.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from autoresearch_tui.cockpit import slots
from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, cut, fitting, joined, row, shown, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import slots as told
from autoresearch_tui.cockpit.parts.times import left, written
from autoresearch_tui.cockpit.standing import PLATEAU, Standing, researchers, standing
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.status import why

LOW = 3  # lines of a screen that is too narrow for two
NARROW = 58  # columns, below which it is
GAP = "   "


class Status(msgspec.Struct, frozen=True):
    head: tuple[Row, ...]
    below: tuple[Row, ...]
    slots: told.Slots | None = None
    """Where there are several slots: what each of them does, in lines of its own."""


def part_of(moment: Moment) -> Status:
    run, stands = moment.run, standing(moment.run)
    several = told.part_of(moment)
    running = moment.running if moment.alive and several is None else None
    clock, loss = (told.clock(moment, running), told.loss(moment, running)) if running else (EMPTY, EMPTY)
    head = (_state(moment), _draining(moment), clock, _best(run, stands), loss, _pace(stands), _replay(moment))
    below = (_researcher(run, stands), _limits(moment), _usable(run, stands), _cost(run, stands), _trend(run, stands), _walls(run))
    return Status(tuple(filter(None, head)), tuple(filter(None, below)), several)


def rows(part: Status, width: int, height: int) -> list[Row]:
    if part.slots is not None:
        lines = LOW if width < NARROW else LOW - 1
        return [*rows(replace(part, slots=None), width, lines), *told.rows(part.slots, width, height - lines)]
    if height < LOW:
        return [fitting(part.head, width, GAP), fitting(part.below, width)]
    return _flowing([*part.head, *part.below], width, height)


def tall(part: Status, width: int, screen: int) -> int | None:
    """How many lines it takes of a screen with so many; None: as many as always."""
    if part.slots is None:
        return None
    return (LOW if width < NARROW else LOW - 1) + told.tall(part.slots, width, screen)


def _flowing(parts: list[Row], wide: int, lines: int) -> list[Row]:
    """One after the other, on as many lines as there are."""
    out: list[list[Row]] = [[]]
    for part in parts:
        if out[-1] and width(joined([*out[-1], part])) > wide:
            if len(out) == lines:
                break
            out.append([])
        out[-1].append(part)
    return [cut(joined(line), wide) for line in out]


# ---- the first line ----


def _state(moment: Moment) -> Row:
    run, stands = moment.run, standing(moment.run)
    phase = stands.phase
    sign, role, words = "●", "good", phase
    if run.ended:
        sign, role, words = "○", "dim", "ended"
    elif not moment.alive:
        sign, role, words = "○", "bad", f"the engine died while {phase}" if run.engine else "no engine"
    elif phase in ("paused", "waiting", "reviewing"):
        sign, role = "‖" if phase == "paused" else "○", "warn"
    elif run.stopping:
        words = f"{phase}, then it stops"
    running = stands.running if moment.alive else None
    what = f" #{running.number} {running.operator}" if running else ""
    if running and run.slots:
        words, what = slots.drains(run) or f"training in {len(run.under_way)} of {len(slots.places(run))}", ""
    because = f": {shown(why(run))}" if why(run) and not running else ""
    return row(Span(f"autoresearch {run.tag}  ", "strong"), Span(f"{sign} ", role), Span(words, role), what, Span(because, "dim"))


def _draining(moment: Moment) -> Row:
    """Of several trials, how many are waited for before it pauses or ends."""
    run, count = moment.run, len(moment.run.under_way)
    if not (run.slots and moment.alive and count and slots.drains(run)):
        return EMPTY
    return row(Span(f"{count} trial{'s are' if count > 1 else ' is'} still running", "warn"))


def _best(run: Run, stands: Standing) -> Row:
    best = stands.best
    if best is None or (value := best.value_on(run.yardstick)) is None:
        return row(Span("no number yet", "dim"))
    number = f"best {value:.5f}"
    if best.number == 0:
        return row(number, Span(" the baseline's", "dim"))
    if stands.gain is None:
        return row(number, Span(f" #{best.number}", "dim"))
    role = "good" if stands.gain.word in ("sure", "likely") else "dim"
    return row(number, Span(f" ({stands.gain.change(run.goal):+.4f} {stands.gain.word})", role), Span(_trusted(best), "warn"))


def _trusted(best: Experiment) -> str:
    return f" {best.trust}" if best.trust in ("suspect",) else ""


def _pace(stands: Standing) -> Row:
    return row(Span(f"{stands.per_hour:.1f}/h", "dim")) if stands.per_hour else EMPTY


def _replay(moment: Moment) -> Row:
    if moment.live:
        return EMPTY
    stands = "over" if moment.run.ended else "it stands still"
    how = f"replay, {moment.speed:g} times as fast" if moment.speed else f"replay, {stands}"
    return row(Span(f"{how}, {written(moment.now, '%a %H:%M:%S')}", "accent"))


# ---- the second line ----


def _researcher(run: Run, stands: Standing) -> Row:
    if run.engine is None:
        return EMPTY
    names = researchers(run)
    down = [name for name in names if name in run.down]
    if not stands.speaker:
        return row(Span(f"nobody can answer: {shown(run.down[down[0]].why)}" if down else "nobody can answer", "bad"))
    if stands.speaker == names[0]:
        chosen = f", {shown(run.engine.chosen)}" if run.engine.chosen else ""
        return row(f"by {shown(stands.speaker)}", Span(chosen, "warn" if stands.speaker == "sweep" else "dim"))
    missing = f", for {shown(down[0])} is down: {shown(run.down[down[0]].why)}" if down else ""
    return row(Span(f"by {shown(stands.speaker)}{missing}", "warn"))


def _usable(run: Run, stands: Standing) -> Row:
    health = run.health.get(stands.speaker)
    replies = health.usable + health.refused if health else 0
    return row(f"{health.usable} of {replies} usable") if health and replies else EMPTY


def _cost(run: Run, stands: Standing) -> Row:
    spent, limit = stands.spent, run.limits.cost
    if spent.unpriced:
        return row(f"at least ${spent.researchers:.2f}" if spent.researchers else "cost unknown")
    return row(f"${spent.researchers:.2f}" + (f" of ${limit:.2f}" if limit is not None else ""))


def _trend(run: Run, stands: Standing) -> Row:
    if len(run.experiments) < 3:
        return EMPTY
    if stands.since_gain >= PLATEAU:
        return row(f"no gain for {stands.since_gain}")
    return row("climbing") if stands.counts["keep"] > 1 else EMPTY


def _limits(moment: Moment) -> Row:
    run, parts = moment.run, []
    if run.ended:
        return EMPTY
    if (count := run.limits.experiments) is not None:
        parts.append(row(f"{standing(run).judged} of {count}"))
    if (deadline := run.limits.deadline) is not None:
        parts.append(row(f"until {written(deadline, '%H:%M %Z')}, {left(deadline - moment.now)}"))
    if run.limits.between:
        parts.append(row(f"between {run.limits.between}"))
    return joined(parts)


def _walls(run: Run) -> Row:
    """What is spoken to, and what holds the trainings."""
    if run.engine is None:
        return EMPTY
    parts = [row("this machine only")] if run.engine.local_only else []
    if run.engine.sandbox == "unsandboxed":
        parts.insert(0, row(Span("UNSANDBOXED", "warn")))
    elif run.engine.sandbox:
        parts.append(row(f"contained by {run.engine.sandbox}"))
    return joined(parts)
