"""The four that are compared: sweep through its real proposals, random search, a hill climb by one knob, and Optuna's TPE.

Each proposes the knobs of the next experiment, and is told what became of it. The last three draw from the same ranges: those that were
measured, which whoever chose the levels already thought worth measuring.
"""

from __future__ import annotations

import asyncio
import importlib
import math
import random
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import msgspec

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import read_knobs
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.reply import read_reply
from autoresearch_tui.researchers import Request
from autoresearch_tui.researchers.sweep import Sweep
from tests.simulation.surface import CONTEXT, features, measured_rows, profile_source, values_of

Configuration = dict[str, object]

PATIENCE = 15  # experiments without a keep until the heat is full
NEAR = 1.0  # sigmas that a near miss is worse at most


class Made(msgspec.Struct):
    """An experiment that is over."""

    number: int
    parent: int
    values: Configuration
    mean: float | None
    trials: int
    verdict: str
    delta: float | None


class Night(msgspec.Struct):
    """What a searcher may know."""

    seed: int
    sigma: float
    made: list[Made]
    trunk: list[int]

    @property
    def tip(self) -> Made:
        return self.made[self.trunk[-1]]

    @property
    def number(self) -> int:
        return len(self.made)


class Searcher(Protocol):
    name: str

    def ask(self, night: Night) -> Configuration: ...

    def tell(self, made: Made) -> None: ...


# ------------------------------------------------------------------------------------------------------------------------------
# Sweep
# ------------------------------------------------------------------------------------------------------------------------------


class OurSweep:
    """The real researcher: real text, real edits. The operator is chosen by turns; the engine does that better."""

    name = "sweep"

    def __init__(self) -> None:
        self.sources = [profile_source()]
        self.tried: list[Tried] = []
        self.asked: tuple[str, str] = ("", "")

    def ask(self, night: Night) -> Configuration:
        source = self.sources[night.tip.number]
        close = [one for one in self.tried if one.verdict == "discard" and one.delta is not None and one.delta < NEAR * night.sigma]
        operator = self._operator(night, len(close))
        request = Request(
            draft=f"d{night.number:04}",
            operator=operator,
            source=source,
            number=night.number,
            seed=night.seed,
            tried=tuple(self.tried),
            trunk=tuple(night.trunk),
            near=tuple(one.number for one in sorted(close, key=lambda one: one.delta or 0.0)),
            sigma=night.sigma,
            heat=min(1.0, (night.number - 1 - night.tip.number) / PATIENCE),
            context=CONTEXT,
        )
        edited = apply(source, _answer(request))
        self.asked = operator, edited
        return values_of(edited)

    def tell(self, made: Made) -> None:
        operator, edited = self.asked
        old, new = read_knobs(self.sources[made.parent]), read_knobs(edited)
        changes = {name: (knob.literal, new[name].literal) for name, knob in old.items() if repr(knob.value) != repr(new[name].value)}
        self.tried.append(Tried(made.number, changes, made.verdict, made.delta, made.parent, made.trials, operator))
        self.sources.append(edited)

    def _operator(self, night: Night, near: int) -> str:
        if near >= 2 and night.number % 6 == 0:
            return "combine"
        return "explore" if night.number % 4 == 3 else "tune"


def _answer(request: Request) -> str:
    async def text() -> str:
        return "".join([part.text async for part in Sweep().propose(request)])

    return read_reply(asyncio.run(text())).edit


# ------------------------------------------------------------------------------------------------------------------------------
# What the others draw from
# ------------------------------------------------------------------------------------------------------------------------------


class Range(msgspec.Struct, frozen=True):
    """The values that one knob, or one number of a tuple, may be drawn from."""

    knob: str
    element: int | None = None
    choices: tuple[object, ...] = ()
    kind: str = ""
    """log, linear, memory or whole, where there are no choices."""
    low: float = 0.0
    high: float = 0.0

    @property
    def name(self) -> str:
        return self.knob if self.element is None else f"{self.knob}[{self.element}]"

    def draw(self, draw: random.Random) -> object:
        if self.choices:
            return draw.choice(self.choices)
        if self.kind == "whole":
            return draw.randint(int(self.low), int(self.high))
        return self.value(draw.uniform(*self.bounds))

    @property
    def bounds(self) -> tuple[float, float]:
        if self.kind == "log":
            return math.log2(self.low), math.log2(self.high)
        return (-math.log2(1 - self.low), -math.log2(1 - self.high)) if self.kind == "memory" else (self.low, self.high)

    def value(self, place: float) -> float:
        number = 2**place if self.kind == "log" else 1 - 2**-place if self.kind == "memory" else place
        return float(f"{number:.3g}")


