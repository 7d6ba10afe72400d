"""What comes next: the state in, one step out. Pure, so that a restart and the next second are the same thing.

The last fact of the oldest unfinished piece decides (`unfinished.py`); then what people wish, in the order stop, pause, rewind, again, a
row, idea; then what the trunk is measured again for; then a new draft (`drafts.py`). What takes long (a training, its measurement) is
done beside the others, and while that goes on in some slots, this says what the free ones are for.
"""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.engine import closing, doubt
from autoresearch_tui.engine.broken import crashing, lost_baseline, starved
from autoresearch_tui.engine.drafts import ahead_of_trials, next_of_drafts, paid_for, spent
from autoresearch_tui.engine.moment import Moment, gate, waiting
from autoresearch_tui.engine.steps import (
    Ask,
    Begin,
    Busy,
    ByHand,
    Conclude,
    Confirm,
    Draw,
    End,
    GiveUp,
    Hold,
    Refit,
    Rest,
    Rewinding,
    Step,
    Train,
)
from autoresearch_tui.engine.unfinished import has_a_slot, is_open, one_more, unfinished
from autoresearch_tui.engine.unfinished import piece as _piece
from autoresearch_tui.journal.commands import Again, Discard, Idea, Keep, Rewind
from autoresearch_tui.journal.state import Run

KNOWN_BEFORE = 10  # experiments, before which the noise is measured


def next_step(run: Run, moment: Moment) -> Step:
    if not run.experiments:
        return Begin()
    ready, waits = unfinished(run, moment)
    if ready:
        return ready
    under_way = replace(moment, busy=moment.busy.union(step.number for step in waits))  # what waits for a slot is as good as begun
    step = Busy() if any(is_open(run, moment, one.number) for one in waits if one.number == run.tip) else _of_the_run(run, under_way)
    if isinstance(step, Train) and moment.slots and not moment.has(step.device):
        step = replace(step, device="")  # that class has left, and may not return
    if isinstance(step, Train) and not has_a_slot(step, under_way):
        waits = [*waits, step]
    elif not under_way.busy or not isinstance(step, Busy | Rest | End | Conclude | Draw | Ask | GiveUp | Hold):
        return step  # else what is under way comes to its end, while `ahead` drafts
    elif isinstance(step, End) and step.failed:
        return step  # nobody needs what still trains
    return Busy() if moment.busy else Rest(f"no slot is free{f' on {waits[0].device}' if waits[0].device else ''}")


def ahead(run: Run, moment: Moment) -> Step | None:
    """What may be done for the next draft while a trial runs; None: nothing. A draft is paid for: none is begun that comes too late."""
    now, limits = moment.now.timestamp(), run.limits
    late = limits.deadline is not None and now + 2 * moment.trial_s > limits.deadline
    full = limits.experiments is not None and len(run.experiments) >= limits.experiments
    if run.repeats or not run.unsettled or run.tip is None or late or full or moment.nothing_left or spent(run) or gate(run, moment):
        return None
    if _closes(run) or (moment.busy and not isinstance(unfinished(run, moment)[0], Train | None)):
        return None
    return ahead_of_trials(run, moment)


def still_wanted(run: Run, moment: Moment, step: Train) -> bool:
    """Whether a training whose processes are made is still to begin: somebody may have said something meanwhile."""
    one = run.experiments.get(step.number)
    if one is None or len(one.trials) + 1 != step.trial or gate(run, moment):
        return False
    if step.again:
        return step.again.command in run.wishes
    if any(_is_alike(_piece(run, other), step) for other in run.unsettled):
        return True
    before = replace(moment, busy=moment.busy - {step.number}, free=(*moment.free, step.device), free_slots=(*moment.free_slots, step.slot))
    return one.settled and _is_alike(_of_the_run(run, before), step)


def piece(run: Run, number: int) -> Step | None:
    """What an experiment needs next; None: nothing."""
    one = run.experiments[number]
    return None if one.settled else _piece(run, one)


def _is_alike(step: Step, other: Train) -> bool:
    """The same training, wherever it is made."""
    return isinstance(step, Train) and replace(step, device=other.device) == other


# ------------------------------------------------------------------------------------------------------------------------------
# Where every piece is finished, or under way
# ------------------------------------------------------------------------------------------------------------------------------


