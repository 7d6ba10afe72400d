"""Which kind of move is asked for, and from where. Pure.

The parent is always the tip of the trunk. A night has about a hundred experiments, and nearly every gain in it is one small change that
adds to the others: a greedy line finds more of them than a population that trains each of its members too seldom. What was nearly good
enough is not lost by that: near misses come back together, by `combine`.

The operator is drawn by a bandit that forgets: the reward is the gain in sigmas, and what helped lately counts more than what helped in
the evening. How the trunk goes back is not decided here, for only a person or three crashes in a row ask for it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator

import msgspec

from autoresearch_tui.engine.judge import next_draft
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import Noise, gain_of, noise_of
from autoresearch_tui.journal.state import Draft, Experiment, Run

OPERATORS = ("tune", "explore", "simplify", "combine", "ablate")  # of two that are worth the same, the first; the last is our own
FORGETTING = 0.95  # what a reward is still worth one experiment later: half after thirteen
BOLDNESS = 1.0  # how many sigmas it is worth to look at what was hardly tried
MOST = 5.0  # sigmas of one gain that count: one large win is no promise of the next
CRASHED = -0.5  # a crash teaches less than a discard
GIVEN_UP = -0.25  # a draft that came to nothing cost no trial, but its replies
PLATEAU = 15  # experiments without an improvement before the search changes its ways
WARMING = 15  # further ones until it is as bold as it can be
NEAR = 2.0  # sigmas that a near miss may be worse than its parent
OFFERED = 5  # near misses at once
REPAIRABLE = ("error", "contract")  # crashes that may be a slip of the pen; what needs too much memory is another idea
REPAIRS = 2  # of one idea
RECENT = 3  # experiments after which a crash is left alone: while one trained, the next was drafted already
SELDOM = 10  # drafts from one ablation to the next


class Move(msgspec.Struct, frozen=True):
    operator: str
    parent: int
    of: int | None = None
    """The experiment that is taken back, and then no researcher is asked; or the one that is repaired."""


def drawn(run: Run, researcher: str, able: Collection[str], idea: int | None = None) -> e.Drafting:
    """The fact with which a draft begins. A person's idea is tried as it was said: it is never a combination, and nothing is taken back."""
    assert run.tip is not None, "the baseline comes first"
    move = next_move(run, able) if idea is None else Move("explore", run.tip)
    if move.of is not None and move.operator != "repair":  # what people told the researcher waits for a draft that it writes
        return e.Drafting(next_draft(run), move.operator, move.parent, "", of=move.of)
    notes = tuple(run.notes)
    return e.Drafting(next_draft(run), move.operator, move.parent, researcher, of=move.of, idea=idea, notes=notes, program=run.program)


def next_move(run: Run, able: Collection[str]) -> Move:
    """What is tried next from here, of what the researcher is able to do, and of what the engine can do itself."""
    assert run.tip is not None, "the baseline comes first"
    if "repair" in able and (broken := _to_repair(run)) is not None:
        return Move("repair", run.tip, broken)
    near = near_misses(run)
    possible = [one for one in OPERATORS[:-1] if one in able and (one != "combine" or len(near) > 1)]
    if plateau(run) >= PLATEAU and (forced := _forced(run, possible, len(near))):
        return Move(forced, run.tip)
    unneeded = _unneeded(run)
    ranked = _ranked(run, [*possible, "ablate"] if unneeded is not None else possible)
    if not ranked:
        return Move(next((one for one in OPERATORS if one in able), OPERATORS[0]), run.tip)
    operator = ranked[run.fruitless % len(ranked)]  # after a draft that came to nothing, another kind
    return Move(operator, run.tip, unneeded if operator == "ablate" else None)


# ------------------------------------------------------------------------------------------------------------------------------
# The bandit
# ------------------------------------------------------------------------------------------------------------------------------


def _ranked(run: Run, operators: Collection[str]) -> list[str]:
    """The most promising first: what it gained on average, and more the less it was tried of late. What was never tried comes first."""
    tried: defaultdict[str, float] = defaultdict(float)
    gained: defaultdict[str, float] = defaultdict(float)
    ends = [(one.at, one.operator, GIVEN_UP) for one in run.given_up]
    rewards = sorted([*_rewards(run), *ends], key=lambda reward: reward[0])
    for age, (_, operator, reward) in enumerate(reversed(rewards)):
        tried[operator] += FORGETTING**age
        gained[operator] += FORGETTING**age * reward
    trials = math.log1p(sum(tried[one] for one in operators))
    boldness = BOLDNESS * (1 + heat(run))

    def promise(operator: str) -> float:
        times = tried[operator]
        return gained[operator] / times + boldness * math.sqrt(trials / times) if times else math.inf

    return sorted(operators, key=promise, reverse=True)


def _rewards(run: Run) -> Iterator[tuple[float, str, float]]:
    """When each experiment began, its kind, and what it was worth in sigmas. What was skipped or disturbed says nothing."""
    unit = _unit(run)
    for one in run.experiments.values():
        if one.verdict == "crash" and one.parent is not None:
            yield one.at, one.operator, CRASHED
        elif one.verdict and (gain := _gain(run, one)) is not None:
            yield one.at, one.operator, min(MOST, max(0.0, gain / unit)) if one.verdict == "keep" else 0.0
        elif one.verdict and _hopeless(one):
            yield one.at, one.operator, 0.0


