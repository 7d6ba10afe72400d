"""A deterministic stand-in for a training of the demo profile: the val_bpb that a configuration of knobs ends with. No searcher here.

It is fitted to `measured.tsv`, real trainings of 60 steps each. The loss is a sum of a curve for each axis, of products for the pairs of
axes that were measured together, and of what the steps are worth that a configuration gets in a fixed time: a slow one gets fewer. The
curves are those of kriging with a random walk from the profile's own value: straight between the measured levels, shrunk as far as one
noisy training deserves. Outside of what was measured the loss rises. Knobs that act through the width of the model alone are one axis, as
they are one number in train.py.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import statistics
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from autoresearch_tui.proposals.knobs import read_knobs, set_knobs, value_of
from autoresearch_tui.workspace import bundled
from tests.simulation.kriging import Curves, Features, fitted, quality

MEASURED = Path(__file__).with_name("measured.tsv")
STEPS = 60  # what the profile's own configuration gets in the budget
VOCABULARY, CONTEXT = 1024, 256
STARTUP = 5.0  # seconds of a core before the first step and after the last: where a line through 30 to 120 steps begins
FIXED = 100_000  # operations per token that every step costs, whatever its size: found by eye, corrected by the fit
LARGEST_COST = 12.0  # of a step, in the profile's own: more does not fit
LEARNING_RATES = ("MATRIX_LR", "EMBEDDING_LR", "UNEMBEDDING_LR", "SCALAR_LR")
DIVERGES = 2.5  # doublings beyond the largest learning rate that was measured
RISES = 0.03  # of the loss, per square of doublings outside of what was measured

SHARES = ("WARMUP_RATIO", "WARMDOWN_RATIO", "FINAL_LR_FRAC", "SHORT_WINDOW")
OWN_WINDOW = 2.0  # where a layer that sees all stands on the axis of those that do not
NO_CAP = 120.0  # the softcap that is as good as none
COSTLY = {"WIDTH", "DEPTH", "HEAD_DIM", "MLP_RATIO", "VALUE_EMBEDDINGS", "ACTIVATION", "MUON_STEPS", "TOTAL_BATCH_SIZE"}

# Found by leaving rows out: the variance of a curve over one doubling, of products beside curves, the noise of one training.
WALK, TOGETHER, NOISE = 0.0008, 1.0, 0.02
COST_WALK, COST_NOISE = 0.06, 0.15

Values = Mapping[str, object]


@cache
def profile_source() -> str:
    """train.py as a workspace of the demo profile has it, down to its last knob: what follows takes long to parse, and turns nothing."""
    harness = bundled("harness")
    knobs = tomllib.loads((harness / "profiles" / "demo.toml").read_text(encoding="utf-8"))["knobs"]
    source = set_knobs((harness / "train.py").read_text(encoding="utf-8"), {name: repr(value) for name, value in knobs.items()})
    return source.partition("\nT = prepare.")[0] + "\n"


def values_of(source: str) -> dict[str, object]:
    return {name: knob.value for name, knob in read_knobs(source).items()}


# ------------------------------------------------------------------------------------------------------------------------------
# What was measured
# ------------------------------------------------------------------------------------------------------------------------------


class Row(msgspec.Struct, frozen=True):
    """One real training."""

    knobs: dict[str, object]
    seed: int
    steps: int
    val_bpb: float | None
    seconds: float
    """Of a core, without the start and the evaluation: the machine was busy, so the clock on the wall says less."""


@cache
def measured_rows() -> tuple[Row, ...]:
    return tuple(_row(*line.split("\t")) for line in MEASURED.read_text(encoding="utf-8").splitlines()[1:])


def _row(knobs: str, seed: str, steps: str, val_bpb: str, _seconds: str, cpu: str) -> Row:
    pairs = (knob.split("=", 1) for knob in knobs.split())
    number = None if val_bpb == "crash" else float(val_bpb)
    return Row({name: value_of(value) for name, value in pairs}, int(seed), int(steps), number, max(float(cpu) - STARTUP, 1.0))


def features(values: Values) -> Features:
    """Where a configuration stands on each axis: doublings of most numbers, quarters of a share, names as they are."""
    found: Features = {}
    for name, value in values.items():
        match value:
            case bool() | str():
                found[name] = str(value)
            case (float() as first, float() as second):
                found |= {f"{name}[0]": _memory(first), f"{name}[1]": _memory(second)}
            case int() | float() if name in SHARES:
                found[name] = 4.0 * value
            case int() | float():
                found[name] = _memory(value) if name == "MUON_MOMENTUM" else _doublings(name, value)
    depth, aspect, head = (_whole(values, name) for name in ("DEPTH", "ASPECT_RATIO", "HEAD_DIM"))
    del found["ASPECT_RATIO"]
    found["WIDTH"] = math.log2(_width(depth, aspect, head))
    found["KV_HEADS"] = 0.0 if _whole(values, "KV_HEADS") in (0, _width(depth, aspect, head) // head) else 1.0
    short = "S" in (str(values["WINDOW_PATTERN"]) * depth)[: depth - 1]  # the last layer always sees all
    found["WINDOW_PATTERN"] = "SL" if short else "L"
    found["SHORT_WINDOW"] = found["SHORT_WINDOW"] if short else OWN_WINDOW
    return found


def _doublings(name: str, value: float) -> float:
    if name == "SOFTCAP" and value <= 0:
        return math.log2(NO_CAP)
    smallest = {"EMBEDDING_WEIGHT_DECAY": 0.005, "WEIGHT_DECAY": 0.05, "X0_LAMBDA": 0.02, "HEAD_STD": 0.0005}.get(name, 0.0)
    return math.log2(abs(value) + smallest or 1e-9)


def _memory(value: float) -> float:
    return -math.log2(max(1 - value, 1e-9))


def _whole(values: Values, name: str) -> int:
    value = values[name]
    assert isinstance(value, int)
    return value


def _width(depth: int, aspect: int, head: int) -> int:
    return -(-depth * aspect // head) * head


# ------------------------------------------------------------------------------------------------------------------------------
# The surface
# ------------------------------------------------------------------------------------------------------------------------------


class Surface(msgspec.Struct, frozen=True):
    """What every configuration is worth in a fixed time."""

    base: Features
    loss: Curves
    cost: Curves
    own_cost: float
    """Operations per token of the profile's own configuration."""
    level: float
    """val_bpb of the profile's own configuration."""
    sigma: float
    steps: tuple[tuple[float, float], ...]
    """Doublings of the steps, and what they are worth."""
    ranges: dict[str, tuple[float, float]]
    """Lowest and highest place that was measured on each axis."""
    gains: dict[str, float]
    shifts: dict[str, float]
    mirrored: frozenset[str]

    def true(self, values: Values) -> float | None:
        """val_bpb without noise; None where the training would crash."""
        cost = self.relative_cost(values)
        if cost is None:
            return None
        place, own = self._moved(features(values)), self._moved(self.base)
        outside = 0.0
        for axis, (low, high) in self.ranges.items():
            value, start = place[axis], own[axis]
            if isinstance(value, float) and isinstance(start, float):
                outside += max(min(low, start) - value, value - max(high, start), 0.0) ** 2
                if axis in LEARNING_RATES and value - max(high, start) > DIVERGES:
                    return None
        loss = self.loss.at(place, self.gains) - self.loss.at(own, self.gains)
        return self.level + loss + RISES * outside + self._worth(-math.log2(cost))

    def measure(self, values: Values, seed: int, trial: int) -> float | None:
        """One training. The same configuration, seed and trial always give the same number."""
        true = self.true(values)
        if true is None:
            return None
        key = hashlib.sha256(repr((sorted(features(values).items()), seed, trial)).encode()).hexdigest()
        return true + random.Random(key).gauss(0, self.sigma)

    def relative_cost(self, values: Values) -> float | None:
        """Of a step, in the profile's own; None where it is no training at all."""
        names = ("DEPTH", "ASPECT_RATIO", "HEAD_DIM", "TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE", "KV_HEADS", "MLP_RATIO")
        depth, aspect, head, total, device, kv, mlp = (_whole(values, name) for name in names)
        if min(depth, aspect, head, total, device, mlp) < 1 or total % (device * CONTEXT) or head % 2:
            return None
        heads = _width(depth, aspect, head) // head
        if kv < 0 or (kv and heads % kv):
            return None
        cost = math.exp(self.cost.at(features(values)) + _expected_cost(values) - self.own_cost)
        return cost if cost <= LARGEST_COST else None

    def perturbed(self, seed: int) -> Surface:
        """Another surface of the same kind: every optimum is elsewhere, some axes are mirrored, and each matters more or less."""
        draw = random.Random(f"surface {seed}")
        numbers = [axis for axis, value in self.base.items() if isinstance(value, float)]
        return msgspec.structs.replace(
            self,
            gains={axis: math.exp(draw.gauss(0, 0.5)) for axis in self.base},
            shifts={axis: draw.gauss(0, 0.7) for axis in numbers},
            mirrored=frozenset(axis for axis in numbers if draw.random() < 0.5),
        )

    def _moved(self, place: Features) -> Features:
        found: Features = {}
        for axis, value in place.items():
            own = self.base[axis]
            if isinstance(value, str) or isinstance(own, str):
                found[axis] = value
            else:
                found[axis] = own + self.shifts.get(axis, 0.0) + (value - own) * (-1 if axis in self.mirrored else 1)
        return found

    def _worth(self, doublings: float) -> float:
        """Of more steps; beyond what was measured, each doubling less than the last."""
        for (a, low), (b, high) in itertools.pairwise(self.steps):
            if doublings <= b:
                return low + (high - low) * (doublings - a) / (b - a)
        last, worth = self.steps[-1]
        return worth - 0.08 * (1 - 2 ** (last - doublings)) / math.log(2)


