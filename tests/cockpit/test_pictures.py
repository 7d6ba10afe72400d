"""Every screen looks as its picture does. `make pictures` draws them anew: look at what changed before it is committed."""

from __future__ import annotations

import pytest

from tests.cockpit.pictures import FOLDER, drawn, names
from tests.cockpit.states import STATES

FEW = ("running-120x40", "running-45x30", "review-80x24", "experiment-120x40")
"""Compared each time; the others where time is no matter."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in FEW else pytest.mark.slow) for name in names()])
async def test_the_screen_looks_as_its_picture(name: str) -> None:
    state, size = names()[name]
    assert await drawn(STATES[state], size) == (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def test_no_picture_is_left_of_a_screen_that_is_gone() -> None:
    assert {file.stem for file in FOLDER.glob("*.svg")} == set(names())
