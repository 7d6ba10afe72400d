"""Whether a verdict can be given, or one more trial comes first: of what, and why. Pure.

Owns what is doubted: the pace of a trial, a number with signs of cheating, the noise while it is a guess, a difference that the noise
hides, a trunk that measures otherwise than it did. What follows when nothing is doubted any more is `judge.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from autoresearch_tui.engine.rule import CLEAR, LOUD, Case, mean, rule
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Discard, Keep
from autoresearch_tui.journal.noise import ENOUGH, Noise, gain_of, noise_of
from autoresearch_tui.journal.state import Experiment, Run, Trial

FAIR = 0.85  # of the best pace of the same code: below it something else had a part of the machine
IMPLAUSIBLE = 0.25  # of the number: a gain that large is more often a mistake, where nobody but the training measured it
GUESS = 3.0  # how far the profile's guess of the noise may be off, as a factor
SLOW_IN_A_ROW = 3  # experiments: then it may be the machine
TRIES = 2  # trials of one purpose that may come to nothing


class More(msgspec.Struct, frozen=True):
    """One more trial."""

    number: int
    purpose: str


def wanted(run: Run, number: int) -> More | None:
    """The trial that the verdict on an experiment waits for."""
    one = run.experiments[number]
    last = one.trials[-1]
    if last.outcome == "hopeless":
        return More(number, "pace") if last.slow and sum(trial.slow for trial in one.trials) == 1 else None
    if last.outcome != "finished" or last.value is None:
        return None
    if one.kept_by or any(isinstance(wish.wish, Keep | Discard) and wish.wish.experiment == number for wish in run.wishes.values()):
        return None  # a person decides
    if last.taint:
        return More(number, "disturbed") if last.purpose != "disturbed" else None
    if len(suspicious(run, one)) == 1 and signs(run, one, last):
        return More(number, "suspect")
    if number in run.trunk or run.tip is None:
        return _wanted_of_the_trunk(run, one, last)
    return _wanted_of_a_change(run, one) if one.parent == run.tip and one.numbers else None


def signs(run: Run, one: Experiment, trial: Trial) -> tuple[str, ...]:
    """Mechanical evidence that a number is not what it says."""
    if trial.value is None or trial.taint:
        return ()
    gain = _implausible_gain(run, one, trial.value) if run.trust == "reported" else 0.0
    return (*trial.evidence, *([f"better than its parent by {gain:.0%}"] if gain > IMPLAUSIBLE else []))


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
    ours, theirs = _pace(one), _pace(tip)
    if ours and theirs and ours < FAIR * theirs and len(one.numbers) == 1 and not _tried(one, "pace"):
        return More(one.number, "pace")
    ruling = rule(case_of(run, one, noise))
    if ruling.keep and ours and theirs and theirs < FAIR * ours and len(tip.numbers) == 1 and not _tried(tip, "pace"):
        return More(tip.number, "pace")
    if noise.assumed and _depends_on_noise(run, one, noise) and (more := noise_trial(run)):
        return more
    return More(one.number, "doubt") if ruling.again else None


def _depends_on_noise(run: Run, one: Experiment, noise: Noise) -> bool:
    """Whether a sigma that is larger, as far as the guess may be off, would want a second look."""
    case = case_of(run, one, noise)
    if not noise.sigma:
        return rule(msgspec.structs.replace(case, sigma=math.inf, loud=True)).again
    return rule(msgspec.structs.replace(case, sigma=noise.sigma * GUESS)).again


def noise_trial(run: Run) -> More | None:
    """One more trial of the trunk, as long as the noise is a guess. Where its trials come to nothing the guess has to do."""
    if run.tip is None or not noise_of(run).assumed:
        return None
    return More(run.tip, "noise") if _tried(run.experiments[run.tip], "noise") < ENOUGH - 1 + TRIES else None


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
    return More(one.number, "drift") if last.purpose == "drift" and _is_off(run, one) and len(_looks(one)) == 1 else None


def drift_trial(run: Run) -> More | None:
    """Another look at a trunk that was not measured for long: what is compared with its number is compared with the machine of then."""
    assert run.tip is not None
    tip = run.experiments[run.tip]
    newer = [one for one in run.experiments.values() if one.at > tip.trials[-1].at]
    crawling = [one for one in newer[-SLOW_IN_A_ROW:] if (ours := _pace(one)) and (theirs := _pace(tip)) and ours < FAIR * theirs]
    due = 0 < run.rules.drift_every <= len(newer) or len(crawling) == SLOW_IN_A_ROW
    return More(tip.number, "drift") if due else None


def drift(run: Run, one: Experiment) -> e.Drifted | None:
    """That the trunk's code measures otherwise now, if two looks agree on it."""
    looks = _looks(one)
    if len(looks) < 2 or not _is_off(run, one):
        return None
    before = _before(one, looks)
    values = [trial.value for trial in looks if trial.value is not None]
    last_sure = max((trial.at for trial in one.trials if trial.number < looks[0].number), default=0.0)
    since = min((other.number for other in run.experiments.values() if other.at > last_sure), default=one.number + 1)
    return e.Drifted(one.number, looks[0].number, mean(before), mean(values), since)


def _looks(one: Experiment) -> list[Trial]:
    """The trials at its end that were made to see drift, those of this era."""
    looks: list[Trial] = []
    for trial in reversed(one.trials):
        if trial.purpose not in ("drift", "disturbed") or trial.era != one.trials[-1].era:
            break
        if trial.counts:
            looks.insert(0, trial)
    return looks


def _before(one: Experiment, looks: list[Trial]) -> list[float]:
    era = one.trials[-1].era
    return [trial.value for trial in one.trials if trial.counts and trial.value is not None and trial.era == era and trial not in looks]


def _is_off(run: Run, one: Experiment) -> bool:
    noise, looks = noise_of(run), _looks(one)
    before = _before(one, looks)
    if not (before and looks and noise.sigma):
        return False
    moved = [trial.value - mean(before) for trial in looks if trial.value is not None]
    agree = min(moved) > noise.sigma or max(moved) < -noise.sigma
    return agree and abs(mean(moved)) > CLEAR * (noise.error(len(looks), len(before)) or 0.0)


# ------------------------------------------------------------------------------------------------------------------------------
# Pace
# ------------------------------------------------------------------------------------------------------------------------------


def disturbed(one: Experiment) -> list[e.Event]:
    """The trials that were far slower than the same code can be."""
    best = _pace(one) or 0.0
    paces = {trial.number: trial.pace for trial in one.trials if trial.counts and trial.pace and trial.era == one.era}
    return [e.Tainted(one.number, number, f"at {pace / best:.0%} of its own pace") for number, pace in paces.items() if pace < FAIR * best]


def _pace(one: Experiment) -> float | None:
    return max((trial.pace for trial in one.trials if trial.counts and trial.era == one.era and trial.pace), default=None)


def _tried(one: Experiment, purpose: str) -> int:
    return sum(trial.purpose == purpose and trial.outcome != "interrupted" for trial in one.trials)


def _badness(run: Run, one: Experiment) -> list[float]:
    return [run.badness(number) for number in one.numbers]
