"""What stands beside the journal is there as far as it was then: logs, replies, and what was seen of the card."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.replays import AT, Play, Screen, playing, started, trial, write

LINE = "step {0:05d} ({1:.1f}%) | loss: 3.500000 | lrm: 1.00 | dt: 10ms | tok/sec: 100 | mfu: n/a | epoch: 1 | remaining: {2}s\r"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "nov20")


@pytest.fixture
def played(folder: RunFolder) -> Iterator[Play]:
    with playing(folder) as play:
        yield play


# ---- files ----


def log(folder: RunFolder, name: str, steps: int = 100) -> Path:
    file = folder.folder / "logs" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(LINE.format(step, step, 100 - step) for step in range(steps)))
    return file


def test_a_log_grows_over_the_time_of_its_trial(played: Play, folder: RunFolder) -> None:
    file = log(folder, "0000-1.log")
    size = file.stat().st_size
    screen = played(*started(), *trial(0, 1, 101), (200, e.EngineEnded("")))
    shares = []
    for seconds in (0.5, 10.5, 40, 49, 2):
        screen.wait(seconds)
        there = screen.night.visible(file) or 0
        shares.append(there / size)
        assert file.read_bytes()[:there].endswith(b"\r" if there else b""), "a line comes whole"
    assert shares == pytest.approx([0, 0.1, 0.5, 0.99, 1], abs=0.02)
    assert screen.night.visible(folder.log(7, 1)) == 0, "a trial that there never was"
    assert screen.night.visible(folder.engine_log) is None


@pytest.mark.parametrize("packed", [False, True])
def test_progress_is_the_newest_line_that_there_was(played: Play, folder: RunFolder, packed: bool) -> None:
    file = log(folder, "0000-1.log")
    if packed:
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    screen = played(*started(), *trial(0, 0, 100), *trial(1, 100, 200))
    for step in range(10, 100, 10):
        screen.wait(10)
        assert (progress := screen.night.moment().progress)
        assert progress.step == pytest.approx(step, abs=2)
    screen.night.jump(-1)
    screen.wait(30)
    assert (progress := screen.night.moment().progress)
    assert progress.step == pytest.approx(30, abs=2)
    screen.wait(80)
    assert screen.night.moment().progress is None, "the next trial has no log"
    screen.night.jump(-1)
    screen.wait(50)
    assert (progress := screen.night.moment().progress)
    assert progress.step == pytest.approx(50, abs=2)


def test_a_log_of_a_gigabyte_is_read_at_its_end_alone(played: Play, folder: RunFolder) -> None:
    file = log(folder, "0000-1.log", steps=1)
    with file.open("r+b") as growing:
        growing.truncate(2**30)
    screen = played(*started(), *trial(0, 0, 100))
    began = time.perf_counter()
    for _ in range(20):
        screen.wait(4)
        screen.night.moment()
    assert time.perf_counter() - began < 2


def test_each_reply_to_a_draft_comes_in_its_own_time(played: Play, folder: RunFolder) -> None:
    file = folder.reply("d0001")
    file.parent.mkdir(parents=True)
    attempts = ["".join(json.dumps(part) + "\n" for part in attempt(number, size)) for number, size in ((1, 100), (2, 300))]
    file.write_text("".join(attempts))
    first, whole = len(attempts[0]), len(attempts[0] + attempts[1])
    screen = played(
        *started(),
        *trial(0, 1, 60)[:3],
        (10, e.Drafting("d0001", "tune", 0, "ollama:x")),
        (10, e.Asked("d0001", "ollama:x")),
        (20, e.Replied("d0001", 10)),
        (20, e.Refused("d0001", "no such line")),
        (30, e.Asked("d0001", "ollama:x")),
        (40, e.Replied("d0001", 10)),
        (41, e.Drafted("d0001", "b", "an idea")),
    )
    there = {}
    while not screen.night.over:
        screen.wait(0.1)
        there[round(screen.clock)] = screen.night.visible(file)
    assert there[5] == 0
    assert there[15] == pytest.approx(first / 2, rel=0.1)
    assert there[25] == first
    assert there[35] == pytest.approx((first + whole) / 2, rel=0.1)
    assert there[41] == whole


def attempt(number: int, size: int) -> list[dict[str, str]]:
    return [{"kind": "attempt", "text": str(number)}, *({"kind": "thinking", "text": "hm, "} for _ in range(size))]


def test_a_reply_that_broke_off_with_its_engine_is_all_that_came(played: Play, folder: RunFolder) -> None:
    file = folder.reply("d0001")
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(part) + "\n" for part in attempt(1, 50)))
    screen = played(*started(), (1, e.Drafting("d0001", "tune", 0, "x")), (1, e.Asked("d0001", "x")), (9, e.Waiting("")))
    screen.wait(60)
    assert screen.night.visible(file) == file.stat().st_size
    assert screen.night.visible(folder.reply("d0002")) == 0


# ---- the card ----


def test_the_card_is_seen_as_in_the_minute_before(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 1001), samples=range(1000), speed=10)
    screen.wait(20)
    seen = [one.card.at - AT for one in screen.night.moment().seen]
    assert (seen[0], seen[-1], len(seen)) == (140, 200, 61)
    screen.night.jump(-1)
    assert [one.card.at - AT for one in screen.night.moment().seen] == [0]


def test_after_a_jump_the_minute_before_is_there_too(played: Play) -> None:
    screen = played(*started(), *trial(0, 1, 1001), samples=range(1000))
    screen.night.jump(1)
    assert len(screen.night.moment().seen) == 59


def test_samples_go_on_though_the_clock_was_set_back(folder: RunFolder) -> None:
    facts = [*started(), *trial(0, 1, 1000), *trial(1, 1001, 2000)]
    recorded = [e.Recorded(seq, AT + at - (3600 if at > 900 else 0), 100 + at, fact) for seq, (at, fact) in enumerate(facts, 1)]
    write(folder, recorded, [at - (3600 if at > 900 else 0) for at in range(2000)])
    screen = Screen(folder, 10)
    screen.wait(120)
    now = screen.night.moment().now
    assert len(screen.night.moment().seen) > 55
    assert all(now - 60 <= one.card.at <= now for one in screen.night.moment().seen)
    screen.night.close()


def test_a_sample_that_cannot_be_read_is_left_out(played: Play, folder: RunFolder) -> None:
    write(folder, [], [1])
    with closing(sqlite3.connect(folder.journal)) as journal:
        journal.execute("INSERT INTO sample VALUES (?, ?)", (AT + 2, '{"of a later version": 1}'))
        journal.commit()
    screen = played(*started(), *trial(0, 1, 10))
    screen.wait(5)
    assert len(screen.night.moment().seen) == 1
