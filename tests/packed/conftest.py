"""One night with a bird in every place where something private may stand, for all tests of packed nights."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.workspace import RunFolder
from tests.packed.canaries import make_night


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Path]:
    """Its folder and its checkout, which no test changes."""
    return make_night(tmp_path_factory.mktemp("home"))
