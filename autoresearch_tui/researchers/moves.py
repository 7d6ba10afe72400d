"""Which values make sense for a knob: its type, name and comment say so. What a value is worth, `response.py` judges.

A knob has one axis, a tuple of numbers one for each of them. On an axis a value has a place, so that one step is about as much
everywhere: a doubling of a learning rate, a doubling of what a momentum remembers, a quarter of the way through a share. Names and
comments that say `one of:` have no places, only alternatives.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import msgspec

from autoresearch_tui.proposals.knobs import Knob, value_of

STEPS = (1.0, -1.0, 0.5, -0.5, 0.25, -0.25, 2.0, -2.0)
"""Factors of 2, 1.4, 1.2 and 4. What lies nearer than that drowns in the noise of a night."""
FINEST = 0.02  # the least that a share moves
FROM_ZERO = ("0.001", "0.01", "0.1")
TOTAL, DEVICE = "TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE"

# Words in the names of knobs.
UNTOUCHED = {"SEED", "SEEDS", "EPS", "FLOPS", "EVAL", "STARTUP", "BUDGET", "VOCAB", "SEQ"}  # luck, the clock, the evaluation, the data
MEMORIES = {"MOMENTUM", "BETA", "BETAS", "EMA"}  # the distance from one is what counts: 0.95 goes to 0.975
SHARES = {"RATIO", "FRAC", "FRACTION", "PROB", "DROPOUT"}
BELOW_ONE = {"PROB", "DROPOUT"}  # at one, nothing moves any more
DELICATE = {"HEAD", "HEADS", "DIM", "KV", "WIDTH", "EMBD", "GROUPS"}  # others must divide by these

# How much a knob tends to matter in a short training, before anything is measured: words, the first that fits counts.
WEIGHTS = (
    ({"DEVICE"}, 0.2),  # the same sum in other pieces
    ({"BATCH"}, 1.5),
    ({"LR", "RATE"}, 1.5),
    ({"DEPTH", "LAYERS", "LAYER", "ASPECT", "WIDTH", "EMBD"}, 1.3),
    ({"WARMDOWN", "COOLDOWN"}, 1.3),
    (DELICATE, 0.5),
    ({"ROPE", "BASE", "EPSILON"}, 0.5),
    (MEMORIES | {"FINAL"}, 0.7),
)


class Axis(msgspec.Struct, frozen=True):
    """A number of train.py that can go up and down, or a set of alternatives."""

    knob: str
    element: int | None = None
    """Which number of a tuple."""
    scale: str = ""
    """log, share or memory; empty: there are only alternatives."""
    weight: float = 1.0

    def place(self, value: object) -> float | None:
        """Where a value of the knob stands, in steps; None where it stands nowhere."""
        number = value[self.element] if isinstance(value, tuple) and self.element is not None else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        if self.scale == "share":
            return 4 * math.sqrt(number) if 0 <= number <= 1 else None
        if self.scale == "memory":
            return -math.log2(1 - number) if 0 <= number < 1 else None
        return math.log2(abs(number)) if self.scale == "log" and number else None


class Move(msgspec.Struct, frozen=True):
    """One step on an axis. A smaller batch takes the pass along that no longer fits in it."""

    axis: Axis
    changes: tuple[tuple[str, str, str], ...]
    """Each knob, its old literal and its new one."""
    value: object
    """Of the knob, after it."""
    step: float | None = None
    """How far it goes; None for an alternative."""


def moves_from(knobs: Mapping[str, Knob], context: int) -> Iterator[Move]:
    """Every move that makes sense from here, each once."""
    for knob in knobs.values():
        if words(knob.name) & UNTOUCHED:
            continue
        for axis in axes(knob):
            seen = {knob.literal}
            for literal, value in _values(knob, axis):
                if literal not in seen and (changes := _changes(knob, literal, value, knobs, context)):
                    seen.add(literal)
                    here, there = axis.place(knob.value), axis.place(value)
                    yield Move(axis, changes, value, None if here is None or there is None else there - here)


def axes(knob: Knob) -> list[Axis]:
    """A tuple has one for each of its numbers."""
    weight = next((weight for names, weight in WEIGHTS if names & words(knob.name)), 1.0)
    if knob.choices or isinstance(knob.value, bool):
        return [Axis(knob.name, weight=weight)]
    if isinstance(knob.value, tuple):
        if all(type(number) is float for number in knob.value):
            return [Axis(knob.name, i, _scale(knob, number), weight) for i, number in enumerate(knob.value)]
        return []
    return [Axis(knob.name, None, _scale(knob, knob.value), weight)] if isinstance(knob.value, int | float) else []


def words(name: str) -> set[str]:
    return set(name.split("_"))


def _scale(knob: Knob, value: object) -> str:
    if isinstance(value, float) and 0 <= value <= 1:
        if words(knob.name) & MEMORIES:
            return "memory"
        if words(knob.name) & SHARES or re.search(r"\b(share|fraction|probability)\b", knob.comment):
            return "share"
    return "log"


# ------------------------------------------------------------------------------------------------------------------------------
# Values
# ------------------------------------------------------------------------------------------------------------------------------


def _values(knob: Knob, axis: Axis) -> Iterator[tuple[str, object]]:
    """The literals worth trying, with what they stand for."""
    match knob.value:
        case _ if knob.choices:
            yield from ((literal, value_of(literal)) for literal in knob.choices)
        case bool() as value:
            yield str(not value), not value
        case int() as value:
            yield from ((_spelled(other, knob.literal), other) for other in _whole_numbers(value, axis))
            if value and _may_be_off(knob):
                yield "0", 0
        case float() as value:
            yield from ((repr(other), other) for other in _fractions(value, axis))
            if value == 0 and "DECAY" in words(knob.name):
                yield from ((literal, float(literal)) for literal in FROM_ZERO)
            if value and _may_be_off(knob):
                yield "0.0", 0.0
        case tuple() as values if axis.element is not None:
            at = axis.element
            for other in _fractions(values[at], axis):
                changed = (*values[:at], other, *values[at + 1 :])
                yield repr(changed), changed


def _may_be_off(knob: Knob) -> bool:
    return "DECAY" in words(knob.name) or re.search(r"\b0(\.0)?: ", knob.comment) is not None


def _fractions(value: float, axis: Axis) -> Iterator[float]:
    here = axis.place(value)
    if here is None:
        return
    for step in STEPS:
        if axis.scale == "share":
            other = round(min(1.0, (max(0.0, here + step) / 4) ** 2), 2)
            sensible = abs(other - value) >= FINEST and (other < 1 or not words(axis.knob) & BELOW_ONE)
        elif axis.scale == "memory":
            other = round(1 - _two_digits(2 ** -(here + step)), 9)
            sensible = 0 < other < 1
        else:
            other = _two_digits(value * 2**step)
            sensible = other != 0 and math.isfinite(other)
        if sensible and other != value:
            yield other


def _whole_numbers(value: int, axis: Axis) -> Iterator[int]:
    """Powers of two stay such; others keep their grain: 10000 its zeros, 768 its factor of 64 and more."""
    if value <= 0:
        return
    power = value >= 16 and value & (value - 1) == 0
    grain = 1 if value < 16 else 10 ** (len(str(value)) - 2) if value % 100 == 0 else value & -value
    for step in STEPS:
        if power and not step.is_integer():
            continue
        if abs(step) > 1 and words(axis.knob) & DELICATE:
            continue
        other = value * 2**step if step > 0 else value / 2**-step
        whole = int(other) if power or other < 1 else grain * round(other / grain)
        if whole not in (0, value):
            yield whole


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _spelled(value: int, literal: str) -> str:
    """As a power of two where the old value was one in writing."""
    power = value & (value - 1) == 0 and re.fullmatch(r"2 ?\*\* ?\d+", literal)
    return f"2**{value.bit_length() - 1}" if power else str(value)


# ------------------------------------------------------------------------------------------------------------------------------
# Batches
# ------------------------------------------------------------------------------------------------------------------------------


def _changes(knob: Knob, literal: str, value: object, knobs: Mapping[str, Knob], context: int) -> tuple[tuple[str, str, str], ...]:
    """The change, with what must go along; none if a step would not be whole passes of whole rows."""
    changes = ((knob.name, knob.literal, literal),)
    if knob.name not in (TOTAL, DEVICE) or not knobs.keys() >= {TOTAL, DEVICE}:
        return changes
    old_total, old_device = knobs[TOTAL].value, knobs[DEVICE].value
    if not (isinstance(old_total, int) and isinstance(old_device, int) and isinstance(value, int) and old_total > 0 < old_device):
        return ()
    total, device = (value, old_device) if knob.name == TOTAL else (old_total, value)
    if _fits(total, device, context, old_total, old_device):
        return changes
    # Fewer rows in a pass, as many times fewer as there are fewer tokens in a step.
    fewer, rest = divmod(old_device * value, old_total)
    if knob.name == TOTAL and value < old_total and fewer and not rest and (not context or value % (fewer * context) == 0):
        return (*changes, (DEVICE, knobs[DEVICE].literal, _spelled(fewer, knobs[DEVICE].literal)))
    return ()


def _fits(total: int, device: int, context: int, old_total: int, old_device: int) -> bool:
    """Where the context is not known, only what cannot break a sum that holds now."""
    return total % (device * context) == 0 if context else total % old_total == old_device % device == 0
