"""What follows where trainings crash: of the trunk, which may not train any more, of the baseline, of memory. Pure.

Three crashes in a row may not be the ideas' fault: the trunk is trained again, and if it crashes too, what it was made from. It goes back
only to what trains. If not even the baseline does, it is the machine, and nothing is given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from autoresearch_tui.engine.faulty import CRASHES, failed, look
from autoresearch_tui.engine.moment import Moment, waiting
from autoresearch_tui.engine.steps import Busy, End, Rest, Step, StepBack, Train
from autoresearch_tui.engine.unfinished import one_more
from autoresearch_tui.journal.commands import Again
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run

CRASHING_S = 600.0  # between two looks at a machine on which nothing trains
CRASHING_TRIES = 50  # of them: a night


def crashing(run: Run, moment: Moment) -> Step | None:
    """What is asked of the trunk, or done with it, after crashes in a row."""
    assert run.tip is not None
    if any(map(_is_asked, (run.experiments[number] for number in run.trunk))):
        return Busy()
    if step := look(run, moment):
        return step
    tip = run.experiments[run.tip]
    last = tip.trials[-1]
    if not failed(last) or last.at < run.moved_at:  # a person who went back there knows better
        trunk = set(run.trunk)
        changes = (one for one in _judged(run) if one.number not in trunk)
        lately = list(islice((one for one in changes if one.operator != "repair"), CRASHES))  # a slip that was not mended is the same slip
        crashed = len(lately) == CRASHES and all(one.verdict == "crash" and one.trials[-1].at > last.at for one in lately)
        return one_more(run, tip.number, "crashes") if crashed else None
    for number in reversed(run.trunk[:-1]):
        asked = [trial for trial in run.experiments[number].trials if trial.purpose == "crashes" and trial.at > last.at]
        if not asked:
            return one_more(run, number, "crashes")
        if not failed(asked[-1]):  # it was the machine if it failed before: then the tip is asked once more
            return one_more(run, tip.number, "crashes") if any(map(failed, asked)) else StepBack(number)
    return _broken(run, moment)


def _judged(run: Run) -> Iterator[Experiment]:
    """The newest first."""
    return (one for one in reversed(run.experiments.values()) if one.verdict)


def _is_asked(one: Experiment) -> bool:
    """Whether it still trains is just being found out."""
    return not one.settled and bool(one.trials) and one.trials[-1].purpose == "crashes"


def _broken(run: Run, moment: Moment) -> Step:
    """Nothing trains on this machine: the baseline is asked again, until a night is over."""
    baseline = run.experiments[0]
    last = baseline.trials[-1]
    why = f"nothing trains any more, not even the baseline: {last.why or last.crash}"
    if sum(trial.purpose == "crashes" and trial.at >= run.session_at for trial in baseline.trials) >= CRASHING_TRIES:
        return End(why, failed=True)
    until = last.at + last.seconds + CRASHING_S
    started = run.engine is not None and last.at < run.engine.at  # whoever starts it may have mended the machine
    return Rest(why, until) if moment.now.timestamp() < until and not started else one_more(run, 0, "crashes")


def lost_baseline(run: Run) -> Step | None:
    """Without a baseline nothing can be compared. Each start of the engine trains it once more, for a person may have mended it."""
    baseline = run.experiments[0]
    if baseline.verdict != "crash":
        return None
    wish = next((wish for wish in waiting(run, Again) if wish.wish == Again(0)), None)
    if wish or (run.engine and baseline.trials[-1].at < run.engine.at):
        return Train(0, baseline.trials[-1].number + 1, again=wish)
    return End(f"the baseline does not train: {baseline.reason}", failed=True)


def starved(run: Run, slots: int) -> int | None:
    """One of the last experiments died of memory, and nobody has yet tried whether the trunk does with less: once in a run."""
    if run.refitted or run.tip is None:
        return None
    lately = islice(_judged(run), max(1, slots))
    return next(
        (one.number for one in lately if one.verdict == "crash" and one.trials[-1].crash == "memory" and one.parent == run.tip), None
    )
