"""What every test of the morning shares."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def width_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have said how wide a text is."""
    monkeypatch.delenv("COLUMNS", raising=False)
