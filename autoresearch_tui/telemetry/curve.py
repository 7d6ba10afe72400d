"""How a training went, by its fractions of the budget: its loss, its steps and its tokens a second, from the log that it left.

Owns the reading, thinning and smoothing of such a log, which may be large, packed, torn or hostile. Does not own what follows from a
comparison with it.
"""

from __future__ import annotations

import bisect
import gzip
import io
import math
import os
import re
import statistics
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.telemetry.progress import Progress, plain_file, progress_of

POINTS = 200  # of a curve: one for every two hundredth of the budget
WINDOW = 2**14  # of the log, for a point; what lies between two windows of a large log is not read
PACKED = 2**28  # no more than that is unpacked
LINE = re.compile(rb"(?:^|[\r\n])(step [^\r\n]{1,400})(?=[\r\n])")
EARLY_STEPS, EARLY = 10, 0.1  # so many steps compile and allocate, unless a tenth of the budget is used up with fewer
NEIGHBOURS = 2  # on either side, for the middle one of the losses
NOTHING = 0.01  # of its largest loss: from there on a curve is so near to zero that a multiple says nothing


class Point(msgspec.Struct, frozen=True):
    """The middle of what the lines about one moment say; None is what none of them says."""

    fraction: float
    step: int
    loss: float | None = None
    tokens_per_s: float | None = None


class Curve(msgspec.Struct, frozen=True):
    """The points of a training, in order."""

    points: tuple[Point, ...]

    def loss_at(self, fraction: float) -> float | None:
        """The loss there; None outside of what is known, and where no multiple of it would say anything."""
        losses = [(point.fraction, point.loss) for point in self.points if point.loss is not None]
        found = _between(losses, fraction)
        known = [loss for _, loss in losses]
        return found if found is not None and min(known) > 0 and found > NOTHING * max(known) else None

    def step_at(self, fraction: float) -> float | None:
        return _between([(point.fraction, point.step) for point in self.points], fraction)

    def pace_until(self, fraction: float) -> float | None:
        """The middle of its tokens a second so far."""
        rates = [point.tokens_per_s for point in self.points if point.fraction <= fraction and point.tokens_per_s is not None]
        return statistics.median(rates) if rates else None


def is_settled(progress: Progress) -> bool:
    """Whether its pace is that of training, not of compilation."""
    return progress.step >= EARLY_STEPS or (progress.fraction or 0.0) >= EARLY


def read_curve(log: Path) -> Curve | None:
    """The curve of a training that is over; None where its log is gone, is none of a training's, or says nothing of the kind."""
    for path, opened in ((log, _as_it_is), (log.with_name(log.name + ".gz"), _unpacked)):
        try:
            with plain_file(path) as number, os.fdopen(number, "rb", closefd=False) as file:
                return curve_of(list(_lines(*opened(file))))
        except FileNotFoundError:
            continue
        except (OSError, EOFError, zlib.error):
            return None
    return None


def curve_of(lines: Iterable[Progress]) -> Curve | None:
    """The curve through these lines, whatever their order, its losses smoothed; None through fewer than two points."""
    about: dict[int, list[Progress]] = {}
    for line in lines:
        if line.fraction is not None:
            about.setdefault(int(line.fraction * POINTS), []).append(line)
    points = [_point(about[moment]) for moment in sorted(about)]
    losses = iter(_smooth([point.loss for point in points if point.loss is not None]))
    smooth = tuple(point if point.loss is None else replace(point, loss=next(losses)) for point in points)
    return Curve(smooth) if len(smooth) > 1 else None


def _as_it_is(file: io.BufferedIOBase) -> tuple[io.BufferedIOBase, int]:
    return file, os.fstat(file.fileno()).st_size


def _unpacked(file: io.BufferedIOBase) -> tuple[io.BufferedIOBase, int]:
    """With its size, as its last four bytes tell it."""
    file.seek(-4, os.SEEK_END)
    size = int.from_bytes(file.read(4), "little")
    file.seek(0)
    return gzip.GzipFile(fileobj=file), min(size, PACKED)


def _lines(file: io.BufferedIOBase, size: int) -> Iterator[Progress]:
    """The whole lines of progress of a log; of a large one, those in windows that lie evenly over it."""
    stride, window = (-(-size // POINTS), WINDOW) if size > POINTS * WINDOW else (max(1, size), size)
    for start in range(0, size, stride):
        file.seek(start)
        for line in LINE.findall(file.read(window)):
            if found := progress_of(line.decode("utf-8", "replace")):
                yield found


def _point(lines: list[Progress]) -> Point:
    lines.sort(key=lambda line: line.fraction or 0.0)
    middle = lines[len(lines) // 2]
    losses = [line.loss for line in lines if line.loss is not None]
    rates = [line.tokens_per_s for line in lines if line.tokens_per_s is not None and is_settled(line)]
    return Point(
        middle.fraction or 0.0,
        middle.step,
        statistics.median(losses) if losses else None,
        statistics.median(rates) if rates else None,
    )


def _smooth(values: list[float]) -> list[float]:
    """Each the middle one among its neighbours; towards the ends among fewer, as many on either side."""
    wide = [min(NEIGHBOURS, at, len(values) - 1 - at) for at in range(len(values))]
    return [statistics.median(values[at - width : at + width + 1]) for at, width in enumerate(wide)]


def _between(line: Sequence[tuple[float, float]], place: float) -> float | None:
    """The value at a place of a line through these, each a place and its value; None beyond its ends."""
    after = bisect.bisect_left(line, (place, -math.inf))
    if after < len(line) and line[after][0] == place:
        return line[after][1]
    if after in (0, len(line)):
        return None
    (left, before), (right, behind) = line[after - 1], line[after]
    return before + (place - left) / (right - left) * (behind - before)
