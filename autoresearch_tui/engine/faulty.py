"""A slot in which all crashes while the other slots train: a cache, a library, a node's memory, which no driver admits to. Pure.

After three crashes in a row in one slot the trunk is trained there, and if it crashes, once more in another one. If it trains in that, the
first is set aside until a person starts the engine again, and what crashed there says nothing of the trunk.
"""

from __future__ import annotations

from itertools import pairwise, takewhile

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
    looks = ([trial for trial in one.trials if trial.purpose == "crashes" and trial.at >= run.session_at] for one in run.repeated)
    pairs = (pair for trials in looks for pair in pairwise(trials))
    return frozenset(first.slot for first, then in pairs if _is_at_fault(first, then))


def look(run: Run, moment: Moment) -> Step | None:
    """What is asked in one of several slots, or done with it."""
    names = [slot.name for slot in run.slots]
    if len(names) < 2 or run.tip is None:
        return None
    looks = list(takewhile(lambda trial: trial.purpose == "crashes", reversed(run.experiments[run.tip].trials)))
    newest, before = (*looks, None, None)[:2]
    in_two = newest and before and failed(newest) and failed(before) and newest.slot != before.slot
    if newest and failed(newest) and not in_two and newest.slot and newest.at >= run.session_at:
        return _asked_in(run, next((name for name in names if name != newest.slot and name in moment.free_slots), None)) or Busy()
    if newest and before and before.slot in names and before.at >= run.session_at and _is_at_fault(before, newest):
        return SetAside(before.slot, newest.slot)
    if in_two:
        return None  # it is not the slot
    return _asked_in(run, next((name for name in names if name in moment.free_slots and _only_crashes_in(run, name)), None))


def _is_at_fault(first: Trial, then: Trial) -> bool:
    """The same code crashed here, and then trained there."""
    return failed(first) and then.value is not None and then.slot != first.slot


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
