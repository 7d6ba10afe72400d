"""A run of ten thousand experiments is read and shown as quickly as one of ten. What was measured is printed: `pytest -s`."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import read, write
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, Writer
from tests.journal.runs import Night, numbered
from tests.journal.wild import NIGHT
from tests.pace import best_of

pytestmark = pytest.mark.slow  # where no other test takes its processor

EXPERIMENTS = 10_000
SLACK = 1.5  # for a machine that has other things to do


@pytest.fixture(scope="module")
def facts() -> list[e.Event]:
    night = Night(random.Random(7))
    while len(night.settled) < EXPERIMENTS:
        night.turn()
    return night.facts


@pytest.fixture(scope="module")
def workspace(facts: list[e.Event], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "lab"
    folder.mkdir()
    for name in ("train.py", "prepare.py"):
        (folder / name).write_text("TIME_BUDGET = 300\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    with Writer(journal_of(folder)) as writer:
        for first in range(0, len(facts), 50_000):
            writer.append(*facts[first : first + 50_000])
    return folder


def journal_of(folder: Path) -> Path:
    return folder / ".autoresearch" / "large" / "journal.sqlite"


def test_the_facts_fold_within_a_second(facts: list[e.Event]) -> None:
    recorded = numbered(facts)
    assert len(recorded) > 9 * EXPERIMENTS
    assert best_of(f"{len(recorded)} facts folded", 1.0, lambda: fold(recorded)) < 1.0


def test_without_a_snapshot_they_are_read_within_two(workspace: Path) -> None:
    runs: list[Run] = []

    def whole() -> None:
        with Journal(journal_of(workspace)) as journal:
            runs.append(fold(journal.events()))

    assert best_of("read and folded", 2.0, whole) < 2.0
    with Journal(journal_of(workspace)) as journal:
        assert runs[-1] == journal.refresh(), "with one"


def test_one_more_fact_takes_no_longer_than_the_disk(workspace: Path) -> None:
    with Writer(journal_of(workspace)) as writer:
        assert best_of("one more fact", 0.02, lambda: writer.append(e.Warned("it is late")), time.perf_counter) < 0.02 * SLACK


def test_ten_thousand_rows_are_read_within_a_second() -> None:
    text = write(list(read(NIGHT).rows) * 80)
    assert len(read(text).rows) == 10_080
    assert best_of("10,080 rows of a results.tsv", 1.0, lambda: read(text)) < 1.0


def run_tui(workspace: Path, cache: Path, *arguments: str) -> str:
    """As it is installed: its modules are compiled once."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(cache)}
    command = [sys.executable, "-m", "autoresearch_tui", *arguments]
    return subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("seconds", "arguments"), [(0.15, ["--help"]), (0.3, ["status", "--json"])], ids=["help", "status"])
def test_the_command_line_answers_at_once(seconds: float, arguments: list[str], workspace: Path, tmp_path: Path) -> None:
    said = run_tui(workspace, tmp_path, *arguments)
    if "--json" in arguments:
        assert len(msgspec.json.decode(said)["experiments"]) >= EXPERIMENTS
    what = f"autoresearch-tui {' '.join(arguments)}"
    assert best_of(what, seconds, lambda: run_tui(workspace, tmp_path, *arguments), time.perf_counter) < seconds * SLACK
