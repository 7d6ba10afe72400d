"""Whether a verdict can be given, or one more trial comes first: of what, and why. Pure.

Owns what is doubted: the pace of a trial, a number far from its like, a number with signs of cheating, the noise while it is a guess, a
difference that the noise hides, a trunk that measures otherwise than it did. What follows when nothing is doubted any more is
`judge.py`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine.drift import LOOKS, is_off, looks_at
from autoresearch_tui.engine.rule import CLEAR, LOUD, Case, rule
from autoresearch_tui.engine.taint import fair_pace, fair_trials, odd_one, tokens_per_s
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Discard, Keep
from autoresearch_tui.journal.experiment import Experiment, Trial, is_same_device, mean
from autoresearch_tui.journal.noise import ENOUGH, Noise, difference, noise_of
from autoresearch_tui.journal.state import Run

IMPLAUSIBLE = 0.25  # of the number: a gain that large is more often a mistake, where nobody but the training measured it
GUESS = 3.0  # how far the profile's guess of the noise may be off, as a factor
SLOW_IN_A_ROW = 3  # experiments: then it may be the machine
TRIES = 2  # trials of one purpose that may come to nothing


class More(msgspec.Struct, frozen=True):
    """One more trial."""

    number: int
    purpose: e.Purpose
    device: str | None = None
    """The class of device that it is asked for; None: the one that its number belongs to."""


def wanted(run: Run, number: int) -> More | None:
    """The trial that the verdict on an experiment waits for."""
    one = run.experiments[number]
    last = one.trials[-1]
    if last.outcome == "hopeless":
        tries = 1 + TRIES if one.numbers else 1  # code that once kept its pace was disturbed, however often that happens
        return More(number, "pace") if last.slow and sum(trial.slow for trial in one.trials) <= tries else None
    if last.outcome != "finished" or last.value is None:
        return None
    if _is_a_persons(run, one):
        return None
    if last.taint:
        return More(number, "disturbed") if last.purpose not in ("disturbed", "closing") else None
    if one.operator == "refit":
        return None
    bad = suspicious(run, one)
    if len(bad) == 1 and bad[0] is last:
        return More(number, "suspect")
    if number in run.trunk or run.tip is None:
        return _wanted_of_the_trunk(run, one, last)
    if bad or not one.numbers or 0 < run.rules.max_memory_gb < one.memory_gb:
        return None
    if not compares(one, rival(run, one)):
        return _wanted_to_compare(run, one)
    return _wanted_of_a_change(run, one) if one.parent == run.tip else None


def _is_a_persons(run: Run, one: Experiment) -> bool:
    """What a person decides is not trained again to be sure."""
    words = (wish.wish for wish in run.wishes.values() if isinstance(wish.wish, Keep | Discard))
    return (bool(one.kept_by) and not one.verdict) or any(word.experiment == one.number for word in words)


def signs(run: Run, one: Experiment, trial: Trial) -> tuple[str, ...]:
    """Mechanical evidence that a number is not what it says. What its parent does too is not this change's doing."""
    if trial.value is None or trial.taint:
        return ()
    gain = _implausible_gain(run, one, trial) if run.trust == "reported" else 0.0
    parent = run.experiments.get(one.parent) if one.parent is not None else None
    usual = {_kind(sign) for other in (parent.trials if parent else ()) if other.counts for sign in other.evidence}
    evidence = [sign for sign in trial.evidence if _kind(sign) not in usual]
    return (*evidence, *([f"better than its parent by {gain:.0%}"] if gain > IMPLAUSIBLE else []))


def _kind(sign: str) -> str:
    """The sentence without its figures."""
    return re.sub(r"[0-9.,]+", "#", sign)


def suspicious(run: Run, one: Experiment) -> list[Trial]:
    """Its trials whose numbers carry such signs."""
    return [trial for trial in one.trials if signs(run, one, trial)]


def _implausible_gain(run: Run, one: Experiment, trial: Trial) -> float:
    """As a share of what its parent has on such a device; where that has no number there, nobody knows."""
    before = run.experiments[one.parent].value_on(trial.device) if one.parent in run.experiments else None
    return (run.badness(before) - run.badness(trial.value)) / abs(before) if before else 0.0


# ------------------------------------------------------------------------------------------------------------------------------
# A change
# ------------------------------------------------------------------------------------------------------------------------------


def rival(run: Run, one: Experiment) -> Experiment:
    """What a change is compared with: the trunk; where that moved on while it trained, the code that it was made from."""
    assert run.tip is not None
    return run.experiments[one.parent if is_stale(run, one) and one.parent is not None else run.tip]


def is_stale(run: Run, one: Experiment) -> bool:
    """The trunk has moved on since it was made."""
    return one.parent != run.tip and one.number not in run.trunk and one.parent in run.trunk


def compares(one: Experiment, other: Experiment) -> bool:
    """They have numbers of one era on the class of device that the first was measured on."""
    device = one.device
    return bool(one.numbers_on(device) and other.numbers_on(device)) and one.era_on(device) == other.era_on(device)


def case_of(run: Run, one: Experiment, noise: Noise) -> Case:
    """The change beside what it is compared with, on the same class of device, as `rule.py` wants them."""
    other, device = rival(run, one), one.device
    trunks = (_badness(run, kept.numbers_on(device)) for kept in _kept(run) if kept.era_on(device) == other.era_on(device))
    return Case(
        _badness(run, one.numbers_on(device)),
        _badness(run, other.numbers_on(device)),
        noise.sigma or 0.0,
        best=min((mean(numbers) for numbers in trunks if numbers), default=math.inf),
        loud=_is_loud(run, noise, device),
        added=one.added,
        memory_gb=one.memory_gb,
        trunk_gb=other.memory_gb,
    )


