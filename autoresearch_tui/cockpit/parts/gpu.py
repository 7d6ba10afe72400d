"""The card that trains, or the processor where none does: how busy it is, whose its memory is, and the last minute.

Owns the words of the pane. Does not own the samples, which the engine takes (`telemetry/`), nor the choice who has the memory: it shows
what the journal says of both. What a card does not tell is `n/a`, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec

from autoresearch_tui.cockpit import slots
from autoresearch_tui.cockpit.drawing import Row, Span, cells, cut, fitted, fitting, row, shown, wrapped
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.gauges import CPU, LABEL, NA, charts, gauges, label
from autoresearch_tui.cockpit.parts.memory import bar, figures, said, shares
from autoresearch_tui.cockpit.parts.times import written
from autoresearch_tui.cockpit.slots import Place
from autoresearch_tui.journal.events import Shared, Unloaded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.telemetry.owners import Seen
from autoresearch_tui.telemetry.sample import Process, Sample

STALE_S = 5.0
THINNED_S = 25.0  # of an older night one sample in ten seconds is left
OTHER = 14  # columns of a slot's name, at most
RECENT = 8  # experiments that the last trial is looked for in
FIRST_S = 5.0  # a driver may take so long for its first word
WORDS = {
    "util": "utilisation",
    "power_w": "power",
    "temperature_c": "temperature",
    "sm_mhz": "clock",
    "throttle": "what slows it",
    "memory_used": "memory",
    "processes": "processes",
}


class Gpu(msgspec.Struct, frozen=True):
    minute: tuple[Seen, ...] = ()
    """What was seen, the newest last."""
    trouble: str = ""
    """Why nothing new comes."""
    expected: str = ""
    """Where nothing was seen: what will be here, and when."""
    on_cpu: bool = False
    sharing: Shared | None = None
    unloaded: Unloaded | None = None
    strangers: tuple[str, ...] = ()
    slot: str = ""
    """Whose card it is, where there are several."""
    others: tuple[tuple[str, Sample], ...] = ()
    """The other cards, each by its slot, as they were seen last."""

    @property
    def fault(self) -> str:
        """Why the card cannot be used now, and what to do; empty where it can."""
        newest = self.minute[-1].card if self.minute else Sample(0.0)
        return newest.fault and (newest.said or f"The card cannot be used ({newest.fault}).")

    @property
    def last(self) -> Seen | None:
        """The newest that says something of the card."""
        return next((seen for seen in reversed(self.minute) if not seen.card.fault), None)


def part_of(moment: Moment) -> Gpu:
    run, places = moment.run, slots.places(moment.run)
    here = places.get(moment.slot)
    minute = _of_card(moment.seen, here.card) if here else moment.seen
    on_cpu = minute[-1].card.source == CPU if minute else run.engine is not None and run.engine.device.startswith(CPU)
    return Gpu(
        minute,
        _trouble(moment, minute[-1].card) if minute else "",
        "" if minute else _expected(moment, on_cpu),
        on_cpu,
        None if on_cpu else run.sharing,
        None if on_cpu else run.unloaded,
        _strangers(run),
        here.name if here else "",
        _others(moment.seen, [place for place in places.values() if here and place.card not in ("", here.card)]),
    )


def _of_card(seen: tuple[Seen, ...], card: str) -> tuple[Seen, ...]:
    """What was seen of this one; where samples do not say whose they are, all of them."""
    return tuple(one for one in seen if one.card.uuid == card) if card else seen


def _others(seen: tuple[Seen, ...], places: list[Place]) -> tuple[tuple[str, Sample], ...]:
    """The newest of each other card; slots may share one."""
    newest = {one.card.uuid: one.card for one in seen}
    cards = {place.card: place.name for place in reversed(places)}
    return tuple((name, newest[card]) for card, name in reversed(cards.items()) if card in newest)


def title(part: Gpu) -> str:
    return f"{shown(part.slot)}  {_card_name(part)}".rstrip() if part.slot else _card_name(part)


def _card_name(part: Gpu) -> str:
    card = part.minute[-1].card if part.minute else Sample(0.0)
    kind = "CPU" if part.on_cpu else "GPU"
    name = card.name if card.name.startswith(kind) else f"{kind} {card.name}".strip()
    return f"{name}, a MIG slice" if card.mig else name


def rows(part: Gpu, width: int, height: int) -> list[Row]:
    """All there is to say; the charts of power and memory and the processes only where there is room for them."""
    body = part.last
    above = [row(Span(line, "bad")) for line in _sentence(part.fault, width)]
    above += [row(Span(line, "warn")) for line in _sentence(part.trouble, width)]
    below = _lines_of_others(part, width)
    if body is None:
        return [cut(line, width) for line in [*above, *(row(line) for line in _sentence(part.expected, width)), *below]]
    card, fixed = body.card, height - len(above) - len(below)
    told = [*gauges(card, part.minute, width), *_memory(part, body, width), *_around(part, card, width)]
    more = charts(card, part.minute, width)
    if len(told) + len(more) <= fixed:
        told += more
    told += _processes(card.processes or (), width, fixed - len(told))
    return [cut(line, width) for line in [*above, *(map(_faded, told) if above else told), *below]]


# ---------------------------------------------------------------------------------------------------------------------------------
# What is there
# ---------------------------------------------------------------------------------------------------------------------------------


def _trouble(moment: Moment, newest: Sample) -> str:
    at = newest.at
    if not moment.alive:
        return f"the engine does not work: no samples since {written(at)}"
    if newest.fault:  # it is asked ever more rarely
        return ""
    age = moment.now - at
    return f"stale since {written(at)}, {age:.0f} s" if age > (STALE_S if moment.live else THINNED_S) else ""


def _expected(moment: Moment, on_cpu: bool) -> str:
    run, what = moment.run, "processor" if on_cpu else "card"
    if run.engine is None:
        return "The card, or the processor where none trains, is shown here from the first second of the engine on."
    if not moment.alive:
        return "The engine does not work: no samples. They come again, once a second, when it works."
    if moment.now - run.engine.at < FIRST_S:
        return f"The first sample of the {what} comes within a few seconds."
    device = shown(run.engine.device) or "a device that is not known"
    return f"Nobody tells anything of the {what} (it trains on {device}). A sample a second is shown here as soon as its driver answers."


def _strangers(run: Run) -> tuple[str, ...]:
    """Who computes on the card beside us: now, or while the last trial ran."""
    if "computes on the card" in run.waiting:
        return (run.waiting,)
    recent = islice(reversed(run.experiments.values()), RECENT)
    ended = [trial for one in recent for trial in one.trials if trial.card]
    last = max(ended, key=lambda trial: trial.at, default=None)
    return tuple(f"in the last trial {stranger}" for stranger in last.card.strangers) if last and last.card else ()


# ---------------------------------------------------------------------------------------------------------------------------------
# Rows
# ---------------------------------------------------------------------------------------------------------------------------------


def _memory(part: Gpu, seen: Seen, width: int) -> list[Row]:
    card, owned, wide = seen.card, seen.owned, width - LABEL
    name = "RAM" if part.on_cpu else "memory" if card.unified else "VRAM"
    if card.memory_total is None:
        return [row(label(name), NA)]
    drawn, left = bar(shares(owned, card.memory_total), wide)
    source = owned.source.replace(f"{CPU} per process, unified memory", "per process")
    lines = [(label(), *line) for line in figures(left, wide)]
    return [row(label(name), *drawn), *lines, *_words("", f"of {said(card.memory_total)} GB, {source}".rstrip(", "), width, "dim")]


def _around(part: Gpu, card: Sample, width: int) -> list[Row]:
    """In words: who has the memory and why, who else is there, and what is not told."""
    lines: list[Row] = []
    for stranger in part.strangers:
        lines += _words("others", stranger, width, "warn")
    if part.sharing:
        lines += _words("sharing", part.sharing.why + (" (a guess)" if part.sharing.guess else ""), width)
    if part.unloaded:
        lines += _words("", f"the LLM gave {part.unloaded.freed_gb:.1f} GB back in {part.unloaded.seconds:.1f} s", width)
    if card.said and not card.fault:
        lines += _words("", card.said, width, "dim")
    asked = [field for field in WORDS if not (part.on_cpu and field == "power_w")]
    return lines + _words(NA, _untold(card, asked), width, "dim")


def _untold(card: Sample, asked: Iterable[str]) -> str:
    """What of this the card does not say, by what keeps it."""
    by_reason: dict[str, list[str]] = {}
    for field in asked:
        if getattr(card, field) in (None, ()) and field in card.why:
            by_reason.setdefault(card.why[field], []).append(WORDS[field])
    return "; ".join(f"{', '.join(words)} ({reason})" for reason, words in by_reason.items())


def _processes(processes: tuple[Process, ...], width: int, room: int) -> list[Row]:
    """The largest first, as many as there is room for."""
    largest = sorted(processes, key=lambda one: -(one.memory or 0))
    several = len(largest) > room
    if room < 1 + several:
        return []
    lines = [_process(one, width - LABEL) for one in largest[: room - several]]
    lines += [row(Span(f"and {len(largest) - len(lines)} more", "dim"))] if several else []
    return [(label("" if place else "on it"), *line) for place, line in enumerate(lines)]


def _process(one: Process, wide: int) -> Row:
    size = NA if one.memory is None else f"{said(one.memory)} GB"
    name = fitted(shown(one.name) or "somebody", max(0, wide - 8 - 9 - 9))
    return row(Span(f"{one.pid:>7} ", "dim"), name, " ", Span(fitted(shown(one.user), 8), "dim"), f"{size:>9}")


def _lines_of_others(part: Gpu, width: int) -> list[Row]:
    """A short line for each other card."""
    wide = min(OTHER, max((cells(name) for name, _ in part.others), default=0))
    return [_other(name, card, wide, width) for name, card in part.others]


def _other(name: str, card: Sample, wide: int, width: int) -> Row:
    head = Span(f"{fitted(shown(name), wide)}  ", "dim")
    if card.fault:
        return cut((head, Span(shown(card.said) or f"it cannot be used ({shown(card.fault)})", "bad")), width)
    used, most = card.memory_used, card.memory_total
    memory = NA if used is None else said(used) + (f" of {said(most)}" if most is not None else "")
    figures = (f"util {_told(card.util):>3} %", f"{memory:>13} GB", f"{_told(card.power_w):>4} W", f"{_told(card.temperature_c):>3} C")
    parts = [row(figure) for figure in figures]
    return (head, *fitting(parts, width - wide - 2, "  "))


def _told(value: float | None) -> str:
    return NA if value is None else f"{value:.0f}"


def _words(name: str, text: str, width: int, role: str = "") -> list[Row]:
    """A sentence beside its name, in as many rows as it takes."""
    lines = wrapped(text, width - LABEL) if text else []
    return [row(label("" if place else name), Span(line, role)) for place, line in enumerate(lines)]


def _sentence(text: str, width: int) -> list[str]:
    return wrapped(text, width) if text else []


def _faded(line: Row) -> Row:
    return tuple(Span(span.text, "dim") for span in line)
