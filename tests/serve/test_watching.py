"""To watch is to send nothing: whatever is pressed, and wherever it would leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from autoresearch_tui.cockpit import starting
from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.cockpit.moment import VIEW
from autoresearch_tui.cockpit.screens.main import MainScreen
from autoresearch_tui.cockpit.screens.runs import RunsScreen
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal, JournalError, Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.screens import text
from tests.cockpit.stage import until
from tests.engine.nights import make_checkout
from tests.machine import nobody

SENDING = ("p", "s", "K", "X", "A", "y", "v", "n", "i", "w", "colon", "c", "e")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab")


@pytest.fixture
def engine(lab: Path) -> Iterator[Writer]:
    """A baseline that was measured, an experiment that trains, a draft that waits for a person, and a command that waits."""
    with Writer(RunFolder(lab / ".autoresearch" / "nov21").journal) as writer:
        writer.append(e.RunStarted("nov21", "c0"), e.EngineStarted(os.getpid(), born(os.getpid()), boot_id(), "1", "sweep"))
        for number in range(2):
            writer.append(e.Proposed(number, operator="tune", parent=0 if number else None), e.Committed(number, f"c{number}"))
            writer.append(e.Launched(number, 1, 42, 1, 1, "boot"))
            if not number:
                writer.append(e.Ended(0, 1, "finished"), e.Measured(0, 1, 1.0), e.Judged(0, "keep", "", 0), e.Applied(0))
        writer.append(e.Commanded(1, c.Pause(1), "ann", True))
        yield writer


def view(lab: Path, engine: Writer) -> Cockpit:
    return Cockpit(lab, LiveNight(RunFolder(engine.path.parent), lab, view=True), view=True)


async def test_every_key_that_would_send_says_that_it_does_not(lab: Path, engine: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", f"touch {lab / 'edited'} ;")
    app = view(lab, engine)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "watching sends nothing" in text(app))
        assert app.following is not None
        for key in SENDING:
            app.following.wishes.say("nothing yet")
            await pilot.press(key)
            word, _ = app.following.words
            assert word is not None and word.text == VIEW, key
            assert isinstance(app.screen, MainScreen), key
        assert "p pause" not in text(app) and "w withdraws" not in text(app)
    assert not engine.commands() and not (lab / "edited").exists()


async def test_what_leaves_by_any_other_way_is_refused_where_it_would_leave(lab: Path, engine: Writer) -> None:
    app = view(lab, engine)
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.following is not None
        assert app.send(c.Stop(1, True)) is False
        app.following.speak("stop now")
        app.following.wishes.act("pause", app.following.moment.run, None)
        await app.start("nov22", "--from", "nov21")
        await until(pilot, lambda: "nothing is sent" in text(app))
    assert not engine.commands() and not (lab / ".autoresearch" / "nov22").exists()
    with pytest.raises(starting.NotStarted, match=VIEW):
        await starting.ask("runs", "--delete", "nov21", "--yes", "--dir", str(lab), command=())


async def test_leaving_leaves_and_asks_nothing(lab: Path, engine: Writer) -> None:
    app = view(lab, engine)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("q")
    assert app.return_code == 0 and not engine.commands()


async def test_a_night_that_is_over_is_only_shown(lab: Path, engine: Writer) -> None:
    engine.append(e.EngineEnded("stopped by ann"))
    app = view(lab, engine)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "watching sends nothing" in text(app))
        assert isinstance(app.screen, MainScreen) and "go on" not in text(app)


async def test_runs_are_opened_as_views_and_neither_continued_nor_deleted(lab: Path, engine: Writer) -> None:
    with Writer(RunFolder(lab / ".autoresearch" / "nov20").journal) as other:
        other.append(e.RunStarted("nov20", "c0"), e.EngineEnded("3 experiments are done"))
    app = view(lab, engine)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("R")
        await until(pilot, lambda: "nov20" in text(app))
        await pilot.press("home", "D", "c")
        assert isinstance(app.screen, RunsScreen) and app.following is not None
        assert [one.text for one in app.following.heard.notices if one.text == VIEW] == [VIEW, VIEW]
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, MainScreen) and app.following is not None and app.following.moment.run.tag == "nov20"
        )
        assert app.following is not None and app.following.moment.view
        assert app.send(c.Note("x")) is False
    assert RunFolder(lab / ".autoresearch" / "nov20").journal.exists()


@pytest.mark.needs("root")
def test_a_colleague_who_may_only_read_watches_a_night_at_work() -> None:
    with TemporaryDirectory() as folder, Writer(RunFolder(Path(folder, "lab", ".autoresearch", "nov21")).journal) as engine:
        engine.append(e.RunStarted("nov21", "c0"), e.Proposed(0))
        run = engine.path.parent
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        with nobody(), closing(LiveNight(RunFolder(run), run.parents[1], view=True)) as night:
            assert len(night.moment().run.experiments) == 1
        with nobody(), pytest.raises(JournalError):
            Journal(engine.path).send(c.Pause(1), "nobody")
