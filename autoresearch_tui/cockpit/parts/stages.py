"""How far a draft or an experiment is, and why there is none, each in a sentence. Pure."""

from __future__ import annotations

from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.page import Block, Prose
from autoresearch_tui.cockpit.parts.times import ago, written
from autoresearch_tui.cockpit.replies import NO_REPLY, Reply
from autoresearch_tui.cockpit.slots import where
from autoresearch_tui.cockpit.standing import researchers, standing
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft
from autoresearch_tui.lines import WHY_AGAIN

REDONE = {"revert": "takes #{0} back", "ablate": "leaves #{0} out", "refit": "makes the batch of #{0} smaller"}


def draft_state(moment: Moment, draft: Draft, reply: Reply = NO_REPLY) -> str:
    run = moment.run
    if run.ended or not moment.alive:
        return "The engine does not work: the draft waits for the next one."
    if draft.waits:
        keys = ": y approves it, X rejects it" if moment.takes_wishes else ""
        return f"held for review{keys}; at {written(draft.held_until or 0.0)} it is approved by itself"
    if draft.blob:
        by = f", approved by {draft.approved_by}" if draft.approved_by else ""
        return f"ready{by}: it waits for its turn"
    if not draft.needs_reply:
        return f"made without a researcher: it {REDONE.get(draft.operator, 'makes the change of #{0} again').format(draft.of)}"
    if draft.replied:
        return f"{draft.researcher} has answered: the reply is checked"
    if not draft.asked:
        return "refused: it is asked for again" if draft.refusals else "nobody is asked yet"
    again = " again" if draft.refusals else ""
    newest = len(reply.attempts) > len(draft.refusals)  # else what is there was refused
    doing = "writes" if newest and reply.text else "thinks" if newest and reply.thinking else f"is asked{again}, and says nothing yet"
    return f"{draft.asked} {doing} · {ago(moment.now - draft.asked_at)}"


def experiment_state(moment: Moment, one: Experiment) -> str:
    if one.training and moment.alive:
        trial = one.trials[-1]
        again = f", trial {trial.number}: {WHY_AGAIN.get(trial.purpose, trial.purpose)}" if trial.purpose else ""
        return f"training{where(moment.run, one)}{again}"
    if one.verdict:
        by = "" if one.by == "policy" else f", decided by {one.by}"
        return f"{one.verdict}: {one.reason}{by}"
    return "waits for its trial" if one.between_trials else "trained: its number is judged"


def empty(moment: Moment) -> str:
    run = moment.run
    if run.ended:
        return f"No draft: the engine has ended ({run.ended.rstrip('.')}). The next one asks for a change as soon as it starts."
    if run.engine is not None and not moment.alive:
        return "No draft: the engine does not work. The next one asks for a change as soon as it starts."
    if run.paused:
        return f"No draft: paused by {run.paused_by}. A change is asked for when somebody resumes."
    if standing(run).running is not None:
        return "No draft yet: the baseline trains. A change is asked for at the latest when it has its number."
    if run.waiting:
        return f"No draft yet: {run.waiting}"
    if not run.experiments:
        return "No draft yet: the baseline is trained first, then a change is asked for."
    return "No draft yet: a change is asked for in a moment."


def down(moment: Moment) -> tuple[Block, ...]:
    """Why somebody of the chain cannot answer, and when it is asked again."""
    run, blocks = moment.run, []
    if run.ended or not moment.alive:
        return ()
    chain = researchers(run)
    for name in chain:
        if down := run.down.get(name):
            again = f"; asked again at {written(down.until)}" if down.until is not None else "; that takes a person"
            blocks.append(Prose(f"{name} is down: {down.why.rstrip('.')}{again}", "warn"))
    if chain and all(name in run.down for name in chain):
        blocks.insert(0, Prose("Nobody can answer.", "bad"))
    return tuple(blocks)
