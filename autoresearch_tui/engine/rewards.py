"""What each kind of move was worth of late: a bandit that forgets. Pure.

The reward is the gain in sigmas over the parent. A change that helped, and was discarded only because the trunk had moved on, is worth
what it gained there; that it is tried again on the new trunk is the engine's own move, and nobody's merit a second time.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator

from autoresearch_tui.journal.experiment import Experiment, is_same_device
from autoresearch_tui.journal.noise import difference, noise_of
from autoresearch_tui.journal.state import Run

FORGETTING = 0.95  # what a reward is still worth one experiment later: half after thirteen
FORGOTTEN = 300  # experiments later it is worth less than a millionth
MOST = 5.0  # sigmas of one gain that count: one large win is no promise of the next
CRASHED = -0.5  # a crash teaches less than a discard
GIVEN_UP = -0.25  # a draft that came to nothing cost no trial, but its replies
OUTRUN = "but the trunk moved while it trained"  # the judge's words for a change that helped where it was made


def gain_over_parent(run: Run, one: Experiment) -> float | None:
    """What it is better than its parent, where the two compare. How surely is not asked here."""
    gain = difference(run, one)
    return gain if gain is not None and math.isfinite(gain) else None


def units(run: Run, experiments: Iterable[Experiment]) -> dict[str, float]:
    """What a gain of each of these is measured by, by its class of device."""
    return {device: _unit(run, device) for device in {one.device for one in experiments}}


def _unit(run: Run, device: str) -> float:
    """Sigma; where nobody knows it, or nothing is left to chance, the middle one of the differences seen."""
    if sigma := noise_of(run, device).sigma:
        return sigma
    gains = (gain_over_parent(run, one) for one in run.lately() if is_same_device(one.device, device))
    differences = sorted(abs(gain) for gain in gains if gain)
    return differences[len(differences) // 2] if differences else 1.0


def is_hopeless(one: Experiment) -> bool:
    return any(trial.outcome == "hopeless" for trial in one.trials)


def ranked(run: Run, operators: Collection[str], now: Counter[str], boldness: float) -> list[str]:
    """The most promising first: what it gained on average, and more the less it was tried of late. What was never tried comes first.

    `now` says how often each is being tried just now: that counts as tried, and says nothing yet of what it is worth.
    """
    ended: defaultdict[str, float] = defaultdict(float)
    gained: defaultdict[str, float] = defaultdict(float)
    given_up = [(one.at, one.operator, GIVEN_UP) for one in run.given_up]
    rewards = sorted([*_rewards(run), *given_up], key=lambda reward: reward[0], reverse=True)
    for age, (_, operator, reward) in enumerate(rewards):
        ended[operator] += FORGETTING**age
        gained[operator] += FORGETTING**age * reward
    tried = {one: ended[one] + now[one] for one in operators}
    trials = math.log1p(sum(tried.values()))

    def promise(operator: str) -> float:
        if not tried[operator]:
            return math.inf
        worth = gained[operator] / ended[operator] if ended[operator] else 0.0
        return worth + boldness * math.sqrt(trials / tried[operator])

    return sorted(operators, key=promise, reverse=True)


def _rewards(run: Run) -> Iterator[tuple[float, str, float]]:
    """When each experiment began, its kind, and what it was worth in sigmas. What was skipped or disturbed says nothing."""
    lately = tuple(run.lately(FORGOTTEN))
    sigmas = units(run, lately)
    for one in lately:
        if one.verdict == "crash" and one.parent is not None:
            yield one.at, one.operator, CRASHED
        elif one.verdict and (gain := gain_over_parent(run, one)) is not None:
            yield one.at, one.operator, min(MOST, max(0.0, gain / sigmas[one.device])) if _helped(one) else 0.0
        elif one.verdict and is_hopeless(one):
            yield one.at, one.operator, 0.0


def _helped(one: Experiment) -> bool:
    return one.verdict == "keep" or (one.verdict == "discard" and OUTRUN in one.reason)
