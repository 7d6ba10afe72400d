"""Who runs the night in these tests, and how often their engine looks."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contained.battery import bedded
from tests.contained.ground import Ground
from tests.engine.beds import Bed


@pytest.fixture(scope="session")
def session() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as opened:
        yield opened


@pytest.fixture(scope="session")
def kept() -> dict[str, tuple[Ground, Bed]]:
    return {}


@pytest.fixture
def folder(session: contextlib.ExitStack) -> Path:
    """Not below /tmp, of which each trial has its own."""
    return Path(session.enter_context(tempfile.TemporaryDirectory(prefix="contained-", dir="/var/tmp", ignore_cleanup_errors=True)))


@pytest.fixture
def lives_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make this the folder of whoever runs the night, with keys in their environment."""

    def set_environment(folder: Path) -> None:
        monkeypatch.setenv("HOME", f"{folder}/home")
        for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, f"key of {folder}")

    return set_environment


@pytest.fixture
def place(
    mode: str, folder: Path, lives_in: Callable[[Path], None], kept: dict[str, tuple[Ground, Bed]], session: contextlib.ExitStack
) -> tuple[Ground, Bed]:
    """Where attempts are let loose. One for all of a kind of sandbox, for they leave no mark on it; without one, another for each."""
    if mode == "off" or mode not in kept:
        lives_in(folder)
        kept[mode] = session.enter_context(bedded(folder, mode))
    ground, bed = kept[mode]
    lives_in(ground.home.parent)
    return ground, bed


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a trial takes is looked at more often: nobody waits for seconds here."""
    monkeypatch.setattr("autoresearch_tui.engine.trainer.LOOK_S", 0.1)
    monkeypatch.setattr("autoresearch_tui.engine.caps.WALK_S", 0.1)


@pytest.fixture
def came(record_property: Callable[[str, object], None]) -> Callable[[str, str, str], None]:
    """Say what came of an attempt, for the table."""
    return lambda title, mode, outcome: record_property("came", (title, mode, outcome))
