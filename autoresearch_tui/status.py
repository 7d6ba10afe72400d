"""A run at a glance: `status --json`, a stable interface, and the screenful for a person. Pure: who calls knows if the engine lives."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from autoresearch_tui.journal.events import Slot
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.money import spending
from autoresearch_tui.journal.noise import difference, gain_of, gain_of_best, noise_of
from autoresearch_tui.journal.state import Down, Health, Run
from autoresearch_tui.lines import SLOTS, closing, contained, printable

SHOWN = 12  # experiments in the screenful


def as_json(run: Run, alive: bool) -> dict[str, Any]:
    best, baseline, device = run.best, run.baseline, run.yardstick
    noise, value = noise_of(run, device), best.value_on(device) if best else None
    return {
        "run": run.tag,
        "phase": run.phase,
        "why": why(run),
        "paused": run.paused,
        "engine": {"pid": run.engine.pid if run.engine else None, "alive": alive},
        "baseline": {"val_bpb": baseline.value_on(device) if baseline else None, "sigma": noise.sigma, "assumed": noise.assumed},
        "best": {"experiment": best.number, "commit": best.commit, "val_bpb": value, "trust": best.trust} if best else None,
        "counts": run.counts,
        "proposals": {name: _health(run, name, one) for name, one in run.health.items()},
        "researcher": _researcher(run),
        "cost": _cost(run),
        "sandbox": {"kind": run.engine.sandbox, "why": run.engine.sandbox_why} if run.engine else None,
        "gpu": _gpu(run),
        "slots": [_slot(run, slot) for slot in run.slots],
        "closing": msgspec.to_builtins(run.conclusion) if run.conclusion else None,
        "experiments": [_row(run, one) for _, one in sorted(run.experiments.items())],
        "elsewhere": len(run.elsewhere),
        "waiting": [{"command": wish.command, "kind": type(wish.wish).__name__.lower(), "by": wish.by} for wish in run.wishes.values()],
    }


def _row(run: Run, one: Experiment) -> dict[str, Any]:
    gain = gain_of(run, one) if one.verdict == "keep" else None
    return {
        "number": one.number,
        "commit": one.commit,
        "val_bpb": one.value,
        "memory_gb": one.memory_gb,
        "verdict": one.verdict or None,
        "reason": one.reason,
        "by": one.by,
        "trust": one.trust,
        "trials": len(one.trials),
        "device": one.device or None,
        "gain": difference(run, one),
        "word": gain.word if gain else None,
        "tainted": [trial.taint for trial in one.trials if trial.taint],
        "adrift": one.adrift,
        "description": one.idea,
    }


def _slot(run: Run, slot: Slot) -> dict[str, Any]:
    """What it trains now."""
    one = _trained_in(run, slot)
    return {
        "name": slot.name,
        "device": slot.device,
        "experiment": one.number if one else None,
        "trial": one.trials[-1].number if one else None,
    }


def _trained_in(run: Run, slot: Slot) -> Experiment | None:
    return next((one for one in run.under_way if one.trials[-1].slot == slot.name), None)


def _health(run: Run, name: str, one: Health) -> dict[str, Any]:
    """How a researcher does: its replies, what was wrong with those that were refused, and what they took."""
    down = run.down.get(name)
    return {
        "asked": one.asked,
        "usable": one.usable,
        "refused": one.refused,
        "wrong": one.wrong,
        "declined": one.declined,
        "dialects": {dialect: msgspec.structs.asdict(share) for dialect, share in one.dialects.items()},
        "tokens_in": one.tokens_in,
        "tokens_out": one.tokens_out,
        "seconds": one.seconds,
        "cost": None if one.unpriced else one.cost,
        "seen": one.seen,
        "down": {"why": down.why, "until": down.until} if down else None,
    }


def _researcher(run: Run) -> dict[str, Any] | None:
    """Who proposes: the chain as it was named, and who of it speaks."""
    if run.engine is None:
        return None
    chain = [run.engine.researcher, *run.engine.chain]
    return {
        "chain": chain,
        "speaks": next((name for name in chain if name not in run.down), None),
        "chosen": run.engine.chosen,
        "local_only": run.engine.local_only,
        "blocked": list(run.blocked),
    }


def _gpu(run: Run) -> dict[str, Any] | None:
    """How the card is used, and what its last trial was like; None where no card trains."""
    if run.engine is None or not run.engine.card:
        return None
    cards = [trial.card for _, one in sorted(run.experiments.items()) for trial in one.trials if trial.card]
    return {
        "card": run.engine.card,
        "sharing": run.sharing.mode if run.sharing else "apart",
        "why": run.sharing.why if run.sharing else "",
        "unloaded": msgspec.structs.asdict(run.unloaded) if run.unloaded else None,
        "last": msgspec.structs.asdict(cards[-1]) if cards else None,
    }


def _cost(run: Run) -> dict[str, Any]:
    spent = spending(run)
    return {
        "researchers_usd": None if spent.unpriced else spent.researchers,
        "gpu_hours": spent.gpu_hours,
        "kwh": spent.kwh,
        "gpu": spent.gpu,
        "currency": spent.currency,
        "per_experiment": spent.shared(spent.experiments),
        "per_sure_gain": spent.shared(spent.sure_gains),
        "limit_usd": run.limits.cost,
    }


def why(run: Run) -> str:
    """What explains the phase, if anything does."""
    if run.ended:
        return run.ended
    if run.paused:
        return f"paused by {run.paused_by}" + (f": {run.paused_why}" if run.paused_why else "")
    return run.waiting


def as_text(run: Run, alive: bool) -> str:
    lines = [_headline(run, alive), *_proposing(run), *_result(run), *(_slots(run) if alive else []), ""]
    shown = [one for _, one in sorted(run.experiments.items())]
    if len(shown) > SHOWN:
        lines.append(f"  .. {len(shown) - SHOWN} earlier")
    trunk = set(run.trunk)
    for one in shown[-SHOWN:]:
        lines.append(_line(run, one, one.number in trunk))
    if not shown:
        lines.append("  no experiment yet: the baseline comes first")
    for wish in run.wishes.values():
        lines.append(f"  waiting: {type(wish.wish).__name__.lower()} (command {wish.command}, by {wish.by})")
    if run.warnings:
        lines.append(f"  warning: {run.warnings[-1]}")
    lines += ["", _next(run, alive)]
    return "\n".join(map(printable, lines))


def _headline(run: Run, alive: bool) -> str:
    sign = "●" if alive else "○"
    state = run.phase if alive or run.ended else f"the engine died while {run.phase}"
    running = run.running
    number = f" #{running.number} {running.operator}" if running and alive else ""
    if alive and len(run.under_way) > 1:
        number = " " + ", ".join(f"#{one.number}" for one in run.under_way[:SLOTS])
    because = f": {why(run)}" if why(run) else ""
    return f"autoresearch {run.tag}  {sign} {state}{number}{because}"


def _proposing(run: Run) -> list[str]:
    """Who proposes, how that goes, and what it costs."""
    if run.engine is None:
        return []
    chain = (run.engine.researcher, *run.engine.chain)
    speaks = next((name for name in chain if name not in run.down), "")
    health = run.health.get(speaks)
    said = [f"by {speaks}" if speaks else "nobody can answer"]
    if health and (replies := health.usable + health.refused):
        said.append(f"{health.usable} of {replies} replies usable")
    if run.engine.chosen and speaks:
        said.append(run.engine.chosen)
    if run.engine.local_only:
        said.append("this machine only")
    if run.engine.sandbox:
        said.append(contained(run.engine.sandbox, run.engine.sandbox_why))
    spent = spending(run)
    if spent.unpriced:
        said.append(f"at least {spent.researchers:.2f} USD" if spent.researchers else "cost unknown")
    elif spent.researchers or run.limits.cost is not None:
        limit = f" of {run.limits.cost:.2f}" if run.limits.cost is not None else ""
        said.append(f"{spent.researchers:.2f}{limit} USD")
    lines = ["  " + " · ".join(said)]
    if run.sharing:
        lines.append(f"  {run.sharing.why}")
    return lines + [
        f"  {name} is down: {run.down[name].why.rstrip('.')}{_again(run, run.down[name])}" for name in chain if name in run.down
    ]


def _again(run: Run, down: Down) -> str:
    if run.ended or down.until is None:
        return ""
    try:
        return f"; asked again at {datetime.fromtimestamp(down.until):%H:%M:%S}"
    except (OverflowError, OSError, ValueError):
        return ""  # no time that a clock could show


def _result(run: Run) -> list[str]:
    counts = run.counts
    tally = f"{counts['keep']} kept, {counts['discard']} discarded, {counts['crash']} crashed"
    best, gain, noise = run.best, gain_of_best(run, run.best), noise_of(run, run.yardstick)
    if best is None or (value := best.value_on(run.yardstick)) is None:
        return [f"  no number yet; {tally}"]
    change = f" ({gain.change(run.goal):+.6f} against the baseline)" if gain else ""
    lines = [f"  best #{best.number}  {run.metric} {value:.6f}{change}, {best.trust}; {tally}"]
    if noise.deterministic:
        lines.append("  deterministic: equal trainings give equal numbers")
    elif noise.sigma:
        source = "assumed until the same code is trained three times" if noise.assumed else f"{noise.repeats} trainings of one code"
        lines.append(f"  one training varies by {noise.sigma:.6f} (sigma, {source})")
    if run.conclusion:
        lines.append(f"  {closing(run.conclusion)}")
    if run.elsewhere:
        lines.append(f"  {len(run.elsewhere)} rows of an earlier night are remembered (elsewhere); they are never compared")
    return lines


def _slots(run: Run) -> list[str]:
    """What each of them trains; of many the first that do."""
    at_work = [(slot, one) for slot in run.slots if (one := _trained_in(run, slot))]
    lines = [f"  {slot.name} trains #{one.number}: {one.idea}" for slot, one in at_work[:SLOTS]]
    idle = len(run.slots) - len(at_work)
    if len(at_work) > SLOTS:
        lines.append(f"  and {len(at_work) - SLOTS} more slots train")
    return [*lines, f"  {idle} of {len(run.slots)} slots wait"] if idle else lines


def _line(run: Run, one: Experiment, on_trunk: bool) -> str:
    value = f"{one.value:.6f}" if one.value is not None and one.verdict != "crash" else "-"
    value += "~" if one.adrift or (one.value is not None and not one.numbers) else " "
    verdict = one.verdict or ("training" if one.training else "..")
    off = "(off the trunk) " if one.verdict == "keep" and not on_trunk else ""
    by = f"[{one.by}] " if one.by not in ("", "policy") else ""
    gain = gain_of(run, one) if one.verdict == "keep" else None
    word = gain.word if gain else ""
    return f"  {one.number:4} {one.commit[:7]:7} {value:>10}{one.memory_gb:6.1f}  {verdict:8} {word:7} {off}{by}{one.idea}"


def _next(run: Run, alive: bool) -> str:
    if alive:
        return "`autoresearch-tui send stop` ends it after this trial; `autoresearch-tui send` alone lists the commands."
    best = f" The best code: `git checkout --detach autoresearch/{run.tag}`" if run.best else ""
    return f"no engine works on it: `autoresearch-tui run` goes on.{best}"


def as_row(run: Run, alive: bool, size: int) -> str:
    """A line of `runs`."""
    found = gain_of_best(run, run.best)
    gain = f"{found.value:+.6f}" if found else "-"
    began = datetime.fromtimestamp(run.started_at).strftime("%Y-%m-%d %H:%M") if run.started_at else "-"
    state = run.phase if alive else "ended" if run.ended else "died"
    return printable(f"{run.tag:16} {began:16} {len(run.experiments):5} experiments  gain {gain:>10}  {state:10} {size / 1e6:8.1f} MB")
