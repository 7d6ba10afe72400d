"""The report stands on the screen as the command line tells it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.screens.report import ReportScreen
from autoresearch_tui.packed import opened
from tests.cockpit.screens import Bare, text
from tests.cockpit.stage import PHONE, WIDE, until


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_it_is_the_report_of_this_night_in_lines_of_this_width(size: tuple[int, int]) -> None:
    with opened() as (night, _):
        app = Bare()
        async with app.run_test(size=size) as pilot:
            await app.push_screen(ReportScreen(night.folder))
            await until(pilot, lambda: "Result" in text(app))
            assert "val_bpb went from 2.525075 to 2.383008" in " ".join(text(app).replace("│", " ").split())


async def test_what_cannot_be_told_is_said_and_can_be_asked_again(tmp_path: Path) -> None:
    said = tmp_path / "said"
    said.write_text("raise SystemExit('autoresearch-tui: this journal is damaged.')")
    app = Bare()
    async with app.run_test(size=WIDE) as pilot:
        await app.push_screen(ReportScreen(tmp_path, (sys.executable, str(said))))
        await until(pilot, lambda: "this journal is damaged." in text(app))
        said.write_text("print('Result: all is well')")
        await pilot.press("r")
        await until(pilot, lambda: "all is well" in text(app))
