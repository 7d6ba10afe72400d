"""How busy a card or a processor is: its figures beside their names, each as wide as it can become, and the last minute of them. Pure.

Owns these rows. Does not own whose memory it is (`memory.py`), nor what is said around them (`gpu.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.drawing import Row, Span, apart, row, shown
from autoresearch_tui.cockpit.drawing import width as taken
from autoresearch_tui.cockpit.parts.minute import chart
from autoresearch_tui.telemetry.owners import Seen
from autoresearch_tui.telemetry.sample import Sample

LABEL = 8  # columns of the names at the left
FIGURE = 7  # columns between a name and its minute
NA = "n/a"
CPU = "cpu"  # of `telemetry/cpu.py`, which opens far more than a pane needs
GRAVE = ("heat", "hardware")


def label(word: str = "") -> Span:
    return Span(f"{word:<{LABEL}}", "dim")


def gauges(card: Sample, minute: Sequence[Seen], width: int) -> list[Row]:
    """Utilisation with its minute, power and what keeps the clock down, clock and temperature; of a processor what it has of these."""
    on_cpu = card.source == CPU
    busy = f"{NA if card.util is None else card.util:>3} {'' if card.util is None else '%'}"
    history = chart(((seen.card.at, seen.card.util) for seen in minute), 100.0, width - LABEL - FIGURE)
    hot = Span(f"{NA if card.temperature_c is None else card.temperature_c:>3} C", "warn" if "heat" in card.throttle else "")
    power = row(label("power"), _of(card.power_w, card.power_limit_w, "W"))
    return [
        row(label("cores" if on_cpu else "util"), f"{busy:<{FIGURE}}", Span(history, "dim")),
        *([] if on_cpu else [apart(power, _slowed(card.throttle, width - taken(power) - 1), width)]),
        row(label("clock"), _of(card.sm_mhz, card.sm_mhz_max, "MHz"), "  ", hot),
    ]


def charts(card: Sample, minute: Sequence[Seen], width: int) -> list[Row]:
    """The minute of power and of memory, of those that are told."""
    wide = width - LABEL - FIGURE
    watts = chart(((seen.card.at, seen.card.power_w) for seen in minute), card.power_limit_w or 0.0, wide)
    bytes_used = chart(((seen.card.at, seen.card.memory_used) for seen in minute), card.memory_total or 0.0, wide)
    drawn = [(word, line) for word, line in (("power", watts), ("memory", bytes_used)) if line.strip()]
    return [row(label("" if place else "minute"), f"{word:<{FIGURE}}", Span(line, "dim")) for place, (word, line) in enumerate(drawn)]


def _of(value: float | None, most: float | None, unit: str) -> str:
    """Always as wide as the most that it can be."""
    limit = "" if most is None else f"{most:.0f}"
    figure = NA if value is None else f"{value:.0f}"
    return f"{figure:>{max(3, len(limit))}}{f' of {limit}' if limit else ''} {unit}"


def _slowed(reasons: tuple[str, ...], room: int) -> Row:
    """What keeps the clock down, as much of it as there is room for: the graver comes first."""
    named = [shown(reason) for reason in reasons if reason != "idle"]
    if not named:
        return row(Span("idle", "dim")) if reasons else ()
    ways = (f"slowed by {', '.join(named)}", f"slowed by {named[0]}", "slowed")
    grave = "warn" if set(named) & set(GRAVE) else ""
    return next((way for text in ways if taken(way := row(Span(text, grave))) <= room), ())
