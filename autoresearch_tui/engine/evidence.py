"""Mechanical signs that a number is not what it says, read after a training: of its files, its log, our clock and its own arithmetic.

Pure: what was seen comes in, sentences go out. What a sign costs is the judge's to say. Not looked at are files outside the trial's
folder (upstream keeps data and tokenizer in a cache of the user, which a sandbox shows read-only), a frozen file that was changed and
put back before the end, and whatever the model itself does while it is evaluated: code that runs in one process with its evaluation
can always do more. These signs are for mistakes and for casual gaming.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from autoresearch_tui.proposals.knobs import NotPython, read_knobs
from autoresearch_tui.telemetry.progress import Progress, Summary, progress_of, summary

TOLERANCE = 0.05
START_S = 2.0  # a process that imports nothing and ends
START = 0.1  # of the budget: importing torch and its kernels, before the training looks at its clock
WARM_UP = 10  # the last step that upstream does not count
BATCH = "TOTAL_BATCH_SIZE"
ROUNDED_M = 0.06  # of total_tokens_M: one decimal is printed
ROUNDED_S = 0.06  # of seconds


class Seen(msgspec.Struct, frozen=True):
    """What is known of a training that has ended."""

    log: str
    """The end of it, or all."""
    seconds: float
    """From its release to its end, on our clock."""
    gap_s: float = 0.0
    """Of sleep of the machine, which a training's clock may count."""
    shrank: bool = False
    """Its log was longer once."""
    changed: tuple[str, ...] = ()
    """Frozen files that are not what the run began with."""
    train: str = ""
    """The train.py that was committed."""


def signs(seen: Seen, budget_s: float, metric: str = "val_bpb", *, judged: bool = False) -> tuple[str, ...]:
    """Each in a sentence. `judged`: the number comes from a judge of ours, so what the training says of itself matters less."""
    found = summary(seen.log, metric)
    said = list(_traces(seen, found))
    if found and not judged:
        said += [*_words(seen, found, metric), *_times(seen, found, budget_s)]
    return tuple(said)


def _traces(seen: Seen, found: Summary | None) -> Iterator[str]:
    for name in seen.changed:
        yield f"{name} was changed while it trained"
    if seen.shrank:
        yield "its log shrank while it trained"
    if found and found.mfu is not None and found.mfu > 100:
        yield f"it claims {found.mfu:.1f}% of what the GPU can do"


def _words(seen: Seen, found: Summary, metric: str) -> Iterator[str]:
    if found.lines > 1:
        yield f"{found.lines} lines of its log begin with {metric}:"
    batch = _batch(seen.train)
    if batch and found.num_steps is not None and found.total_tokens_m is not None:
        made = found.num_steps * batch / 1e6
        if abs(made - found.total_tokens_m) > ROUNDED_M + made * 1e-6:
            yield f"it counts {found.total_tokens_m:.1f} M tokens, but {found.num_steps} steps of {batch:,} are {made:.1f} M"


def _times(seen: Seen, found: Summary, budget_s: float) -> Iterator[str]:
    counted = [line.dt_ms / 1000 for line in _steps(seen.log) if line.step > WARM_UP and line.dt_ms is not None]
    step_s = max(counted, default=(found.training_seconds or 0.0) / max(1, found.num_steps or 1))
    allowed = budget_s * (1 + TOLERANCE) + step_s + ROUNDED_S  # the step in which the budget ends is finished
    if found.training_seconds is not None and found.training_seconds > allowed:
        yield f"it says that it trained {found.training_seconds:.1f} s of a budget of {budget_s:g} s"
    elif sum(counted) - len(counted) * 0.0005 > allowed:
        yield f"its steps after the warm-up took {sum(counted):.1f} s by its own log, of a budget of {budget_s:g} s"
    total = found.total_seconds
    if total is not None and total > (seen.seconds + seen.gap_s) * (1 + TOLERANCE) + START_S:
        yield f"it says that it took {total:.1f} s, but was over after {seen.seconds:.1f} s by our clock"
    if total is not None and seen.seconds > total * (1 + TOLERANCE) + START_S + START * budget_s:
        yield f"it says that it took {total:.1f} s, but took {seen.seconds:.1f} s by our clock"


def _batch(train: str) -> int | None:
    """Tokens in a step, where train.py says so in a constant."""
    try:
        knob = read_knobs(train).get(BATCH)
    except NotPython:
        return None
    return knob.value if knob and isinstance(knob.value, int) and knob.value > 0 else None


def _steps(log: str) -> list[Progress]:
    """The lines of progress; of one that was written again the last."""
    found = {line.step: line for text in re.split(r"[\r\n]+", log) if (line := progress_of(text))}
    return list(found.values())
