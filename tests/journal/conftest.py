"""A night, and the journal that an engine wrote of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from autoresearch_tui.journal.store import Writer
from tests.journal.runs import Night


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nov20" / "journal.sqlite"


@pytest.fixture
def night() -> Night:
    return Night(random.Random(1), calm=8).go_on(300)


@pytest.fixture
def written(path: Path, night: Night) -> Path:
    """A journal that was closed."""
    with Writer(path) as writer:
        writer.append(*night.facts)
    return path
