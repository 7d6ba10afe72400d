"""The screen keeps to its budget: bytes, processor, memory, and the time that somebody waits for it."""

from __future__ import annotations

import pytest

from tests.benchmarks.screen import Figure, figures

NEAREST = {"first paint, from the start of the process": 0.8, "a quiet training: of a core": 3.5}
"""What falls short of its limit, and what it must not be worse than; docs/screen-budget.md says so too."""


@pytest.mark.slow
@pytest.mark.needs("tmux")
def test_the_screen_keeps_to_its_budget() -> None:
    measured = []
    for figure in figures():
        print(f"\n{figure}", end="")
        measured.append(figure)
    print()
    assert not [str(figure) for figure in measured if figure.value > bound(figure)]


def bound(figure: Figure) -> float:
    return NEAREST.get(figure.what, figure.limit) * figure.slack