def _of_the_run(run: Run, moment: Moment) -> Step:
    barrier = gate(run, moment)
    if isinstance(barrier, End) and closing.is_due(run):
        return Conclude()
    if barrier:
        return barrier
    baseline = run.experiments[0]
    if moment.busy and not (moment.free and baseline.trials and (moment.crowded or baseline.verdict)):
        return Busy()
    if lost := lost_baseline(run):
        return lost if 0 not in moment.busy else Busy()
    if run.repeats:
        return _confirmed(run, moment)
    limit = run.limits.experiments
    ends = limit is not None and len(run.experiments) >= limit
    crashed = None if ends else crashing(run, moment)
    rests = isinstance(crashed, Rest | End | Busy)  # then people are heard first
    wished = _wished(run, moment)
    if step := (wished or crashed) if rests else (crashed or wished):
        return step
    early = bool(moment.nothing_left) and not waiting(run, Idea) and not paid_for(run, moment)
    if closes := _closing(run, moment, early):
        return closes
    if more := _measured_before(run, moment, ends):
        return more
    if ends:
        return End(f"{limit} experiments are done")
    return _new(run, moment)


def _new(run: Run, moment: Moment) -> Step:
    """Of an experiment that there is not yet."""
    if (number := starved(run, len(moment.slots))) is not None:
        return Refit(number)
    if no_more := spent(run):
        return paid_for(run, moment) or no_more
    return next_of_drafts(run, moment)


def _wished(run: Run, moment: Moment) -> Step | None:
    for wish in waiting(run, Rewind):
        assert isinstance(wish.wish, Rewind)
        return Rewinding(wish, wish.wish.experiment)
    for wish in waiting(run, Again):
        assert isinstance(wish.wish, Again)
        one = run.experiments[wish.wish.experiment]
        if one.settled and one.number not in moment.busy:
            device = one.device if moment.has(one.device) else ""
            return Train(one.number, len(one.trials) + 1, again=wish, purpose="again", device=device)
    under_way = {draft.idea_of for draft in run.drafts.values()}
    for wish in waiting(run, Keep, Discard):
        assert isinstance(wish.wish, Keep | Discard)
        if run.experiments[wish.wish.experiment].settled and wish.command not in under_way:
            return ByHand(wish)
    return None


def _measured_before(run: Run, moment: Moment, ends: bool) -> Train | None:
    """What the trunk is measured for, before the next draft."""
    if is_open(run, moment, run.tip):
        return None
    wanted: list[doubt.More] = []
    if (len(run.experiments) >= KNOWN_BEFORE or (ends and len(run.trunk) > 1)) and (noise := doubt.noise_trial(run)):
        wanted.append(noise)
    if not ends:
        wanted += doubt.drift_trials(run)
    more = next((more for more in wanted if moment.has(_device_of(run, more))), None)
    return one_more(run, more.number, more.purpose, more.device) if more else None


def _device_of(run: Run, more: doubt.More) -> str:
    return run.experiments[more.number].device if more.device is None else more.device


# ------------------------------------------------------------------------------------------------------------------------------
# The closing measurement
# ------------------------------------------------------------------------------------------------------------------------------


def _closing(run: Run, moment: Moment, early: bool) -> Step | None:
    """Baseline and trunk, side by side; the end where that is done, and where nothing is left to do."""
    clock = moment.now.timestamp(), moment.trial_s, early
    if more := closing.next_trial(run, *clock, moment.slots):
        alone = all(
            run.experiments[number].trials[-1:] and run.experiments[number].trials[-1].purpose == "closing" for number in moment.busy
        )
        return one_more(run, more.number, more.purpose, more.device) if alone else Busy()
    if closing.is_over(run, *clock):
        return Conclude() if closing.is_due(run) else End(moment.nothing_left or "the closing measurement is done")
    return End(moment.nothing_left) if early else None


def _closes(run: Run) -> bool:
    return any(trial.purpose == "closing" and not trial.outcome for one in run.unsettled for trial in one.trials)


def _confirmed(run: Run, moment: Moment) -> Step:
    """Of a run that confirms another one's gain: its best code, and then trials in turns."""
    if len(run.experiments) < 2:
        return Confirm()
    best = run.experiments[1]
    if best.verdict != "keep":
        return End(f"the best of {run.confirms} has no number with this budget: {best.reason}", failed=True)
    if more := closing.next_trial(run, moment.now.timestamp(), moment.trial_s, devices=moment.slots):
        return one_more(run, more.number, more.purpose, more.device)
    return Conclude() if closing.is_due(run) else End(f"{run.confirms} is measured again")
