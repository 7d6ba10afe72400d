"""What the chart of a night shows, whoever draws it: every trial, the trunk's steps, the noise, and the stretch of numbers that matters.

Owns what is a dot, what lies beyond the edge and how the axes are divided, so that the picture and the page are honest in the same way.
Where on the paper it goes is `svg.py`'s and `charts.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.account import Account, Point
from autoresearch_tui.morning.parts.headlines import noise_line
from autoresearch_tui.morning.wording import number, several

ROOM = 0.05  # of the stretch, beyond its worse end
BELOW = 0.12  # and beyond its better one, where the labels of the best stand
NEAR = 2.0  # sigmas from the trunk that are always shown
FENCE = 1.5  # interquartile ranges beyond the quartile: what is further out is a mark at the edge
SMALLEST = 1e-4  # of the number itself: a night in which nothing moved has an axis too


KEPT = "kept"  # a step of the trunk, drawn strong
TRIAL = "trial"  # one of several trials of such a step
OFF = "off"  # it was kept, and is not on the trunk any more
REST = "rest"


class Dot(msgspec.Struct, frozen=True):
    """A trial, or the mean of several of a kept one."""

    number: int
    value: float
    kind: str = REST
    hollow: bool = False
    """Its conditions were unfair, or its number is in doubt."""
    beyond: int = 0
    """1: above the axis, -1: below it; 0: on it."""
    said: str = ""


class Tick(msgspec.Struct, frozen=True):
    at: float
    text: str


class Plot(msgspec.Struct, frozen=True):
    """A chart before it is drawn. Texts are on one line and without controls, and not escaped for anything."""

    dots: tuple[Dot, ...]
    crashes: tuple[Dot, ...]
    steps: tuple[tuple[int, float], ...]
    """The trunk: from this experiment on it was this good."""
    first: float
    last: float
    low: float
    high: float
    sigma: float | None
    noise: str
    """How large sigma is, and how that is known."""
    lower: bool
    """Lower is better."""
    metric: str
    numbers: tuple[Tick, ...]
    values: tuple[Tick, ...]
    named: tuple[Dot, ...]
    """Kept ones by the worth of their label, the best first; `said` is what was changed."""
    alternative: str
    """What the chart shows, in sentences."""

    @property
    def axis(self) -> str:
        return f"{self.metric} ({'lower' if self.lower else 'higher'} is better)"

    @property
    def crash_above(self) -> bool:
        """Crashes stand at the worse edge."""
        return self.lower


def plot_of(account: Account) -> Plot:
    trunk = set(account.trunk)
    doubted = {(doubt.number, doubt.trial) for doubt in account.doubts}
    measured = [point for point in account.points if _values(point)]
    steps = tuple((point.number, _middle(point)) for point in measured if point.number in trunk)
    numbers = [point.number for point in account.points] or [0]
    low, high = _stretch(account, steps, [value for point in measured for value in _values(point)])
    dots = [dot for point in measured for dot in _dots(point, point.number in trunk, doubted, low, high)]
    spare = max(0.6, (max(numbers) - min(numbers)) * 0.015)
    first, last = min(numbers) - spare, max(numbers) + spare
    return Plot(
        tuple(sorted(dots, key=lambda dot: dot.kind == KEPT)),  # the strong ones are drawn over the others
        tuple(Dot(point.number, 0.0, said=_said(point, "")) for point in account.points if point.verdict == "crash"),
        steps, first, last, low, high, account.sigma if steps else None, f"trunk ± {noise_line(account)}", account.goal != "higher",
        clean_line(account.metric, 40), _integers(first, last), divided(low, high, 6), _named(account, steps), alternative(account),
    )  # fmt: skip


def alternative(account: Account) -> str:
    """For those who do not see the chart."""
    counts = ", ".join(f"{count} {clean_line(verdict, 20)}" for verdict, count in account.counts.items() if count) or "no verdict yet"
    shown = (
        f"{clean_line(account.metric, 40)} of {several(account.experiments, 'experiment')}, in the order in which they were made: {counts}."
    )
    return f"{shown} {clean_line(account.result.sentence, 400)}".strip()


def _values(point: Point) -> list[float]:
    """What can be drawn of it."""
    if point.verdict == "crash":
        return []
    values = point.values or (() if point.value is None else (point.value,))
    return [value for value in values if math.isfinite(value)]


def _middle(point: Point) -> float:
    return point.value if point.value is not None and math.isfinite(point.value) else math.fsum(_values(point)) / len(_values(point))


def _dots(point: Point, kept: bool, doubted: set[tuple[int, int]], low: float, high: float) -> list[Dot]:
    values = _values(point)
    kind = KEPT if kept else OFF if point.verdict == "keep" else REST

    def dot(value: float, kind: str, hollow: bool, which: str = "") -> Dot:
        beyond = (value > high) - (value < low)
        return Dot(point.number, value, kind, hollow, beyond, _said(point, number(value) + which))

    if len(values) == 1:
        return [dot(values[0], kind, point.tainted or any(one == point.number for one, _ in doubted))]
    trials = [
        dot(value, TRIAL if kept else kind, point.tainted or (point.number, at) in doubted, f", trial {at} of {len(values)}")
        for at, value in enumerate(values, start=1)
    ]
    return [*trials, dot(_middle(point), KEPT, False, f", the mean of {len(values)}")] if kept else trials


def _said(point: Point, value: str) -> str:
    return f"#{point.number} {clean_line(point.verdict, 20)} {value}".rstrip() + f": {clean_line(point.idea)}"


def _stretch(account: Account, steps: Sequence[tuple[int, float]], values: Sequence[float]) -> tuple[float, float]:
    """From the best to the worst that matters: the trunk whole, and what came near it. One failure does not flatten a night."""
    if not values:
        return 0.0, 1.0
    sign = 1.0 if account.goal != "higher" else -1.0
    bad = sorted(sign * value for value in values)
    core = sorted(sign * value for _, value in steps) or bad[:1]
    best, worst = core[0], core[-1]
    quarter, half, most = (bad[min(len(bad) - 1, round(share * (len(bad) - 1)))] for share in (0.25, 0.5, 0.75))
    near = max(NEAR * (account.sigma or 0.0), SMALLEST * abs(half))
    fence = most + FENCE * (most - quarter)
    end = max(worst + near, min(bad[-1], fence, worst + max(worst - best, most - quarter, 2 * near)))
    begin = min(best - near, max(bad[0], best - max((worst - best) / 2, 2 * near)))
    whole = (end - begin) or 1.0
    low, high = sorted((sign * (begin - BELOW * whole), sign * (end + ROOM * whole)))
    return low, high


def _named(account: Account, steps: Sequence[tuple[int, float]]) -> tuple[Dot, ...]:
    """The best, then the largest gains; the baseline last, for everybody knows where it is."""
    at = dict(steps)
    wanted = [kept.number for kept in account.kept if kept.number in at]
    best = [account.result.best] if account.result.best in wanted else []
    ideas = {point.number: clean_line(point.idea) for point in account.points if point.number in at}
    rest = [one for one, _ in steps if one not in set(wanted)]
    return tuple(Dot(one, at[one], said=ideas[one]) for one in dict.fromkeys([*best, *wanted, *rest]))


def divided(low: float, high: float, wanted: int) -> tuple[Tick, ...]:
    """About so many round numbers between the two."""
    rough = (high - low) / wanted
    if not (math.isfinite(rough) and rough > 0):
        return ()
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.75)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = [round_to * step for round_to in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return tuple(Tick(at, f"{at + 0.0:.{decimals}f}" if abs(at) < 1e6 and decimals < 9 else f"{at:.6g}") for at in ticks)


def _integers(first: float, last: float) -> tuple[Tick, ...]:
    return tuple(Tick(round(tick.at), str(round(tick.at))) for tick in divided(first, last, 8) if abs(tick.at - round(tick.at)) < 1e-6)
