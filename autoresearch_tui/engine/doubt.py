"""Whether a verdict can be given, or one more trial comes first: of what, and why. Pure.

Owns what is doubted: the pace of a trial, a number far from its like, a number with signs of cheating, the noise while it is a guess, a
difference that the noise hides, a trunk that measures otherwise than it did. What follows when nothing is doubted any more is
`judge.py`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine.drift import is_off, looks_at
from autoresearch_tui.engine.rule import CLEAR, LOUD, Case, rule
from autoresearch_tui.engine.taint import FAIR, fair_trials, odd_one, tokens_per_s
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Discard, Keep
from autoresearch_tui.journal.noise import ENOUGH, Noise, gain_of, noise_of
from autoresearch_tui.journal.state import Experiment, Run, Trial, mean

IMPLAUSIBLE = 0.25  # of the number: a gain that large is more often a mistake, where nobody but the training measured it
GUESS = 3.0  # how far the profile's guess of the noise may be off, as a factor
SLOW_IN_A_ROW = 3  # experiments: then it may be the machine
TRIES = 2  # trials of one purpose that may come to nothing


class More(msgspec.Struct, frozen=True):
    """One more trial."""

    number: int
    purpose: e.Purpose


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
    hopes = one.parent == run.tip and one.numbers and not bad and not 0 < run.rules.max_memory_gb < one.memory_gb
    return _wanted_of_a_change(run, one) if hopes else None


def _is_a_persons(run: Run, one: Experiment) -> bool:
    """What a person decides is not trained again to be sure."""
    words = (wish.wish for wish in run.wishes.values() if isinstance(wish.wish, Keep | Discard))
    return (bool(one.kept_by) and not one.verdict) or any(word.experiment == one.number for word in words)


def signs(run: Run, one: Experiment, trial: Trial) -> tuple[str, ...]:
    """Mechanical evidence that a number is not what it says. What its parent does too is not this change's doing."""
    if trial.value is None or trial.taint:
        return ()
    gain = _implausible_gain(run, one, trial.value) if run.trust == "reported" else 0.0
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


def _implausible_gain(run: Run, one: Experiment, value: float) -> float:
    before = run.experiments[one.parent].value if one.parent in run.experiments else None
    return (run.badness(before) - run.badness(value)) / abs(before) if before else 0.0


# ------------------------------------------------------------------------------------------------------------------------------
# A change
# ------------------------------------------------------------------------------------------------------------------------------


def case_of(run: Run, one: Experiment, noise: Noise) -> Case:
    """The change beside the trunk, as `rule.py` wants them."""
    assert run.tip is not None
    tip = run.experiments[run.tip]
    return Case(
        _badness(run, one),
        _badness(run, tip),
        noise.sigma or 0.0,
        best=min((mean(_badness(run, other)) for other in _kept(run) if other.era == tip.era), default=math.inf),
        loud=_is_loud(run, noise),
        added=one.added,
        memory_gb=one.memory_gb,
        trunk_gb=tip.memory_gb,
    )


def _wanted_of_a_change(run: Run, one: Experiment) -> More | None:
    assert run.tip is not None
    tip = run.experiments[run.tip]
    if tip.era != one.era or not tip.numbers:  # the trunk went back to code of before a drift
        return More(tip.number, "drift") if _tried(tip, "drift") < TRIES else None
    noise = noise_of(run)
    ours, theirs = tokens_per_s(one), tokens_per_s(tip)
    if ours and theirs and ours < FAIR * theirs and len(one.numbers) == 1 and not _tried(one, "pace"):
        return More(one.number, "pace")
    case = case_of(run, one, noise)
    ruling = rule(case)
    if ruling.keep and ours and theirs and theirs < FAIR * ours and len(tip.numbers) == 1 and not _tried(tip, "pace"):
        return More(tip.number, "pace")
    if noise.assumed and _depends_on_noise(case, noise) and (more := noise_trial(run)):
        return more
    return More(one.number, "doubt") if ruling.again else None


def _depends_on_noise(case: Case, noise: Noise) -> bool:
    """Whether a sigma that is larger, as far as the guess may be off, would want a second look, or say otherwise."""
    if noise.sigma is None:
        return rule(replace(case, sigma=math.inf, loud=True)).again
    other = rule(replace(case, sigma=noise.sigma * GUESS))
    return other.again or other.keep != rule(case).keep


def noise_trial(run: Run) -> More | None:
    """One more trial of the trunk, as long as the noise is a guess. Where its trials come to nothing the guess has to do."""
    if run.tip is None or not noise_of(run).assumed:
        return None
    tip = run.experiments[run.tip]
    if any(trial.purpose == "noise" and trial.outcome == "skipped" for trial in tip.trials):
        return None  # a person does not want to know
    return More(run.tip, "noise") if _tried(tip, "noise") < ENOUGH - 1 + TRIES else None


def _is_loud(run: Run, noise: Noise) -> bool:
    gains = sorted(gain.value for one in _kept(run) if one.by == "policy" and (gain := gain_of(run, one, noise)))
    return not gains or gains[len(gains) // 2] < LOUD * (noise.sigma or 0.0)


def _kept(run: Run) -> Iterator[Experiment]:
    """Every trunk that there was."""
    return (one for one in run.experiments.values() if one.verdict == "keep" and one.numbers)


# ------------------------------------------------------------------------------------------------------------------------------
# The trunk, measured again
# ------------------------------------------------------------------------------------------------------------------------------


def _wanted_of_the_trunk(run: Run, one: Experiment, last: Trial) -> More | None:
    """A trunk that measures otherwise than it did is looked at twice before that is believed."""
    if last.purpose == "noise" and (_apart(run, one) or (len(fair_trials(one)) == ENOUGH and odd_one(one))):
        return More(one.number, "noise")
    looked = last.purpose in ("drift", "disturbed") and len(looks_at(run, one)) == 1
    return More(one.number, "drift") if looked and is_off(run, one) else None


def _apart(run: Run, one: Experiment) -> bool:
    """Two numbers further apart than the guess can be wrong, and nobody knows which of them is."""
    numbers = one.numbers
    return len(numbers) == 2 and bool(run.sigma) and numbers[1] - numbers[0] > CLEAR * GUESS * math.sqrt(2) * (run.sigma or 0.0)


def drift_trial(run: Run) -> More | None:
    """Another look at a trunk that was not measured for long: what is compared with its number is compared with the machine of then."""
    assert run.tip is not None
    tip = run.experiments[run.tip]
    newer = [one for one in run.experiments.values() if one.at > tip.trials[-1].at]
    theirs = tokens_per_s(tip) or 0.0
    crawling = [one for one in newer[-SLOW_IN_A_ROW:] if (ours := tokens_per_s(one)) and ours < FAIR * theirs]
    due = 0 < run.rules.drift_every <= len(newer) or len(crawling) == SLOW_IN_A_ROW
    return More(tip.number, "drift") if due else None


def _tried(one: Experiment, purpose: str) -> int:
    return sum(trial.purpose == purpose and trial.outcome != "interrupted" for trial in one.trials)


def _badness(run: Run, one: Experiment) -> list[float]:
    return [run.badness(number) for number in one.numbers]
