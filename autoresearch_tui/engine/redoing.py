"""A change that was measured, made again or taken back on the trunk as it is now, or the reason why it cannot be.

A change that helped while the trunk moved on is worth what it is worth on the new trunk, and that is measured. Where two of them turn the
same knob, the second was measured from a value that the trunk has no more: it is given up, for it would undo the first.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.sources import Sources
from autoresearch_tui.engine.undecided import BACK
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run
from autoresearch_tui.proposals.knobs import read_knobs, set_knobs
from autoresearch_tui.proposals.reapply import made_again

ROWS = "DEVICE_BATCH_SIZE"  # upstream's name for the rows in one pass
SAID = {"revert": "revert", "ablate": "without"}  # otherwise a change is made again
SAID_BEFORE = re.compile(r"^(again #\d+: )+")


class Redone(NamedTuple):
    text: str
    idea: str
    why: str


class Redoing:
    """Texts of changes that nobody has to be asked for."""

    def __init__(self, lineage: Lineage, sources: Sources) -> None:
        self.lineage = lineage
        self.sources = sources

    def redone(self, run: Run, draft: Draft, one: Experiment) -> Redone | str:
        """What the draft comes to, or why it comes to nothing."""
        onto = self.sources.of(run, draft.parent)
        if draft.operator == "refit":
            return _refitted(onto, one.number)
        merged = self._merged(run, draft, one, onto)
        if merged is None:
            way = self._in_the_way(run, draft, one)
            because = f": #{way} is in the way" if way else ""
            return f"the change of #{one.number} does not fit the trunk any more{because}"
        if merged == onto:
            return f"the trunk is so already: the change of #{one.number} makes no difference"
        why = f"Is #{one.number} still needed? It was {one.reason}." if draft.operator == "ablate" else one.why
        said = SAID_BEFORE.sub("", one.idea, count=1)  # however often it is made again, that is said once
        return Redone(merged, f"{SAID.get(draft.operator, 'again')} #{one.number}: {said}", why)

    def moved(self, run: Run, draft: Draft) -> str | None:
        """The draft's edit on a trunk that moved while it waited; None where it does not fit any more."""
        assert run.tip is not None
        onto = self.sources.of(run, run.tip)
        merged = made_again(self.sources.of(run, draft.parent), self.lineage.read_blob(draft.blob), draft.changes, onto)
        return None if merged == onto else merged

    def _merged(self, run: Run, draft: Draft, one: Experiment, onto: str) -> str | None:
        assert one.parent is not None, "the baseline is no change"
        before, after, changes = self.sources.of(run, one.parent), one.blob and self.lineage.read_blob(one.blob), one.changes
        if draft.operator in BACK:
            before, after, changes = after, before, {knob: (new, old) for knob, (old, new) in changes.items()}
        return made_again(before, after, changes, onto)

    def _in_the_way(self, run: Run, draft: Draft, one: Experiment) -> int | None:
        """The first experiment of the trunk on which the change does not fit."""
        later = (number for number in run.trunk if number != one.number and number > (one.parent or 0))
        return next((number for number in later if self._merged(run, draft, one, self.sources.of(run, number)) is None), None)


def _refitted(onto: str, of: int) -> Redone | str:
    """The trunk in smaller pieces: half the rows in one pass, and as many tokens in a step."""
    knob = read_knobs(onto).get(ROWS)
    if knob is None or not isinstance(knob.value, int) or knob.value < 2:
        return f"the training has no {ROWS} that could be lowered"
    idea = f"refit: {ROWS} {knob.value} -> {knob.value // 2}, the total batch stays"
    return Redone(set_knobs(onto, {ROWS: str(knob.value // 2)}), idea, f"#{of} ran out of memory.")
