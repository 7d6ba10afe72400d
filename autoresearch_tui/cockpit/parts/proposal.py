"""What is being proposed now: who writes it, how far it came, and then what it changes.

Owns which of several drafts is looked at, and its words. Does not own the reply and the difference: it is given them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autoresearch_tui.cockpit.diff import Diff
from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import page
from autoresearch_tui.cockpit.parts.page import BLANK, Block, Field, Prose
from autoresearch_tui.cockpit.parts.stages import down, draft_state, empty, experiment_state
from autoresearch_tui.cockpit.parts.transcript import transcript
from autoresearch_tui.cockpit.replies import NO_REPLY, Reply
from autoresearch_tui.journal.commands import Idea
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft

Subject = Draft | Experiment
JUMP = 4  # the part of the pane by which a text that grows moves up; row by row would send the whole pane each time


class Proposal(msgspec.Struct, frozen=True):
    title: str
    sheet: str
    """What is looked at, and whether it still grows: another sheet begins at its own end or top."""
    page: tuple[Block, ...]
    grows: bool = False


def subjects(moment: Moment) -> list[Subject]:
    """What can be looked at: what waits for a person, what is written, what is ready, what trains; else what was last."""
    run, running = moment.run, moment.running
    drafts = sorted(run.drafts.values(), key=lambda one: (not one.waits, not one.asked, bool(one.blob)))
    trained = running or run.experiments.get(max(run.experiments, default=0))
    shown = trained if trained and (running or not drafts) and (trained.number or not drafts) else None
    return [*drafts, *([shown] if shown else [])]


def key_of(subject: Subject) -> str:
    return subject.draft if isinstance(subject, Draft) else f"#{subject.number}"


def chosen(moment: Moment, choice: str) -> Subject | None:
    """The one that a person chose, as long as it is there; else the first."""
    found = subjects(moment)
    return next((one for one in found if key_of(one) == choice), found[0] if found else None)


def other(moment: Moment, choice: str) -> str:
    """What comes after that one; empty where there is no other."""
    found = [key_of(one) for one in subjects(moment)]
    now = chosen(moment, choice)
    return found[(found.index(key_of(now)) + 1) % len(found)] if now and len(found) > 1 else ""


def part_of(moment: Moment, choice: str = "", reply: Reply = NO_REPLY, difference: Diff | None = None) -> Proposal:
    """`reply` and `difference` are those of what is chosen; there is none as long as a file or git is still read."""
    subject, after = chosen(moment, choice), other(moment, choice)
    more = f"  d shows {after}" if after else ""
    match subject:
        case Draft(blob=""):
            title = f"draft {subject.draft}  {subject.operator} on #{subject.parent}{more}"
            return Proposal(title, f"{subject.draft} grows", _written(moment, subject, reply), True)
        case Draft():
            title = f"draft {subject.draft}  {subject.operator} on #{subject.parent}{more}"
            state = Prose(draft_state(moment, subject), "accent" if subject.waits else "dim")
            return Proposal(title, subject.draft, (state, *_change(subject, difference)))
        case Experiment(number=0):
            return Proposal(f"baseline{more}", "#0", (Prose(empty(moment), "dim"),))
        case Experiment():
            idle = () if subject.training else (Prose(empty(moment), "dim"), *down(moment), BLANK)
            state = Prose(experiment_state(moment, subject), "dim")
            title = f"#{subject.number}  {subject.idea}{more}"
            return Proposal(title, f"#{subject.number}", (*idle, state, *_change(subject, difference)))
    return Proposal("proposal", "", (Prose(empty(moment), "dim"), *down(moment)))


def rows(part: Proposal, width: int, height: int) -> Sequence[Row]:
    found = page.rows(part.page, width)
    if part.grows and len(found) > height > 0:
        jump = max(1, height // JUMP)
        found += [()] * (-(len(found) - height) % jump)
    return found


# ------------------------------------------------------------------------------------------------------------------------------
# A reply that is written
# ------------------------------------------------------------------------------------------------------------------------------


def _written(moment: Moment, draft: Draft, reply: Reply) -> tuple[Block, ...]:
    told = [Field("was told", moment.run.notes[note]) for note in draft.notes if note in moment.run.notes]
    wish = moment.run.wishes.get(draft.idea_of) if draft.idea_of is not None else None
    if wish and isinstance(wish.wish, Idea):
        told.append(Field("an idea", f"{wish.wish.text} (by {wish.by})"))
    refusals = [(reason, "") for reason in draft.refusals[:-1]] + [(reason, draft.detail) for reason in draft.refusals[-1:]]
    state = Prose(draft_state(moment, draft, reply), "accent")
    return (*told, *transcript(reply, refusals), BLANK, state, *(() if draft.asked else down(moment)))


# ------------------------------------------------------------------------------------------------------------------------------
# A change that is known
# ------------------------------------------------------------------------------------------------------------------------------


def _change(subject: Subject, difference: Diff | None) -> tuple[Block, ...]:
    by = f"by {subject.researcher}" if subject.researcher else "without a researcher"
    knobs = [Prose(f"{name}  {old} -> {new}", "accent") for name, (old, new) in subject.changes.items()]
    return (
        Prose(f"{subject.operator} {by}, on #{subject.parent}", "dim"),
        Prose(subject.idea, "strong"),
        *([Prose(subject.why)] if subject.why else []),
        *knobs,
        BLANK,
        difference if difference is not None else Prose("What it changes is being read from git.", "dim"),
    )
