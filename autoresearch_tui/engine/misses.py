"""What the trunk may gain from what it has seen: near misses that may help together, and an old keep that it may not need. Pure.

Nothing is offered that somebody is trying, for nobody knows yet what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autoresearch_tui.engine.rewards import gain_over_parent, is_hopeless, units
from autoresearch_tui.engine.undecided import attempts, held
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run

NEAR = 2.0  # sigmas that a near miss may be worse than its parent
OFFERED = 5  # near misses at once
SELDOM = 10  # drafts from one ablation to the next


def near_misses(run: Run, apart_from: str = "") -> tuple[int, ...]:
    """Discards that were hardly worse than a trunk which is still there, no two of the same knobs, the best first.

    `apart_from` is the draft that they are offered to.
    """
    later, now = changed_later(run), attempts(run, apart_from)
    busy, again = held(now), {one.of for one in now} | _made_again(run, later)

    def is_offered(one: Experiment) -> bool:
        """What a person discarded is not, and what could not be kept either way."""
        return (
            one.by == "policy"
            and one.operator not in ("ablate", "refit")  # that nothing is gained without a change is no change to add
            and one.number not in again
            and not one.changes.keys() & (later[one.parent or 0] | busy)
            and one.trust != "suspect"
            and not is_hopeless(one)
            and not 0 < run.rules.max_memory_gb < one.memory_gb
        )

    best = dict[object, int]()
    discards = [one for one in run.lately() if one.verdict == "discard" and one.parent in later]
    sigmas = units(run, discards)
    gains = ((gain, one) for one in discards if (gain := gain_over_parent(run, one)) is not None)
    near = [(gain, one) for gain, one in gains if gain >= -NEAR * sigmas[one.device] and is_offered(one)]
    for _, one in sorted(near, key=lambda found: (-found[0], found[1].number)):
        best.setdefault(frozenset(one.changes) or one.number, one.number)
    return tuple(best.values())[:OFFERED]


def _made_again(run: Run, trunk: Iterable[int]) -> set[int | None]:
    """What was tried a second time here: that one has the last word."""
    line = set(trunk)
    again = {run.experiments[number].of for number in line}
    return again | {one.of for one in run.lately() if one.operator == "keep" and one.verdict == "discard" and one.parent in line}


def changed_later(run: Run) -> dict[int, frozenset[str]]:
    """For each experiment of the trunk the knobs that the trunk changed after it."""
    knobs: frozenset[str] = frozenset()
    later = {}
    for number in reversed(run.trunk):
        later[number] = knobs
        knobs |= run.experiments[number].changes.keys()
    return later


def unneeded(run: Run) -> int | None:
    """The keep of the trunk that is the least sure to be one, from time to time: is the trunk as good without it?

    Never the newest, which was measured against exactly that; none that a person kept, or that made the code smaller; and each but once
    while the trunk that it was tried on is part of this one.
    """
    if run.drafted % SELDOM != SELDOM - 1:
        return None
    later, busy = changed_later(run), held(attempts(run))
    made: list[Experiment | Draft] = [*run.experiments.values(), *run.drafts.values(), *run.given_up]
    asked = {one.of for one in made if one.operator == "ablate" and one.parent in later}
    possible = (run.experiments[number] for number in run.trunk[1:-1] if number not in asked)
    gains = {
        one.number: gain
        for one in possible
        if one.by == "policy"
        and one.operator not in ("ablate", "revert", "refit")
        and one.added >= 0
        and not one.changes.keys() & (later[one.number] | busy)
        and (gain := gain_over_parent(run, one)) is not None
    }
    return min(gains, key=lambda number: (gains[number], number), default=None)
