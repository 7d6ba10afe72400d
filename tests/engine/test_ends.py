"""What is written down when the processes of a trial are gone."""

from __future__ import annotations

from autoresearch_tui.engine.ends import ended
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from tests.engine.histories import History

LOST = Outcome("interrupted", why="lab7 was lost")


def test_whoever_loses_three_places_in_a_row_is_named_and_no_crash() -> None:
    night = History()
    night.add(e.Proposed(0), e.Committed(0, "c0"))
    said = []
    for trial, outcome in enumerate((LOST, Outcome("interrupted", why="the engine died"), LOST, LOST, LOST, LOST), 1):
        night.add(e.Launched(0, trial, 42, 1, 1, "boot"))
        facts = ended(night.run, 0, trial, outcome)
        night.add(*facts)
        assert isinstance(facts[0], e.Ended) and facts[0].outcome == "interrupted"
        said.append([fact.why for fact in facts if isinstance(fact, e.Warned)])
    third = ["3 places in a row were lost while #0 trained: it is trained again, unless somebody skips it."]
    assert said == [[], [], [], [], third, third]