@cache
def ranges() -> tuple[Range, ...]:
    own = values_of(profile_source())
    knobs = read_knobs(profile_source())
    found: list[Range] = []
    for name, value in own.items():
        levels: list[Any] = [value, *dict.fromkeys(row.knobs[name] for row in measured_rows() if name in row.knobs)]
        if len(levels) == 1:
            continue
        match value:
            case str():
                found.append(Range(name, choices=tuple(dict.fromkeys(levels))))
            case int() if knobs[name].choices or name in ("TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE", "ASPECT_RATIO", "HEAD_DIM", "KV_HEADS"):
                found.append(Range(name, choices=tuple(sorted(set(levels)))))
            case int() if name != "ROPE_BASE":
                found.append(Range(name, kind="whole", low=min(levels), high=max(levels)))
            case tuple():
                for i in range(len(value)):
                    numbers = [level[i] for level in levels]
                    found.append(Range(name, i, kind="memory", low=min(numbers), high=max(numbers)))
            case int() | float():
                kind = "memory" if name == "MUON_MOMENTUM" else "linear" if min(levels) == 0 else "log"
                found.append(Range(name, kind=kind, low=min(levels), high=max(levels)))
    return tuple(found)


def with_values(base: Configuration, drawn: Sequence[tuple[Range, object]]) -> Configuration:
    """The configuration with these, in passes that fit the batch: nobody shall lose by a sum that does not come out."""
    values = dict(base)
    for one, value in drawn:
        if one.element is None:
            values[one.knob] = int(value) if isinstance(base[one.knob], int) and isinstance(value, float) else value
        else:
            old = values[one.knob]
            assert isinstance(old, tuple)
            values[one.knob] = (*old[: one.element], value, *old[one.element + 1 :])
    total, device = values["TOTAL_BATCH_SIZE"], values["DEVICE_BATCH_SIZE"]
    assert isinstance(total, int) and isinstance(device, int)
    values["DEVICE_BATCH_SIZE"] = min(device, total // CONTEXT)
    return values


class RandomSearch:
    """Some knobs at once, or all of them, drawn anew from the profile's own values each time."""

    def __init__(self, knobs: int) -> None:
        self.knobs = min(knobs, len(ranges()))
        self.name = f"random, {'all knobs' if self.knobs == len(ranges()) else f'{knobs} at once'}"

    def ask(self, night: Night) -> Configuration:
        draw = random.Random(f"random {night.seed} {night.number}")
        chosen = draw.sample(ranges(), self.knobs)
        return with_values(night.made[0].values, [(one, one.draw(draw)) for one in chosen])

    def tell(self, made: Made) -> None:
        """It learns nothing."""


class HillClimb:
    """A random knob of the trunk, to a random value; kept if it is lower."""

    name = "hill climb"

    def ask(self, night: Night) -> Configuration:
        draw = random.Random(f"climb {night.seed} {night.number}")
        for _ in range(100):  # a choice may fall on the value that it has
            one = draw.choice(ranges())
            values = with_values(night.tip.values, [(one, one.draw(draw))])
            if features(values) != features(night.tip.values):
                return values
        raise AssertionError("every knob has more than one value")

    def tell(self, made: Made) -> None:
        """The trunk is its memory."""


class Optuna:
    """TPE with its own defaults, told of the profile's own values before it begins."""

    name = "Optuna TPE"

    def __init__(self, seed: int) -> None:
        try:
            self.optuna = importlib.import_module("optuna")
        except ImportError:
            raise SystemExit("Optuna is not installed: `pip install optuna`, or leave it out with `--without-optuna`.") from None
        self.optuna.logging.set_verbosity(self.optuna.logging.ERROR)
        self.study = self.optuna.create_study(sampler=self.optuna.samplers.TPESampler(seed=seed))
        self.trial: Any = None

    def ask(self, night: Night) -> Configuration:
        if self.trial is None:
            own = night.made[0]
            self.study.enqueue_trial({one.name: self._parameter(one, own.values) for one in ranges()})
            first = self.study.ask()
            for one in ranges():
                self._suggested(first, one)
            self.study.tell(first, own.mean)
        self.trial = self.study.ask()
        return with_values(night.made[0].values, [(one, self._suggested(self.trial, one)) for one in ranges()])

    def tell(self, made: Made) -> None:
        if made.mean is None:
            self.study.tell(self.trial, state=self.optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(self.trial, made.mean)

    def _suggested(self, trial: Any, one: Range) -> object:
        if one.choices:
            return trial.suggest_categorical(one.name, one.choices)
        if one.kind == "whole":
            return trial.suggest_int(one.name, int(one.low), int(one.high))
        return one.value(trial.suggest_float(one.name, *one.bounds))

    def _parameter(self, one: Range, values: Configuration) -> Any:
        value: Any = values[one.knob]
        value = value if one.element is None else value[one.element]
        if one.choices or one.kind == "whole":
            return value
        return math.log2(value) if one.kind == "log" else -math.log2(1 - value) if one.kind == "memory" else value