def _expected_cost(values: Values) -> float:
    """The logarithm of the operations of a step."""
    depth, aspect, head, mlp = (_whole(values, name) for name in ("DEPTH", "ASPECT_RATIO", "HEAD_DIM", "MLP_RATIO"))
    width = _width(depth, aspect, head)
    per_token = FIXED + depth * (4 + 2 * mlp) * width**2 + VOCABULARY * width + 2 * depth * CONTEXT * width
    return math.log(per_token * _whole(values, "TOTAL_BATCH_SIZE"))


@cache
def surface() -> Surface:
    """The one that was measured."""
    own = values_of(profile_source())
    base = features(own)
    rows = [row for row in measured_rows() if row.val_bpb is not None]
    same = [row for row in rows if not row.knobs]
    repeats = [row.val_bpb for row in same if row.steps == STEPS and row.val_bpb is not None]
    level, sigma = statistics.mean(repeats), statistics.stdev(repeats)
    turned = [row for row in rows if row.knobs]
    places = [features(own | row.knobs) for row in turned]
    seconds = statistics.median(row.seconds for row in same if row.steps == STEPS)
    own_cost = _expected_cost(own)
    slower = [math.log(row.seconds / seconds) - _expected_cost(own | row.knobs) + own_cost for row in turned]
    costly = [{axis: value for axis, value in place.items() if axis in COSTLY} for place in places]
    of_steps = sorted((math.log2(row.steps / STEPS), row.val_bpb - level) for row in same if row.steps != STEPS and row.val_bpb is not None)
    every = [base, *places]
    ranges = {}
    for axis in base:
        numbers = [value for place in every if isinstance(value := place[axis], float)]
        if numbers:
            ranges[axis] = min(numbers), max(numbers)
    return Surface(
        base=base,
        loss=fitted(base, places, [row.val_bpb - level for row in turned if row.val_bpb is not None], WALK, TOGETHER, NOISE),
        cost=fitted(base, costly, slower, COST_WALK, 0.0, COST_NOISE),
        own_cost=own_cost,
        level=level,
        sigma=sigma,
        steps=tuple(sorted([*of_steps, (0.0, 0.0)])),
        ranges=ranges,
        gains=dict.fromkeys(base, 1.0),
        shifts={},
        mirrored=frozenset(),
    )


def fit_quality() -> tuple[float, float]:
    """Of the rows of several knobs, each left out: R squared, rank correlation."""
    losses = [row.val_bpb - surface().level for row in measured_rows() if row.knobs and row.val_bpb is not None]
    return quality(surface().loss, losses, NOISE)
