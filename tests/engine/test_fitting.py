"""A new run whose card is shared begins with a training that fits beside the model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from autoresearch_tui.engine.caps import UNCAPPED
from autoresearch_tui.engine.chain import Chain
from autoresearch_tui.engine.fitting import fitted
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.opening import sandboxed
from autoresearch_tui.journal import events as e
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.nights import git, make_checkout

TRAIN = "DEPTH = 8\nDEVICE_BATCH_SIZE = 128  # rows\n"
FIT = """
def judge(): ...
def host(): ...
import sys
assert sys.argv[1:] == ["fit"]
text = open("train.py").read()
{}
"""
HALVES = 'open("train.py", "w").write(text.replace("= 128", "= 64"))\nprint("fits: DEVICE_BATCH_SIZE = 64")'


class Model:
    """A researcher that computes on the card."""

    name = "ollama:toy"
    shares = True
    remote = False

    def __init__(self) -> None:
        self.loaded = 0

    async def load(self) -> None:
        self.loaded += 1


def begun(lab: Path, fit: str) -> tuple[list[e.Event], Model]:
    (lab / "prepare.py").write_text(FIT.format(fit))
    (lab / "profile.toml").write_text("budget_seconds = 5\n")
    git(lab, "add", ".")
    git(lab, "commit", "-q", "-m", "A harness")
    workspace, model = open_workspace(lab, Settings()), Model()
    researchers: Any = [model]
    first: list[e.Event] = [e.RunStarted("night", git(lab, "rev-parse", "HEAD"))]

    async def whole() -> list[e.Event]:
        chosen = await sandboxed(workspace, "auto")
        return await fitted(workspace, workspace.run("night"), Lineage(lab, "night"), Chain(researchers), chosen.sandbox, UNCAPPED, first)

    return asyncio.run(whole()), model


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab", TRAIN)


def test_it_begins_from_a_commit_with_fewer_rows_and_says_so(lab: Path) -> None:
    facts, model = begun(lab, HALVES)
    assert model.loaded == 1, "what fits is measured beside the model"
    started, warned = facts
    assert isinstance(started, e.RunStarted) and isinstance(warned, e.Warned)
    assert git(lab, "show", f"{started.start}:train.py") == TRAIN.replace("128", "64").strip()
    assert git(lab, "rev-parse", f"{started.start}^") == git(lab, "rev-parse", "main"), "on top of what the person has"
    assert "DEVICE_BATCH_SIZE 128 -> 64, the total batch stays" in warned.why
    assert (lab / "train.py").read_text() == TRAIN


def test_what_fits_is_left_as_it_is(lab: Path) -> None:
    facts, _ = begun(lab, "")
    assert [type(fact) for fact in facts] == [e.RunStarted]
    assert facts[0] == e.RunStarted("night", git(lab, "rev-parse", "main"))


def test_what_cannot_be_tried_is_said_and_the_night_begins(lab: Path) -> None:
    facts, _ = begun(lab, 'sys.exit("not even a device batch of one row fits: choose a smaller profile")')
    assert facts[0] == e.RunStarted("night", git(lab, "rev-parse", "main"))
    warned = facts[1]
    assert isinstance(warned, e.Warned) and "not even a device batch of one row" in warned.why


def test_a_link_that_the_training_left_is_not_followed(lab: Path) -> None:
    facts, _ = begun(lab, 'import os\nos.unlink("train.py")\nos.symlink("/etc/hostname", "train.py")')
    assert facts[0] == e.RunStarted("night", git(lab, "rev-parse", "main"))
    warned = facts[1]
    assert isinstance(warned, e.Warned) and "cannot be read" in warned.why
