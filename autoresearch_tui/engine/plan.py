"""What comes next: the state in, one step out. Pure, so that a restart and the next second are the same thing.

The last fact of the oldest unfinished piece decides; then what people wish, in the order stop, pause, rewind, again, a row, idea; then a
new draft. How a step is done is `controller.py`'s.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from autoresearch_tui.clock import inside
from autoresearch_tui.engine import closing, doubt
from autoresearch_tui.engine.judge import noticed
from autoresearch_tui.journal.commands import Again, Discard, Idea, Keep, Pause, Rewind, Stop
from autoresearch_tui.journal.events import Purpose
from autoresearch_tui.journal.state import Draft, Experiment, Run, Trial, Waiting

ATTEMPTS = 5  # replies to one draft before it is given up: two repairs, another form of an edit, and a repair of that
FRUITLESS = 3  # drafts given up in a row before the next one waits
FIRST_REST_S, LONGEST_REST_S = 10.0, 600.0  # so long: twice as long after each further one
CRASHES = 3  # experiments in a row that crash before the trunk is asked whether it still trains
CRASHING_S = 600.0  # between two looks at a machine on which nothing trains
CRASHING_TRIES = 50  # of them: a night
KNOWN_BEFORE = 10  # experiments, before which the noise is measured


class Step(msgspec.Struct, frozen=True):
    """One thing to do."""


class Restore(Step, frozen=True):
    """Make the world say what the journal says: the first step of a session."""


class Begin(Step, frozen=True):
    """Propose the baseline."""


class Commit(Step, frozen=True):
    number: int


class Train(Step, frozen=True):
    number: int
    trial: int
    again: Waiting | None = None
    purpose: str = ""
    """Why the same code is trained again."""


class Bury(Step, frozen=True):
    """A trial was running when an engine died."""

    number: int
    trial: int


class Measure(Step, frozen=True):
    number: int
    trial: int


class Notice(Step, frozen=True):
    """The trials of an experiment say something about one another."""

    number: int


class Judge(Step, frozen=True):
    number: int


class Apply(Step, frozen=True):
    number: int


class Rewinding(Step, frozen=True):
    wish: Waiting
    to: int


class StepBack(Step, frozen=True):
    """The trunk does not train any more: it goes back to what it was made from."""

    to: int


class Conclude(Step, frozen=True):
    """Say what the closing measurement came to."""


class ByHand(Step, frozen=True):
    """A person's word on a row whose moment has come."""

    wish: Waiting


class Draw(Step, frozen=True):
    """Begin a draft."""

    idea: Waiting | None = None


class Refit(Step, frozen=True):
    """Lower the trunk's device batch, for this experiment died of memory."""

    number: int


class Ask(Step, frozen=True):
    """Get a reply for a draft and make a train.py of it."""

    draft: str


class Hold(Step, frozen=True):
    """Let a person see the draft first."""

    draft: str


class Propose(Step, frozen=True):
    draft: str


class GiveUp(Step, frozen=True):
    """Give a draft up."""

    draft: str
    why: str


class Rest(Step, frozen=True):
    """Nothing can start now. `until` is when to look again, unless something happens before."""

    why: str
    until: float | None = None
    pause: bool = False
    """A person wants it so; otherwise it goes on by itself."""


class End(Step, frozen=True):
    why: str
    failed: bool = False


class Moment(msgspec.Struct, frozen=True):
    """What the plan knows of the world: the time, with its zone, and the disk."""

    now: datetime
    free_gb: float = float("inf")
    floor_gb: float = 0.0
    trial_s: float = 0.0
    """How long a trial takes, from launch to verdict."""
    nothing_left: str = ""
    """Why the researcher has nothing more to propose, if it said so."""
    able: tuple[str, ...] | None = None
    """The researchers that can answer now; None: nobody asked."""
    back_at: float | None = None
    """When those that cannot are looked for again; None: only a person helps."""
    taken: str = ""
    """Who has the card, where that is to be waited for."""


