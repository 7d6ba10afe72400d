"""The whole screen over a journal in which three train at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.screens import text
from tests.cockpit.slotted import FAST
from tests.cockpit.stage import until


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[tuple[LiveNight, Writer]]:
    """A journal in which three train, and their logs."""
    folder = RunFolder(tmp_path / "lab" / ".autoresearch" / "nov21")
    folder.log(0, 1).parent.mkdir(parents=True)
    with Writer(folder.journal) as writer, ExitStack() as stack:
        writer.append(e.RunStarted("nov21", "c0"), e.EngineStarted(os.getpid(), born(os.getpid()), boot_id(), "1", "sweep"))
        writer.append(e.Equipped(tuple(e.Slot(f"gpu{place}", FAST, f"GPU-{place}") for place in range(3))))
        for number in range(3):
            writer.append(e.Proposed(number, parent=0 if number else None, idea=f"idea {number}"), e.Committed(number, f"c{number}"))
            writer.append(e.Launched(number, 1, 42, 1, 1, "boot", slot=f"gpu{number}", device=FAST))
            folder.log(number, 1).write_text(f"this is the log of {number}\nstep 00010 ({number}5.0%) | loss: {number}.500000\r")
        yield stack.enter_context(closing(LiveNight(folder, tmp_path))), writer


async def test_the_cursor_and_a_key_lead_from_slot_to_slot(lab: tuple[LiveNight, Writer]) -> None:
    night, writer = lab
    assert {number: round(one.fraction or 0, 2) for number, one in night.moment().lines.items()} == {0: 0.05, 1: 0.15, 2: 0.25}
    app = Cockpit(None, night)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "this is the log of 0" in text(app) and "▸ gpu0  #0" in text(app))
        assert "s skip #0 in gpu0" in text(app) and "] next slot" in text(app)
        await pilot.press("]")
        await until(pilot, lambda: "this is the log of 1" in text(app))
        assert "▸ gpu1  #1" in text(app) and "s skip #1 in gpu1  K keep #1" in text(app)
        await pilot.press("[", "[")
        await until(pilot, lambda: "this is the log of 2" in text(app))
        await pilot.press("k")
        await until(pilot, lambda: "this is the log of 1" in text(app))
        await pilot.press("s")
        await until(pilot, lambda: [one.wish for one in writer.commands()] == [c.Skip(1, 1)])


async def test_the_status_grows_and_shrinks_with_the_slots(lab: tuple[LiveNight, Writer]) -> None:
    night, writer = lab
    app = Cockpit(None, night)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "gpu2  #2" in text(app))
        writer.append(e.Ended(2, 1, "interrupted", why="its machine is gone"), e.Equipped((e.Slot("gpu0", FAST),), "lab7 is gone"))
        await until(pilot, lambda: "gpu2  #2" not in text(app) and "gpu1  #1" in text(app))
        writer.append(e.EngineEnded("stopped by ann"))
        await until(pilot, lambda: app.screen_stack[1].query_one("#status").size.height == 2)
