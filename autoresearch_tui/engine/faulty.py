"""A slot in which all crashes while the other slots train: a cache, a library, a node's memory, which no driver admits to. Pure.

After three crashes in a row in one slot the trunk is trained there. If that crashes too and the next that is known of another slot is a
number, the slot is set aside until a person starts the engine again, and what crashed there says nothing of the trunk.
"""

from __future__ import annotations

from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Busy, SetAside, Step, Train
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.state import Run

CRASHES = 3  # in a row, before it is asked whether the trunk still trains


def failed(trial: Trial) -> bool:
    """Code that once trained does not, now that it was asked."""
    return trial.purpose == "crashes" and _crashed(trial)


def set_aside(run: Run) -> frozenset[str]:
    """The slots that were found to be at fault since a person started the engine."""
    return frozenset(look.slot for look in _failed_looks(run) if _trains_only_elsewhere(_told_elsewhere(run, look)))


def look(run: Run, moment: Moment) -> Step | None:
    """What is asked in one of several slots, or done with it."""
    names = [slot.name for slot in run.slots]
    if len(names) < 2 or run.tip is None:
        return None
    newest = max((one for one in _failed_looks(run) if one.slot in names), key=lambda one: one.at, default=None)
    if newest:
        before, since = told = _told_elsewhere(run, newest)
        if since and _trains_only_elsewhere(told):
            return SetAside(newest.slot, since.slot)
        if not since and not (before and failed(before)):
            return _asked_in(run, next((name for name in names if name != newest.slot and name in moment.free_slots), None)) or Busy()
        if failed(run.experiments[run.tip].trials[-1]):
            return None  # nor does it train elsewhere: it is not the slot
    return _asked_in(run, next((name for name in names if name in moment.free_slots and _only_crashes_in(run, name)), None))


def _failed_looks(run: Run) -> list[Trial]:
    """Since a person started the engine."""
    return [trial for one in run.repeated for trial in one.trials if failed(trial) and trial.slot and trial.at >= run.session_at]


def _told_elsewhere(run: Run, look: Trial) -> tuple[Trial | None, Trial | None]:
    """The last that was known of other slots when that look began, and the first that became known since: a number, or a failed look."""
    ones = {one.number: one for one in (*run.lately(), *run.repeated)}
    others = (trial for one in ones.values() for trial in one.trials if trial.slot != look.slot)
    told = sorted((trial for trial in others if trial.value is not None or failed(trial)), key=_ended_at)
    before, since = ([trial for trial in told if (_ended_at(trial) > look.at) == later] for later in (False, True))
    return next(reversed(before), None), next(iter(since), None)


def _trains_only_elsewhere(told: tuple[Trial | None, Trial | None]) -> bool:
    before, since = told
    return since is not None and since.value is not None and not (before and failed(before))


def _ended_at(trial: Trial) -> float:
    return trial.at + trial.seconds


def _asked_in(run: Run, slot: str | None) -> Train | None:
    assert run.tip is not None
    number = len(run.experiments[run.tip].trials) + 1
    return Train(run.tip, number, purpose="crashes", slot=slot) if slot is not None else None


def _only_crashes_in(run: Run, slot: str) -> bool:
    """Of the last trials there."""
    trials = (trial for one in run.lately(4 * CRASHES * len(run.slots)) for trial in one.trials)
    there = [trial for trial in trials if trial.slot == slot and trial.at >= run.session_at and _says_anything(trial)]
    lately = sorted(there, key=lambda trial: trial.at)[-CRASHES:]
    return len(lately) == CRASHES and all(map(_crashed, lately))


def _says_anything(trial: Trial) -> bool:
    return trial.outcome not in ("", "interrupted", "skipped") and (trial.outcome != "finished" or trial.measured)


def _crashed(trial: Trial) -> bool:
    return trial.value is None and trial.outcome in ("crash", "finished")
