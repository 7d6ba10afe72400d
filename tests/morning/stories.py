"""Nights to tell of: made of facts with times of their own, or the sample laid out where a person would have it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from autoresearch_tui.finding import found
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import Row
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.accounting import account_of
from autoresearch_tui.morning.parts.looks import Place
from autoresearch_tui.morning.parts.rows import run_of
from autoresearch_tui.morning.reading import Reading, read, read_table
from autoresearch_tui.packed import SAMPLE, opened
from tests.engine.histories import History
from tests.journal.nights import NIGHTS

AT = 1_760_000_000.0
HERE = Place("night", "night", git="git")
HOSTILE = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>`rm -rf /`|**x**[a](http://b)\r\n# next\u202e\x00$(id)"


@cache
def sample() -> Account:
    """Of the night that comes along."""
    with found(str(SAMPLE), Path()) as night:
        return account_of(read(night, str(SAMPLE)))


@cache
def h100() -> Account:
    """Of the larger of the two published nights."""
    return account_of(read_table(NIGHTS / "karpathy__autoresearch.tsv"))


def dated(*steps: tuple[float, e.Event]) -> list[e.Recorded]:
    """Facts, each so many seconds after the one before."""
    recorded, now = [], 0.0
    for seq, (seconds, fact) in enumerate(steps, start=1):
        now += seconds
        recorded.append(e.Recorded(seq, AT + now, 1000.0 + now, fact))
    return recorded


def engine(boot: str = "boot", after: str = "") -> e.EngineStarted:
    return e.EngineStarted(1, 1, boot, "0.1.0", "sweep", after=after, device="cpu")


def begun(sigma: float | None = 0.001, goal: str = "lower") -> History:
    """A run with its first engine at work."""
    history = History()
    history.add(e.RunStarted("night", "c0", sigma=sigma, goal=goal))
    history.start()
    return history


def reading_of(facts: Iterable[e.Recorded], place: Place = HERE) -> Reading:
    facts = list(facts)
    return Reading("night", "run", fold(facts), place, facts)


def told(history: History, place: Place = HERE, tails: dict[int, tuple[str, ...]] | None = None) -> Account:
    reading = reading_of([one for transaction in history.transactions for one in transaction], place)
    return account_of(replace(reading, tails=tails or {}))


def told_rows(*rows: tuple[float | None, str], sigma: float | None = None) -> Account:
    """Of a table, each row with its number and its status."""
    listed = [Row(f"{at:07x}", value, 1.0, status, f"idea {at}") for at, (value, status) in enumerate(rows)]
    return account_of(Reading("results.tsv", "table", run_of(listed, sigma), Place("", "results.tsv")))


def told_run(run: Run) -> Account:
    return account_of(Reading("night", "run", run, HERE))


def laid_out(folder: Path) -> Path:
    """The sample night as if it had been spent here: a workspace with its run, and a repository with its commits."""
    folder.mkdir(parents=True)
    with opened() as (run, git):
        shutil.copytree(run.folder, folder / ".autoresearch" / run.tag)
        shutil.copytree(git / ".git", folder / ".git")
    for name in ("train.py", "prepare.py"):
        shown = subprocess.run(["git", "show", f"refs/autoresearch/sample/0:./{name}"], cwd=folder, capture_output=True, check=True)
        (folder / name).write_bytes(shown.stdout)
    checkpoints = folder / ".autoresearch" / "sample" / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "best.pt").write_bytes(b"weights")
    return folder