def _gain(run: Run, one: Experiment) -> float | None:
    """What it is better than its parent, where the two compare. How surely is not asked here."""
    gain = gain_of(run, one, Noise())
    return gain.value if gain and math.isfinite(gain.value) else None


def _unit(run: Run) -> float:
    """Sigma; where nobody knows it, or nothing is left to chance, the middle one of the differences seen."""
    if sigma := noise_of(run).sigma:
        return sigma
    gains = (_gain(run, one) for one in run.experiments.values())
    differences = sorted(abs(gain) for gain in gains if gain)
    return differences[len(differences) // 2] if differences else 1.0


def _hopeless(one: Experiment) -> bool:
    return any(trial.outcome == "hopeless" for trial in one.trials)


# ------------------------------------------------------------------------------------------------------------------------------
# When nothing helps any more
# ------------------------------------------------------------------------------------------------------------------------------


def plateau(run: Run) -> int:
    """Experiments since the policy last kept one for its number. To be simpler is no improvement."""
    count = 0
    for one in reversed(run.experiments.values()):
        if (one.verdict, one.by) == ("keep", "policy") and (_gain(run, one) or 0.0) > 0:
            break
        count += one.parent is not None and bool(one.verdict)
    return count


def heat(run: Run) -> float:
    """From 0, the usual, to 1: nothing has helped for long."""
    return min(1.0, max(0.0, (plateau(run) - PLATEAU) / WARMING))


def _forced(run: Run, possible: Collection[str], near: int) -> str | None:
    """Every second draft opens a fresh axis; the others put near misses together, as often as there are pairs of them."""
    if run.drafted % 2 == 0:
        return "explore" if "explore" in possible else None
    since = len(run.experiments) - plateau(run)
    combined = sum(one.operator == "combine" for number, one in run.experiments.items() if number >= since)
    return "combine" if "combine" in possible and combined < math.comb(near, 2) else None


def _to_repair(run: Run) -> int | None:
    """The experiment that just crashed by what may be a slip: its author sees how, and mends it, once or twice."""
    made: list[Experiment | Draft] = [*run.experiments.values(), *run.drafts.values(), *run.given_up]
    tried = {one.of for one in made if one.operator == "repair"}
    for number in sorted(run.experiments)[-RECENT:][::-1]:
        one = run.experiments[number]
        if one.verdict == "crash" and one.researcher and one.number not in tried and one.reason.partition(":")[0] in REPAIRABLE:
            return number if _repairs(run, one) < REPAIRS else None
    return None


def _repairs(run: Run, one: Experiment) -> int:
    """How often this idea was repaired already."""
    count = 0
    while one.operator == "repair" and one.of in run.experiments:
        count, one = count + 1, run.experiments[one.of]
    return count


def near_misses(run: Run) -> tuple[int, ...]:
    """Discards that were hardly worse than a trunk which is still there, no two of the same knobs, the best first."""
    least, later = -NEAR * _unit(run), _changed_later(run)
    again = {run.experiments[number].of for number in later}

    def is_offered(one: Experiment) -> bool:
        """What a person discarded is not, and what could not be kept either way."""
        return (
            (one.verdict, one.by) == ("discard", "policy")
            and one.operator not in ("ablate", "refit")  # that nothing is gained without a change is no change to add
            and one.number not in again
            and one.parent in later
            and not one.changes.keys() & later[one.parent]
            and one.trust != "suspect"
            and not _hopeless(one)
            and not 0 < run.rules.max_memory_gb < one.memory_gb
        )

    gains = {one.number: gain for one in run.experiments.values() if is_offered(one) and (gain := _gain(run, one)) is not None}
    best: dict[object, int] = {}
    for number in sorted(gains, key=lambda number: (-gains[number], number)):
        if gains[number] >= least:
            best.setdefault(frozenset(run.experiments[number].changes) or number, number)
    return tuple(best.values())[:OFFERED]


def _changed_later(run: Run) -> dict[int, frozenset[str]]:
    """For each experiment of the trunk the knobs that the trunk changed after it."""
    knobs: frozenset[str] = frozenset()
    later = {}
    for number in reversed(run.trunk):
        later[number] = knobs
        knobs |= run.experiments[number].changes.keys()
    return later


# ------------------------------------------------------------------------------------------------------------------------------
# What is not needed any more
# ------------------------------------------------------------------------------------------------------------------------------


def _unneeded(run: Run) -> int | None:
    """The keep of the trunk that is the least sure to be one, from time to time: is the trunk as good without it?

    Never the newest, which was measured against exactly that; none that a person kept, or that made the code smaller; and each but once
    while the trunk that it was tried on is part of this one.
    """
    if run.drafted % SELDOM != SELDOM - 1:
        return None
    later = _changed_later(run)
    made: list[Experiment | Draft] = [*run.experiments.values(), *run.given_up]
    asked = {one.of for one in made if one.operator == "ablate" and one.parent in later}
    possible = (run.experiments[number] for number in run.trunk[1:-1] if number not in asked)
    gains = {
        one.number: gain
        for one in possible
        if one.by == "policy"
        and one.operator not in ("ablate", "revert", "refit")
        and one.added >= 0
        and not one.changes.keys() & later[one.number]
        and (gain := _gain(run, one)) is not None
    }
    return min(gains, key=lambda number: (gains[number], number), default=None)
