"""An ended run is looked at unless somebody wants more: to go on with it, or another night from its best."""

from __future__ import annotations

from datetime import datetime

from autoresearch_tui.cockpit.screens.go_on import Going, GoOnScreen, free_tag
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage
from tests.engine.histories import History, a_night


def ended() -> Run:
    history = History()
    a_night(history)
    history.add(e.EngineEnded("9 experiments are done [/"))
    return history.run


async def test_it_says_what_the_night_came_to_and_starts_nothing_by_itself() -> None:
    stage = Stage(GoOnScreen(ended()))
    async with stage.run_test(size=PHONE) as pilot:
        shown = " ".join(text(pilot.app).replace("│", "").split())
        assert "It ended: 9 experiments are done [/." in shown
        assert "9 experiments, the best is #3 with val_bpb 0.980000." in shown
        await pilot.press("enter")
        assert stage.answers == [None]


async def test_going_on_counts_the_experiments_that_are_there() -> None:
    stage = Stage(GoOnScreen(ended()))
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.press("e", *"12", "enter", "u", *"07:30", "enter")
        assert "ends: 12 more experiments, until 07:30" in text(pilot.app)
        await pilot.press("enter")
        assert stage.answers == [Going("night", ("--experiments", "21", "--until", "07:30"))]


async def test_what_is_no_number_and_no_time_is_asked_for_again() -> None:
    stage = Stage(GoOnScreen(ended()))
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.press("e", *"many", "enter")
        assert "'many' is no number of experiments" in text(pilot.app)
        await pilot.press("escape", "u", *"25:00", "enter")
        assert "'25:00' is no time of day" in text(pilot.app)
        await pilot.press("escape", "c")
        assert stage.answers == [Going("night")]


async def test_a_new_night_has_a_free_name_and_a_baseline_besides() -> None:
    stage = Stage(GoOnScreen(ended(), ["taken"]))
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.press("e", "5", "enter", "b", "ctrl+u", *"taken", "enter")
        assert "'taken' is taken" in text(pilot.app)
        await pilot.press("ctrl+u", *"next", "enter")
        assert stage.answers == [Going("next", ("--from", "night", "--experiments", "6"))]


def test_a_night_is_called_after_its_day() -> None:
    today = datetime(2026, 11, 20, 22, 0)
    assert free_tag([], today) == "nov20"
    assert free_tag(["nov20", "nov20-2"], today) == "nov20-3"


async def test_a_run_whose_engine_died_says_so() -> None:
    history = History()
    history.begin()
    async with Stage(GoOnScreen(history.run)).run_test(size=WIDE) as pilot:
        assert "Its engine died and could not say why." in text(pilot.app)
        assert "0 experiments, and no number." in text(pilot.app)
