"""Which kind of move is asked for, and from where. Pure.

The parent is always the tip of the trunk. A night has about a hundred experiments, and nearly every gain in it is one small change that
adds to the others: a greedy line finds more of them than a population that trains each of its members too seldom. What was nearly good
enough is not lost by that: near misses come back together, by `combine`.

The operator is drawn by a bandit that forgets: the reward is the gain in sigmas, and what helped lately counts more than what helped in
the evening. What is being tried in other slots counts as tried, so several are different. How the trunk goes back is not decided here,
for only a person or three crashes in a row ask for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator

import msgspec

from autoresearch_tui.engine.judge import next_draft
from autoresearch_tui.engine.misses import near_misses, unneeded
from autoresearch_tui.engine.rewards import gain_over_parent, ranked
from autoresearch_tui.engine.undecided import Attempt, attempts
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run

OPERATORS = ("tune", "explore", "simplify", "combine", "ablate")  # of two that are worth the same, the first; the last is our own
BOLDNESS = 1.0  # how many sigmas it is worth to look at what was hardly tried
PLATEAU = 15  # experiments without an improvement before the search changes its ways
WARMING = 15  # further ones until it is as bold as it can be
REPAIRABLE = ("error", "contract")  # crashes that may be a slip of the pen; what needs too much memory is another idea
REPAIRS = 2  # of one idea
RECENT = 3  # verdicts after which a crash is left alone: while one trained, the next was drafted already


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
    now, pairs = attempts(run), math.comb(len(near_misses(run)), 2)
    possible = [one for one in OPERATORS[:-1] if one in able and (one != "combine" or pairs > _blind_combinations(now))]
    without = plateau(run)
    if without >= PLATEAU and (forced := _forced(run, possible, pairs)):
        return Move(forced, run.tip)
    old = unneeded(run)
    operators = [*possible, "ablate"] if old is not None else possible
    order = ranked(run, operators, Counter(one.operator for one in now), BOLDNESS * (1 + _heat(without)))
    if not order:
        return Move(next((one for one in OPERATORS if one in able), OPERATORS[0]), run.tip)
    operator = order[run.fruitless % len(order)]  # after a draft that came to nothing, another kind
    return Move(operator, run.tip, old if operator == "ablate" else None)


def _blind_combinations(now: Collection[Attempt]) -> int:
    """Pairs that are being tried and do not show by their knobs which near misses they are of."""
    return sum(one.operator == "combine" and not one.changes for one in now)


# ------------------------------------------------------------------------------------------------------------------------------
# When nothing helps any more
# ------------------------------------------------------------------------------------------------------------------------------


def plateau(run: Run) -> int:
    """Experiments since the policy last kept one for its number, as far as that is not long ago. To be simpler is no improvement."""
    return sum(one.parent is not None and bool(one.verdict) for one in _since_it_helped(run))


def _since_it_helped(run: Run) -> Iterator[Experiment]:
    """Those without a verdict too, the newest first."""
    for one in run.lately():
        if (one.verdict, one.by) == ("keep", "policy") and (gain_over_parent(run, one) or 0.0) > 0:
            return
        yield one


def heat(run: Run) -> float:
    """From 0, the usual, to 1: nothing has helped for long."""
    return _heat(plateau(run))


def _heat(without: int) -> float:
    return min(1.0, max(0.0, (without - PLATEAU) / WARMING))


def _forced(run: Run, possible: Collection[str], pairs: int) -> str | None:
    """Every second draft opens a fresh axis; the others put near misses together, as often as there are pairs of them."""
    if run.drafted % 2 == 0:
        return "explore" if "explore" in possible else None
    made: list[Experiment | Draft] = [*_since_it_helped(run), *run.drafts.values()]
    combined = sum(one.operator == "combine" for one in made)
    return "combine" if "combine" in possible and combined < pairs else None


# ------------------------------------------------------------------------------------------------------------------------------
# What crashed by a slip
# ------------------------------------------------------------------------------------------------------------------------------


def _to_repair(run: Run) -> int | None:
    """The experiment that just crashed by what may be a slip: its author sees how, and mends it, once or twice."""
    made: list[Experiment | Draft] = [*run.lately(), *run.drafts.values(), *run.given_up]
    tried = {one.of for one in made if one.operator == "repair"}
    judged = 0
    for one in reversed(run.experiments.values()):
        judged += bool(one.verdict)
        if judged > RECENT:
            return None
        if one.verdict == "crash" and one.researcher and one.number not in tried and one.reason.partition(":")[0] in REPAIRABLE:
            return one.number if _repairs(run, one) < REPAIRS else None
    return None


def _repairs(run: Run, one: Experiment) -> int:
    """How often this idea was repaired already."""
    count = 0
    while one.operator == "repair" and one.of in run.experiments:
        count, one = count + 1, run.experiments[one.of]
    return count
