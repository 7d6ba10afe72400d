"""Two nights beside each other: whether their numbers compare, and which gained more, as far as that is more than luck. Pure.

Numbers compare where the two have one comparability key; else gains do, in parts of each baseline. Where both began from the same code,
the numbers at their ends tell more than two gains, for the baselines' noise is not in them. The best number of a night was chosen for
being good, unless it was measured afresh: what the choice alone may have brought is allowed for, as `parts/chosen.py` does it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from autoresearch_tui.journal.experiment import Experiment, mean
from autoresearch_tui.journal.noise import Noise, beyond, noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.compare.comparison import Difference, Pair
from autoresearch_tui.morning.parts.chosen import Ends, ends_of, weigh
from autoresearch_tui.morning.reading import Reading

ELSEWHERE = 0.01  # p, below which the same code measures otherwise on two machines


def differing(one: Run, other: Run) -> tuple[str, ...]:
    return tuple(name for name in one.key | other.key if one.key.get(name) != other.key.get(name))


def compares(one: Run, other: Run) -> bool:
    return bool(one.key and other.key) and not differing(one, other)


def is_same(one: Reading, other: Reading) -> bool:
    """One night, named twice; or a copy of it."""
    if "table" in (one.source, other.source):
        return one.source == other.source and one.run.experiments == other.run.experiments
    return (one.run.tag, one.run.started_at) == (other.run.tag, other.run.started_at)


def noise_together(runs: Sequence[Run]) -> Noise:
    """Pooled over nights whose numbers compare; the profile's guess is counted once."""
    experiments: dict[int, Experiment] = {}
    for run in runs:
        first = len(experiments)
        place = {number: first + at for at, number in enumerate(run.experiments)}
        for number, one in run.experiments.items():
            parent = place.get(one.parent) if one.parent is not None else None
            experiments[place[number]] = replace(one, number=place[number], parent=parent)
    sigma = next((run.sigma for run in runs if run.sigma), None)
    return noise_of(Run(experiments=experiments, goal=runs[0].goal, sigma=sigma))


def pair_of(one: Reading, other: Reading, names: tuple[str, str], noise: Noise | None, pairs: int) -> Pair:
    """The one with the larger gain first. `noise` is that of all that compare with these two, where these two do."""
    if noise is not None:
        return _in_the_metric(one, other, names, noise, pairs)
    ends, others = ends_of(one.run, one.source), ends_of(other.run, other.source)
    differs = differing(one.run, other.run) if one.run.key and other.run.key else ()
    if ends is None or others is None or (one.run.metric, one.run.goal) != (other.run.metric, other.run.goal):
        return Pair(*names, "", differs=differs)
    found = _relative(one.run, ends, other.run, others, pairs)
    if found is None:
        return Pair(*names, "", differs=differs)
    return _ordered(names, found, None, differs=differs)


def _in_the_metric(one: Reading, other: Reading, names: tuple[str, str], noise: Noise, pairs: int) -> Pair:
    ends, others = ends_of(one.run, one.source), ends_of(other.run, other.source)
    if ends is None or others is None:
        return Pair(*names, "", comparable=True)
    sign = 1.0 if one.run.goal == "lower" else -1.0
    gains = [sign * (0.0 if night.still else mean(night.base) - mean(night.end)) for night in (ends, others)]
    gain = _difference(gains[0] - gains[1], noise, ends.spread + others.spread, (ends, others), pairs, "gain")
    between = sign * (mean(others.end) - mean(ends.end))
    end = _difference(between, noise, 1 / len(ends.end) + 1 / len(others.end), (ends, others), pairs, "end")
    if one.run.start and one.run.start == other.run.start and not _measures_otherwise(ends.base, others.base, noise):
        return _ordered(names, end, None, comparable=True)
    return _ordered(names, gain, end, comparable=True)


def _measures_otherwise(base: Sequence[float], other: Sequence[float], noise: Noise) -> bool:
    """The same code, and not the same number: the machine was another, whatever the keys say."""
    error = noise.error(len(base), len(other))
    away = abs(mean(base) - mean(other))
    return away > 0 if error == 0 else bool(error) and 2 * beyond(away / (error or 1.0), noise.freedom) < ELSEWHERE


def _relative(one: Run, ends: Ends, other: Run, others: Ends, pairs: int) -> Difference | None:
    """In parts of each baseline, each with the noise of its own night."""
    parts, errors, freedoms, chosen = [], [], [], []
    for run, night in ((one, ends), (other, others)):
        noise, base = noise_of(run), mean(night.base)
        if not base:
            return None
        value = 0.0 if night.still else (base - mean(night.end)) * (1 if run.goal == "lower" else -1)
        parts.append(value / abs(base))
        errors.append(None if noise.sigma is None else noise.sigma * math.sqrt(night.spread) / abs(base))
        freedoms.append(noise.freedom)
        chosen.append(night.brought(noise) / abs(base))
    if any(error is None for error in errors):
        return Difference(parts[0] - parts[1], by="relative")
    squares = [(error or 0.0) ** 2 for error in errors]
    error = math.sqrt(sum(squares))
    freedom = error**4 / sum(square**2 / free for square, free in zip(squares, freedoms, strict=True)) if error else min(freedoms)
    return _judged(parts[0] - parts[1], error, freedom, (chosen[0], chosen[1]), pairs, "relative")


def _difference(value: float, noise: Noise, spread: float, ends: tuple[Ends, Ends], pairs: int, by: str) -> Difference:
    if noise.sigma is None:
        return Difference(value, by=by)
    chosen = (ends[0].brought(noise), ends[1].brought(noise))
    return _judged(value, noise.sigma * math.sqrt(spread), noise.freedom, chosen, pairs, by)


def _judged(value: float, error: float, freedom: float, chosen: tuple[float, float], pairs: int, by: str) -> Difference:
    """Either of the two might have been ahead by chance, in each of the pairs."""
    found = weigh(value, error, freedom, chosen, asked=2 * pairs)
    p = None if found.p is None else min(1.0, 2 * found.p)
    return Difference(value, found.low, found.high, found.brought, p, found.word, by)


def _ordered(names: tuple[str, str], gain: Difference, end: Difference | None, **known: object) -> Pair:
    """With the one that is ahead first."""
    one, other = names
    if gain.value < 0:
        one, other, gain, end = other, one, _turned(gain), _turned(end) if end else None
    return replace(Pair(one, other, "", gain=gain, end=end), **known)


def _turned(found: Difference) -> Difference:
    low, high = (None, None) if found.low is None or found.high is None else (-found.high + 0.0, -found.low + 0.0)
    return replace(found, value=-found.value + 0.0, low=low, high=high)


def groups_of(readings: Sequence[Reading]) -> list[list[int]]:
    """Nights whose numbers compare, by their places; a key is the same or it is not, so each night is in one group."""
    groups: list[list[int]] = []
    for place, reading in enumerate(readings):
        home = next((group for group in groups if compares(readings[group[0]].run, reading.run)), None)
        if home is None:
            groups.append([place])
        else:
            home.append(place)
    return groups
