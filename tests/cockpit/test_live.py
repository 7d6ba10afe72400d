"""A night that happens: what the engine writes is known at once, what a key asks is in the journal, and the files are read as they grow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.telemetry.owners import Owned, Seen
from autoresearch_tui.telemetry.sample import Sample
from autoresearch_tui.workspace import RunFolder

Watch = Callable[[RunFolder], LiveNight]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "lab" / ".autoresearch" / "nov21")


@pytest.fixture
def engine(folder: RunFolder) -> Iterator[Writer]:
    with Writer(folder.journal) as writer:
        writer.append(e.RunStarted("nov21", "c0"), e.EngineStarted(os.getpid(), born(os.getpid()), boot_id(), "1", "sweep"))
        writer.append(e.Proposed(0), e.Committed(0, "c0"), e.Launched(0, 1, 42, 1, 1, "boot"))
        yield writer


def seen(at: float) -> str:
    return msgspec.json.encode(Seen(Sample(at, util=97), Owned())).decode()


@pytest.fixture
def watched() -> Iterator[Watch]:
    with ExitStack() as open_nights:
        yield lambda folder: open_nights.enter_context(closing(LiveNight(folder, folder.folder.parent.parent)))


def test_what_the_engine_writes_is_told_once_with_the_state_after_it(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    night = watched(folder)
    night.poll()
    engine.append(e.Warned("the disk is nearly full"), e.Paused("ann"))
    first, second = night.poll()
    assert isinstance(first.recorded.event, e.Warned) and not first.run.paused
    assert isinstance(second.recorded.event, e.Paused) and second.run.paused
    assert night.poll() == []


def test_a_living_engine_is_alive_and_one_that_ended_is_not(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    night = watched(folder)
    assert night.moment().alive
    engine.append(e.EngineEnded("stopped by ann"))
    night.poll()
    assert not night.moment().alive


def test_a_command_is_pending_until_the_engine_answers(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    night = watched(folder)
    number = night.send(c.Pause(1))
    assert [sent.wish for sent in night.moment().sent] == [c.Pause(1)]
    assert [sent.id for sent in engine.commands()] == [number]
    engine.append(e.Commanded(number, c.Pause(1), "ann", True))
    night.poll()
    assert night.moment().sent == ()


def test_what_somebody_else_sends_is_pending_here_too(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    night, other = watched(folder), watched(folder)
    other.send(c.Pause(1))
    night.poll()
    assert len(night.moment().sent) == 1


def test_the_last_minute_of_the_card_is_known_and_no_more(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    now = time.time()
    engine.sample(*((now - age, seen(now - age)) for age in (3600, 90, 30, 1)))
    night = watched(folder)
    assert [round(now - one.card.at) for one in night.moment().seen] == [30, 1]
    engine.sample((now, seen(now)))
    night.poll()
    assert len(night.moment().seen) == 3


def test_the_running_trial_is_compared_with_the_trunks_log(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    step = "step {0:05} ({1:.1f}%) | loss: {2:.6f} | lrm: 1.00 | dt: 10ms | tok/sec: 1,000 | mfu: 1.0% | epoch: 1 | remaining: 1s"
    folder.log(0, 1).parent.mkdir()
    folder.log(0, 1).write_text("\r".join(step.format(number, number, 5 - number / 50) for number in range(101)) + "\n")
    engine.append(e.Ended(0, 1, "finished"), e.Measured(0, 1, 1.0), e.Judged(0, "keep", "baseline", 0), e.Applied(0))
    engine.append(e.Proposed(1, parent=0), e.Committed(1, "c1"), e.Launched(1, 1, 42, 1, 1, "boot"))
    folder.log(1, 1).write_text(step.format(50, 50, 3.5) + "\r")
    moment = watched(folder).moment()
    assert moment.progress is not None and moment.progress.loss == 3.5
    assert moment.curves[""].loss_at(0.5) == pytest.approx(4.0, abs=0.05)


def test_the_whole_night_can_be_told_from_its_beginning(folder: RunFolder, engine: Writer, watched: Watch) -> None:
    past = watched(folder).past()
    assert [type(told.recorded.event).__name__ for told in past[:2]] == ["RunStarted", "EngineStarted"]
    assert past[-1].run.running is not None
