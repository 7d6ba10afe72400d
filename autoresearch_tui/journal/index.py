"""Which experiments everybody asks for again and again: those with work left, the trunks that there were, those trained more than once.

Of ten thousand they are few. `fold.py` carries an index from state to state, so that no question walks over all of them; where a run was
made otherwise it is made of its experiments. It is no part of the state, and says nothing that those do not say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoresearch_tui.journal.experiment import Experiment


class Index:
    """Numbers of experiments, in the order in which these became so. What a run carries is never changed: it is copied."""

    def __init__(self, experiments: Iterable[Experiment] = ()) -> None:
        self.unsettled: dict[int, None] = {}
        self.kept: dict[int, None] = {}
        self.repeated: dict[int, None] = {}
        for one in experiments:
            self.put(one)

    def copy(self) -> Index:
        other = Index()
        other.unsettled, other.kept, other.repeated = dict(self.unsettled), dict(self.kept), dict(self.repeated)
        return other

    def put(self, one: Experiment) -> None:
        """This is how it stands from now on."""
        for numbers, belongs in (
            (self.unsettled, not one.settled),
            (self.kept, one.verdict == "keep"),
            (self.repeated, len(one.trials) > 1),
        ):
            if belongs:
                numbers.setdefault(one.number)
            else:
                numbers.pop(one.number, None)
