"""The whole screen over a night: keys become commands, the engine's answers come back, nothing that breaks takes the rest along."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.cockpit.notices import Notice
from autoresearch_tui.cockpit.screens.experiment import ExperimentScreen
from autoresearch_tui.cockpit.screens.go_on import GoOnScreen
from autoresearch_tui.cockpit.screens.main import MainScreen
from autoresearch_tui.cockpit.screens.quit import QuitScreen
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal, JournalBusy, Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.screens import text
from tests.cockpit.stage import until
from tests.engine.nights import make_checkout

SIZE = (120, 40)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab")


@pytest.fixture
def engine(lab: Path) -> Iterator[Writer]:
    """A night with a baseline and one experiment; another one trains."""
    with Writer(RunFolder(lab / ".autoresearch" / "nov21").journal) as writer:
        writer.append(e.RunStarted("nov21", "c0", sigma=0.001))
        writer.append(e.EngineStarted(os.getpid(), born(os.getpid()), boot_id(), "1", "sweep"))
        for number, value in enumerate((1.0, 0.99)):
            writer.append(e.Proposed(number, operator="tune", parent=0 if number else None, idea=f"idea {number}"))
            writer.append(e.Committed(number, f"c{number}"))
            writer.append(e.Launched(number, 1, 42, 1, 1, "boot"), e.Ended(number, 1, "finished", seconds=300.0))
            writer.append(e.Measured(number, 1, value), e.Judged(number, "keep", "better", number), e.Applied(number))
        writer.append(e.Proposed(2, operator="tune", parent=1, idea="a third idea"), e.Committed(2, "c2"))
        writer.append(e.Launched(2, 1, 42, 1, 1, "boot"))
        yield writer


def cockpit(lab: Path, engine: Writer) -> Cockpit:
    return Cockpit(lab, LiveNight(RunFolder(engine.path.parent), lab))


def heard(app: Cockpit) -> list[Notice]:
    assert app.following is not None
    return app.following.heard.notices


def sent(engine: Writer) -> list[c.Command | None]:
    return [one.wish for one in engine.commands()]


async def test_a_key_is_a_command_with_the_target_that_the_footer_named(lab: Path, engine: Writer) -> None:
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "s skip #2  K keep #2  X discard #2" in text(pilot.app))
        await pilot.press("s")
        assert sent(engine) == [c.Skip(2, 1)]
        await until(pilot, lambda: "sent: skip #2" in text(pilot.app))
        engine.append(e.Commanded(1, c.Skip(2, 1), "ann", True))
        await until(pilot, lambda: "accepted: skip #2" in text(pilot.app))


async def test_a_chosen_row_is_what_the_keys_mean(lab: Path, engine: Writer) -> None:
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await pilot.press("up")
        await until(pilot, lambda: "X discard #1" in text(pilot.app))
        await pilot.press("X", "A")
        assert sent(engine) == [c.Discard(1), c.Again(1)]


async def test_a_refusal_says_why(lab: Path, engine: Writer) -> None:
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await pilot.press("K")
        engine.append(e.Commanded(1, c.Keep(2), "ann", False, "#2 is not training any more"))
        await until(pilot, lambda: "refused: keep #2: #2 is not training any more" in text(pilot.app))


async def test_notes_and_ideas_and_any_command_are_lines_of_text(lab: Path, engine: Writer) -> None:
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await pilot.press("n", *"no [0]", "enter", "i", *"SET", "escape", "colon", *"limit", "space", *"hours", "space", "8", "enter")
        assert sent(engine) == [c.Note("no [0]"), c.Limit("hours", "8")]
        await pilot.press("colon", *"sing", "enter")
        await until(pilot, lambda: "there is no command 'sing'" in text(pilot.app))


async def test_what_waits_can_be_withdrawn(lab: Path, engine: Writer) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("p")
        engine.append(e.Commanded(1, c.Pause(1), "ann", True))
        await until(pilot, lambda: "waits: pause" in text(pilot.app))
        await pilot.press("w")
        assert sent(engine) == [c.Pause(1), c.Withdraw(1)]
        engine.append(e.Lapsed(1, "withdrawn by ann"), e.Commanded(2, c.Withdraw(1), "ann", True), e.Fulfilled(2))
        await until(pilot, lambda: "done: withdraw pause" in text(pilot.app))
        assert not [one for one in heard(app) if "came to nothing" in one.title]


async def test_leaving_asks_and_leaves_it_running_by_default(lab: Path, engine: Writer) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        await pilot.press("enter")
    assert (app.return_code, sent(engine)) == (0, [])


async def test_leaving_can_stop_it(lab: Path, engine: Writer) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        await pilot.press("s")
        await until(pilot, lambda: sent(engine) == [c.Stop(1)])


async def test_a_night_that_is_over_offers_to_go_on_and_starts_nothing_by_itself(lab: Path, engine: Writer) -> None:
    engine.append(e.EngineEnded("stopped by ann"))
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, GoOnScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "c go on" in text(app))
        await pilot.press("q")
    assert app.return_code == 0


async def test_enter_opens_the_experiment_and_its_keys_mean_it(lab: Path, engine: Writer) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("up", "enter")
        await until(pilot, lambda: isinstance(app.screen, ExperimentScreen))
        await pilot.press("A")
        assert sent(engine) == [c.Again(1)]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


async def test_one_pane_at_a_time_on_a_small_screen(lab: Path, engine: Writer) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "─ results" in text(app))
        assert "─ run.log" not in text(app)
        await pilot.press("3")
        await until(pilot, lambda: "─ run.log" in text(app) and "─ results" not in text(app))
        await pilot.resize_terminal(*SIZE)
        await until(pilot, lambda: "─ run.log" in text(app) and "─ results" in text(app))
        await pilot.press("f")
        await until(pilot, lambda: "─ results" not in text(app))


async def test_a_pane_that_breaks_says_so_and_the_keys_go_on(lab: Path, engine: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(moment: object) -> None:
        raise ZeroDivisionError("[/a bug")

    monkeypatch.setenv("XDG_STATE_HOME", str(lab))
    monkeypatch.setattr("autoresearch_tui.cockpit.parts.gpu.part_of", breaks)
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "This pane broke (ZeroDivisionError" in text(app))
        await pilot.press("s")
        assert sent(engine) == [c.Skip(2, 1)]
        await until(pilot, lambda: any("the pane gpu broke" in one.text for one in heard(app)))
    assert "ZeroDivisionError" in next(lab.rglob("screen.log")).read_text()


async def test_a_journal_that_goes_away_is_a_sentence(lab: Path, engine: Writer) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        assert app.following is not None
        app.following.night.close()
        await until(pilot, lambda: "the journal cannot be read now" in text(app))


async def test_a_journal_that_is_held_for_a_while_is_a_sentence_and_then_goes_on(
    lab: Path, engine: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "training #2" in text(app))
        with monkeypatch.context() as held:
            held.setattr(Journal, "events", busy)
            engine.append(e.Warned("the disk is nearly full"))
            await until(pilot, lambda: "the journal cannot be read now: held by another program" in text(app))
        await until(pilot, lambda: any("nearly full" in one.text for one in heard(app)))


def busy(*_: object) -> None:
    raise JournalBusy("held by another program")


async def test_another_night_has_nothing_of_the_one_before(lab: Path, engine: Writer) -> None:
    engine.append(e.Warned("the disk is nearly full"))
    with Writer(RunFolder(lab / ".autoresearch" / "nov20").journal) as other:
        other.append(e.RunStarted("nov20", "c0"), e.EngineStarted(1, 1, "boot", "1", "sweep"))
        app = cockpit(lab, engine)
        async with app.run_test(size=SIZE) as pilot:
            engine.append(e.Warned("it is hot"))
            await until(pilot, lambda: "it is hot" in text(app))
            await app.open_run("nov20")
            await until(pilot, lambda: "autoresearch nov20" in text(app))
            assert "it is hot" not in text(app)
            assert heard(app) == []


async def test_a_stop_that_cannot_be_written_keeps_the_screen_open(lab: Path, engine: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    app = cockpit(lab, engine)
    async with app.run_test(size=SIZE) as pilot:
        monkeypatch.setattr(Journal, "send", busy)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitScreen))
        await pilot.press("s")
        await until(pilot, lambda: "not sent: held by another program" in text(app))
    assert app.return_code is None


async def test_a_sample_of_a_later_version_is_left_out(lab: Path, engine: Writer) -> None:
    engine.sample((time.time(), '{"card": 7}'), (time.time(), "no json"))
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "training #2" in text(pilot.app))


async def test_a_held_draft_is_rejected_from_the_proposal_and_not_from_a_row_that_was_chosen(lab: Path, engine: Writer) -> None:
    engine.append(e.Drafting("d9", "tune", 1, "sweep"), e.Drafted("d9", "b", "an idea"), e.Held("d9", 1e12))
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await pilot.press("up")
        await until(pilot, lambda: "X discard #1" in text(pilot.app))
        await pilot.press("2")
        await until(pilot, lambda: "X reject draft d9" in text(pilot.app))
        await pilot.press("X")
        assert sent(engine) == [c.Reject("d9")]


async def test_a_key_whose_target_has_just_changed_asks_to_be_pressed_again(lab: Path, engine: Writer) -> None:
    async with cockpit(lab, engine).run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "s skip #2" in text(pilot.app))
        engine.append(e.Ended(2, 1, "finished"), e.Measured(2, 1, 0.98), e.Judged(2, "keep", "better", 2), e.Applied(2))
        engine.append(e.Proposed(3, operator="tune", parent=2, idea="a fourth"), e.Committed(3, "c3"), e.Launched(3, 1, 42, 1, 1, "boot"))
        await until(pilot, lambda: "s skip #3" in text(pilot.app))
        await pilot.press("s")
        assert sent(engine) == []
        await until(pilot, lambda: "as you pressed: press again" in text(pilot.app))
        await pilot.pause(0.5)
        await pilot.press("s")
        assert sent(engine) == [c.Skip(3, 1)]
