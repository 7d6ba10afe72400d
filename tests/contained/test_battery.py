"""A training that does harm does none: seen from outside, in each kind of sandbox, and the next one has its number.

Without a sandbox the same trainings show that they would: those are slow tests, for what they prove is that the others prove something.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contained.attempts import MODES, Attempt
from tests.contained.battery import CHAPTERS, play
from tests.contained.ground import Ground
from tests.engine.beds import Bed


def cases() -> list[object]:
    marks = {"bubblewrap": [pytest.mark.needs("bubblewrap")], "landlock": [pytest.mark.needs("landlock")], "off": [pytest.mark.slow]}
    return [
        pytest.param(attempt, mode, marks=[*marks[mode], *([pytest.mark.slow] if attempt.slow else [])], id=f"{mode}: {attempt.title}")
        for attempts in CHAPTERS.values()
        for attempt in attempts
        for mode in MODES
    ]


@pytest.mark.parametrize(("attempt", "mode"), cases())
def test_a_training_that(attempt: Attempt, mode: str, place: tuple[Ground, Bed], came: Callable[[str, str, str], None]) -> None:
    came(attempt.title, mode, outcome := play(attempt, *place))
    assert outcome == attempt.expected(mode)
