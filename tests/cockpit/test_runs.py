"""Every night of a workspace on one screen: opened, continued, deleted after a question whose answer is no."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.drawing import width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import runs
from autoresearch_tui.cockpit.parts.runs import Known
from autoresearch_tui.cockpit.screens.runs import RunsScreen
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage, until, words
from tests.engine.histories import History, a_night


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A workspace with a night that ended, one whose engine died, and one that is damaged."""
    (tmp_path / "train.py").touch()
    ended, died = History(), History()
    a_night(ended)
    ended.add(e.EngineEnded("9 experiments are done"))
    died.begin()
    died.settle(0, None, 1.0)
    write(tmp_path, "nov18", ended)
    write(tmp_path, "nov19", died)
    broken = tmp_path / ".autoresearch" / "broken"
    broken.mkdir()
    (broken / "journal.sqlite").write_bytes(b"no journal at all" * 1000)
    return tmp_path


def write(lab: Path, tag: str, history: History) -> None:
    writer = Writer(lab / ".autoresearch" / tag / "journal.sqlite")
    writer.append(*(recorded.event for transaction in history.transactions for recorded in transaction))
    writer.close()


async def test_each_is_a_row_with_the_newest_first_and_a_damaged_one_hides_no_other(lab: Path) -> None:
    async with Stage(RunsScreen(lab)).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        lines = [line.strip("│ ").split() for line in text(pilot.app).splitlines()]
        names = [line[1] if line[0] == "▸" else line[0] for line in lines if line and {"nov18", "nov19", "broken"} & set(line[:2])]
        assert names == ["nov19", "nov18", "broken"]
        (nov18,) = [line for line in lines if "nov18" in line]
        assert nov18[3:-2] == ["9", "+0.020000", "○", "ended"]
        assert "died" in next(line for line in lines if "nov19" in line)
        assert "puts the last copy in its place" in words(pilot.app)


async def test_on_a_phone_each_takes_two_rows(lab: Path) -> None:
    async with Stage(RunsScreen(lab)).run_test(size=PHONE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        lines = text(pilot.app).splitlines()
        place = next(y for y, line in enumerate(lines) if "nov18" in line)
        assert "+0.020000 ○ ended" in lines[place]
        assert "9 experiments" in lines[place + 1]


async def test_enter_opens_the_one_under_the_cursor_and_a_damaged_one_says_why_not(lab: Path) -> None:
    stage = Stage(RunsScreen(lab))
    async with stage.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        await pilot.press("j", "enter")
        assert stage.opened == ["nov18"]
        await pilot.press("G", "enter")
        await pilot.pause()
        assert stage.opened == ["nov18"]
        assert stage.said[0][0] == "error" and "broken cannot be opened" in stage.said[0][1]


async def test_going_on_asks_until_when_and_starts_an_engine(lab: Path) -> None:
    stage = Stage(RunsScreen(lab))
    async with stage.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        await pilot.press("j", "c")
        assert stage.started == []
        await pilot.press("e", "3", "enter", "enter")
        await pilot.pause()
        assert stage.started == [("nov18", "--experiments", "12")]


async def test_deleting_says_what_goes_and_stays_and_enter_deletes_nothing(lab: Path) -> None:
    async with Stage(RunsScreen(lab)).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        await pilot.press("j", "D")
        said = words(pilot.app)
        assert "delete nov18?" in said
        assert "journal, logs, replies, checkpoints" in said
        assert "This stays: the branch autoresearch/nov18" in said
        await pilot.press("enter")
        await pilot.pause()
        assert (lab / ".autoresearch" / "nov18").exists()


async def test_yes_deletes_it_by_our_own_command_line_and_the_list_is_read_again(lab: Path) -> None:
    stage = Stage(RunsScreen(lab))
    async with stage.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        await pilot.press("j", "D", "y")
        await until(pilot, lambda: "nov18" not in text(pilot.app))
        assert stage.said == [("information", "nov18 is gone; its branch stays.")]
        assert [path.name for path in sorted((lab / ".autoresearch").glob("*/"))] == ["broken", "nov19"]


async def test_what_the_command_line_refuses_is_told_in_its_own_sentence(lab: Path) -> None:
    stage = Stage(RunsScreen(lab))
    async with stage.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        await pilot.press("G", "D", "y")
        await until(pilot, lambda: bool(stage.said))
        severity, sentence = stage.said[0]
        assert severity == "error"
        assert sentence.startswith("broken was not deleted: ") and "is damaged" in sentence


async def test_neither_a_night_at_work_nor_the_one_on_the_screen_can_be_deleted(lab: Path) -> None:
    works = History()
    works.begin()
    works.add(e.EngineStarted(os.getpid(), born(os.getpid()), boot_id(), "1", "sweep"))
    write(lab, "nov20", works)
    screen = RunsScreen(lab)
    stage = Stage(screen)
    async with stage.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "damaged" in text(pilot.app))
        screen.show(Moment(History().run, 0.0))
        await pilot.press("D")
        assert stage.said[-1] == ("warning", "nov20 cannot be deleted: an engine works on it: stop it first.")
        await pilot.press("c")
        assert stage.said[-1] == ("warning", "nov20 cannot go on: an engine works on it already.")
        below = History()
        below.add(e.RunStarted("nov19", "c0"))
        screen.show(Moment(below.run, 0.0))
        await pilot.press("j", "D")
        assert stage.said[-1] == ("warning", "nov19 cannot be deleted: it is the one on the screen: open another first.")


async def test_a_folder_without_runs_and_one_that_is_no_workspace_say_so(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "train.py").touch()
    async with Stage(RunsScreen(tmp_path / "lab")).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "has no run yet" in words(pilot.app))
        await pilot.press("enter", "c", "D")
    stage = Stage(RunsScreen(tmp_path))
    async with stage.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "is no workspace: it has no train.py" in words(pilot.app))
        await pilot.press("R")
        assert stage.answers == [None]


def test_foreign_text_in_a_tag_or_a_sentence_is_text_and_fits() -> None:
    strange = Known("[/b]\x1b[31m" + "漢" * 30, wrong="[bold \u202e" + "x" * 200)
    for wide in (36, 41, 76, 116):
        for one in (strange, Known("a" * 64)):
            drawn = runs.entry(one, wide, here=True, cursor=True)
            assert all(width(line) <= wide for line in drawn)
            assert not any("\x1b" in span.text for line in drawn for span in line)