def _wanted_to_compare(run: Run, one: Experiment) -> More | None:
    """A number that is missing beside its own: on the same class of device, since that last drifted."""
    other, device, moved = rival(run, one), one.device, one.parent != run.tip
    if moved and one.verdict not in ("", "crash"):
        return None  # its verdict stands
    if other.numbers and not other.numbers_on(device):
        return More(other.number, "device", device) if _tried_on(run, other, device) < TRIES else None
    if moved:
        return None
    if one.era_on(device) < other.era_on(device):  # that was found out while it trained
        return More(one.number, "drift", device) if not _tried(one, "drift", device) else None
    return More(other.number, "drift", device) if _tried_on(run, other, device) < TRIES else None  # the trunk went back to before a drift


def _tried_on(run: Run, one: Experiment, device: str) -> int:
    """Trials on this class of device since it last drifted."""
    era = run.era_of(device)
    return sum(trial.era == era and trial.outcome != "interrupted" for trial in one.trials_on(device))


def _wanted_of_a_change(run: Run, one: Experiment) -> More | None:
    assert run.tip is not None
    tip, device = run.experiments[run.tip], one.device
    noise = noise_of(run, device)
    ours, theirs = tokens_per_s(one, device), tokens_per_s(tip, device)
    fair = min(fair_pace(one, device), fair_pace(tip, device))
    if ours and theirs and ours < fair * theirs and len(one.numbers) == 1 and not _tried(one, "pace"):
        return More(one.number, "pace")
    case = case_of(run, one, noise)
    ruling = rule(case)
    if ruling.keep and ours and theirs and theirs < fair * ours and len(case.trunk) == 1 and not _tried(tip, "pace", device):
        return More(tip.number, "pace", device)
    if noise.assumed and _depends_on_noise(case, noise) and (more := noise_trial(run, device)):
        return more
    return More(one.number, "doubt") if ruling.again else None


def _depends_on_noise(case: Case, noise: Noise) -> bool:
    """Whether a sigma that is larger, as far as the guess may be off, would want a second look, or say otherwise."""
    if noise.sigma is None:
        return rule(replace(case, sigma=math.inf, loud=True)).again
    other = rule(replace(case, sigma=noise.sigma * GUESS))
    return other.again or other.keep != rule(case).keep


def noise_trial(run: Run, device: str | None = None) -> More | None:
    """One more trial of the trunk, as long as the noise is a guess. Where its trials come to nothing the guess has to do."""
    if run.tip is None:
        return None
    tip = run.experiments[run.tip]
    device = tip.device if device is None else device
    if not noise_of(run, device).assumed:
        return None
    if any(trial.purpose == "noise" and trial.outcome == "skipped" for trial in tip.trials):
        return None  # a person does not want to know
    return More(run.tip, "noise", device) if _tried(tip, "noise", device) < ENOUGH - 1 + TRIES else None


def _is_loud(run: Run, noise: Noise, device: str) -> bool:
    there = (one for one in _kept(run) if one.by == "policy" and is_same_device(one.device, device))
    gains = sorted(gain for one in there if (gain := difference(run, one)) is not None)
    return not gains or gains[len(gains) // 2] < LOUD * (noise.sigma or 0.0)


def _kept(run: Run) -> Iterator[Experiment]:
    """Every trunk that there was."""
    return (one for one in run.kept if one.numbers)


# ------------------------------------------------------------------------------------------------------------------------------
# The trunk, measured again
# ------------------------------------------------------------------------------------------------------------------------------


def _wanted_of_the_trunk(run: Run, one: Experiment, last: Trial) -> More | None:
    """A trunk that measures otherwise than it did is looked at twice before that is believed."""
    device = last.device
    if last.purpose == "noise" and (_apart(run, one, device) or (len(fair_trials(one, device)) == ENOUGH and odd_one(one, device))):
        return More(one.number, "noise", device)
    looked = last.purpose in LOOKS and len(looks_at(one)) == 1
    return More(one.number, "drift", device) if looked and is_off(run, one) else None


def _apart(run: Run, one: Experiment, device: str) -> bool:
    """Two numbers further apart than the guess can be wrong, and nobody knows which of them is."""
    numbers = one.numbers_on(device)
    return len(numbers) == 2 and bool(run.sigma) and numbers[1] - numbers[0] > CLEAR * GUESS * math.sqrt(2) * (run.sigma or 0.0)


def drift_trials(run: Run) -> Iterator[More]:
    """Another look at a trunk that was not measured for long: what is compared with its number is compared with the machine of then."""
    assert run.tip is not None
    tip = run.experiments[run.tip]
    for device in tip.devices or (tip.device,):
        last = tip.trials_on(device)[-1]
        newer = [one for one in _begun_since(run, last.at) if is_same_device(one.device, device)]
        theirs = fair_pace(tip, device) * (tokens_per_s(tip, device) or 0.0)
        crawling = [one for one in newer[:SLOW_IN_A_ROW] if (ours := tokens_per_s(one, device)) and ours < theirs]
        if 0 < run.rules.drift_every <= len(newer) or len(crawling) == SLOW_IN_A_ROW:
            yield More(tip.number, "drift", device)


def _begun_since(run: Run, moment: float) -> Iterator[Experiment]:
    """The newest first."""
    return takewhile(lambda one: one.at > moment, reversed(run.experiments.values()))


def _tried(one: Experiment, purpose: str, device: str = "") -> int:
    mine = (trial for trial in one.trials if is_same_device(trial.device, device))
    return sum(trial.purpose == purpose and trial.outcome != "interrupted" for trial in mine)


def _badness(run: Run, numbers: Sequence[float]) -> list[float]:
    return [run.badness(number) for number in numbers]
