"""What a run has tried, as `sweep` remembers it: which trainings were made already, and what was measured along each axis. Pure.

The context of a measurement is the trunk that it was made on. Every measurement on an axis counts; one that was made on an older trunk
counts less for every change that was kept since.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from autoresearch_tui.proposals.knobs import Knob, meaning
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.ways import Way, way
from autoresearch_tui.researchers import Request
from autoresearch_tui.researchers.moves import DEVICE, TOTAL, Axis, Move, axes
from autoresearch_tui.researchers.response import Measured

AGEING = 0.25  # of a typical effect: what a kept change does to the response of the other axes
GUESSED = 3  # experiments that the guess of a typical effect is worth
NARROW = 0.7  # of a step: the noise of a smaller one would look like a large effect
CRASH = 4.0  # how bad it is to crash, in typical effects

Configuration = frozenset[tuple[str, str]]


class Experience(msgspec.Struct, frozen=True):
    """All that is known of one parent's neighbourhood."""

    made: frozenset[Configuration]
    """Every training that was made or is under way, as what it would change here."""
    effect: float
    """What a move typically does to the loss."""
    measured: dict[Axis, list[Measured]]
    alternatives: dict[tuple[Axis, str], list[tuple[float, float]]]
    """By axis and value: what it was worth, with the variance of that."""
    sizes: dict[Axis, list[float]]
    """What each measurement on an axis came to, per step."""
    touched: frozenset[str]
    """Knobs that this run has turned."""
    taken: frozenset[tuple[str, Way]]
    """Which ways others turn knobs now."""
    held: frozenset[str]
    """Those knobs."""

    def left(self, moves: Iterable[Move]) -> tuple[list[Move], list[Move]]:
        """Those that nobody made and nobody is making: of knobs that nobody turns now, and of knobs that others turn another way."""
        free: list[Move] = []
        other_way: list[Move] = []
        for move in moves:
            if not self.was_made(move.changes) and not any((knob, way(old, new)) in self.taken for knob, old, new in move.changes):
                (other_way if any(knob in self.held for knob, _, _ in move.changes) else free).append(move)
        return free, other_way

    def was_made(self, changes: Iterable[tuple[str, str, str]]) -> bool:
        return frozenset((knob, _value(new)) for knob, _, new in changes) in self.made

    def effect_on(self, axis: Axis) -> float:
        """What a step typically does on this axis: what matters once matters again, and what does nothing is left alone."""
        sizes = self.sizes.get(axis, ())
        own = (axis.weight * self.effect) ** 2
        return math.sqrt((own + sum(size**2 for size in sizes)) / (1 + len(sizes)))


def experience(request: Request, knobs: Mapping[str, Knob]) -> Experience:
    effect, sigma = _typical(request)
    measured: dict[Axis, list[Measured]] = {}
    alternatives: dict[tuple[Axis, str], list[tuple[float, float]]] = {}
    sizes: dict[Axis, list[float]] = {}
    for one, axis, old, new in _along_an_axis(request, knobs):
        now, start, end = (axis.place(value) for value in (knobs[axis.knob].value, old, new))
        age = sum(number > one.parent for number in request.trunk)
        noise = sigma**2 * (1 + 1 / max(one.trials, 1)) + age * (AGEING * effect) ** 2
        delta = CRASH * effect if one.delta is None else max(-CRASH * effect, min(CRASH * effect, one.delta))
        if one.delta is not None:
            far = 1.0 if start is None or end is None else max(abs(end - start), NARROW)
            sizes.setdefault(axis, []).append(abs(delta) / far)
        if now is not None and start is not None and end is not None:
            measured.setdefault(axis, []).append(Measured(start - now, end - now, delta, noise))
        else:
            alternatives.setdefault((axis, repr(new)), []).append((delta, noise))
            alternatives.setdefault((axis, repr(old)), []).append((-delta, noise))
    return Experience(
        made=frozenset(_configurations(request, {name: repr(knob.value) for name, knob in knobs.items()})),
        effect=effect,
        measured=measured,
        alternatives=alternatives,
        sizes=sizes,
        touched=frozenset(knob for one in request.tried for knob in one.changes),
        taken=frozenset((knob, way(old, new)) for one in request.under_way for knob, (old, new) in one.changes.items()),
        held=request.held,
    )


def _along_an_axis(request: Request, knobs: Mapping[str, Knob]) -> Iterator[tuple[Tried, Axis, object, object]]:
    """The experiments that say something of one axis: with a number, or crashed."""
    for one in request.tried:
        has_number = one.delta is not None and math.isfinite(one.delta)
        if (has_number or one.verdict == "crash") and (found := _axis(one, knobs)):
            yield (one if has_number else msgspec.structs.replace(one, delta=None)), *found


def _axis(one: Tried, knobs: Mapping[str, Knob]) -> tuple[Axis, object, object] | None:
    """The one axis on which an experiment moved, and from where to where; None if there were several, or none is left."""
    names = set(one.changes)
    if TOTAL in names:
        names -= {DEVICE}  # the pass that goes along with a smaller batch
    if len(names) != 1 or (name := names.pop()) not in knobs:
        return None
    old, new = (meaning(literal) for literal in one.changes[name])
    found = axes(knobs[name])
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new) == len(found):
        different = [axis for axis, a, b in zip(found, old, new, strict=True) if a != b]
        return (different[0], old, new) if len(different) == 1 else None
    return (found[0], old, new) if len(found) == 1 else None


def _configurations(request: Request, here: Mapping[str, str]) -> Iterator[Configuration]:
    """Of every experiment: back along the trunk to the baseline, and from there forth. More than knobs is a mark that stays."""

    def turned(configuration: Configuration, literals: Mapping[str, str]) -> Configuration:
        values = dict(configuration) | {name: _value(literal) for name, literal in literals.items()}
        return frozenset((name, value) for name, value in values.items() if here.get(name) != value)

    by_number = {one.number: one for one in request.tried}
    known: dict[int, Configuration] = {request.trunk[-1]: frozenset()}
    for number, parent in itertools.pairwise(request.trunk[::-1]):
        if one := by_number.get(number):
            mark = {} if one.changes else {f"#{number}": "False"}
            known[parent] = turned(known[number], {knob: old for knob, (old, _) in one.changes.items()} | mark)
    for one in sorted(request.tried, key=lambda one: one.number):
        if one.number not in known and one.parent in known:
            mark = {} if one.changes else {f"#{one.number}": "True"}
            known[one.number] = turned(known[one.parent], {knob: new for knob, (_, new) in one.changes.items()} | mark)
    yield from known.values()


def _typical(request: Request) -> tuple[float, float]:
    """What a move typically does, and the noise: as measured, and until there is enough of that, as guessed from the other."""
    sizes = [abs(one.delta) for one in request.tried if one.delta is not None and len(one.changes) == 1 and math.isfinite(one.delta)]
    middle = statistics.median(sizes) if sizes else 1.0
    sigma = request.sigma if request.sigma is not None else middle / 2
    guess = 2 * sigma or middle or 1.0
    tame = (min(size, 2 * max(middle, guess)) for size in sizes)  # a wild one says little about the others
    return (GUESSED * guess + sum(tame)) / (GUESSED + len(sizes)), sigma


def _value(literal: str) -> str:
    """How a value is written does not count."""
    return repr(meaning(literal))
