"""A comparison as a picture: how good each night's trunk was, by experiment and by hour of work.

Owns what the two charts show. The sheet, its colours and how foreign text gets onto it are `sheet.py`'s. Where numbers compare the lines
are the metric itself; else what was gained of each baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.compare.comparison import Comparison, Side
from autoresearch_tui.morning.forms.sheet import LINES, MUTED, PAPER, SMALL, TITLE, drawable, png, sheet, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES = ("-", "--", ":")
"""With the colours, so that more nights than colours can be told apart."""
LETTER = 0.0125  # of the chart's width: so much room on the right for each letter of the longest name
LINE = 0.045  # of its height, from one name to the next
NAME = 24


class Line(msgspec.Struct, frozen=True):
    """A night in a chart: its trunk to the end of the night."""

    name: str
    x: list[float]
    y: list[float]
    colour: str
    dashes: str


def as_png(found: Comparison) -> bytes:
    with style():
        figure, (by_experiment, by_hour) = sheet(found.sentence, columns=2)
        _chart(by_experiment, found, "experiments", by_hour=False)
        _chart(by_hour, found, "hours of work", by_hour=True)
        return png(figure)


def _chart(axes: Axes, found: Comparison, along: str, by_hour: bool) -> None:
    lines = [line for place, side in enumerate(found.sides) if (line := _line(found, place, side, by_hour))]
    measured = [side.name for side in found.sides if side.steps]
    axes.set_ylabel(_axis(found))
    if not lines:
        said = "when what was measured is not known" if measured else "no number was measured"
        axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", color=MUTED, fontsize=TITLE)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    left_out = ", ".join(name for name in measured if name not in {line.name for line in lines})
    axes.set_xlabel(drawable(clean_line(f"{along} (not known of {left_out})" if left_out else along, 60)))
    axes.locator_params(axis="x", integer=not by_hour)
    for line in lines:
        axes.step(line.x, line.y, where="post", color=line.colour, linestyle=line.dashes, linewidth=2.2)
        axes.plot(line.x[-1:], line.y[-1:], marker="o", color=line.colour, markersize=6)
    longest = max(line.x[-1] for line in lines) or 1.0
    room = 0.04 + LETTER * min(NAME, max(len(line.name) for line in lines))
    axes.set_xlim(-0.01 * longest, longest / (1 - room))
    _names(axes, lines)


def _line(found: Comparison, place: int, side: Side, by_hour: bool) -> Line | None:
    """None where nobody knows when its steps were."""
    if by_hour:
        places, end = [step.hour for step in side.steps], side.hours
    else:
        places = [float(step.experiment - side.steps[0].experiment) for step in side.steps]
        end = float(side.experiments - 1)
    known = [one for one in places if one is not None]
    if not side.steps or end is None or len(known) < len(places):
        return None
    scale = 100 / abs(side.result.baseline or 1.0)
    values = [step.value if found.comparable else step.gain * scale for step in side.steps]
    colour, dashes = LINES[place % len(LINES)], DASHES[place // len(LINES) % len(DASHES)]
    return Line(side.name, [*known, max(end, known[-1])], [*values, values[-1]], colour, dashes)


def _axis(found: Comparison) -> str:
    if not found.comparable:
        return "gained, in percent of each baseline (higher is better)"
    side = found.sides[0]
    return drawable(f"{clean_line(side.metric, 40)} of the trunk ({clean_line(side.goal, 10)} is better)")


def _names(axes: Axes, lines: Sequence[Line]) -> None:
    """At the end of each line, pushed apart where two would stand in one place."""
    from matplotlib.patheffects import withStroke

    (low, high), (first, last) = axes.get_ylim(), axes.get_xlim()
    heights = [(line.y[-1] - low) / (high - low or 1.0) for line in lines]
    lefts = [(line.x[-1] - first) / (last - first) for line in lines]
    places = list(zip(lefts, (LETTER * min(NAME, len(line.name)) for line in lines), heights, strict=True))
    points = axes.bbox.height * 72 / axes.figure.dpi
    for line, height, placed in zip(lines, heights, apart(places), strict=True):
        axes.annotate(
            drawable(clean_line(line.name, NAME)), (line.x[-1], line.y[-1]), xytext=(10, (placed - height) * points), zorder=6,
            textcoords="offset points", va="center", color=line.colour, fontsize=SMALL, annotation_clip=False,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
        )  # fmt: skip


def apart(places: Sequence[tuple[float, float, float]]) -> list[float]:
    """Heights a line apart for those that overlap from side to side: left end, width and wanted height, in parts of the chart."""
    placed: dict[int, float] = {}
    for at in sorted(range(len(places)), key=lambda at: -places[at][2]):
        left, width, height = places[at]
        beside = [placed[other] for other in placed if places[other][0] < left + width and left < places[other][0] + places[other][1]]
        height = min(height, 1 - LINE / 2)
        for taken in sorted(beside, reverse=True):
            if abs(taken - height) < LINE:
                height = taken - LINE
        placed[at] = height
    return [placed[at] for at in range(len(places))]
