"""The slots of a run: what each of them does, and which one somebody looks at. Pure.

Its log, its card and its trial are on the screen; the others are told in a line. Of a run with a single slot, which has no name, there is
nothing to choose: then all of this is the trial that runs.
"""

from __future__ import annotations

import msgspec

from autoresearch_tui.cockpit.standing import once_for_each, standing
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.state import Run

MOVES_ON_S = 20.0  # that a slot is looked at which does nothing, while others train


class Place(msgspec.Struct, frozen=True):
    """A slot, at one moment of a run."""

    name: str
    card: str = ""
    device: str = ""
    one: Experiment | None = None
    """That it trains or measures; None: nothing."""
    measures: bool = False
    last: tuple[Experiment, Trial] | None = None
    """The newest trial that it had, of those that run and those that are over."""

    @property
    def trains(self) -> Experiment | None:
        return None if self.measures else self.one


@once_for_each
def places(run: Run) -> dict[str, Place]:
    """By name, in the order in which the engine told of them; one that is gone is there until its trial has ended."""
    if not run.slots:
        return {}
    found = {slot.name: Place(slot.name, slot.card, slot.device) for slot in run.slots}
    newest: dict[str, tuple[Experiment, Trial]] = {}
    for one in run.experiments.values():
        for trial in one.trials:
            if trial.slot not in newest or newest[trial.slot][1].at <= trial.at:
                newest[trial.slot] = one, trial
    for name, (one, trial) in newest.items():
        works = not one.settled and trial is one.trials[-1] and _works(trial)
        if name in found or works:
            place = found.get(name, Place(name, device=trial.device))
            found[name] = msgspec.structs.replace(place, one=one if works else None, measures=bool(trial.outcome), last=(one, trial))
    return found


def _works(trial: Trial) -> bool:
    """It trains, or its number is being made where it was trained."""
    return not trial.outcome or (trial.outcome == "finished" and not trial.measured)


def looked_at(run: Run, now: float, row: int | None, before: str) -> str:
    """The slot whose trial the cursor is on; else the one of before, until it has rested for a while and others train."""
    found = places(run)
    chosen = run.experiments.get(row) if row is not None else None
    if chosen is not None and chosen.training and chosen.trials[-1].slot in found:
        return chosen.trials[-1].slot
    kept = before if before in found else ""
    if kept and (found[kept].one or not _rested(found[kept], now)):
        return kept
    return next((name for name, place in found.items() if place.trains), kept or next(iter(found), ""))


def _rested(place: Place, now: float) -> bool:
    if place.last is None:
        return True
    trial = place.last[1]
    return now - (trial.at + trial.seconds) > MOVES_ON_S


def at_work(run: Run, slot: str) -> Experiment | None:
    """The experiment that trains there."""
    if not run.slots:
        return standing(run).running
    return place.trains if (place := places(run).get(slot)) else None


def newest(run: Run, slot: str) -> tuple[Experiment, Trial] | None:
    """The experiment and trial that runs there, else the one that did last."""
    if run.slots:
        return place.last if (place := places(run).get(slot)) else None
    one = standing(run).latest
    return (one, one.trials[-1]) if one else None


def where(run: Run, one: Experiment) -> str:
    """Behind the name of an experiment that trains: ` in gpu1`; nothing where there is a single slot."""
    return f" in {one.trials[-1].slot}" if run.slots and one.training and one.trials[-1].slot else ""


def drains(run: Run) -> str:
    """What becomes of the run when all that trains has ended; empty: nothing of the kind."""
    if run.stopping:
        return "stopping"
    return "pausing" if run.paused or any(isinstance(one.wish, c.Pause) for one in run.wishes.values()) else ""


def idle(run: Run) -> str:
    """Why a slot may have nothing to do, while an engine works."""
    limit, tip = run.limits.experiments, run.experiments.get(run.tip) if run.tip is not None else None
    if ends := drains(run):
        return ends
    if run.waiting:
        return run.waiting
    if any(one.trials[-1].purpose == "closing" for one in run.under_way):
        return "the closing measurement"
    if limit is not None and len(run.experiments) >= limit:
        return "no experiment is left"
    if any(draft.needs_reply and not draft.blob for draft in run.drafts.values()):
        return "a draft is written"
    if tip is None or not tip.verdict:
        return "the baseline comes first"
    return "the trunk is measured again" if not tip.settled else "no draft is ready"
