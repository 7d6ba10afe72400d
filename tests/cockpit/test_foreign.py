"""Whatever anybody writes is shown as text, on every screen: nothing is obeyed, nothing breaks, and every frame stands where it should."""

from __future__ import annotations

import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.screen import Screen

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.drawing import LONGEST, shown, wrapped
from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.foreign import TEXTS, make_night
from tests.cockpit.screens import lines, text
from tests.cockpit.stage import until
from tests.e2e.night import cockpit, environment
from tests.e2e.ptys import Pty
from tests.e2e.tmux import Terminal
from tests.pace import is_within

RIGHT = set("│╮╯┐┘┤")  # what a frame may end a row with
BLOCK = 64  # code points that are looked at together
UNWANTED = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp", "Mc"}  # what a terminal obeys, turns around, or makes as wide as it likes
TOUR = (
    *("1", "2", "d", "d", "3", "l", "slash", "[", "enter", "4", "o", "F", "escape", "5"),
    *("4", "g", "down", "enter", *"1234567", "l", "right_square_bracket", *"23456", "escape"),
    *("R", "D", "escape", "escape", "S", "G", "escape", "N", "w", "escape", "question_mark", "G", "escape", "ctrl+p", "k", "escape"),
    *("n", *"[/x", "escape", "q", "escape", "4", "slash", *"[b", "enter", "escape"),
)
"""Past every pane, screen and question."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_night(tmp_path_factory.mktemp("[bold] 学習 \u202e") / "lab [0] 👍🏽 [@click=app.quit]")


def assert_whole(app: Cockpit, after: str) -> None:
    """No row is longer or shorter than the screen, and the frame of each pane is where Textual put it."""
    rows = lines(app)
    for row in rows:
        assert cell_len(row) == app.size.width, f"after {after}: {row!r}"
        assert not [sign for sign in row if unicodedata.category(sign) in UNWANTED], f"after {after}: {row!r}"
    for pane in app.screen.query(Pane):
        framed = range(pane.region.y, pane.region.bottom) if pane.is_on_screen and pane.styles.border_right[0] else range(0)
        torn = [y for y in framed if _column(rows[y], pane.region.right - 1) not in RIGHT and not _is_covered(app, pane, y)]
        assert not torn, f"after {after}, in {pane.id}, rows {torn}:\n{text(app)}"
    assert "pane broke" not in text(app), f"after {after}:\n{text(app)}"


def _column(row: str, column: int) -> str:
    at = 0
    for sign in row:
        if at >= column and cell_len(sign):
            return sign
        at += cell_len(sign)
    return ""


def _is_covered(app: Cockpit, pane: Pane[Any], y: int) -> bool:
    """By a toast."""
    return app.screen.get_widget_at(pane.region.right - 1, y)[0] is not pane


@pytest.mark.parametrize("size", [(120, 40), (45, 30)], ids=["wide", "phone"])
async def test_every_screen_of_foreign_text_stands(night: RunFolder, size: tuple[int, int]) -> None:
    app = Cockpit(night.folder.parent.parent, LiveNight(night, night.folder.parent.parent))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "? help" in text(app))
        assert_whole(app, "the start")
        for place, key in enumerate(TOUR):
            await pilot.press(key)
            await settled(pilot)
            assert_whole(app, " ".join(TOUR[: place + 1]))
    assert app.return_code in (0, None)


async def settled(pilot: Pilot[Any]) -> None:
    """What a thread reads is there."""
    screen: Screen[Any] = pilot.app.screen
    await until(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers if worker.node is screen), 5)


MEASURE = """
import os, re, sys, tty
tty.setraw(0)
texts = open(sys.argv[1], encoding="utf-8").read().split("\\n")
for begin in range(0, len(texts), 100):
    some, answers = texts[begin : begin + 100], b""
    os.write(1, "".join(f"\\r\\x1b[2Ka{text}\\x1b[6n" for text in some).encode())
    while answers.count(b"R") < len(some):
        answers += os.read(0, 1 << 16)
    with open(sys.argv[2], "a") as told:
        told.write("".join(f"{int(found) - 2} " for found in re.findall(rb";(\\d+)R", answers)))
"""
"""Write each text, and ask the terminal which column it came to."""


@pytest.mark.needs("tmux")
def test_every_sign_is_as_wide_for_us_as_for_a_terminal(tmp_path: Path) -> None:
    """Of each block and each kind of sign one, and what is made of several."""
    kinds = {(code // BLOCK, unicodedata.category(chr(code))): chr(code) for code in range(0x20, 0x32000)}
    words = [word for text in TEXTS.values() for word in text.split()]
    drawn = (shown(f"a{text}")[1:] for text in [*kinds.values(), *words])
    asked = list(dict.fromkeys(text for text in drawn if text and cell_len(text) < 100))
    given, told = tmp_path / "texts", tmp_path / "columns"
    given.write_text("\n".join(asked), encoding="utf-8")
    with Terminal() as terminal:
        command = [sys.executable, "-c", MEASURE, str(given), str(told)]
        terminal.start(command, environment={"LC_ALL": "C.UTF-8"})
        terminal.until(lambda: told.exists() and len(told.read_text().split()) == len(asked), "the terminal did not answer", 60)
    columns = dict(zip(asked, map(int, told.read_text().split()), strict=True))
    assert {ascii(text): wide for text, wide in columns.items() if wide != cell_len(text)} == {}


@pytest.mark.parametrize("sign", ["x", "語", "a b", "e\u0301\u0316", "\x9d", "\x1b]", "\n"], ids=ascii)
def test_a_text_of_megabytes_is_laid_out_within_a_blink(sign: str) -> None:
    text = sign * 5_000_000
    assert sum(map(len, wrapped(text, 80))) <= 2 * LONGEST
    assert is_within(1.0, lambda: wrapped(text, 80))


def test_a_key_that_is_no_text_is_none_and_the_next_one_counts(night: RunFolder) -> None:
    with Pty(cockpit(night.folder.parent.parent), 120, 40, environment()) as terminal:
        terminal.when("help")
        for noise in (b"\xff", b"caf\xe9", b"\xe2\x82", b"\xed\xa0\x80"):
            terminal.write(noise)
            time.sleep(0.2)  # what comes at once with it is lost too
        began = terminal.write("?")
        terminal.when("─ help", since=began)
