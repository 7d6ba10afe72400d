"""A replay only reads, whatever journal it is given, and can be taken back and forth in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from autoresearch_tui.cockpit.replay import ReplayedNight
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.store import Journal, Writer
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.replays import AT, Play, Screen, engine, playing, started, trial, write
from tests.journal import runs


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "nov20")


@pytest.fixture
def played(folder: RunFolder) -> Iterator[Play]:
    with playing(folder) as play:
        yield play


# ---- a reader, and nothing else ----


def test_nothing_is_sent(played: Play, folder: RunFolder) -> None:
    screen = played(*started(), *trial(0, 1, 11))
    with pytest.raises(c.BadCommand, match="this is a replay: nothing is sent"):
        screen.night.send(c.Pause(1))
    with Journal(folder.journal) as journal:
        assert journal.commands() == []


def test_a_night_that_still_goes_on_is_played_as_it_was_at_the_start(folder: RunFolder) -> None:
    with Writer(folder.journal) as writer:
        writer.append(e.RunStarted("nov20", "c0"), engine())
        screen = Screen(folder)
        writer.append(e.EngineEnded("stopped"))
        screen.wait(5)
        screen.night.jump(1)
        assert screen.night.over
        assert screen.night.moment().run.ended == ""
        screen.night.close()


@pytest.mark.needs("mount")
@pytest.mark.parametrize("torn", [False, True])
def test_a_journal_in_a_folder_that_nobody_may_write_to(folder: RunFolder, tmp_path: Path, torn: bool) -> None:
    with Writer(folder.journal) as writer:
        writer.append(e.RunStarted("nov20", "c0"), engine())
        if torn:  # the engine was killed, and its last facts are still in the file beside
            shutil.copytree(folder.folder, tmp_path / "copy")
    there = tmp_path / "copy" if torn else folder.folder
    mounted = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    script = f"from {__name__} import tag_of; assert tag_of({str(there)!r}) == 'nov20'"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, str(there), sys.executable, "-c", script]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def tag_of(there: str) -> str:
    with closing(ReplayedNight(RunFolder(Path(there)), Path(there), 1.0)) as night:
        assert not os.access(there, os.W_OK)
        return night.moment().run.tag


def test_commands_wait_for_their_answer_as_they_did(played: Play, folder: RunFolder) -> None:
    answer = e.Commanded(1, c.Pause(1), "ann@lab", True)
    write(folder, [])
    with closing(sqlite3.connect(folder.journal)) as journal:
        journal.execute("INSERT INTO command VALUES (1, ?, 'ann@lab', 'pause', '', ?)", (AT + 4.5, e.encode(c.Pause(1)).decode()))
        journal.commit()
    screen = played(*started(), *trial(0, 1, 11)[:3], (6, answer), *trial(0, 1, 11)[3:])
    waiting = []
    for _ in range(6):
        screen.wait(1)
        waiting.append(len(screen.night.moment().sent))
    assert waiting == [0, 0, 0, 0, 1, 0]


# ---- going back and forth ----


def test_to_the_next_verdict_and_back(played: Play) -> None:
    screen = played(*started(), *(fact for number in range(5) for fact in trial(number, 100 * number, 100 * number + 90)))
    judged = []
    for by in (1, 1, 2, -1, -1, -3, 9, -1):
        screen.night.jump(by)
        judged.append(screen.night.moment().run.counts["keep"])
    assert judged == [1, 2, 4, 3, 2, 0, 5, 4]
    assert screen.clock == 390


def test_the_same_key_goes_on_back_although_time_passes(played: Play) -> None:
    screen = played(*started(), *(fact for number in range(5) for fact in trial(number, 100 * number, 100 * number + 90)))
    screen.night.jump(4)
    for left in (3, 2, 1, 0):
        screen.wait(1)
        screen.night.steer("back")
        assert screen.night.moment().run.counts["keep"] == left


def test_a_jump_back_tells_nothing_twice(played: Play) -> None:
    screen = played(*started(), *(fact for number in range(3) for fact in trial(number, 100 * number, 100 * number + 90)))
    screen.night.jump(3)
    screen.night.jump(-1)
    assert screen.night.poll() == [], "what is not known any more is not told either"
    screen.night.jump(1)
    assert len(screen.night.poll()) == 7
    screen.night.jump(-2)
    assert screen.night.poll() == []
    screen.night.jump(1)
    assert [type(one.recorded.event) for one in screen.night.poll()][-1] is e.Applied


@pytest.mark.parametrize("seed", range(3))
def test_wherever_it_stands_the_state_is_what_the_facts_until_then_add_up_to(folder: RunFolder, seed: int) -> None:
    chance = Random(seed)
    made = runs.Night(chance)
    while len(made.settled) < 40:
        made.turn()
    facts = runs.numbered(made.facts)
    write(folder, facts)
    screen = Screen(folder, 600)
    for _ in range(15):
        screen.night.jump(chance.randrange(-20, 25))
        screen.wait(chance.random())
        run = screen.night.moment().run
        assert run == fold(facts[: run.seq])
        assert [one.recorded for one in screen.night.past()] == facts[: run.seq]
    screen.night.close()


def test_every_fact_comes_with_the_state_after_it(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 2), speed=600)
    screen.night.jump(1)
    for told in (screen.night.poll(), screen.night.past()):
        assert [one.run.seq for one in told] == [one.recorded.seq for one in told] == list(range(1, 10))


# ---- ten thousand ----


@pytest.mark.slow
def test_ten_thousand_experiments_are_usable(folder: RunFolder) -> None:
    made = runs.Night(Random(7))
    while len(made.settled) < 10_000:
        made.turn()
    write(folder, runs.numbered(made.facts))
    began = time.process_time()
    screen = Screen(folder, 60)
    took = {"opened": time.process_time() - began}
    acts: dict[str, Callable[[], object]] = {
        "to the end": lambda: screen.night.jump(20_000),
        "back by one": lambda: screen.night.jump(-1),
        "to the start": lambda: screen.night.jump(-20_000),
        "on by a hundred": lambda: screen.night.jump(100),
        "a moment": lambda: screen.night.moment(),
        "a second": lambda: screen.wait(1),
        "to the end again": lambda: screen.night.jump(20_000),
        "a moment there": lambda: screen.night.moment(),
        "the past": lambda: screen.night.past(),
    }
    for name, act in acts.items():
        began = time.process_time()
        act()
        took[name] = time.process_time() - began
    print("".join(f"\n{name:16} {seconds:6.3f} s" for name, seconds in took.items()))
    screen.night.close()
    assert took["opened"] < 4
    assert took["back by one"] < 1
