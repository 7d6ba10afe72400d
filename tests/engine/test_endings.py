"""However a trial ends, no process of it is left: not a child, not a daemon, not one that ignores TERM."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.engine.trainer import Outcome, Training, clear
from autoresearch_tui.telemetry.machine import boot_id
from tests.engine.trainings import CLINGING, CLINGING_PROCESSES, alive, engine, order, run, until

STAYS = CLINGING + "time.sleep(60)\n"


@pytest.mark.parametrize(("code", "outcome"), [(0, "finished"), (1, "crash")])
def test_what_outlives_a_training_that_ends_by_itself_is_ended(tmp_path: Path, code: int, outcome: str) -> None:
    one = order(tmp_path / "trial", CLINGING + f"os._exit({code})\n")
    ended = run(one)
    assert (ended.outcome, ended.code, ended.stragglers) == (outcome, code, CLINGING_PROCESSES - 1)
    assert not alive(one)


@pytest.mark.parametrize(
    ("end", "outcome", "crash"),
    [
        (lambda training: training.end(), "skipped", ""),
        (lambda training: training.end("interrupted", "stop now"), "interrupted", ""),
        (lambda training: os.kill(training.pid, signal.SIGTERM), "crash", "killed"),
    ],
    ids=["skip", "interrupt", "TERM to the launcher"],
)
def test_an_end_that_is_asked_for_leaves_nothing(tmp_path: Path, end: Callable[[Training], None], outcome: str, crash: str) -> None:
    one = order(tmp_path / "trial", STAYS)
    ended = run(one, end)
    assert (ended.outcome, ended.crash) == (outcome, crash)
    assert not alive(one)


@pytest.mark.parametrize(
    ("source", "limit", "crash", "why"),
    [
        (STAYS, {"timeout_s": 0.5}, "timeout", "not over after 0.5 s"),
        (
            CLINGING + "print('\\rstep 00007 (40.0%) | loss: 5.1', end='', flush=True)\ntime.sleep(60)\n",
            {"stall_s": 0.3},
            "stalled",
            "no progress for 0.3 s after step 7",
        ),
        (CLINGING + "while True: print('x' * 10000)\n", {"log_bytes": 1 << 20, "grace_s": 30.0}, "output", "its log grew beyond 1 MB"),
    ],
    ids=["timeout", "stalled", "output"],
)
def test_a_limit_ends_it_and_leaves_nothing(tmp_path: Path, source: str, limit: dict[str, float], crash: str, why: str) -> None:
    one = order(tmp_path / "trial", source, **limit)
    ended = run(one)
    assert (ended.outcome, ended.crash, ended.why) == ("crash", crash, why)
    assert one.log.stat().st_size <= one.log_bytes
    assert not alive(one)


def test_a_launcher_that_is_killed_leaves_nothing_and_no_zombies(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", CLINGING + f"os.kill(os.getppid(), {signal.SIGKILL})\ntime.sleep(60)\n")
    standin = engine(one)
    _, outcome, children = standin.communicate(timeout=20)[0].splitlines()
    ended = msgspec.json.decode(outcome, type=Outcome)
    assert (ended.outcome, ended.crash) == ("crash", "killed")
    assert children == "0"
    assert not alive(one)


def test_a_launcher_that_stands_still_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoresearch_tui.engine.trainer.LAUNCHER_BOUND_S", 0.3)
    one = order(tmp_path / "trial", CLINGING + f"os.kill(os.getppid(), {signal.SIGSTOP})\ntime.sleep(60)\n")
    ended = run(one, lambda training: training.end())
    assert ended.outcome == "skipped"
    assert not alive(one)


def test_a_training_that_stands_still_hears_that_it_has_to_end(tmp_path: Path) -> None:
    source = f"""
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("saved")))
print("alive", flush=True)
os.kill(os.getpid(), {signal.SIGSTOP})
"""
    one = order(tmp_path / "trial", source, grace_s=10.0)
    ended = run(one, lambda training: training.end())
    assert (ended.outcome, ended.code) == ("skipped", 0)
    assert one.log.read_text() == "alive\nsaved\n"


def test_children_that_fork_on_and_on_are_all_ended(tmp_path: Path) -> None:
    source = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("alive", flush=True)
for _ in range(3):  # three who hand their life on to a child of another session, for ever
    if os.fork() == 0:
        while True:
            if os.fork():
                os._exit(0)
            os.setsid()
            time.sleep(0.001)
while True:  # and one who makes children faster than they end
    if os.fork() == 0:
        time.sleep(0.2)
        os._exit(0)
    time.sleep(0.002)
"""
    one = order(tmp_path / "trial", source)
    assert run(one, lambda training: training.end()).outcome == "skipped"
    assert not alive(one)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_engine_that_dies_takes_the_trial_with_it(tmp_path: Path, number: signal.Signals) -> None:
    one = order(tmp_path / "trial", STAYS)
    standin = engine(one)
    until(lambda: one.log.exists() and "alive" in one.log.read_text())
    assert len(alive(one)) == CLINGING_PROCESSES + 1
    os.killpg(standin.pid, number)
    standin.communicate(timeout=10)
    until(lambda: not alive(one))


