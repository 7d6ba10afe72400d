"""What the experiments need that have no settled verdict: the last fact of each decides. Pure.

Owns in which order they get it, and what waits: for a slot, or for what the trunk is worth. Whether another trial comes before a verdict
is `doubt.py`'s.
"""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.engine import doubt
from autoresearch_tui.engine.judge import noticed
from autoresearch_tui.engine.moment import Moment, gate
from autoresearch_tui.engine.steps import Apply, Bury, Commit, End, Judge, Measure, Notice, Step, Train
from autoresearch_tui.journal.events import Purpose
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run


def piece(run: Run, one: Experiment) -> Step:
    """What comes next in the life of an experiment."""
    if not one.commit:
        return Commit(one.number)
    if not one.trials:
        return Train(one.number, 1)
    last = one.trials[-1]
    if not last.outcome:
        return Bury(one.number, last.number)
    if last.outcome == "interrupted":
        if last.purpose == "closing" and last.at < run.session_at and not run.repeats:
            return _as_it_was(one)  # that night is over
        return Train(one.number, last.number + 1, purpose=last.purpose, device=last.device if last.purpose else "")
    if last.outcome == "finished" and not last.measured:
        return Measure(one.number, last.number)
    if one.verdict and not one.due:
        return Apply(one.number)
    if noticed(run, one.number):
        return Notice(one.number)
    more = None if run.repeats else doubt.wanted(run, one.number)
    return one_more(run, more.number, more.purpose, more.device) if more else Judge(one.number)


def one_more(run: Run, number: int, purpose: Purpose, device: str | None = None) -> Train:
    """Another trial, where it has its number, unless another class of device is asked about."""
    one = run.experiments[number]
    return Train(number, len(one.trials) + 1, purpose=purpose, device=one.device if device is None else device)


def unfinished(run: Run, moment: Moment) -> tuple[Step | None, list[Train]]:
    """What can be done for one of them, the oldest first and what needs no slot before what does; and the trainings that wait for one."""
    waits: list[Train] = []
    barrier, unknown = gate(run, moment), _is_unknown(run, moment)
    for one in run.unsettled:
        waits_for_the_trunk = unknown and one.number != run.tip
        if one.number in moment.busy or (waits_for_the_trunk and _is_over(one)):
            continue
        step = _where_it_can(one, piece(run, one), moment)
        if isinstance(step, Train) and one.number and run.experiments[0].verdict == "crash":
            continue  # there is nothing to compare it with
        if isinstance(step, Train) and barrier:  # no trial starts past it; where the night ends, a verdict rests on those that there are
            if not isinstance(barrier, End) or one.between_trials:
                continue
            step = Judge(one.number)
        if isinstance(step, Train):
            waits.append(step)
        elif isinstance(step, Judge) and waits_for_the_trunk:
            continue
        elif not isinstance(step, Bury | Measure) or len(moment.busy) < len(moment.slots):
            return step, []
    ready = next((step for step in waits if has_a_slot(step, moment)), None)
    return ready, [] if ready else waits


def has_a_slot(step: Train, moment: Moment) -> bool:
    return step.number not in moment.busy and moment.has_free(step.device) and (not step.slot or step.slot in moment.free_slots)


def is_open(run: Run, moment: Moment, number: int | None) -> bool:
    """What it is worth is just being found out, or waits for a slot to be."""
    return number is not None and (number in moment.busy or not run.experiments[number].settled)


def _is_unknown(run: Run, moment: Moment) -> bool:
    """The trunk, with which all else is compared, has no number, or is measured again."""
    return run.tip is not None and (is_open(run, moment, run.tip) or run.experiments[run.tip].verdict == "crash")


def _is_over(one: Experiment) -> bool:
    """Only a verdict is missing, or another trial before it."""
    if one.between_trials or not one.due:
        return False
    last = one.trials[-1]
    return last.measured or last.outcome not in ("", "finished")


def _where_it_can(one: Experiment, step: Step, moment: Moment) -> Step:
    """A class of device that has left may not return: then a verdict rests on the trials that there are, or on one made elsewhere."""
    if not isinstance(step, Train) or not moment.slots or moment.has(step.device):
        return step
    return replace(step, device="") if one.value is None else _as_it_was(one)


def _as_it_was(one: Experiment) -> Step:
    """No other trial comes: the verdict that it has stands, or what it has decides."""
    return Judge(one.number) if one.due else Apply(one.number)
