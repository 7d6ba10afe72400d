"""What was kept and what it brought, what came near, and every experiment as a point of the chart. Pure questions about a run.

A word stands only where somebody knows the noise. Owns which change deserves to be told; how far numbers differ by chance is
`journal/noise.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import Gain, Noise, gain_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Kept, Near, Point

NEAR = 2.0  # sigmas that a change may be worse than its parent, and yet be worth another look
PART = 2000  # of the baseline: a gain below one such part is small


def small_of(baseline: float | None) -> float | None:
    """One part in two thousand, to one digit: on most machines equal trainings differ by more."""
    if not baseline or not math.isfinite(baseline):
        return None
    return float(f"{abs(baseline) / PART:.0e}")


def word_of(found: Gain | None) -> str:
    return "" if found is None or found.error is None else found.word


def kept_of(run: Run) -> list[Kept]:
    """The largest gain first, and last what nobody can compare."""
    trunk = set(run.trunk)
    first = root_of(run)
    found = [_kept(run, one, one.number in trunk) for one in run.experiments.values() if one.verdict == "keep" and one is not first]
    return sorted(found, key=lambda one: (one.gain is None, -(one.gain or 0.0), one.number))


def _kept(run: Run, one: Experiment, on_trunk: bool) -> Kept:
    found = gain_of(run, one)
    return Kept(
        one.number,
        one.commit,
        one.idea,
        one.value,
        found.value if found else None,
        word=word_of(found),
        p=found.p if found else None,
        trials=len(one.numbers),
        by=one.by,
        researcher=one.researcher,
        operator=one.operator,
        on_trunk=on_trunk,
        trust=one.trust,
        reason=one.reason,
    )


def is_doubtful(one: Kept, small: float | None) -> bool:
    """It says that it is better, and chance alone would often say so too."""
    if one.gain is None or one.gain <= 0:
        return False
    return one.word == "unsure" if one.word else small is not None and one.gain < small


def near_of(run: Run, noise: Noise, small: float | None) -> list[Near]:
    """Discards that measured hardly worse than their parent, the nearest first; not those that were made again and kept."""
    reach = small if noise.sigma is None else NEAR * noise.sigma
    again = {one.of for one in run.experiments.values() if one.operator == "keep" and one.verdict == "keep"}
    found = []
    for one in run.experiments.values():
        if one.verdict != "discard" or one.number in again or one.trust == "suspect" or (value := one.value) is None:
            continue
        worse = _worse(run, one, value)
        if reach is not None and worse is not None and worse <= reach:
            found.append(Near(one.number, one.commit, one.idea, value, worse, len(one.numbers), one.reason))
    return sorted(found, key=lambda near: (near.worse, near.number))


def _worse(run: Run, one: Experiment, value: float) -> float | None:
    """Than its parent, where the two were measured under the same conditions."""
    parent = run.experiments.get(one.parent) if one.parent is not None else None
    before = parent.value_on(one.device) if parent else None
    if parent is None or before is None or parent.era_on(one.device) != one.era:
        return None
    return run.badness(value) - run.badness(before)


def near_discards(run: Run, small: float | None) -> int:
    """Discards that were within `small` of the best number that had been kept by then."""
    best, count = math.inf, 0
    first = root_of(run)
    for _, one in sorted(run.experiments.items()):
        badness = run.badness(one.value)
        if one.verdict == "keep" or one is first:
            best = min(best, badness)
        elif one.verdict == "discard" and small is not None and badness - best <= small:
            count += 1
    return count


def root_of(run: Run) -> Experiment | None:
    """What everything is compared with: the first of the trunk, if it has a number."""
    trunk: Sequence[int] = run.trunk
    one = run.experiments[trunk[0]] if trunk else run.baseline
    return one if one is not None and one.value is not None else None


def point_of(one: Experiment) -> Point:
    values = tuple(trial.value for trial in one.trials if trial.value is not None) if one.verdict != "crash" else ()
    return Point(one.number, values, one.value if values else None, one.verdict, one.idea, tainted=bool(values) and not one.numbers)
