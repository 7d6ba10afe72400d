"""With the bundled harness: nobody sees the held-out text before its time, and a number is what the judge says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contained import judged


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param("bubblewrap", marks=pytest.mark.needs("bubblewrap")),
        pytest.param("landlock", marks=(pytest.mark.needs("landlock"), pytest.mark.slow)),
        pytest.param("off", marks=pytest.mark.slow),
    ],
)
def test_the_held_out_text_stays_unseen_and_no_training_says_its_own_number(
    mode: str,
    workspace: Path,
    folder: Path,
    lives_in: Callable[[Path], None],
    came: Callable[[str, str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUTORESEARCH_STEPS", "6")
    lives_in(folder)
    outcomes = judged.play(mode, workspace, folder)
    for title, outcome in outcomes.items():
        came(title, mode, outcome)
    assert outcomes == {attempt.title: attempt.expected(mode) for attempt in judged.ATTEMPTS}
