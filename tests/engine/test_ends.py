"""What is written down when the processes of a trial are gone."""

from __future__ import annotations

import pytest

from autoresearch_tui.engine.ends import ENGINE_DEATHS, buried, ended, lost
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from tests.engine.histories import History

LOST = Outcome("interrupted", "lost", why="lab7: its worker ended")


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


def test_a_place_that_is_lost_before_the_number_is_known_counts_among_them() -> None:
    night = History()
    night.add(e.Proposed(0), e.Committed(0, "c0"))
    warned = []
    for trial in (1, 2, 3):
        night.add(e.Launched(0, trial, 42, 1, 1, "boot"), e.Ended(0, trial, "finished", seconds=300.0))
        facts = lost(night.run, 0, night.run.experiments[0].trials[-1], "the Ray cluster is gone")
        night.add(*facts)
        warned.append(len(facts) > 1)
    assert warned == [False, False, True]
    assert {(trial.outcome, trial.seconds) for trial in night.run.experiments[0].trials} == {("interrupted", 300.0)}


@pytest.mark.parametrize("slots", [1, 3])
def test_who_trains_beside_others_is_not_blamed_at_once_for_an_engine_that_dies(slots: int) -> None:
    night = History()
    night.add(e.Proposed(0), e.Committed(0, "c0"))
    if slots > 1:
        night.add(e.Equipped(tuple(e.Slot(f"gpu{place}", "") for place in range(slots))))
    outcomes = []
    for trial in range(1, ENGINE_DEATHS * slots + 1):
        night.add(e.Launched(0, trial, 42, 1, 1, "boot"))
        facts = buried(night.run, 0, trial, "the engine died")
        night.add(*facts)
        outcomes += [fact.outcome for fact in facts if isinstance(fact, e.Ended)]
    assert outcomes == ["interrupted"] * (ENGINE_DEATHS * slots - 1) + ["crash"]
    assert night.run.experiments[0].trials[-1].why == f"the engine died, {ENGINE_DEATHS * slots} times while it trained"
