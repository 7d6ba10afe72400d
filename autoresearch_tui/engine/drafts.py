"""What the drafts need, and when another one is begun. Pure.

Owns for how many slots drafts are written, when nobody is asked any more, and how long one rests after drafts that came to nothing. How a
draft comes to be is `drafting.py`'s.
"""

from __future__ import annotations

from autoresearch_tui.engine.moment import Moment, waiting
from autoresearch_tui.engine.steps import Ask, Busy, Draw, End, GiveUp, Hold, Propose, Rest, Step
from autoresearch_tui.journal.commands import Idea
from autoresearch_tui.journal.state import Draft, Run, Waiting

ATTEMPTS = 5  # replies to one draft before it is given up: two repairs, another form of an edit, and a repair of that
FRUITLESS = 3  # drafts given up in a row before the next one waits
FIRST_REST_S, LONGEST_REST_S = 10.0, 600.0  # so long: twice as long after each further one


def next_of_drafts(run: Run, moment: Moment) -> Step:
    """What makes the next experiment. While anything trains, `ahead_of_trials` writes, and this only proposes."""
    idea = _next_idea(run)
    if idea and not moment.busy:
        return Draw(idea)
    steps = _steps(run, moment)
    if moment.busy:
        return next((step for step in steps if isinstance(step, Propose)), Busy())
    ready = next((step for step in steps if not isinstance(step, Rest | End)), None)
    if isinstance(ready, Propose) and moment.in_turn and (more := _for_other_slots(run, moment, steps)):
        return more
    if ready or steps:
        return ready or steps[0]
    return _resting(run, moment) or Draw()


def ahead_of_trials(run: Run, moment: Moment) -> Step | None:
    """What is written while something trains: one reply at a time, until each slot has a draft."""
    if idea := _next_idea(run):
        return Draw(idea)
    if step := next((step for step in _steps(run, moment) if isinstance(step, Ask | Hold | GiveUp)), None):
        return step
    unready = any(not draft.blob for draft in run.drafts.values())
    return Draw() if len(run.drafts) < _room(run, len(moment.slots)) and not unready and not _resting(run, moment) else None


def spent(run: Run) -> End | None:
    """Nobody is asked any more."""
    limit = run.limits.cost
    return End(f"the limit of {limit:.2f} USD is reached") if limit is not None and run.cost >= limit else None


def paid_for(run: Run, moment: Moment) -> Step | None:
    """What becomes an experiment without asking anybody: it was paid for, or costs nothing."""
    free = {draft.draft for draft in run.drafts.values() if not draft.needs_reply}
    return next((step for step in _steps(run, moment) if isinstance(step, Propose | Hold) or _draft_of(step) in free), None)


def rest_s(fruitless: int) -> float:
    """How long one rests after so many drafts in a row that came to nothing."""
    return min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(fruitless - FRUITLESS, 30))


def _draft_of(step: Step) -> str:
    return step.draft if isinstance(step, Ask) else ""


def _room(run: Run, slots: int) -> int:
    """For how many drafts there will be a slot, and an experiment."""
    limit = run.limits.experiments
    return slots if limit is None else min(slots, limit - len(run.experiments))


def _for_other_slots(run: Run, moment: Moment, steps: list[Step]) -> Step | None:
    """What is written before anything trains: a draft for each slot that is free, one after the other."""
    if writing := next((step for step in steps if not isinstance(step, Propose | Rest | End)), None):
        return writing
    more = len(run.drafts) < _room(run, len(moment.free)) and not moment.nothing_left and not _resting(run, moment)
    return Draw() if more else None


def _next_idea(run: Run) -> Waiting | None:
    """A person's idea whose turn it is: before what was drafted without one, after what people wished before."""
    if any(draft.idea_of is not None for draft in run.drafts.values()):
        return None
    return next(iter(waiting(run, Idea)), None)


def _steps(run: Run, moment: Moment) -> list[Step]:
    """What each draft needs, those of people's ideas first."""
    drafts = sorted(run.drafts.values(), key=lambda draft: draft.idea_of is None)
    return [_step(run, draft, moment) for draft in drafts]


def _step(run: Run, draft: Draft, moment: Moment) -> Step:
    if not draft.blob:
        return _unwritten(draft, moment, run)
    if draft.held_until is None:
        return Hold(draft.draft) if run.review and not draft.kept_by else Propose(draft.draft)
    if draft.approved_by or moment.now.timestamp() >= draft.held_until:
        return Propose(draft.draft)
    return Rest(f"draft {draft.draft} waits for a person", draft.held_until)


def _unwritten(draft: Draft, moment: Moment, run: Run) -> Step:
    if len(draft.refusals) >= ATTEMPTS:
        return GiveUp(draft.draft, f"refused {len(draft.refusals)} times, at last: {draft.refusals[-1]}")
    if draft.replied or not draft.needs_reply or moment.able is None:
        return Ask(draft.draft)
    if not moment.able:
        return _unanswered(run, moment)
    if not set(moment.able) - set(draft.declined):
        if draft.idea_of is not None and moment.back_at is not None:  # a person's idea is worth waiting for who understands it
            return _unanswered(run, moment)
        return GiveUp(draft.draft, f"{', '.join(draft.declined)} will not answer it")
    return Ask(draft.draft)


def _resting(run: Run, moment: Moment) -> Step | None:
    """A researcher that has nothing usable to say is asked again, but less and less often. Where none can answer, nothing is begun."""
    if moment.able == ():
        return _unanswered(run, moment)
    if run.fruitless < FRUITLESS or waiting(run, Idea):
        return None
    until = run.fruitless_at + rest_s(run.fruitless)
    return Rest(f"{run.fruitless} drafts in a row came to nothing", until) if moment.now.timestamp() < until else None


def _unanswered(run: Run, moment: Moment) -> Step:
    """Nobody can answer. What only a person mends is waited for too: somebody may look at the screen."""
    why = "; ".join(f"{name} is down: {down.why.rstrip('.')}" for name, down in run.down.items())
    if moment.back_at is None:
        return End(why or "no researcher can answer")
    return Rest(why, moment.back_at)
