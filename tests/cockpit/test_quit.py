"""Leaving asks only where it leaves something behind, and the night goes on unless somebody says otherwise."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace
from textual.binding import BindingType

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.screens.ask import Ask
from autoresearch_tui.cockpit.screens.quit import QuitScreen
from autoresearch_tui.journal import commands as c
from autoresearch_tui.telemetry.progress import Progress
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage, moment, words
from tests.engine.histories import History, a_night


class Leaving(Stage):
    """With the keys of the cockpit, which are heard where no question is."""

    BINDINGS: ClassVar[list[BindingType]] = Cockpit.BINDINGS


def training() -> Moment:
    history = History()
    a_night(history)
    history.launch(9, 3)
    return replace(moment(history), lines={9: Progress(step=10, remaining_s=83.0)})


async def test_it_says_which_trial_runs_and_for_how_long() -> None:
    async with Stage(QuitScreen(training())).run_test(size=WIDE) as pilot:
        for size in (WIDE, PHONE):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            shown = words(pilot.app)
            assert "leave night?" in shown
            assert "#9 trains for another 1:23, then it is measured" in shown
            assert "▸ l leave it running" in shown
            assert "stop after this one" in shown


async def test_a_key_is_an_answer_and_enter_leaves_the_night_alone() -> None:
    stage = Leaving(QuitScreen(training()))
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.press("enter")
        assert stage.answers == ["leave"]
        for keys, answer in (
            (["l"], "leave"),
            (["down", "enter"], "stop"),
            (["s"], "stop"),
            (["X"], "stop now"),
            (["n"], None),
            (["escape"], None),
            (["q"], None),
            (["ctrl+c"], None),
            (["ctrl+q"], None),
            (["G", "enter"], None),
        ):
            await stage.push_screen(QuitScreen(training()), stage.answers.append)
            await pilot.press(*keys)
            assert stage.answers[-1] == answer, keys
        assert len(stage.answers) == 11


async def test_a_first_click_puts_the_cursor_there_and_a_second_takes_it() -> None:
    stage = Stage(QuitScreen(training()))
    async with stage.run_test(size=WIDE) as pilot:
        row = next(y for y, line in enumerate(text(pilot.app).splitlines()) if "s  stop after this one" in line)
        await pilot.click(offset=(40, row))
        assert stage.answers == []
        assert "▸ s  stop after this one" in text(pilot.app)
        await pilot.click(offset=(40, row))
        assert stage.answers == ["stop"]


async def test_where_no_engine_works_there_is_nothing_to_ask() -> None:
    stage = Stage(QuitScreen(replace(training(), alive=False)))
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert stage.answers == ["leave"]
        await stage.push_screen(QuitScreen(replace(training(), live=False)), stage.answers.append)
        await pilot.pause()
        assert stage.answers == ["leave", "leave"]


async def test_the_facts_stay_true_while_somebody_thinks() -> None:
    history = History()
    a_night(history)
    screen = QuitScreen(moment(history))
    async with Stage(screen).run_test(size=WIDE) as pilot:
        assert "Nothing trains just now; it is drafting." in text(pilot.app)
        history.launch(9, 3)
        history.send(c.Stop(history.run.session))
        screen.show(moment(history))
        await pilot.pause()
        assert "#9 trains and is nearly done." in text(pilot.app)
        assert "It was asked to stop already" in text(pilot.app)


async def test_an_engine_that_ends_behind_the_question_leaves_nothing_to_stop() -> None:
    screen = QuitScreen(training())
    stage = Stage(screen)
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.press("down")
        screen.show(replace(training(), alive=False))
        await pilot.pause()
        assert "The engine ended meanwhile: leaving leaves nothing behind." in text(pilot.app)
        assert "stop" not in text(pilot.app)
        await pilot.press("s", "X")
        assert stage.answers == []
        await pilot.press("l")
        assert stage.answers == ["leave"]


async def test_a_line_that_is_asked_for_is_left_by_the_keys_that_leave() -> None:
    stage = Leaving(QuitScreen(training()))
    async with stage.run_test(size=WIDE) as pilot:
        for key in ("escape", "ctrl+c", "ctrl+q"):
            answers: list[str | None] = []
            await stage.push_screen(Ask("a note"), answers.append)
            await pilot.press("a", "b", key)
            assert answers == [None], key
        await stage.push_screen(Ask("a note"), answers.append)
        await pilot.press("a", "b", "enter")
        assert answers == [None, "ab"]
