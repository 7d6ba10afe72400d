"""Progress: where trials, the trunk, outliers and crashes are drawn, what the axis spans, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import progress
from autoresearch_tui.cockpit.parts.canvas import axis, full
from autoresearch_tui.cockpit.parts.chart import points_of
from autoresearch_tui.cockpit.standing import PLATEAU, standing
from autoresearch_tui.cockpit.widgets.progress import ProgressPane
from autoresearch_tui.cockpit.widgets.results import Selected
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from tests.cockpit.screens import Bare, lines
from tests.engine.histories import History
from tests.journal.runs import Night, numbered
from tests.pace import best_of


def chart(run: Run, wide: int = 40, high: int = 8, cursor: int | None = None) -> list[str]:
    return said(progress.rows(progress.part_of(Moment(run), cursor), wide, high))


def said(rows: Sequence[Row]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in rows]


def run_of(*values: float | None, goal: str = "lower", sigma: float | None = 0.001) -> Run:
    """The first is the baseline, what is better than all before it is kept, None crashed."""
    ones: dict[int, Experiment] = {}
    tip = None
    for number, value in enumerate(values):
        best = ones[tip].value if tip is not None else None
        better = value is not None and (best is None or (value < best if goal == "lower" else value > best))
        ones[number] = one_of(number, tip, value, "keep" if better else "crash" if value is None else "discard")
        tip = number if better else tip
    return Run(tag="night", goal=goal, sigma=sigma, experiments=ones, tip=tip)


def one_of(number: int, parent: int | None, value: float | None, verdict: str) -> Experiment:
    outcome = "crash" if value is None else "finished"
    trial = Trial(1, 42, 1, 1, "boot", 0.0, outcome=outcome, measured=True, value=value)
    return Experiment(number, "tune", parent, f"idea {number}", 0.0, trials=(trial,), verdict=verdict, judged=1, by="policy", settled=True)


NIGHT = run_of(1.0, 0.99, 0.995, None, 0.985, 0.99, 5.0, 0.98, 0.983, 0.981, 0.9805)


def test_trials_are_dots_the_trunk_is_a_step_line_outliers_and_crashes_are_marks() -> None:
    assert chart(NIGHT, 60, 12) == [
        "       │  baseline 1.0000              ▲",
        " 1.0010┤⠤⠤⠤⠤⠤⡄",
        "       │     ⡇",
        "       │     ⡇    ⠠",
        "       │     ⡇",
        " 0.9900┤     ⠧⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⢤     ⠄",
        "       │                    ⢸",
        "       │                    ⠘⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⡆",
        "       │                        best 0.9800 ⡇    ⠂",
        " 0.9790┤                                    ⠓⠒⠒⠒⠒⠒⠒⠒⠒⠒⠚⠒⠒⠒⠒⠒",
        "       └───────────────x────────────────────────────────────",
        "        0         2         4          6         8        10",
    ]


def test_the_smallest_has_all_of_it() -> None:
    assert chart(NIGHT, 36, 5) == [
        "       │                ▲",
        " 1.0010┤⠉⠉⠉⡇ ⠠       best 0.9800",
        " 0.9790┤   ⠉⠉⠉⠉⠉⠉⠉⠉⠓⠒⠒⠓⠒⠒⠒⠒⣆⣀⣀⣄⣀⣀⣄⣀⣀",
        "       └────────x───────────────────",
        "        0             5           10",
    ]


def test_the_axis_spans_the_trunk_and_what_came_near_it() -> None:
    found = points_of(NIGHT).axis
    assert found is not None and found.low == pytest.approx(0.979) and found.high == pytest.approx(1.001)
    assert sum("▲" in line for line in chart(NIGHT)) == 1  # 5.0
    mostly_bad = points_of(run_of(1.0, 0.99, 5.0, 6.0, 7.0, 8.0, 9.0)).axis
    assert mostly_bad is not None and mostly_bad.high < 1.1


def test_the_line_goes_up_where_more_is_better() -> None:
    assert chart(run_of(10.0, 20.0, 5.0, 30.0, goal="higher"), 40, 7) == [
        " 31.0┤          ⡆",
        "     │          ⡇ best 30.0",
        "     │   ⢸⠉⠉⠉⠉⠉⠉⠁",
        "  9.0┤⠤⠤⠤⠼",
        "     │      ▼",
        "     └──────────────────────────────────",
        "      0         3      5              10",
    ]


def test_what_is_pointed_at_is_marked_named_and_said_in_the_title() -> None:
    rows = chart(NIGHT, 60, 12, cursor=7)
    assert sum("●" in line for line in rows) == 1 and "#7 0.9800" in " ".join(rows) and "#7" in rows[-1]
    assert progress.title(progress.Progress(NIGHT, 7)) == "progress · #7 keep 0.980000 (-0.0050 likely)  idea 7"
    assert progress.title(progress.Progress(NIGHT)) == "progress"
    cursor = [span.text for row in progress.rows(progress.Progress(NIGHT, 6), 60, 12) for span in row if span.role == "cursor"]
    assert cursor == ["▲"]
    cursor = [span.text for row in progress.rows(progress.Progress(NIGHT, 3), 60, 12) for span in row if span.role == "cursor"]
    assert cursor == ["x"]


def test_a_row_has_few_roles() -> None:
    """Over SSH each change of one costs more than a sign does."""
    assert max(map(len, progress.rows(progress.Progress(NIGHT, 7), 116, 8))) < 16


@pytest.mark.parametrize(
    "run", [run_of(1.0), run_of(1.0, 1.0, 1.0), run_of(1.0, 0.99), run_of(0.0), run_of(1e300, -1e300), run_of(float("nan"))]
)
def test_one_trial_two_and_equal_ones_are_drawn_too(run: Run) -> None:
    rows = chart(run, 36, 5)
    assert len(rows) == 5 and any("⠀" < sign <= "⣿" for sign in "".join(rows))


def test_without_a_number_it_says_what_will_appear_and_when() -> None:
    assert (
        " ".join(chart(Run(), 80, 6)) == "Every trial will be a dot here, and the best code a line: the first comes when the baseline ends."
    )
    assert " ".join(chart(run_of(None, None), 80, 6)).startswith("No number yet: 2 crashed.")


def test_the_axis_of_experiments_has_room_for_the_next_ones_and_is_never_half_empty() -> None:
    assert [full(last) for last in (0, 9, 10, 11, 57, 126, 999, 10_000)] == [10, 10, 10, 12, 60, 150, 1000, 10_000]
    assert all(last <= full(last) <= max(10, 1.5 * last) for last in range(10_000))


@given(st.floats(-1e9, 1e9), st.floats(1e-7, 10.0))
def test_the_ends_of_an_axis_are_round_and_outside(low: float, share: float) -> None:
    wide = share * max(1e-3, abs(low))
    found = axis(low, low + wide)
    assert found.low <= low + 0.01 * wide and found.high >= low + 0.99 * wide
    assert found.high - found.low < 1.5 * wide


@given(st.integers(0, 10_000), st.integers(0, 400), st.integers(1, 200), st.integers(1, 30), st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_it_never_has_more_cells_than_its_pane(seed: int, turns: int, wide: int, high: int, cursor: int) -> None:
    run = fold(numbered(Night(Random(seed), calm=6).go_on(turns).facts), Run())
    part = progress.part_of(Moment(run), cursor)
    rows = progress.rows(part, wide, high)
    assert all(width(row) <= wide for row in rows)
    assert len(rows) <= high or points_of(run).axis is None or wide < 2 or high < 2
    assert progress.title(part).startswith("progress")
    assert len(progress.subtitle(part, wide)) < 60


@given(st.lists(st.one_of(st.none(), st.floats(), st.just(1.0)), max_size=30), st.sampled_from(["lower", "higher"]), st.integers(2, 120))
@settings(max_examples=30, deadline=None)
def test_any_numbers_can_be_drawn(values: list[float | None], goal: str, wide: int) -> None:
    assert all(width(row) <= wide for row in progress.rows(progress.Progress(run_of(*values, goal=goal), 0), wide, 9))


# ---- in words ----


def test_it_says_whether_it_still_gets_better_and_how_far_equal_trainings_differ() -> None:
    assert progress.subtitle(progress.Progress(NIGHT), 116) == "climbing, last gain #7 · sigma 0.0010 assumed"
    assert progress.subtitle(progress.Progress(NIGHT), 30) == "climbing, last gain #7"
    flat = run_of(1.0, *[1.1] * PLATEAU, sigma=None)
    assert progress.subtitle(progress.Progress(flat), 116) == f"no gain for {PLATEAU} experiments · noise not known yet"


def test_several_trials_of_one_code_are_several_dots() -> None:
    history = History()
    history.begin()
    history.launch(0)
    history.end(0, 1.0)
    history.relaunch(0)
    history.end(0, 1.0)
    history.relaunch(0)
    history.end(0, 1.0)
    history.add(e.Judged(0, "keep", "baseline", 0), e.Applied(0))
    assert points_of(history.run).dots == [(0, 1.0)] * 3
    assert progress.subtitle(progress.Progress(history.run), 80) == "equal trainings give equal numbers"


# ---- the keys ----


async def test_left_and_right_go_from_one_kept_experiment_to_the_next() -> None:
    heard: list[int | None] = []

    class Screen(Bare):
        def on_selected(self, event: Selected) -> None:
            heard.append(event.number)
            pane.show(progress.part_of(Moment(NIGHT), event.number))

    pane = ProgressPane()
    async with Screen(pane).run_test(size=(80, 12)) as pilot:
        pane.focus()
        pane.show(progress.part_of(Moment(NIGHT), None))
        await pilot.press("left", "left", "h", "left", "left", "right", "l")
        assert heard == [7, 4, 1, 0, 0, 1, 4]
        assert "progress · #4 keep 0.985000" in lines(pilot.app)[0] and "climbing" in lines(pilot.app)[-1]
        pane.show(progress.part_of(Moment(NIGHT), 5))
        await pilot.press("right")
        assert heard[-1] == 7


# ---- ten thousand ----


def test_ten_thousand_are_drawn_at_once() -> None:
    chance = Random(7)
    run = run_of(1.0, *[1 + chance.random() / 10 - number / 1e6 for number in range(9_999)])
    standing(run)  # what every pane asks
    assert len(progress.rows(progress.Progress(run), 116, 8)) == 8
    assert best_of("10,000 experiments drawn", 0.5, lambda: progress.rows(progress.Progress(run), 116, 8)) < 0.5
