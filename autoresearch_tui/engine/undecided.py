"""What is being tried now: experiments without a verdict, and drafts on their way to a number. Pure.

Whoever chooses the next move looks here first, so that no slot tries what another one is trying. What people and the plan call under way
is a training; this is the whole of it, from the draft to the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run

BACK = ("revert", "ablate")  # they turn the knobs of another change back


class Attempt(msgspec.Struct, frozen=True):
    """A change that nobody knows the worth of yet."""

    name: str
    """`experiment 12`, or `draft d0013`."""
    number: int | None
    """None: it has none yet."""
    operator: str
    parent: int
    of: int | None = None
    changes: dict[str, tuple[str, str]] = {}
    fingerprint: str = ""
    idea: str = ""


def undecided(run: Run) -> list[Experiment]:
    """The changes that have a number and no verdict, the oldest first. That a trial is made again of one that has is another thing."""
    return [one for one in run.unsettled if not one.verdict and one.parent is not None]


def attempts(run: Run, apart_from: str = "") -> tuple[Attempt, ...]:
    """All of them, apart from this draft."""
    found = [
        Attempt(f"experiment {one.number}", one.number, one.operator, one.parent or 0, one.of, one.changes, one.fingerprint, one.idea)
        for one in undecided(run)
    ]
    for draft in run.drafts.values():
        if draft.draft != apart_from:
            idea = draft.idea or (run.experiments[draft.of].idea if draft.of in run.experiments and not draft.needs_reply else "")
            name, changes = f"draft {draft.draft}", _changes(run, draft)
            found.append(Attempt(name, None, draft.operator, draft.parent, draft.of, changes, draft.fingerprint, idea))
    return tuple(found)


def held(tried: Iterable[Attempt]) -> frozenset[str]:
    """The knobs that they turn."""
    return frozenset(knob for one in tried for knob in one.changes)


def _changes(run: Run, draft: Draft) -> dict[str, tuple[str, str]]:
    """What a draft turns; of a change that is to be made again or taken back that is known before it is written."""
    if draft.blob or draft.needs_reply or draft.of not in run.experiments:
        return draft.changes
    changes = run.experiments[draft.of].changes
    return {knob: (new, old) for knob, (old, new) in changes.items()} if draft.operator in BACK else changes
