"""From what is known of a night to what is told of it. Pure: the same reading gives the same account.

Owns what goes together into an account. Each part is worked out in the file of its name.
"""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.parts.advice import advice_of
from autoresearch_tui.morning.parts.confirmed import confirmed_of
from autoresearch_tui.morning.parts.costs import proposers_of, spent_of
from autoresearch_tui.morning.parts.gains import is_doubtful, kept_of, near_discards, near_of, point_of, root_of, small_of
from autoresearch_tui.morning.parts.hours import hours_of
from autoresearch_tui.morning.parts.ignorance import unknown_of
from autoresearch_tui.morning.parts.looks import looks_of
from autoresearch_tui.morning.parts.result import result_of
from autoresearch_tui.morning.parts.trend import trend_of
from autoresearch_tui.morning.parts.troubles import crashes_of, doubts_of
from autoresearch_tui.morning.reading import Reading


def account_of(reading: Reading) -> Account:
    run = reading.run
    noise = noise_of(run)
    base = root_of(run)
    ones = [one for _, one in sorted(run.experiments.items())]
    kept = kept_of(run)
    small = small_of(base.value if base else None) if reading.source == "table" or noise.sigma is None else None
    doubtful = [one for one in kept if one.on_trunk and is_doubtful(one, small)]
    table = reading.source == "table"
    account = Account(
        name=reading.name,
        source=reading.source,
        result=result_of(run, noise, reading.source),
        confirmed=tuple(sorted(filter(None, map(confirmed_of, reading.confirmed)), key=lambda one: one.budget_s)),
        metric=run.metric,
        goal=run.goal,
        sigma=noise.sigma,
        assumed=noise.assumed,
        experiments=len(ones),
        trials=sum(len(one.trials) for one in ones),
        counts=dict(Counter(one.verdict for one in ones if one.verdict)),
        kept=tuple(kept),
        small=small,
        small_kept=sum(one.gain is not None and one.gain < small for one in kept) if small is not None else 0,
        doubtful=len(doubtful),
        doubtful_gain=sum(one.gain or 0.0 for one in doubtful) if kept and (small is not None or noise.sigma is not None) else None,
        gained=sum(max(0.0, one.gain or 0.0) for one in kept if one.on_trunk),
        near=tuple(near_of(run, noise, small)),
        near_discards=near_discards(run, small),
        trend=trend_of([one for one in ones if one.verdict], [one for one in kept if one.on_trunk], noise, small) if ones else None,
        crashes=crashes_of(run, reading.tails),
        doubts=doubts_of(run),
        looks=() if table else looks_of(run, run.best, reading.place),
        points=tuple(point_of(one) for one in ones),
        trunk=run.trunk,
        unknown=(*unknown_of(reading, noise), *reading.unknown),
    )
    if not table:
        account = _of_a_run(account, reading, ones)
    return replace(account, advice=advice_of(run, account, reading.place))


def _of_a_run(account: Account, reading: Reading, ones: list[Experiment]) -> Account:
    """What only a journal tells."""
    run = reading.run
    return replace(
        account,
        budget_s=run.budget_s,
        began=run.started_at or None,
        ended=run.at or None,
        state=state_of(run, reading.place.alive),
        sessions=run.session,
        device=run.engine.device if run.engine else "",
        trust=run.trust,
        sandbox=run.engine.sandbox if run.engine else "",
        hours=hours_of(reading.facts, reading.seen),
        spent=spent_of(run),
        proposers=proposers_of(run, account.kept),
        diff=reading.diff,
        warnings=(*_drift(run, ones), *_devices(run), *dict.fromkeys(run.warnings)),
    )


def state_of(run: Run, alive: bool) -> str:
    """How it stands."""
    if alive:
        running = run.running
        return f"at work: {run.phase}" + (f" #{running.number}" if running else "")
    if run.engine is None:
        return "not begun"
    return f"over: {run.ended}" if run.ended else f"died while {run.phase}"


def _devices(run: Run) -> list[str]:
    if len(run.devices) < 2:
        return []
    return [f"Trained on {len(run.devices)} kinds of device ({'; '.join(run.devices)}): numbers compare within one, and only there."]


def _drift(run: Run, ones: list[Experiment]) -> list[str]:
    adrift = [one.number for one in ones if one.adrift]
    if not adrift:
        return []
    return [f"The machine drifted: the comparisons of #{adrift[0]} to #{adrift[-1]} were made while nobody knew, and are in doubt."]
