"""One night as a side of a comparison. Pure: from what was read of it, by the same functions that a report is made with.

Owns what is asked of one night for itself. What of two nights compares, and how, is `pairs.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Kept
from autoresearch_tui.morning.accounting import state_of
from autoresearch_tui.morning.compare.comparison import Share, Side, Step
from autoresearch_tui.morning.parts.costs import spent_of
from autoresearch_tui.morning.parts.gains import kept_of, root_of
from autoresearch_tui.morning.parts.hours import clocked
from autoresearch_tui.morning.parts.result import result_of
from autoresearch_tui.morning.reading import Reading

NINETEEN_OF_TWENTY = 1.959964
HOUR_S = 3600.0
SHORT = 7  # characters of a hash


def side_of(reading: Reading, name: str) -> Side:
    run = reading.run
    table = reading.source == "table"
    noise = noise_of(run)
    kept = kept_of(run)
    root = root_of(run)
    tried = [one for one in run.experiments.values() if one is not root and one.verdict]
    clock = clocked(reading.facts, reading.seen)
    hours = None if table else clock.hours.worked / HOUR_S
    result = result_of(run, noise, reading.source)
    still = root is not None and result.best == root.number
    gained = 0.0 if still else result.gain
    return Side(
        name=name,
        source=reading.source,
        result=result,
        tag=run.tag,
        state="" if table else state_of(run, reading.place.alive),
        metric=run.metric,
        goal=run.goal,
        key=run.key,
        start=run.start,
        budget_s=None if table else run.budget_s,
        device=run.engine.device if run.engine else run.key.get("device", ""),
        gain=gained,
        relative=gained / abs(result.baseline) if gained is not None and result.baseline else None,
        sigma=noise.sigma,
        assumed=noise.assumed,
        share=_share("", tried, kept, run, list(run.health)),
        experiments=len(run.experiments),
        hours=hours,
        per_hour=len(tried) / hours if hours and tried else None,
        gain_per_experiment=gained / len(tried) if gained is not None and tried else None,
        gain_per_hour=gained / hours if gained is not None and hours else None,
        spent=None if table else spent_of(run),
        researchers=tuple(_by_researcher(run, tried, kept)),
        programs=tuple(_by_program(run, tried, kept, reading.facts)),
        steps=tuple(_steps(run, root, {number: seconds / HOUR_S for number, seconds in clock.judged.items()})),
    )


def _steps(run: Run, root: Experiment | None, judged: dict[int, float]) -> Iterable[Step]:
    """The trunk as it got better, as far as its numbers compare with the baseline's."""
    device = run.yardstick
    if root is None or (first := root.value_on(device)) is None:
        return
    best = run.badness(first)
    yield Step(root.number, judged.get(root.number), first, 0.0)
    for number in run.trunk:
        value = run.experiments[number].value_on(device)
        if value is not None and run.experiments[number].era_on(device) == root.era_on(device) and run.badness(value) < best:
            best = run.badness(value)
            yield Step(number, judged.get(number), value, run.badness(first) - best)


def gain_after(side: Side, *, experiments: int | None = None, hours: float | None = None) -> float | None:
    """What had been gained by then: by an experiment's number, or by an hour."""
    if not side.steps or (hours is not None and side.hours is None):
        return None
    first = side.steps[0].experiment
    reached = [
        step.gain
        for step in side.steps
        if (experiments is None or step.experiment - first < experiments) and (hours is None or (step.hour or 0.0) <= hours)
    ]
    return reached[-1] if reached else 0.0


def _by_researcher(run: Run, tried: Sequence[Experiment], kept: Sequence[Kept]) -> Iterable[Share]:
    names = dict.fromkeys([*(one.researcher for one in tried if one.researcher), *run.health])
    shares = [_share(name, [one for one in tried if one.researcher == name], kept, run, [name]) for name in names]
    return sorted(shares, key=lambda share: -share.experiments)


def _by_program(run: Run, tried: Sequence[Experiment], kept: Sequence[Kept], facts: Sequence[e.Recorded]) -> Iterable[Share]:
    """By the version of program.md that a draft was given, in the order in which they came."""
    given = {fact.event.draft: fact.event.program for fact in facts if isinstance(fact.event, e.Drafting)}
    versions = dict.fromkeys(program for one in tried if (program := given.get(one.draft, "")))
    return [_share(version[:SHORT], [one for one in tried if given.get(one.draft) == version], kept, run, []) for version in versions]


def _share(of: str, tried: Sequence[Experiment], kept: Sequence[Kept], run: Run, replied: Sequence[str]) -> Share:
    numbers = {one.number for one in tried}
    mine = [one for one in kept if one.number in numbers]
    health = [run.health[name] for name in replied if name in run.health]
    low, high = rate_interval(len(mine), len(tried))
    return Share(
        of=of,
        experiments=len(tried),
        kept=len(mine),
        sure=sum(one.word == "sure" and (one.gain or 0.0) > 0 for one in mine),
        crashed=sum(one.verdict == "crash" for one in tried),
        gain=math.fsum(one.gain for one in mine if one.gain is not None and one.on_trunk),
        rate=len(mine) / len(tried) if tried else None,
        low=low,
        high=high,
        usable=sum(one.usable for one in health),
        refused=sum(one.refused for one in health),
        cost_usd=None if any(one.unpriced for one in health) else sum(one.cost for one in health),
    )


def together(shares: Iterable[Share], comparable: bool) -> list[Share]:
    """Those of several nights, those of one name as one."""
    found: dict[str, list[Share]] = {}
    for share in shares:
        found.setdefault(share.of, []).append(share)
    return [_sum(of, some, comparable) for of, some in found.items()]


def _sum(of: str, some: Sequence[Share], comparable: bool) -> Share:
    def total(count: Callable[[Share], int]) -> int:
        return sum(count(one) for one in some)

    kept, tried = total(lambda one: one.kept), total(lambda one: one.experiments)
    low, high = rate_interval(kept, tried)
    costs = [one.cost_usd for one in some]
    return Share(
        of=of,
        nights=len(some),
        experiments=tried,
        kept=kept,
        sure=total(lambda one: one.sure),
        crashed=total(lambda one: one.crashed),
        gain=math.fsum(one.gain or 0.0 for one in some) if comparable or len(some) == 1 else None,
        rate=kept / tried if tried else None,
        low=low,
        high=high,
        usable=total(lambda one: one.usable),
        refused=total(lambda one: one.refused),
        cost_usd=None if None in costs else math.fsum(cost or 0.0 for cost in costs),
    )


def rate_interval(kept: int, tried: int) -> tuple[float | None, float | None]:
    """Wilson's: it stays between nothing and all, also where few were tried."""
    if not tried:
        return None, None
    z = NINETEEN_OF_TWENTY
    share, whole = kept / tried, 1 + z * z / tried
    middle = (share + z * z / (2 * tried)) / whole
    reach = z * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried)) / whole
    return max(0.0, middle - reach), min(1.0, middle + reach)
