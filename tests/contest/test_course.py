"""The course of a contest with engines that are made of facts: what is trained beside what, and that nothing is left."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import cast

import pytest

from autoresearch_tui.contest import course as of_course
from autoresearch_tui.contest.course import Course, Lineup, Unmeasured
from autoresearch_tui.contest.places import Entry, company_of, first_of
from autoresearch_tui.contest.rounds import Turn
from autoresearch_tui.contest.turns import Terms, Turns
from autoresearch_tui.engine.executors.devices import Device
from autoresearch_tui.journal.state import Run
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import Workspace
from tests.contest.games import trained_again
from tests.engine.histories import History


class Played(Turns):
    """Each turn takes as long as its run is told, and then it is so."""

    def __init__(self, seconds: dict[str, float], value: float | None = 1.0) -> None:
        super().__init__(Terms())
        self.seconds, self.value = seconds, value
        self.histories = {tag: History() for tag in seconds}
        self.working: set[str] = set()
        self.beside: list[set[str]] = []
        """Who else trained when a turn of the first one ended."""

    def state(self, entry: Entry) -> Run:
        return self.histories[entry.tag].run

    async def take(self, entry: Entry, turn: Turn, device: Device) -> str:
        history = self.histories[entry.tag]
        self.working.add(entry.tag)
        try:
            await asyncio.sleep(self.seconds[entry.tag])
        finally:
            self.working.remove(entry.tag)
        if entry.tag == "first":
            self.beside.append(set(self.working))
        if turn.again is not None:
            trained_again(history, 0, self.value)
        else:
            history.begin()
            history.settle(0, None, self.value, "crash" if self.value is None else "finished")
        return ""


def course(home: Path, turns: Played, monkeypatch: pytest.MonkeyPatch) -> Course:
    first, company = first_of(home), company_of(home, 1)
    for entry in (first, *company):
        entry.folder.mkdir(parents=True)
    monkeypatch.setattr(of_course, "state", turns.state)
    monkeypatch.setattr(of_course, "begin", lambda *_: None)
    made = Course(cast(Workspace, None), Settings(), Lineup(first, (), tuple(company), 1), [Device(), Device()], (), lambda _: None)
    made.turns = turns
    made.since = 0.0
    return made


def test_company_trains_until_the_baseline_is_done_and_goes_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Played({"first": 0.2, "company-1": 0.03})
    made = course(tmp_path, turns, monkeypatch)
    asyncio.run(made._measure())
    assert turns.beside == [{"company-1"}] * 3, "however soon the company's own trainings are over"
    assert not turns.working and [path.name for path in tmp_path.iterdir()] == ["first"]


def test_company_that_a_killed_contest_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Played({"first": 0.0, "company-1": 0.0})
    made = course(tmp_path, turns, monkeypatch)
    turns.histories["first"].begin()
    turns.histories["first"].settle(0, None, 1.0)
    for _ in range(2):
        trained_again(turns.histories["first"], 0, 1.0)
    asyncio.run(made._measure())
    assert [path.name for path in tmp_path.iterdir()] == ["first"] and not turns.beside


def test_a_baseline_that_crashes_is_trained_once_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Played({"first": 0.0, "company-1": 0.01}, value=None)
    made = course(tmp_path, turns, monkeypatch)
    with pytest.raises(Unmeasured) as raised:
        asyncio.run(made._measure())
    reason = turns.histories["first"].run.experiments[0].reason
    assert reason and f"the baseline has no number: {reason.rstrip('.')}. " in str(raised.value) and len(turns.beside) == 1


def test_what_the_company_meets_is_raised_and_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Played({"first": 0.0, "company-1": 0.0})
    made = course(tmp_path, turns, monkeypatch)
    del turns.histories["company-1"]
    with pytest.raises(KeyError):
        asyncio.run(made._measure())


def test_a_contest_that_fails_ends_the_engines_of_its_other_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told to, and has as long as it needs for that."""
    (entry,) = company_of(tmp_path, 1)
    (entry.folder / ".autoresearch").mkdir(parents=True)
    code = (
        "import signal, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), pathlib.Path('told').touch(), sys.exit()))\n"
        "pathlib.Path('begun').touch()\n"
        "time.sleep(60)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Turns, "_command", lambda *_: [sys.executable, "-c", code])
    turns = Turns(Terms())

    async def fails() -> None:
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.01)
        raise OSError("another turn's disk is full")

    async def both() -> None:
        await asyncio.gather(turns.take(entry, Turn(1), Device()), fails())

    with pytest.raises(OSError, match="disk is full"):
        asyncio.run(both())
    assert (tmp_path / "told").exists() and not turns._processes


def test_an_end_is_said_and_its_signal_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    for numbers, by, said in (
        ((signal.SIGINT, signal.SIGINT), signal.SIGINT, ["it ends after the trainings that are under way; Ctrl+C again: at once"]),
        ((signal.SIGTERM,), signal.SIGTERM, ["it ends now: SIGTERM arrived"]),
        ((signal.SIGHUP,), signal.SIGHUP, ["it ends now: SIGHUP arrived"]),
    ):
        told.clear()
        made = course(tmp_path / by.name, Played({"first": 0.0}), monkeypatch)
        made.tell = told.append
        for number in numbers:
            made._interrupted(number)
        assert (made.ended_by, told) == (by, said) and made.ended
