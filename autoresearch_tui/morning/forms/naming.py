"""Which of the kept ones have their words in the chart, and where: for the picture and the page alike. Pure.

Owns what a label says and what it may not hide. How a place is found is `labels.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from autoresearch_tui.morning.forms.labels import FAINT, STRONG, Box, Ground, Label, Wanted, place
from autoresearch_tui.morning.forms.plot import KEPT, Dot, Plot

Pixels = Callable[[float, float], tuple[float, float]]
"""From experiment and number to a place on the picture."""


class Named(msgspec.Struct, frozen=True):
    """A kept one with its words."""

    dot: Dot
    text: str
    at: Label


def labelled(plot: Plot, texts: Sequence[str], size: Callable[[str], tuple[float, float]], pixels: Pixels, room: Box) -> list[Named]:
    """Of the first of `plot.named`, one for each text: those that have room."""
    dots = plot.named[: len(texts)]
    ground = Ground()
    for dot in plot.dots:
        if not dot.beyond:
            ground.dots([pixels(dot.number, dot.value)], STRONG if dot.kind == KEPT else FAINT)
    for one, other in pairwise(stairs(plot)):
        ground.line(pixels(*one), pixels(*other))
    wanted = [Wanted(*pixels(dot.number, dot.value), *size(text)) for dot, text in zip(dots, texts, strict=True)]
    return [Named(dots[label.of], texts[label.of], label) for label in place(wanted, room, ground)]


def short(dot: Dot, room: int) -> str:
    """The number, and what was changed, cut between words where that can be."""
    said = dot.said
    if len(said) > room:
        cut = said[:room].rsplit(" ", 1)[0] if " " in said[room // 2 : room] else said[: room - 1]
        said = cut.rstrip(" ,;:.(-") + "…"
    return f"{dot.number} {said}".rstrip()


def stairs(plot: Plot) -> list[tuple[float, float]]:
    """The corners of the trunk's line, to the end of the night."""
    corners: list[tuple[float, float]] = []
    for number, value in plot.steps:
        if corners:
            corners.append((number, corners[-1][1]))
        corners.append((number, value))
    return [*corners, (plot.last, corners[-1][1])] if corners else []
