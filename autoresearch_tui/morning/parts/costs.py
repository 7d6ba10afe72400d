"""What a night cost, and how those did who proposed in it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from autoresearch_tui.journal.money import spending
from autoresearch_tui.journal.state import Health, Run
from autoresearch_tui.morning.account import Kept, Proposer, Spent


def spent_of(run: Run) -> Spent:
    known = spending(run)
    return Spent(
        tokens_in=sum(one.tokens_in for one in run.health.values()),
        tokens_out=sum(one.tokens_out for one in run.health.values()),
        researchers_usd=None if known.unpriced else known.researchers,
        gpu_hours=known.gpu_hours,
        kwh=known.kwh,
        gpu=known.gpu,
        currency=known.currency,
        per_experiment=known.shared(known.experiments),
        per_sure_gain=known.shared(known.sure_gains),
    )


def proposers_of(run: Run, kept: Sequence[Kept]) -> tuple[Proposer, ...]:
    """Who had the most experiments first."""
    tried: defaultdict[str, int] = defaultdict(int)
    crashed: defaultdict[str, int] = defaultdict(int)
    for one in run.experiments.values():
        tried[one.researcher] += 1
        crashed[one.researcher] += one.verdict == "crash"
    names = {name for name in (*run.health, *tried) if name}
    found = [_proposer(name, run.health.get(name, Health()), tried[name], crashed[name], kept) for name in names]
    return tuple(sorted(found, key=lambda one: (-one.experiments, -one.asked, one.name)))


def _proposer(name: str, health: Health, tried: int, crashed: int, kept: Sequence[Kept]) -> Proposer:
    mine = [one for one in kept if one.researcher == name]
    return Proposer(
        name,
        experiments=tried,
        kept=len(mine),
        crashed=crashed,
        gain=sum(one.gain for one in mine if one.gain is not None),
        asked=health.asked,
        usable=health.usable,
        refused=health.refused,
        wrong=health.wrong,
        tokens_in=health.tokens_in,
        tokens_out=health.tokens_out,
        seconds=health.seconds,
        cost=None if health.unpriced else health.cost,
    )