def next_step(run: Run, moment: Moment) -> Step:
    if not run.experiments:
        return Begin()
    for experiment in run.unsettled:
        return _gated(run, moment, _piece(run, experiment))
    if isinstance(barrier := gate(run, moment), End) and closing.is_due(run):
        return Conclude()
    if barrier:
        return barrier
    if baseline := _lost_baseline(run):
        return baseline
    limit = run.limits.experiments
    ends = limit is not None and len(run.experiments) >= limit
    crashing = None if ends else _crashing(run, moment)
    rests = isinstance(crashing, Rest | End)  # then people are heard first
    if step := (_wished(run) or crashing) if rests else (crashing or _wished(run)):
        return step
    early = bool(moment.nothing_left) and not waiting(run, Idea)
    clock = moment.now.timestamp(), moment.trial_s, early
    if (closed := closing.next_trial(run, *clock)) is not None:
        return _trial(run, closed, "closing")
    if closing.is_over(run, *clock):
        return Conclude() if closing.is_due(run) else End(moment.nothing_left or "the closing measurement is done")
    if early:
        return End(moment.nothing_left)
    if more := _measured_before(run, ends):
        return _trial(run, more.number, more.purpose)
    if ends:
        return End(f"{limit} experiments are done")
    if (starved := _starved(run)) is not None:
        return Refit(starved)
    if spent := _spent(run):  # what was paid for is trained first
        return next((step for step in _of_drafts(run, moment) if isinstance(step, Propose | Hold)), spent)
    if idea := _next_idea(run):
        return Draw(idea)
    if steps := _of_drafts(run, moment):
        return next((step for step in steps if not isinstance(step, Rest | End)), steps[0])
    return _resting(run, moment) or Draw()


def ahead(run: Run, moment: Moment) -> Step | None:
    """What may be done for the next draft while a trial runs; None: nothing. A draft is paid for: none is begun that comes too late."""
    late = run.limits.deadline is not None and moment.now.timestamp() + 2 * moment.trial_s > run.limits.deadline
    closes = any(trial.purpose == "closing" and not trial.outcome for one in run.unsettled for trial in one.trials)
    full = run.limits.experiments is not None and len(run.experiments) >= run.limits.experiments
    if not run.unsettled or run.tip is None or late or closes or full or moment.nothing_left or _spent(run) or gate(run, moment):
        return None
    if idea := _next_idea(run):
        return Draw(idea)
    steps = _of_drafts(run, moment)
    if not run.drafts and not _resting(run, moment):
        return Draw()
    return next((step for step in steps if isinstance(step, Ask | Hold | GiveUp)), None)


def _starved(run: Run) -> int | None:
    """The last experiment died of memory, and nobody has yet tried whether the trunk does with less: once in a run."""
    judged = [one for _, one in sorted(run.experiments.items()) if one.verdict]
    if run.refitted or run.tip is None or not judged:
        return None
    last = judged[-1]
    return last.number if last.verdict == "crash" and last.trials[-1].crash == "memory" and last.parent == run.tip else None


def rest_s(fruitless: int) -> float:
    """How long one rests after so many drafts in a row that came to nothing."""
    return min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(fruitless - FRUITLESS, 30))


def _spent(run: Run) -> End | None:
    """Nobody is asked any more."""
    limit = run.limits.cost
    return End(f"the limit of {limit:.2f} USD is reached") if limit is not None and run.cost >= limit else None


def _next_idea(run: Run) -> Waiting | None:
    """A person's idea whose turn it is: before what was drafted without one, after what people wished before."""
    if any(draft.idea_of is not None for draft in run.drafts.values()):
        return None
    return next(iter(waiting(run, Idea)), None)