def test_a_terminal_that_goes_says_nothing_to_the_training(tmp_path: Path) -> None:
    """Whether Ctrl+C ends a trial is for the engine to decide; this one decides that it does not."""
    one = order(tmp_path / "trial", "import time\nprint('alive', flush=True)\ntime.sleep(0.4)\nprint('to the end')\n")
    standin = engine(one, "deaf")
    until(lambda: one.log.exists() and "alive" in one.log.read_text())
    for number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(standin.pid, number)
    said = standin.communicate(timeout=10)[0].splitlines()
    assert msgspec.json.decode(said[1], type=Outcome).outcome == "finished"
    assert one.log.read_text() == "alive\nto the end\n"


def test_an_engine_that_dies_before_the_release_has_run_nothing(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "open('ran', 'w')\n")
    standin = engine(one, "hold")
    assert standin.stdout
    pid = int(standin.stdout.readline().split()[0])
    assert pid in alive(one)
    standin.kill()
    standin.communicate(timeout=10)
    until(lambda: not alive(one))
    assert not (tmp_path / "trial" / "ran").exists()


def test_time_that_the_engine_did_not_live_through_is_a_gap(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "import time\nprint('alive', flush=True)\ntime.sleep(4)\n", timeout_s=2.5)
    standin = engine(one)
    until(lambda: one.log.exists() and "alive" in one.log.read_text())
    os.kill(standin.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(standin.pid, signal.SIGCONT)
    ended = msgspec.json.decode(standin.communicate(timeout=10)[0].splitlines()[1], type=Outcome)
    assert ended.outcome == "finished", ended
    assert 2.5 < ended.gap_s < 3.5
    assert ended.seconds < 2


def test_what_a_dead_engine_left_is_cleared(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", STAYS, grace_s=30.0)
    standin = engine(one)
    until(lambda: one.log.exists() and "alive" in one.log.read_text())
    assert standin.stdout
    pid, born = map(int, standin.stdout.readline().split())
    os.kill(pid, signal.SIGSTOP)  # or it would clear by itself
    standin.kill()
    standin.communicate()
    os.kill(pid, signal.SIGKILL)
    assert asyncio.run(clear(pid, born, boot_id(), one.token)) >= CLINGING_PROCESSES - 1
    assert not alive(one)


def test_the_launcher_of_a_dead_engine_is_waited_for(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", STAYS)
    standin = engine(one)
    until(lambda: one.log.exists() and "alive" in one.log.read_text())
    assert standin.stdout
    pid, born = map(int, standin.stdout.readline().split())
    standin.kill()
    standin.communicate()
    assert asyncio.run(clear(pid, born, boot_id(), one.token)) == CLINGING_PROCESSES + 1
    assert not alive(one)


@pytest.mark.parametrize(("late", "boot"), [(1, boot_id()), (0, "another boot")], ids=["another birth", "another boot"])
def test_a_process_that_only_has_the_number_is_left_alone(tmp_path: Path, late: int, boot: str) -> None:
    one = order(tmp_path / "trial", "import time\ntime.sleep(0.5)\n")
    standin = engine(one)
    assert standin.stdout
    pid, born = map(int, standin.stdout.readline().split())
    assert asyncio.run(clear(pid, born + late, boot, "of/nobody")) == 0
    assert msgspec.json.decode(standin.communicate(timeout=10)[0].splitlines()[0], type=Outcome).outcome == "finished"
