"""Who goes next in a contest, and where. Pure.

A round gives one experiment to each of those that are furthest behind, in an order that is drawn anew, and over the slots in rotation: what
drifts hits all alike. When all have tried what they may, the trunk of each is trained afresh, in the same way: numbers that nobody chose.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

import msgspec

from autoresearch_tui.journal.commands import Again
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.state import Run

FRESH = 2  # trainings of each run's trunk when its search is over
KNOWN = 3  # trainings of the baseline, from which on the noise is measured and no guess
LOST = 2  # more of either that may come to nothing
STRIKES = 3  # turns in a row that come to nothing, before a run is left as it is


class Turn(msgspec.Struct, frozen=True):
    """What one session does."""

    limit: int
    """Experiments of the run, at the end of the session."""
    again: int | None = None
    """The experiment that is trained again, where nothing new is tried."""


def turn_of(run: Run, experiments: int, is_out: bool = False, since: float = 0.0) -> Turn | None:
    """What a run does next; None: it is done. `since`: trainings of before do not count among those that may come to nothing."""
    if not run.experiments or (not is_out and tried(run) < experiments):
        return Turn(len(run.experiments) + (not run.unsettled))
    if run.tip is None or not tried(run) or len(fresh(run)) >= FRESH or _since(afresh(run), since) >= FRESH + LOST:
        return None
    return Turn(len(run.experiments), again=run.tip)


def first_turn_of(run: Run, since: float = 0.0) -> Turn | None:
    """The same for the run that trains the baseline, and nothing else."""
    if not run.experiments or (run.unsettled and run.baseline and not run.baseline.verdict):
        return Turn(1)
    if run.experiments[0].verdict == "crash":
        return None  # it would crash again
    trials = [trial for trial in run.experiments[0].trials if trial.outcome != "interrupted"]
    known = sum(trial.counts for trial in trials)
    return Turn(1, again=0) if known < KNOWN and _since(trials, since) < KNOWN + LOST else None


def _since(trials: Sequence[Trial], since: float) -> int:
    return sum(trial.at >= since for trial in trials)


def tried(run: Run) -> int:
    """Experiments that are over, without the baseline."""
    return sum(one.settled for one in run.experiments.values() if one.number)


def fresh(run: Run) -> list[Trial]:
    """Trainings of the trunk that no verdict of the search rests on: those that were asked for when all else was over."""
    return [trial for trial in afresh(run) if trial.counts]


def afresh(run: Run) -> list[Trial]:
    """Those, and the ones that came to nothing."""
    if run.tip is None:
        return []
    last = max((trial.at for one in run.experiments.values() if one.number != run.tip for trial in one.trials), default=0.0)
    trials = [trial for trial in run.experiments[run.tip].trials if trial.at > last]
    begun = next((place for place, trial in enumerate(trials) if trial.purpose == "again"), len(trials))
    return [trial for trial in trials[begun:] if trial.outcome != "interrupted"]


def asked(run: Run, sent: Collection[object], number: int) -> bool:
    """Somebody sent that already, before a contest was killed, or it was begun. `sent`: what nobody has heard yet."""
    last = run.experiments[number].trials[-1:] if number in run.experiments else ()
    is_begun = any(trial.purpose == "again" and trial.outcome in ("", "interrupted") for trial in last)
    return is_begun or Again(number) in sent or any(wish.wish == Again(number) for wish in run.wishes.values())


def level(run: Run, failed: int, is_out: bool, experiments: int) -> int:
    """How far a run is, in turns; one that came to nothing is one too."""
    done = tried(run) + failed
    return (max(done, experiments) if is_out else done) + (len(afresh(run)) if done >= experiments or is_out else 0)


def queues(levels: Mapping[str, tuple[str, int]], sharing: Collection[str], slots: int, chance: str) -> list[list[str]]:
    """The runs of the next round, a queue for each slot. `levels`: of those that are not done, by tag: the researcher, and how far it is.

    Those of one researcher that has the card's memory follow each other: it is loaded once for all of them.
    """
    behind = min((at for _, at in levels.values()), default=0)
    going = sorted(tag for tag, (_, at) in levels.items() if at == behind)
    draw = random.Random(f"{chance}/{behind}")
    draw.shuffle(going)
    place = {tag: (number + behind) % slots for number, tag in enumerate(sorted(levels))}
    found: list[list[str]] = [[] for _ in range(slots)]
    for tag in _together(going, {tag: researcher for tag, (researcher, _) in levels.items()}, sharing):
        found[place[tag]].append(tag)
    return found


def _together(going: Sequence[str], researchers: Mapping[str, str], sharing: Collection[str]) -> list[str]:
    first: dict[str, int] = {}
    for place, tag in enumerate(going):
        who = researchers[tag]
        first.setdefault(who if who in sharing else tag, place)
    return sorted(going, key=lambda tag: first[researchers[tag] if researchers[tag] in sharing else tag])
