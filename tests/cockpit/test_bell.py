"""The terminal's bell rings for those who asked for it: at a new best, at the end, and once for an engine that stays dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.notices import Bell, notice_of
from autoresearch_tui.journal import events as e
from autoresearch_tui.workspace import RunFolder
from autoresearch_tui.worth import DEAD_S
from tests.cockpit.stage import moment, told, until
from tests.engine.histories import History
from tests.morning.followers import Lived, lab


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def begun() -> History:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    return history


def rung(history: History, bell: Bell) -> bool:
    return bell.rings([one for fact in told(history) if (one := notice_of(fact))], moment(history))


def test_it_rings_at_a_new_best_and_at_the_end_and_at_nothing_else() -> None:
    history = begun()
    assert not rung(history, Bell())
    history.settle(1, 0, 1.1)
    history.add(e.Warned("something"))
    assert not rung(history, Bell())
    history.settle(2, 0, 0.9)
    assert rung(history, Bell())
    ended = begun()
    ended.add(e.EngineEnded("the time is up"))
    assert rung(ended, Bell())


def test_a_night_that_is_shown_again_is_silent() -> None:
    history = begun()
    history.settle(1, 0, 0.9)
    notices = [one for fact in told(history) if (one := notice_of(fact))]
    assert not Bell().rings(notices, Moment(history.run, live=False))


def test_it_rings_once_for_an_engine_that_died_while_somebody_looked_and_stays_dead() -> None:
    clock, history = Clock(), begun()
    bell = Bell(clock)
    assert not bell.rings([], moment(history))
    rings = []
    for clock.now in (1.0, DEAD_S, DEAD_S + 2, DEAD_S + 4, 1e4):
        rings.append(bell.rings([], moment(history, alive=False)))
    assert rings == [False, False, True, False, False]


def test_it_is_silent_for_one_that_comes_back_and_for_one_that_was_dead_before() -> None:
    clock, history = Clock(), begun()
    bell = Bell(clock)
    for clock.now, alive in ((0.0, True), (1.0, False), (60.0, True), (200.0, True)):
        assert not bell.rings([], moment(history, alive))
    stranger = Bell(clock)
    for clock.now in (0.0, 1e4):
        assert not stranger.rings([], moment(history, alive=False))


@pytest.mark.parametrize("wanted", [True, False])
async def test_only_who_asked_for_it_hears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    rings: list[str] = []
    monkeypatch.setattr(Cockpit, "bell", lambda app: rings.append("rung"))
    folder = lab(tmp_path / "lab")
    with (folder / "autoresearch.toml").open("a") as file:
        file.write(f"\n[screen]\nbell = {str(wanted).lower()}\n")
    with Lived(folder) as run:
        run.judge(0, 1.0)
        app = Cockpit(folder, LiveNight(RunFolder(run.journal.path.parent), folder))
        async with app.run_test(size=(120, 40)) as pilot:
            run.judge(1, 0.9, 0)
            await until(pilot, lambda: app.following is not None and bool(app.following.heard.notices))
            await pilot.pause(0.1)
    assert rings == ["rung"] * wanted
