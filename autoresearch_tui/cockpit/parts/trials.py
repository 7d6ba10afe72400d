"""The trials of one experiment: their numbers side by side, and the conditions under which each was trained. Pure."""

from __future__ import annotations

from autoresearch_tui.cockpit.parts.page import BLANK, Block, Field, Page, Prose, Table
from autoresearch_tui.cockpit.parts.times import lasting
from autoresearch_tui.journal.events import Card
from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.state import Run
from autoresearch_tui.lines import WHY_AGAIN


def trials(run: Run, one: Experiment) -> Page:
    if not one.trials:
        return (Prose("No trial yet: it waits for its turn.", "dim"),)
    head: tuple[str, ...] = ("trial", "outcome", run.metric, "time", "GB", "trust", "seed", "steps", "tokens/s")
    lines, about = [_trial(trial) for trial in one.trials], [_about(trial, len(run.devices) > 1) for trial in one.trials]
    if any(trial.slot for trial in one.trials):
        head = (*head[:2], "slot", *head[2:])
        lines = [(*line[:2], trial.slot or "-", *line[2:]) for line, trial in zip(lines, one.trials, strict=True)]
    return (Table(head, tuple(lines), tuple(about)),)


def _trial(trial: Trial) -> tuple[str, ...]:
    pace = trial.tokens_per_s
    return (
        str(trial.number),
        trial.crash or trial.outcome or "training",
        f"{trial.value:.6f}{'~' if trial.taint else ''}" if trial.value is not None else "-",
        lasting(trial.seconds) if trial.seconds else "-",
        f"{trial.memory_gb:.1f}" if trial.memory_gb else "-",
        trial.trust or "-",
        str(trial.seed),
        str(trial.steps) if trial.steps is not None else "-",
        f"{pace * 1e6:,.0f}" if pace else "-",
    )


def _about(trial: Trial, on: bool) -> str:
    """What explains a trial; `on`: there are several classes of device."""
    said = [f"on {trial.device}"] if on and trial.device else []
    said += [f"again: {WHY_AGAIN.get(trial.purpose, trial.purpose)}"] if trial.purpose else []
    said += [f"not compared: {trial.taint}"] if trial.taint else []
    said += [trial.why] if trial.why else []
    said += [f"by {trial.by}"] if trial.by else []
    said += ["its log was longer once"] if trial.shrank else []
    said += [f"the machine slept {trial.gap_s:.0f} s"] if trial.gap_s >= 1 else []
    said += [f"audit {trial.audit:.6f}"] if trial.audit is not None else []
    return "; ".join([*said, *trial.evidence, *(f"{name} {value}" for name, value in trial.recorded.items())])


def telemetry(one: Experiment) -> Page:
    blocks: list[Block] = []
    for trial in one.trials:
        blocks.append(Prose(f"trial {trial.number}" + (f" in {trial.slot}" if trial.slot else ""), "strong"))
        if trial.card:
            blocks += _card(trial.card, trial.kwh)
        elif not trial.outcome:
            blocks.append(Prose("It trains: its conditions are told when it ends.", "dim"))
        else:
            blocks.append(Prose("Nothing could be seen of its conditions.", "dim"))
        blocks.append(BLANK)
    return tuple(blocks[:-1]) or (Prose("No trial yet: it waits for its turn.", "dim"),)


def _card(card: Card, kwh: float | None) -> list[Block]:
    owners = (("training", card.training_gb), ("LLM", card.llm_gb), ("everybody", card.memory_gb))
    throttled = ", ".join(f"{reason} {share:.0%} of the time" for reason, share in card.throttled.items())
    return [
        Field("watched", f"{lasting(card.seconds)}; what follows are averages"),
        Field("util", _number(card.util, ".0f", "%")),
        Field("power", _number(card.power_w, ".0f", "W") + (f", {kwh:.3f} kWh" if kwh is not None else "")),
        Field("clock", _number(card.sm_mhz, ".0f", "MHz")),
        Field("hottest", _number(card.temperature_c, ".0f", "C")),
        Field("throttled", throttled or "never seen", "warn" if throttled else ""),
        Field("memory", "at most " + ", ".join(f"{who} {_number(size, '.1f', 'GB')}" for who, size in owners)),
        Field("waited", _number(card.waited and 100 * card.waited, ".1f", "% of its time for a core")),
        Field("strangers", ", ".join(card.strangers) or "none", "warn" if card.strangers else ""),
    ]


def _number(value: float | None, form: str, unit: str) -> str:
    return "n/a" if value is None else f"{value:{form}} {unit}"
