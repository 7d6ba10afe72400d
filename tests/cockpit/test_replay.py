"""A night that is over is played again: what was known then is known again, when it was, and nothing of what came later."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.moment import Night
from autoresearch_tui.cockpit.replay import REST_S, ReplayedNight
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.store import Journal, JournalError
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.replays import AT, Play, Screen, engine, playing, started, trial, write
from tests.journal.golden import HERE as GOLDEN


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "nov20")


@pytest.fixture
def played(folder: RunFolder) -> Iterator[Play]:
    with playing(folder) as play:
        yield play


# ---- time ----


def test_a_fact_is_known_when_its_time_has_come(played: Play) -> None:
    night: Night = (screen := played(*started(), *trial(0, 1, 11))).night
    assert not night.moment().live
    assert [type(fact) for fact in screen.wait(0.5)] == [e.RunStarted, e.EngineStarted], "what the night began with"
    assert [type(fact) for fact in screen.wait(1)] == [e.Proposed, e.Committed, e.Launched]
    assert night.moment().run.phase == "training"
    assert screen.wait(9) == []
    assert screen.clock == pytest.approx(10.5)
    assert [type(fact) for fact in screen.wait(1)][-1] is e.Applied
    assert night.moment().run.experiments[0].verdict == "keep"


def test_the_beginning_is_there_before_anything_moves(played: Play) -> None:
    moment = played(*started(), *trial(0, 1, 11)).night.moment()
    assert (moment.run.tag, moment.now, moment.alive) == ("nov20", AT, True)


def test_it_begins_where_an_engine_works(played: Play) -> None:
    screen = played(started()[0], (5, engine()), *trial(0, 10, 20))
    assert screen.night.moment().alive
    assert [type(fact) for fact in screen.wait(0.1)] == [e.RunStarted, e.EngineStarted]
    screen.night.jump(-1)
    assert screen.night.moment().alive


def test_ten_times_as_fast(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 101), speed=10)
    screen.wait(5)
    assert screen.clock == pytest.approx(50)
    assert screen.night.moment().speed == 10


def test_what_the_engine_was_not_there_for_takes_two_seconds_of_the_screen(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 11), (12, e.EngineEnded("stopped")), (90_000, engine()), *trial(1, 90_001, 90_011))
    screen.wait(11.5)
    assert screen.night.moment().alive
    screen.wait(1)
    assert not screen.night.moment().alive
    assert screen.night.moment().run.phase == "ended"
    assert e.EngineStarted not in map(type, screen.wait(REST_S - 0.7))
    assert e.EngineStarted in map(type, screen.wait(0.7))


def test_an_engine_that_died_without_a_word_is_not_waited_for_either(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 11)[:3], (50_000, e.Ended(0, 1, "interrupted")), (50_000, engine()), *trial(1, 50_001, 50_011))
    assert list(map(type, screen.wait(1 + REST_S + 0.2))).count(e.EngineStarted) == 2


@pytest.mark.parametrize("rest", [e.Paused("ann@lab"), e.Waiting("the disk is full"), e.ResearcherDown("sweep", "it is gone")])
def test_a_pause_is_short_on_the_screen(played: Play, rest: e.Event) -> None:
    screen = played(*started(), *trial(0, 1, 11), (12, rest), (5000, e.Resumed("ann@lab")), *trial(1, 5001, 5011))
    screen.wait(12.1)
    assert e.Resumed in map(type, screen.wait(REST_S + 0.1))


def test_while_a_reply_is_written_time_passes_as_it_did(played: Play) -> None:
    asked = (e.Drafting("d0001", "tune", 0, "ollama:x"), e.Asked("d0001", "ollama:x"))
    screen = played(*started(), *trial(0, 1, 2), (2, e.Paused("ann")), *((3, fact) for fact in asked), (63, e.Replied("d0001", 60)))
    assert e.Replied not in map(type, screen.wait(60))
    assert e.Replied in map(type, screen.wait(5))


def test_it_stands_still_and_goes_on_as_fast_as_before(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 1001), speed=5)
    screen.night.steer("toggle")
    screen.wait(20)
    assert (screen.clock, screen.night.moment().speed) == (0, 0)
    screen.night.steer("faster")
    assert screen.night.moment().speed == 0, "a speed is chosen for later"
    screen.night.steer("toggle")
    screen.wait(2)
    assert screen.night.moment().speed == 10
    assert screen.clock == pytest.approx(20)


def test_a_speed_of_zero_stands_still_from_the_start(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 11), (12, e.EngineEnded("stopped")), speed=0)
    screen.wait(30)
    assert screen.clock == 0
    screen.night.steer("toggle")
    screen.wait(5)
    assert screen.clock == pytest.approx(5)


def test_there_is_a_fastest_and_a_slowest(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 11), speed=7)
    seen = []
    for how in ["faster"] * 10 + ["slower"] * 10:
        screen.night.steer(how)
        seen.append(screen.night.speed)
    assert seen[:2] == [10, 20]
    assert (max(seen), seen[-1]) == (600, 1)


def test_a_screen_that_was_suspended_goes_on_where_it_stood(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 1001))
    screen.wait(5)
    screen.now += 3600
    screen.night.poll()
    assert screen.clock == pytest.approx(6)


@pytest.mark.parametrize("jump", [-3600.0, 1e9])
def test_a_clock_that_was_set_makes_nobody_wait(folder: RunFolder, jump: float) -> None:
    facts = [*started(), *trial(0, 1, 11), *trial(1, 12, 22)]
    recorded = [e.Recorded(seq, AT + at + (jump if at > 5 else 0), 100 + at, fact) for seq, (at, fact) in enumerate(facts, 1)]
    write(folder, recorded)
    screen = Screen(folder)
    screen.wait(10.5)
    assert screen.clock == pytest.approx(10.5), "it goes on"
    screen.wait(1)
    assert screen.clock == pytest.approx(11.5 + jump), "and shows what it showed"
    screen.wait(11)
    assert screen.night.over
    screen.night.close()


def test_the_machine_may_have_been_started_again(folder: RunFolder) -> None:
    facts = [*started(), *trial(0, 1, 11), (500.0, engine()), *trial(1, 501, 511)]
    recorded = [e.Recorded(seq, AT + at, at if at > 400 else 1e6 + at, fact) for seq, (at, fact) in enumerate(facts, 1)]
    write(folder, recorded)
    screen = Screen(folder)
    screen.wait(11.1 + REST_S + 11.2)
    assert screen.night.over
    screen.night.close()


# ---- the end, and little ----


def test_it_stays_at_its_end_and_says_so(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 3), (3.5, e.EngineEnded("16 experiments are done")))
    screen.wait(3)
    assert not screen.night.over
    screen.wait(60)
    assert screen.night.over
    moment = screen.night.moment()
    assert (moment.now, moment.speed, moment.run.ended) == (AT + 3.5, 0, "16 experiments are done")
    screen.night.jump(-1)
    assert not screen.night.over
    assert screen.night.moment().speed == 1


def test_a_journal_without_a_fact_is_over_at_once(played: Play) -> None:
    screen = played()
    assert screen.wait(1) == []
    screen.night.jump(1)
    screen.night.jump(-1)
    assert screen.night.over
    assert screen.night.past() == []
    assert screen.night.moment().run.seq == 0


def test_a_journal_of_one_fact(played: Play) -> None:
    screen = played(started()[0])
    assert [type(fact) for fact in screen.wait(1)] == [e.RunStarted]
    assert screen.night.over


def test_no_journal_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is not there: no run was started here"):
        ReplayedNight(RunFolder(tmp_path / "none"), tmp_path, 1.0)


def test_a_damaged_journal_is_named_and_not_its_copy(folder: RunFolder) -> None:
    write(folder, [e.Recorded(1, AT, 1.0, e.Paused("ann"))])
    with closing(sqlite3.connect(folder.journal)) as journal:
        journal.execute("UPDATE event SET body = '{'")
        journal.commit()
    with pytest.raises(JournalError, match=str(folder.journal)):
        ReplayedNight(folder, folder.folder, 1.0)


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("v*.sqlite")), ids=lambda path: path.stem)
def test_older_journals_play_to_their_end(folder: RunFolder, golden: Path) -> None:
    folder.folder.mkdir()
    shutil.copy(golden, folder.journal)
    screen = Screen(folder, 600)
    screen.wait(60)
    with Journal(folder.journal) as journal:
        assert screen.night.moment().run == fold(journal.events())
    screen.night.close()