def _of_drafts(run: Run, moment: Moment) -> list[Step]:
    """What each draft needs, those of people's ideas first."""
    drafts = sorted(run.drafts.values(), key=lambda draft: draft.idea_of is None)
    return [_of_draft(run, draft, moment) for draft in drafts]


def _resting(run: Run, moment: Moment) -> Step | None:
    """A researcher that has nothing usable to say is asked again, but less and less often. Where none can answer, nothing is begun."""
    if moment.able == ():
        return _unanswered(run, moment)
    if run.fruitless < FRUITLESS or waiting(run, Idea):
        return None
    until = run.fruitless_at + rest_s(run.fruitless)
    return Rest(f"{run.fruitless} drafts in a row came to nothing", until) if moment.now.timestamp() < until else None


def _piece(run: Run, one: Experiment) -> Step:
    """What an unfinished experiment needs."""
    if not one.commit:
        return Commit(one.number)
    if not one.trials:
        return Train(one.number, 1)
    last = one.trials[-1]
    if not last.outcome:
        return Bury(one.number, last.number)
    if last.outcome == "interrupted":
        if last.purpose == "closing" and last.at < run.session_at:
            return Judge(one.number) if one.due else Apply(one.number)  # that night is over, and its verdict stands
        return Train(one.number, last.number + 1, purpose=last.purpose)
    if last.outcome == "finished" and not last.measured:
        return Measure(one.number, last.number)
    if one.verdict and not one.due:
        return Apply(one.number)
    if noticed(run, one.number):
        return Notice(one.number)
    more = doubt.wanted(run, one.number)
    return _trial(run, more.number, more.purpose) if more else Judge(one.number)


def _trial(run: Run, number: int, purpose: Purpose) -> Train:
    return Train(number, len(run.experiments[number].trials) + 1, purpose=purpose)


def _gated(run: Run, moment: Moment, step: Step) -> Step:
    """No trial starts past a barrier; where the night ends, a verdict rests on the trials that there are."""
    if not isinstance(step, Train):
        return step
    barrier = gate(run, moment)
    waits = next(iter(run.unsettled), None)
    if isinstance(barrier, End) and waits and not waits.between_trials:
        return Judge(waits.number)
    return barrier or step


def _measured_before(run: Run, ends: bool) -> doubt.More | None:
    """What the trunk is measured for, before the next draft."""
    assert run.tip is not None
    kept = len(run.trunk) > 1
    if (len(run.experiments) >= KNOWN_BEFORE or (ends and kept)) and (more := doubt.noise_trial(run)):
        return more
    return doubt.drift_trial(run) if not ends else None


def _crashing(run: Run, moment: Moment) -> Step | None:
    """Three crashes in a row may not be the ideas' fault: the trunk is trained again, and if it crashes too, what it was made from.

    It goes back only to what trains. If not even the baseline does, it is the machine, and nothing is given up.
    """
    assert run.tip is not None
    tip = run.experiments[run.tip]
    last = tip.trials[-1]
    if not _failed(last) or last.at < run.moved_at:  # a person who went back there knows better
        judged = [one for _, one in sorted(run.experiments.items()) if one.verdict and one.number not in run.trunk]
        judged = [one for one in judged if one.operator != "repair"]  # a slip that was not mended is the same slip
        lately = judged[-CRASHES:]
        crashed = len(lately) == CRASHES and all(one.verdict == "crash" and one.trials[-1].at > last.at for one in lately)
        return _trial(run, tip.number, "crashes") if crashed else None
    for number in reversed(run.trunk[:-1]):
        asked = [trial for trial in run.experiments[number].trials if trial.purpose == "crashes" and trial.at > last.at]
        if not asked:
            return _trial(run, number, "crashes")
        if not _failed(asked[-1]):  # it was the machine if it failed before: then the tip is asked once more
            return _trial(run, tip.number, "crashes") if any(map(_failed, asked)) else StepBack(number)
    return _broken(run, moment)


