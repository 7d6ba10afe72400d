"""Progress: every trial a dot by the number of its experiment, the trunk a step line; whether it goes on getting better, in words.

Owns what is said. The drawing is `chart.py`'s.
"""

from __future__ import annotations

import bisect

import msgspec

from autoresearch_tui.cockpit.drawing import Row, Span, shown, wrapped
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.chart import Chart, Points, points_of
from autoresearch_tui.cockpit.parts.ranking import change_of, value_of
from autoresearch_tui.cockpit.standing import PLATEAU, once_for_each, standing
from autoresearch_tui.journal.noise import Noise
from autoresearch_tui.journal.state import Run

LONGEST = 200  # characters of an idea that are looked at


class Progress(msgspec.Struct, frozen=True):
    run: Run
    cursor: int | None = None
    """The experiment that is pointed at."""


def part_of(moment: Moment, cursor: int | None) -> Progress:
    return Progress(moment.run, cursor)


def rows(part: Progress, width: int, height: int) -> list[Row]:
    points = points_of(part.run)
    if points.axis is None or width < 2 or height < 2:
        return [(Span(line, "dim"),) for line in wrapped(_nothing(points), width)]
    drawn, way = _drawn(part.run), (part.cursor, width, height)
    if way not in drawn:
        drawn.clear()
        drawn[way] = Chart(part.run, part.cursor, points, points.axis, width, height).rows()
    return drawn[way]


@once_for_each
def _drawn(run: Run) -> dict[tuple[int | None, int, int], list[Row]]:
    """The last chart of this state, by its cursor and size: ten thousand dots take longer than a frame has."""
    return {}


def title(part: Progress) -> str:
    """What is pointed at, in words."""
    one = part.run.experiments.get(part.cursor) if part.cursor is not None else None
    if one is None:
        return "progress"
    value, change = value_of(one), change_of(part.run, one)
    said = [f"#{one.number}", one.verdict or "running", "" if value is None else f"{value:.6f}"]
    if change is not None and value is not None:
        said.append(f"({change[0]:+.4f} {change[1]})")
    return f"progress · {' '.join(filter(None, said))}  {shown(one.idea[:LONGEST])}"


def subtitle(part: Progress, width: int) -> str:
    """Whether it goes on getting better, and how far equal trainings differ."""
    said = [text for text in (_trend(part.run), _noise(standing(part.run).noise)) if text]
    while len(said) > 1 and len(" · ".join(said)) > width:
        said.pop()
    return " · ".join(said)


def kept(part: Progress, by: int) -> int | None:
    """The kept experiment so many to the right of what is pointed at; None where none was kept."""
    numbers = sorted(number for number, one in part.run.experiments.items() if one.verdict == "keep")
    if not numbers:
        return None
    if part.cursor is None:
        return numbers[-1]
    at = bisect.bisect_left(numbers, part.cursor)
    beside = by if by < 0 or (at < len(numbers) and numbers[at] == part.cursor) else by - 1
    return numbers[min(max(0, at + beside), len(numbers) - 1)]


# ---- in words ----


def _nothing(points: Points) -> str:
    crashed = len(points.crashed)
    if crashed:
        return f"No number yet: {crashed} crashed. The first trial that ends with a number is the first dot."
    return "Every trial will be a dot here, and the best code a line: the first comes when the baseline ends."


def _trend(run: Run) -> str:
    stands = standing(run)
    if stands.since_gain >= PLATEAU:
        return f"no gain for {stands.since_gain} experiments"
    if len(run.trunk) > 1:
        return f"climbing, last gain #{run.trunk[-1]}"
    return "no gain yet" if stands.judged > 1 else ""


def _noise(noise: Noise) -> str:
    if noise.deterministic:
        return "equal trainings give equal numbers"
    if not noise.sigma:
        return "noise not known yet"
    digits = f"{noise.sigma:.4f}" if noise.sigma >= 1e-4 else f"{noise.sigma:.0e}"
    return f"sigma {digits} {'assumed' if noise.assumed else 'measured'}"
