"""Cards that begin late, fail in the middle of a trial or keep its memory, and what a person can still say meanwhile.

The card is `tests.cards`' stand-in; the training itself, uncontained, changes what it says.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.engine.conditions import Conditions
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal
from tests.cards import GB, LOST, Card, OnCard, write
from tests.engine.nights import TRAIN, check_whole, engine, journal_of, make_checkout, state, tui, wait_for

pytestmark = pytest.mark.needs("gcc")

WATCHED = f"""
import asyncio, json, pathlib, subprocess, sys, time
from {Conditions.__module__} import Conditions
from autoresearch_tui.engine import conditions
from tests.cards import Card, OnCard, write
conditions.FIRST_S = 0.05
scenario, uuid, desktop, stranger = pathlib.Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
watch, told = Conditions(lambda *rows: None), []

async def shows(*pids):
    write(scenario, Card(uuid, processes=tuple(OnCard(pid, 2**30) for pid in pids)))
    while watch.card is None or {{one.pid for one in watch.card.processes}} != set(pids):
        watch.hurry()
        await asyncio.sleep(0.01)
    watch.look()
    told.append(watch.stranger)

async def main():
    await watch.begin()
    told.append(watch.card is None)
    await shows(desktop)
    mine = subprocess.Popen(["sleep", "600"])
    await shows(desktop, mine.pid)
    await shows(desktop, mine.pid, stranger)
    mine.kill()
    mine.wait()
    await shows(desktop)
    watch.end()
    print(json.dumps(told))

asyncio.run(main())
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return tmp_path / "scenario"


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(f"GPU-{uuid.uuid5(uuid.NAMESPACE_URL, str(tmp_path))}", used=GB)


@pytest.fixture
def others() -> Iterator[list[int]]:
    """Two processes that are not below whoever watches."""
    with subprocess.Popen(["sleep", "600"]) as first, subprocess.Popen(["sleep", "600"]) as second:
        yield [first.pid, second.pid]
        first.kill()
        second.kill()


def beside(scenario: Path) -> tuple[str, ...]:
    return ("-m", "tests.cards", "--scenario", str(scenario), "--", sys.executable)


def night(lab: Path, scenario: Path, *asked: str) -> subprocess.Popen[str]:
    wrapped = (*beside(scenario), "-m", "autoresearch_tui")
    return engine(lab, "run", "--tag", "night", "--researcher", "sweep", *asked, wrapped=wrapped)


def troubled(folder: Path, scenario: Path, card: Card, number: int, end: str) -> Path:
    """A checkout whose experiment of this number leaves the card otherwise than it was."""
    write(scenario.with_name("then"), card)
    trouble = f'''
import pathlib
if os.environ["AUTORESEARCH_TRIAL"].startswith("{number:04}-"):
    then = pathlib.Path({str(scenario.with_name("then"))!r})
    if then.exists():
        then.replace({str(scenario)!r})
        {end}
'''
    lab = make_checkout(folder / "lab", TRAIN + trouble)
    (lab / ".git" / "info" / "exclude").write_text("autoresearch.toml\n")
    (lab / "autoresearch.toml").write_text('[sandbox]\nkind = "off"\n')
    return lab


def fates(lab: Path) -> list[str]:
    """Of the trials of the first change."""
    experiments = state(lab).experiments
    return [trial.outcome for trial in experiments[1].trials] if 1 in experiments else []


def test_who_was_on_a_card_that_begins_late_and_what_is_ours_there_is_no_stranger(scenario: Path, card: Card, others: list[int]) -> None:
    write(scenario, Card(card.uuid, processes=(OnCard(others[0], GB),)), blocks={"nvmlInitWithFlags": 0.4})
    words = [sys.executable, *beside(scenario), "-c", WATCHED, str(scenario), card.uuid, *map(str, others)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    late, desktop, mine, stranger, gone = json.loads(done.stdout)
    assert late, "the session began without it"
    assert (desktop, mine, gone) == ("", "", "")
    assert stranger.startswith(f"sleep (pid {others[1]}, ")


def test_a_trial_that_dies_with_the_card_is_no_crash_however_fast_it_dies(tmp_path: Path, scenario: Path, card: Card) -> None:
    lost = Card(card.uuid, used=GB, answers={"nvmlDeviceGetMemoryInfo": LOST})
    lab = troubled(tmp_path, scenario, lost, 1, 'raise RuntimeError("CUDA error: the device is lost")')
    write(scenario, card)
    running = night(lab, scenario, "--experiments", "2")
    wait_for(lambda: "interrupted" in fates(lab))
    write(scenario, card)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    trials = check_whole(lab).experiments[1].trials
    assert [trial.outcome for trial in trials][:2] == ["interrupted", "finished"]
    assert trials[0].why.startswith("The card does not answer any more")


def test_nobody_who_ends_the_night_waits_for_memory_that_does_not_come_back(tmp_path: Path, scenario: Path, card: Card) -> None:
    lab = troubled(tmp_path, scenario, Card(card.uuid, used=12 * GB), 1, "time.sleep(1.5)")
    write(scenario, card)
    running = night(lab, scenario, "--experiments", "4")
    wait_for(lambda: any(fates(lab)))
    began = time.monotonic()
    tui(lab, "send", "stop")
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert time.monotonic() - began < 10, "half a minute is a driver's, not a person's"
    with Journal(journal_of(lab)) as journal:
        ends = [one.event for one in journal.events() if isinstance(one.event, e.EngineEnded)]
    assert ends[-1].why.startswith("stopped by")