def _failed(trial: Trial) -> bool:
    """Code that once trained does not, now that it was asked."""
    return trial.purpose == "crashes" and trial.value is None and trial.outcome in ("crash", "finished")


def _broken(run: Run, moment: Moment) -> Step:
    """Nothing trains on this machine: the baseline is asked again, until a night is over."""
    baseline = run.experiments[0]
    last = baseline.trials[-1]
    why = f"nothing trains any more, not even the baseline: {last.why or last.crash}"
    if sum(trial.purpose == "crashes" and trial.at >= run.session_at for trial in baseline.trials) >= CRASHING_TRIES:
        return End(why, failed=True)
    until = last.at + last.seconds + CRASHING_S
    started = run.engine is not None and last.at < run.engine.at  # whoever starts it may have mended the machine
    return Rest(why, until) if moment.now.timestamp() < until and not started else _trial(run, 0, "crashes")


def gate(run: Run, moment: Moment) -> Step | None:
    """What keeps anything new from starting."""
    for wish in waiting(run, Stop):
        return End(f"stopped by {wish.by}")
    now = moment.now.timestamp()
    limits = run.limits
    if limits.deadline is not None and now + moment.trial_s > limits.deadline:
        return End("the time is up" if now > limits.deadline else "no trial would end before the time is up")
    if run.paused or (pauses := waiting(run, Pause)):
        return Rest("paused" if run.paused else f"paused by {pauses[0].by}", pause=True)
    if limits.between:
        within, edge = inside(limits.between, moment.now)
        if not within:
            return Rest(f"outside {limits.between}", edge.timestamp())
    if moment.free_gb < moment.floor_gb:
        return Rest(f"less than {moment.floor_gb:g} GB of disk are free", now + 10)
    if moment.taken:
        return Rest(moment.taken, now + 1)
    return None


def _lost_baseline(run: Run) -> Step | None:
    """Without a baseline nothing can be compared. Each start of the engine trains it once more, for a person may have mended it."""
    baseline = run.experiments[0]
    if baseline.verdict != "crash":
        return None
    wish = next((wish for wish in waiting(run, Again) if wish.wish == Again(0)), None)
    if wish or (run.engine and baseline.trials[-1].at < run.engine.at):
        return Train(0, baseline.trials[-1].number + 1, again=wish)
    return End(f"the baseline does not train: {baseline.reason}", failed=True)


def _wished(run: Run) -> Step | None:
    for wish in waiting(run, Rewind):
        assert isinstance(wish.wish, Rewind)
        return Rewinding(wish, wish.wish.experiment)
    for wish in waiting(run, Again):
        assert isinstance(wish.wish, Again)
        one = run.experiments[wish.wish.experiment]
        return Train(one.number, len(one.trials) + 1, again=wish, purpose="again")
    under_way = {draft.idea_of for draft in run.drafts.values()}
    for wish in waiting(run, Keep, Discard):
        if wish.command in under_way:
            continue
        return ByHand(wish)
    return None


def _of_draft(run: Run, draft: Draft, moment: Moment) -> Step:
    if not draft.blob:
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
    if draft.held_until is None:
        return Hold(draft.draft) if run.review and not draft.kept_by else Propose(draft.draft)
    if draft.approved_by or moment.now.timestamp() >= draft.held_until:
        return Propose(draft.draft)
    return Rest(f"draft {draft.draft} waits for a person", draft.held_until)


def _unanswered(run: Run, moment: Moment) -> Step:
    """Nobody can answer. What only a person mends is waited for too: somebody may look at the screen."""
    why = "; ".join(f"{name} is down: {down.why.rstrip('.')}" for name, down in run.down.items())
    if moment.back_at is None:
        return End(why or "no researcher can answer")
    return Rest(why, moment.back_at)


def waiting(run: Run, *kinds: type) -> list[Waiting]:
    return [wish for wish in run.wishes.values() if isinstance(wish.wish, kinds)]
