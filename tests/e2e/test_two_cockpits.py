"""Two screens on one run, one of them late: what a key is meant for is what its screen showed, or nothing happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.state import Run
from tests.e2e.night import Night, cockpit
from tests.e2e.ptys import wait_until
from tests.e2e.tmux import Terminal

LATE_S = 2.0


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with Night(tmp_path / "lab", seconds=1.2) as night:
        yield night


@pytest.fixture
def two(night: Night) -> Iterator[tuple[Terminal, Terminal]]:
    with ExitStack() as stack:
        terminals = stack.enter_context(Terminal(120, 40)), stack.enter_context(Terminal(80, 24))
        for terminal in terminals:
            terminal.start(["sh", "-c", '"$@"; exit $?', "sh", *cockpit(night.folder)])  # tmux wakes what it started itself
        for terminal in terminals:
            terminal.wait_for("training")
        yield terminals


def training(run: Run) -> int:
    """The number of an experiment that is being trained, past the baseline, which nobody may skip."""
    return run.running.number if run.running else 0


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_key_that_is_read_two_seconds_late_hits_nothing_that_it_was_not_meant_for(night: Night, two: tuple[Terminal, Terminal]) -> None:
    _, late = two
    late.until(lambda: (found := training(night.run)) > 0 and f"training #{found}" in late.text(), "the screen does not follow")
    seen = training(night.run)
    pid = child_of(late.pid)
    os.kill(pid, signal.SIGSTOP)
    late.keys("s")
    time.sleep(LATE_S)
    assert night.run.experiments[seen].trials[0].outcome, "the trial that the key was meant for is not over"
    os.kill(pid, signal.SIGCONT)
    late.until(lambda: bool(night.answers()) or "as you pressed" in late.text(), "nothing is heard and nothing is said")
    assert not [wish for wish in night.accepted() if wish != c.Skip(seen, 1)], "it hit what came after"
    assert "refused: skip" in late.text() or "as you pressed" in late.text()
    assert not any(trial.by for one in night.run.experiments.values() for trial in one.trials)


def test_two_keys_for_one_trial_end_that_one_alone(night: Night, two: tuple[Terminal, Terminal]) -> None:
    """The engine is stopped meanwhile: both screens show the same, and neither hears of the other."""
    two[0].until(lambda: training(night.run) > 0, "no experiment")
    os.kill(night.engine.pid, signal.SIGSTOP)
    seen = training(night.run)
    for terminal in two:
        terminal.wait_for(f"#{seen}")
    time.sleep(0.5)  # a hand is as slow: a key that comes sooner asks to be pressed again
    for terminal in two:
        terminal.keys("s")
    for terminal in two:
        terminal.wait_for("sent:")
    os.kill(night.engine.pid, signal.SIGCONT)
    wait_until(lambda: len(night.answers()) == 2)
    assert {wish.experiment for wish in night.accepted() if isinstance(wish, c.Skip)} <= {seen}
    for terminal in two:
        terminal.wait_without("sent:")
    wait_until(lambda: training(night.run) > seen + 1, 30)
    assert [number for number, each in night.run.experiments.items() if each.trials[0].by] in ([seen], [])


def test_what_one_screen_asks_for_the_other_shows(night: Night, two: tuple[Terminal, Terminal]) -> None:
    one, other = two
    one.keys("p")
    one.wait_for("accepted: pause")
    wait_until(lambda: night.run.paused, 20)
    for terminal in two:
        terminal.wait_for("paused")
    other.keys("p")
    other.wait_for("resume")
    for terminal in two:
        terminal.wait_for("training")
