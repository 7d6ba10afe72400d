"""What code a run has trained already, and what it turned: looked up for every draft, and read on as the run grows, never read again."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice

from autoresearch_tui.journal.state import Run
from autoresearch_tui.proposals.checks import Turned, turns_of


class Trained:
    """Of one run, whose experiments only become more; what an experiment changes is known when it begins."""

    def __init__(self) -> None:
        self._seen = 0
        self._codes: dict[str, str] = {}
        self._turns: defaultdict[tuple[int, Turned], list[int]] = defaultdict(list)

    def codes(self, run: Run) -> dict[str, str]:
        """By fingerprint, which experiment's code it is; the last one's."""
        self._read_on(run)
        return self._codes

    def came_of(self, run: Run, parent: int, turned: Turned) -> str | None:
        """What came of it when these knobs were turned so from this very parent; a crash may have been an accident."""
        self._read_on(run)
        found = (run.experiments[number] for number in reversed(self._turns.get((parent, turned), ())))
        one = next((one for one in found if one.verdict in ("keep", "discard")), None)
        return f"experiment {one.number}: {one.verdict}, {one.reason}" if one else None

    def _read_on(self, run: Run) -> None:
        for one in islice(run.experiments.values(), self._seen, None):
            if one.fingerprint:
                self._codes[one.fingerprint] = f"experiment {one.number}"
            if one.changes and one.parent is not None:
                self._turns[one.parent, turns_of(one.changes)].append(one.number)
        self._seen = len(run.experiments)
