"""The pane of a log follows its end, holds still where somebody reads, and finds; whatever a training prints is shown as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from autoresearch_tui.cockpit.drawing import Span, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import log
from autoresearch_tui.cockpit.parts.log import Log, Look, Place, drawn, part_of
from autoresearch_tui.cockpit.widgets.log import LogPane
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.tail import Line, Tail
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.screens import Bare, lines, text
from tests.cockpit.test_drawing import FOREIGN
from tests.engine.histories import History

SIZE = (60, 12)
HEIGHT = SIZE[1] - 2  # rows in the frame


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0003-1.log"


def numbered(first: int, last: int) -> str:
    return "".join(f"line {number:04}\n" for number in range(first, last))


def append(path: Path, more: str) -> None:
    with path.open("a") as file:
        file.write(more)


@asynccontextmanager
async def shown(path: Path | None, said: str = "") -> AsyncIterator[tuple[LogPane, Pilot[None]]]:
    """A pane of this log, which has the keys."""
    pane = LogPane()
    async with Bare(pane).run_test(size=SIZE) as pilot:
        pane.show(Log(trial="#3", path=path, live=True, said=said))
        pane.focus()
        await pilot.pause()
        yield pane, pilot


def rows(pane: LogPane) -> list[str]:
    """What stands in the frame."""
    return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]


def below(pane: LogPane) -> str:
    return str(pane.border_subtitle)


async def found(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


# ---- which log ----


def test_the_log_is_the_running_trials_and_between_two_the_last_ones(tmp_path: Path) -> None:
    folder, history = RunFolder(tmp_path), History()
    ends = {folder.log(1, 2): 512}

    def now() -> Log:
        return part_of(Moment(run=history.run, alive=True), folder, ends.get)

    history.begin()
    assert now().path is None and now().said.startswith("No training yet: the baseline starts as soon as")
    history.launch(0)
    assert now() == Log("run.log", "#0", folder.log(0, 1), None, live=True)
    history.end(0, 1.0)
    assert now() == Log("run.log", "#0", folder.log(0, 1), None, live=False)
    history.judge(0)
    history.launch(1, 0)
    history.end(1, 0.99)
    history.relaunch(1)
    assert now() == Log("run.log", "#1 trial 2", folder.log(1, 2), 512, live=True)
    history.end(1, 0.99)
    history.launch(2, 0)
    history.relaunch(0)
    history.end(0, 1.0)
    assert now().trial == "#2"


def test_before_the_first_training_the_pane_says_why_there_is_none(tmp_path: Path) -> None:
    def said(history: History, alive: bool = True) -> str:
        return part_of(Moment(run=history.run, alive=alive), RunFolder(tmp_path), lambda file: None).said

    history = History()
    history.begin()
    assert "no engine works on this run" in said(history, alive=False)
    history.add(e.Waiting("bob's training has the card."))
    assert said(history).endswith("the baseline waits: bob's training has the card.")
    history.add(e.Paused("ann"))
    assert "paused" in said(history)
    history.add(e.EngineEnded("stopped"))
    assert said(history) == "Nothing was trained: the run ended before its baseline started."


async def test_an_empty_pane_says_what_will_be_in_it(path: Path) -> None:
    async with shown(None, "No training yet: the baseline starts as soon as the engine is ready.") as (pane, pilot):
        assert "No training yet: the baseline" in rows(pane)[0]
    async with shown(path) as (pane, pilot):
        assert "There is no 0003-1.log. The log of" in rows(pane)[0]
        path.touch()
        pane.show(Log(trial="#3", path=path, live=True))
        await pilot.pause()
        assert "It printed nothing yet" in text(pilot.app)
        pane.show(Log(trial="#3", path=path))
        assert rows(pane)[0] == "It printed nothing."
        assert "run.log #3, over" in lines(pilot.app)[0]


# ---- following and holding ----


async def test_it_follows_the_end_and_rewrites_the_live_line_in_its_place(path: Path) -> None:
    path.write_text(numbered(0, 30) + "step 1\r")
    async with shown(path) as (pane, _):
        part = Log(trial="#3", path=path, live=True)
        assert rows(pane) == [*(f"line {number:04}" for number in range(21, 30)), "step 1"]
        append(path, "step 2\r")
        pane.show(part)
        assert rows(pane)[-2:] == ["line 0029", "step 2"]
        append(path, "\n" + numbered(30, 33))
        pane.show(part)
        assert rows(pane)[-4:] == ["step 2", "line 0030", "line 0031", "line 0032"]
        assert below(pane) == ""


async def test_scrolled_up_it_holds_still_and_counts_until_somebody_lets_it_follow(path: Path) -> None:
    path.write_text(numbered(0, 100))
    async with shown(path) as (pane, pilot):
        part = Log(trial="#3", path=path, live=True)
        await pilot.press("up", "k")
        held = [f"line {number:04}" for number in range(88, 98)]
        assert rows(pane) == held
        assert below(pane) == "held · 0 new lines · G follows"
        for number in range(100, 1334):
            append(path, f"line {number:04}\n")
        pane.show(part)
        append(path, "more\n")
        pane.show(part)
        assert rows(pane) == held
        assert below(pane) == "held · 1,235 new lines · G follows"
        await pilot.press("G")
        assert (rows(pane)[-1], below(pane)) == ("more", "")


@pytest.mark.parametrize("wraps", [False, True], ids=["cut", "whole"])
async def test_every_page_down_has_a_page_up_and_nothing_is_passed_over(path: Path, wraps: bool) -> None:
    path.write_text("".join(f"line {number:04} {'and more ' * (number % 13)}\n" for number in range(60)))
    async with shown(path) as (pane, pilot):
        if wraps:
            await pilot.press("l")
        whole = drawn(Tail(path).window(60).lines, pane.size.width, Look(wraps), live=True)
        everything = [row[0].text.rstrip() for _, row in whole]
        last = len(everything) - HEIGHT
        tops = [*range(0, last, HEIGHT - 1), last]
        await pilot.press("home")
        for top in tops:
            assert rows(pane) == everything[top : top + HEIGHT]
            pane.action_page(1)
        assert below(pane) == ""
        for top in range(last, -1, 1 - HEIGHT):
            assert rows(pane) == everything[top : top + HEIGHT]
            pane.action_page(-1)
        assert rows(pane) == everything[:HEIGHT]
        for row in range(1, last):
            pane.action_move(1)
            assert rows(pane) == everything[row : row + HEIGHT]


async def test_the_wheel_scrolls_and_at_the_end_it_follows_again(path: Path) -> None:
    path.write_text(numbered(0, 40))
    async with shown(path) as (pane, pilot):
        await pilot._post_mouse_events([MouseScrollUp], pane)
        assert rows(pane)[-1] == "line 0036"
        await pilot._post_mouse_events([MouseScrollDown], pane)
        append(path, "new\n")
        pane.show(Log(trial="#3", path=path, live=True))
        assert rows(pane)[-1] == "new"


async def test_who_reads_is_left_in_peace_when_another_training_begins(path: Path) -> None:
    path.write_text(numbered(0, 40))
    other = path.with_name("0004-1.log")
    other.write_text("another\n")
    async with shown(path) as (pane, pilot):
        await pilot.press("up")
        pane.show(Log(trial="#4", path=other, live=True))
        assert rows(pane)[-1] == "line 0038"
        assert "run.log #3, over" in lines(pilot.app)[0]
        assert below(pane) == "held · #4 runs · G shows it"
        await pilot.press("end")
        assert rows(pane)[0] == "another"
        assert "run.log #4" in lines(pilot.app)[0]
        pane.show(Log("trial 1", path=path))
        assert rows(pane)[-1] == "line 0039"


async def test_under_another_title_it_is_another_log_though_somebody_scrolled(path: Path) -> None:
    path.write_text(numbered(0, 40))
    other = path.with_name("0004-1.log")
    other.write_text("another\n")
    async with shown(path) as (pane, pilot):
        await pilot.press("up")
        pane.show(Log("#4 trial 1", path=other))
        assert rows(pane)[0] == "another"


async def test_a_log_that_began_again_or_was_played_back_is_followed(path: Path) -> None:
    path.write_text(numbered(0, 40))
    async with shown(path) as (pane, pilot):
        await pilot.press("up")
        path.write_text(numbered(100, 120))
        pane.show(Log(trial="#3", path=path, live=True))
        assert (rows(pane)[-1], below(pane)) == ("line 0119", "")
        await pilot.press("up")
        pane.show(Log(trial="#3", path=path, end=50, live=True))
        assert (rows(pane)[:5], below(pane)) == ([*(f"line {number:04}" for number in range(100, 105))], "")


async def test_a_longer_log_in_the_place_of_the_one_that_was_read_is_followed(path: Path) -> None:
    path.write_text(numbered(0, 40))
    async with shown(path) as (pane, pilot):
        await pilot.press("up")
        path.unlink()
        path.write_text(numbered(100, 200))
        pane.show(Log(trial="#3", path=path, live=True))
        assert (rows(pane)[-1], below(pane)) == ("line 0199", "")


async def test_a_log_that_goes_away_is_a_sentence(path: Path) -> None:
    path.write_text(numbered(0, 40))
    async with shown(path) as (pane, pilot):
        await pilot.press("up")
        path.unlink()
        await pilot.press("up")
        pane.show(Log(trial="#3", path=path, live=True))
        assert rows(pane)[0].startswith("There is no 0003-1.log.")


async def test_of_a_log_that_is_over_the_frame_says_where_one_is(path: Path) -> None:
    path.write_text(numbered(0, 100))
    async with shown(path) as (pane, pilot):
        pane.show(Log(trial="#3", path=path))
        await pilot.press("home")
        assert below(pane) == "at 0% · G goes to the end"


# ---- searching ----


async def test_a_search_goes_back_from_what_is_shown_and_says_when_there_is_nothing(path: Path) -> None:
    path.write_text("WARNING: one\n" + numbered(0, 50) + "warning: two\n" + numbered(50, 100))
    async with shown(path) as (pane, pilot):
        pane.find("warning")
        await found(pilot)
        assert "warning: two" in rows(pane)
        assert below(pane).startswith("warning · b the time before · held")
        painted = [span for line in pane._painted for span in line if "found" in span.role]
        assert painted == [Span("warning", "found strong")]
        await pilot.press("b")
        await found(pilot)
        assert rows(pane)[0] == "WARNING: one"
        await pilot.press("b")
        await found(pilot)
        assert below(pane).startswith("no warning above · b looks from the")
        await pilot.press("b")
        await found(pilot)
        assert "warning: two" in rows(pane)
        pane.find("nowhere")
        await found(pilot)
        await pilot.press("b")
        await found(pilot)
        assert below(pane).startswith("no nowhere here")
        pane.find("")
        await pilot.pause()
        assert "nowhere" not in below(pane)


async def test_the_key_of_a_search_is_left_to_others_where_nothing_is_sought(path: Path) -> None:
    path.write_text(numbered(0, 40))
    async with shown(path) as (pane, _):
        assert not pane.check_action("find_again", ())
        pane.find("line")
        assert pane.check_action("find_again", ())
        pane.find("")
        assert not pane.check_action("find_again", ())
        assert pane.check_action("move", (1,))


async def test_what_stands_right_of_the_pane_is_found_in_sight(path: Path) -> None:
    path.write_text("a long line " * 9 + "[/needle] and more\n" + "another\n")
    async with shown(path) as (pane, pilot):
        pane.find("[/NEEDLE]")
        await found(pilot)
        assert rows(pane)[0].startswith("…") and rows(pane)[0].endswith("[/needle]…")


async def test_a_search_through_a_log_without_end_keeps_the_keys_and_ends_with_the_screen(path: Path) -> None:
    with path.open("wb") as file:
        file.seek(2**36)  # of nothing: a minute's work
        file.write(b"\n" + numbered(0, 40).encode())
    async with shown(path) as (pane, _):
        pane.find("something")
        began = time.monotonic()
        for _ in range(10):
            await asyncio.sleep(0.01)
            pane.action_move(-1)
        assert time.monotonic() - began < 2
        assert rows(pane)[-1] == "line 0029"
        assert below(pane).startswith("searching for something ..")
    await asyncio.get_running_loop().shutdown_default_executor()
    assert time.monotonic() - began < 10


# ---- what trainings print ----


async def test_what_a_training_prints_is_shown_as_text(path: Path) -> None:
    path.write_text("".join(f"{foreign}\n" for foreign, _ in FOREIGN.values()))
    async with shown(path) as (pane, pilot):
        pane.find("[0]")
        await found(pilot)
        for line, (_, expected) in zip(rows(pane), FOREIGN.values(), strict=True):
            assert expected is None or line == expected
        assert [line[0] + line[-1] for line in lines(pilot.app)[1:-1]] == ["││"] * HEIGHT
        assert all(cell_len(line) == SIZE[0] for line in lines(pilot.app))


def test_an_error_stands_out_and_so_does_the_line_that_is_written() -> None:
    said = ["Traceback (most recent call last):", "[rank0]: torch.OutOfMemoryError: CUDA out of memory", "KeyError", "an Error: none", ""]
    given_lines = [Line(one, number, number + 1) for number, one in enumerate([*said, "step 1"])]
    given_lines[-1] = given_lines[-1]._replace(unfinished=True)
    roles = [[span.role for span in row] for _, row in drawn(given_lines, 80, Look(), live=True)]
    assert roles == [["bad"], ["bad"], ["bad"], [""], [], ["strong"]]
    assert [row for _, row in drawn(given_lines[-1:], 80, Look(), live=False)] == [(Span("step 1"),)]


def test_a_line_that_is_too_long_is_cut_shown_by_its_end_or_whole() -> None:
    line = Line("0123456789", 0, 11)
    whole = Look(wraps=True)
    assert [row[0].text for _, row in drawn([line], 6, Look(), False)] == ["01234…"]
    assert [row[0].text for _, row in drawn([line._replace(cut=True)], 6, Look(), False)] == ["…56789"]
    assert [(place, row[0].text) for place, row in drawn([line], 6, whole, False)] == [(Place(0, 0), "012345"), (Place(0, 1), "6789")]


def test_a_line_of_progress_is_whole_as_long_as_it_leaves_room_for_others() -> None:
    line = Line("step 1 loss 3.214 | tok/sec 1,612,345 | remaining 3s", 0, 52, unfinished=True)
    assert [row[0].text for _, row in drawn([line], 20, Look(), True)] == ["step 1 loss 3.214 |", "tok/sec 1,612,345 |", "remaining 3s"]
    assert [row[0].text for _, row in drawn([line._replace(text="x" * 90)], 20, Look(), True)] == ["x" * 19 + "…"]


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(1, 40), st.booleans(), st.booleans(), st.text(max_size=3))
def test_no_row_is_wider_than_the_pane(said: str, wide: int, wraps: bool, is_cut: bool, sought: str) -> None:
    line = Line(said, 0, 99, is_cut)
    assert all(width(row) <= max(wide, 2) for _, row in drawn([line], wide, Look(wraps, sought, 0), True))


def test_the_frame_says_that_a_packed_log_is_not_whole(tmp_path: Path) -> None:
    window = Tail(tmp_path / "a.log").window(1)._replace(capped=True)
    assert log.below(Log(), Log(), window, None, "") == "the first 64 MB of a packed log"


# ---- what it costs ----


async def test_a_flood_costs_what_is_shown_of_it(path: Path) -> None:
    """Ten thousand lines a second, looked at four times a second."""
    pane = LogPane()
    async with Bare(pane).run_test(size=(120, 40)) as pilot:
        part = Log(trial="#3", path=path, live=True)
        costs = []
        for frame in range(12):
            append(path, "".join(f"line {frame:04}.{number:04} of a training that prints too much\n" for number in range(2500)))
            if frame == 6:
                pane.action_move(-5)
            began = time.process_time()
            pane.show(part)
            costs.append(time.process_time() - began)
            await pilot.pause()
        print(f"a frame of a flood: {1000 * sorted(costs)[6]:.2f} ms")
        assert sorted(costs)[6] < 0.02
        assert below(pane) == "held · 15,000 new lines · G follows"
