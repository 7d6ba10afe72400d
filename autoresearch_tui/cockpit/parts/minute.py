"""A minute of one figure as a row of blocks, the newest at its right end. Pure.

Owns which block stands for which moment, so that the row moves on by whole cells only. Does not own what the figure is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "
MINUTE_S = 60.0
HELD_S = 12.0  # what was seen holds for so long: of an older night one sample in ten seconds is left


def chart(points: Iterable[tuple[float, float | None]], most: float, cells: int) -> str:
    """Of moments and values, in order: at most so many cells, one second or more each. A cell without a value is empty."""
    known = [(at, value) for at, value in points if value is not None and math.isfinite(value)]
    cells = min(cells, int(MINUTE_S))
    if not known or cells <= 0 or not most > 0:
        return GAP * max(0, cells)
    each = MINUTE_S / cells
    end = math.floor(known[-1][0] / each) + 1
    return "".join(_cell(known, most, each, end - cells + place) for place in range(cells))


def _cell(known: list[tuple[float, float]], most: float, each: float, moment: int) -> str:
    """The mean of what was seen in it, else what was seen just before."""
    inside = [value for at, value in known if math.floor(at / each) == moment]
    if not inside:
        inside = [value for at, value in known if moment * each - HELD_S <= at < moment * each][-1:]
    if not inside:
        return GAP
    share = sum(inside) / len(inside) / most
    return BLOCKS[max(0, min(len(BLOCKS) - 1, round(share * (len(BLOCKS) - 1))))]
