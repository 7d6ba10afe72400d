"""Whatever ends a night, or a trial of it, leaves no process behind: with a training that forks, daemonises and ignores SIGTERM."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.nights import TRAIN, check_whole, engine, leftovers, make_checkout, state, tui, wait_for

STUBBORN = TRAIN.replace(
    "SECONDS = ",
    """import signal
import sys

def stubborn():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

if os.environ["AUTORESEARCH_TRIAL"] != "0000-1":
    stubborn()
    if os.fork() == 0:  # a child in the same session
        time.sleep(1000)
    if os.fork() == 0:  # a daemon: two forks, a session of its own, nothing left open
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 100)
            stubborn()
            time.sleep(1000)
        os._exit(0)
SECONDS = """,
).replace(
    "while time.time() - began < SECONDS:", 'while time.time() - began < (1000 if os.environ["AUTORESEARCH_TRIAL"] != "0000-1" else 0):'
)

Night = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_TIMEOUT_S", "60")
    return make_checkout(tmp_path / "lab", STUBBORN)


@pytest.fixture
def night(lab: Path) -> Iterator[Night]:
    """Starts an engine, and waits until the stubborn training of experiment 1 has all its processes."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        started.append(engine(lab, "run", "--tag", "night", *arguments))
        wait_for(lambda: len(trainings(lab)) >= 3)  # the training, its child, its daemon
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
            one.wait()


def trainings(lab: Path) -> list[str]:
    """Processes that run train.py; a sandbox's only have it in their arguments."""
    return [one for one in leftovers(lab) if re.fullmatch(rf"\d+ {sys.executable} train.py ?", one)]


def ended(one: subprocess.Popen[str], code: int) -> str:
    output, _ = one.communicate(timeout=40)
    assert one.returncode == code, output
    assert "Traceback" not in output
    return output


def test_skip_ends_the_trial_and_the_night_goes_on(lab: Path, night: Night) -> None:
    running = night("--experiments", "2")
    tui(lab, "send", "skip")
    ended(running, 0)
    one = check_whole(lab).experiments[1]
    assert (one.verdict, one.reason) == ("discard", "skipped by hand")
    assert "@" in one.by


@pytest.mark.slow
def test_stop_now_ends_the_trial_and_a_later_start_trains_it_again(lab: Path, night: Night) -> None:
    running = night()
    tui(lab, "send", "stop", "now")
    ended(running, 0)
    assert not leftovers(lab)
    one = state(lab).experiments[1]
    assert [trial.outcome for trial in one.trials] == ["interrupted"]
    again = night()
    assert [trial.number for trial in state(lab).experiments[1].trials] == [1, 2]
    tui(lab, "send", "skip")
    tui(lab, "send", "stop", "now")
    ended(again, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_a_signal_ends_the_night_in_good_order(lab: Path, night: Night, number: signal.Signals) -> None:
    running = night()
    running.send_signal(number)
    ended(running, 0)
    assert not leftovers(lab)
    assert state(lab).ended == f"{number.name} arrived"


@pytest.mark.slow
def test_ctrl_c_twice_ends_it_now(lab: Path, night: Night) -> None:
    running = night()
    os.killpg(running.pid, signal.SIGINT)
    wait_for(lambda: state(lab).stopping)
    time.sleep(0.3)
    assert running.poll() is None, "once, it waits for the trial"
    os.killpg(running.pid, signal.SIGINT)
    ended(running, 0)
    assert not leftovers(lab)


@pytest.mark.slow
def test_a_trial_that_takes_too_long_is_a_crash_and_the_night_goes_on(lab: Path, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_BUDGET_S", "1")
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_TIMEOUT_S", "2")
    ended(night("--experiments", "2"), 0)
    one = check_whole(lab).experiments[1]
    assert one.verdict == "crash"
    assert one.reason.startswith("timeout: ")


def test_a_killed_engine_leaves_nothing_even_before_it_is_started_again(lab: Path, night: Night) -> None:
    running = night()
    running.kill()
    running.wait()
    wait_for(lambda: not leftovers(lab), 20)
    assert "nothing to stop" in tui(lab, "send", "stop", code=2)
    again = night()
    assert not state(lab).stopping
    tui(lab, "send", "skip")
    tui(lab, "send", "stop", "now")
    ended(again, 0)


def test_the_keeper_brings_a_killed_engine_back_and_the_night_goes_on(lab: Path) -> None:
    said = tui(lab, "run", "--tag", "night", "--detached")
    assert "engine" in said
    wait_for(lambda: len(trainings(lab)) >= 3)
    first = state(lab).engine
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: state(lab).restarts == 1 and len(state(lab).experiments[1].trials) == 2 and len(trainings(lab)) >= 3)
    assert state(lab).session == 1
    tui(lab, "send", "stop")
    tui(lab, "send", "skip")
    wait_for(lambda: state(lab).ended != "", 30)
    check_whole(lab)
    log = (lab / ".autoresearch" / "night" / "engine.log").read_text()
    assert "again after signal 9" in log
    assert "Traceback" not in log
    second = state(lab).engine
    assert second is not None
    wait_for(lambda: not Path(f"/proc/{second.pid}").exists())


def test_an_engine_that_cannot_start_in_the_background_says_why(lab: Path) -> None:
    assert "cannot be a tag" in tui(lab, "run", "--tag", "a b", "--detached", code=1)


def test_a_terminal_that_goes_away_ends_nobodys_night(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    running = engine(lab, "run", "--tag", "night", "--experiments", "3")
    assert running.stdout
    running.stdout.close()
    assert running.wait(30) == 0
    assert len(check_whole(lab).experiments) == 3
