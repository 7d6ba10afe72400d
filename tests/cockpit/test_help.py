"""Help says what the keys do because it asks them: nothing in it was written by hand but the words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.parts import help as part
from autoresearch_tui.cockpit.parts.help import Group, Help, Key
from autoresearch_tui.cockpit.screens.help import HelpScreen
from autoresearch_tui.cockpit.widgets.listing import Page
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage, moment
from tests.engine.histories import History, a_night


class Results(Pane[str]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("o", "order", "sort by the next column", id="order")]

    def rows(self, part: str, width: int, height: int) -> Sequence[Row]:
        return []


class Log(Results):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("N", "again", "find it again", id="find-again")]


class Below(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("K", "act('keep')", "keep it whatever the number says", id="keep"),
        Binding("question_mark,f1", "help", "this help", id="help"),
    ]
    selected: int | None = 3

    def compose(self) -> ComposeResult:
        yield Results(id="results")
        yield Log(id="log")


def helped() -> tuple[Stage, HelpScreen]:
    below = Below()
    screen = HelpScreen(below, RunFolder(Path("/lab/.autoresearch/nov20")))
    stage = Stage(below)
    return stage, screen


def drawn(stage: Stage) -> list[str]:
    page = stage.screen.query_one(Page)
    return ["".join(span.text for span in line).rstrip() for line in page.rows(page.part, page.size.width, 0)]


async def test_the_focused_pane_comes_first_and_keys_of_one_meaning_share_a_line() -> None:
    stage, screen = helped()
    async with stage.run_test(size=WIDE) as pilot:
        stage.first.query_one("#results").focus()
        await stage.push_screen(screen)
        await pilot.pause()
        lines = drawn(stage)
        assert lines[0] == "in results, where you are"
        assert "  up k       up" in lines
        assert "  o          sort by the next column" in lines
        assert lines.index("on this screen") < lines.index("everywhere") < lines.index("in log") < lines.index("words")
        assert any(line.split() == ["?", "f1", "this", "help"] for line in lines)
        assert any(line.split() == ["N", "find", "it", "again"] for line in lines)
        assert sum("sort by the next column" in line for line in lines) == 1
        assert "  files" not in lines and "files" in lines


async def test_a_command_is_shown_with_what_it_would_hit_now() -> None:
    history = History()
    a_night(history)
    stage, screen = helped()
    async with stage.run_test(size=WIDE) as pilot:
        await stage.push_screen(screen)
        await pilot.pause()
        screen.show(moment(history))
        assert any("keep #3: keep it whatever the number says" in line for line in drawn(stage))
        stage.first.selected = 4  # type: ignore[attr-defined]
        screen.show(moment(history))
        assert any("keep #4: keep it whatever the number says" in line for line in drawn(stage))


async def test_every_key_that_one_would_try_closes_it() -> None:
    stage, _ = helped()
    async with stage.run_test(size=PHONE) as pilot:
        for key in ("escape", "q", "question_mark", "f1"):
            await stage.push_screen(HelpScreen(stage.first))
            await pilot.press(key)
            await pilot.pause()
            assert stage.screen is stage.first, key


async def test_on_a_phone_it_is_read_by_scrolling() -> None:
    stage, screen = helped()
    async with stage.run_test(size=PHONE) as pilot:
        await stage.push_screen(screen)
        await pilot.press("G")
        await pilot.pause()
        assert "git checkout --detach" in text(pilot.app)
        assert "autoresearch/nov20" in text(pilot.app)


@pytest.mark.parametrize("wide", [36, 41, 116])
def test_nothing_is_wider_than_the_screen(wide: int) -> None:
    keys = (Key(("ctrl+x", "f10", "pagedown"), "[/ " + "does a thing " * 9, "now \x1b[31mthis"), Key(("a",), ""))
    assert all(width(line) <= wide for line in part.rows(Help((Group("in [/x", keys),), (("journal", "/a/" * 90),)), wide, 10))
