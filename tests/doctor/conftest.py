"""The cards of `tests/telemetry`, and checkouts to be examined whose training needs no torch, so that nobody waits for one to load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.conftest import libraries as libraries
from tests.telemetry.conftest import no_card as no_card
from tests.telemetry.conftest import scene as scene

Doctor = Callable[..., "Told"]


class Told:
    """What the command line said, and with which code."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)  # type: ignore[no-any-return]

    def finding(self, check: str) -> dict[str, str]:
        return next(one for one in self.json["findings"] if one["check"] == check)

    def lacks(self) -> list[str]:
        return [one["check"] for one in self.json["findings"] if one["state"] == "missing"]


@pytest.fixture
def doctor() -> Doctor:
    """`doctor(folder, "--json", PATH="")`: our real command line, with these variables beside its own; None takes one away."""

    def ask(folder: Path, *words: str, **variables: str | None) -> Told:
        given = {name: value for name, value in (dict(os.environ) | variables).items() if value is not None}
        command = [sys.executable, "-P", "-m", "autoresearch_tui", "doctor", str(folder), *words]
        return Told(subprocess.run(command, env=given, capture_output=True, text=True, timeout=60))

    return ask


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A committed one that is trained by a shell."""
    folder = tmp_path / "check out"
    folder.mkdir()
    (folder / "train.py").write_text("print('val_bpb: 1.0')\n")
    (folder / "prepare.py").write_text("TIME_BUDGET = 60\n")
    (folder / "autoresearch.toml").write_text('[experiment]\ntrain = ["sh", "train.sh"]\n')
    who = ["-c", "user.name=ann", "-c", "user.email=ann@localhost"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-q", "-m", "start"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder
