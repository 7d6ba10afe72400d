"""What a train.py is refused for before it costs a trial, as far as that depends on the run: what was tried, and what is being tried.

The gates themselves are `proposals.checks`'s; here is what they need to know of this run and this machine.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import partial

from autoresearch_tui.engine.environment import importable
from autoresearch_tui.engine.lineage import Lineage, LineageError
from autoresearch_tui.engine.trained import Trained
from autoresearch_tui.engine.undecided import attempts
from autoresearch_tui.journal.state import Draft, Run
from autoresearch_tui.proposals.checks import Turned, fingerprint, refusal
from autoresearch_tui.proposals.honesty import breach
from autoresearch_tui.proposals.unusable import Unusable
from autoresearch_tui.proposals.ways import FREE, Taken, Ways, ways_of
from autoresearch_tui.workspace import Workspace


class Gates:
    """For one run."""

    def __init__(self, workspace: Workspace, lineage: Lineage) -> None:
        self.workspace = workspace
        self.lineage = lineage
        self._trained = Trained()
        self._elsewhere: dict[str, str] | None = None
        self._importable: tuple[frozenset[str] | None] | None = None

    def of_a_reply(self, run: Run, draft: Draft, parent: str, source: str) -> Unusable | None:
        """Why what a researcher wrote is not worth a trial. A person's idea may go the way of another one, and so may the one draft
        that is written ahead where there is a single slot: it is trained after that one, and not beside it."""
        taken = taken_by_others(run, draft, ways=draft.idea_of is None and len(run.slots) > 1)
        return self._refusal(parent, source, self._known(run), partial(self._trained.came_of, run, draft.parent), taken)

    def of_a_change_made_again(self, run: Run, draft: Draft, onto: str, merged: str) -> Unusable | None:
        """What lines are merged to may be no train.py any more. That it was trained already is no reason against what a person wants."""
        if draft.kept_by:
            return self._refusal(onto, merged, {})
        return self._refusal(onto, merged, self._known_to(run, draft), taken=taken_by_others(run, draft, ways=False))

    def repeated(self, run: Run, draft: Draft) -> str | None:
        """Whose code it is that a draft has, where another one came first; where a person wants it, that is no matter."""
        return None if draft.kept_by else self._known_to(run, draft).get(draft.fingerprint)

    def _known_to(self, run: Run, draft: Draft) -> Mapping[str, str]:
        """What helped while the trunk moved on may be trained once more where it helped, if the trunk went back there."""
        known = self._known(run)
        again = run.experiments.get(draft.of) if draft.of is not None and draft.operator == "keep" else None
        return {code: where for code, where in known.items() if code != again.fingerprint} if again else known

    def _known(self, run: Run) -> Mapping[str, str]:
        """What code was trained, or is being trained, and where."""
        if self._elsewhere is None:
            self._elsewhere = self._known_elsewhere(run)
        return ChainMap(self._trained.codes(run), self._elsewhere)

    def _refusal(
        self,
        parent: str,
        source: str,
        known: Mapping[str, str],
        came_of: Callable[[Turned], str | None] | None = None,
        taken: Taken = FREE,
    ) -> Unusable | None:
        """Where it evaluates itself, the lines that do so are not its own."""
        measured = self.workspace.measured
        constants = {"MAX_SEQ_LEN": self.workspace.context} if self.workspace.context else {}
        if problem := refusal(
            parent, source, known, contract=measured, modules=self._modules, came_of=came_of, constants=constants, taken=taken
        ):
            return problem
        touched = None if measured else breach(parent, source, self.workspace.frozen, self.workspace.metric)
        return Unusable(touched, "frozen") if touched else None

    @property
    def _modules(self) -> frozenset[str] | None:
        if self._importable is None:
            self._importable = (importable(self.workspace),)
        return self._importable[0]

    def _known_elsewhere(self, run: Run) -> dict[str, str]:
        """The code of a night that was measured elsewhere, as far as its commits are still in this repository."""
        known = {}
        for row in run.elsewhere:
            if not re.fullmatch("[0-9a-f]{7,64}", row.commit):
                continue
            try:
                source = self.lineage.read(self.lineage.resolve(row.commit), run.edit).decode("utf-8", "replace")
                known[fingerprint(source)] = f"{row.commit[:7]} of the earlier night"
            except (LineageError, ValueError):
                continue  # the row is known by its words alone
        return known


def taken_by_others(run: Run, draft: Draft, ways: bool) -> Taken:
    """What is being tried, apart from this draft; `ways`: whether two may not go the same way either."""
    others = attempts(run, draft.draft)
    taken: dict[Ways, str] = {ways_of(one.changes): one.name for one in others if one.changes} if ways else {}
    return Taken({one.fingerprint: one.name for one in others if one.fingerprint}, taken)
