"""The lines of the status in which each slot is told of, on every width."""

from __future__ import annotations

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.curve import Curve, Point
from tests.cockpit.slotted import ALL, FAST, LINES, SLOW, at, measured, night, status_of


def test_each_of_a_few_slots_has_a_line_with_its_trial() -> None:
    trunk = {FAST: Curve((Point(0.0, 0, 9.0), Point(1.0, 1000, 3.0)))}
    first, _, one, other = status_of(at(night(), "gpu1", lines=LINES, curves=trunk))
    assert "● training in 2 of 2 " in first
    assert one == "  gpu0  #9 tune  ███████░░░ 3:42/5:00  loss 3.214, trunk 4.560 here  idea 9"
    assert other == "▸ gpu1  #10 tune  █░░░░░░░░░ 0:36/5:00  loss 5.000, trunk 8.280 here  idea 10"


def test_a_curve_of_another_class_of_device_is_no_measure() -> None:
    lines = status_of(at(night(), lines=LINES, curves={SLOW: Curve((Point(0.0, 0, 9.0), Point(1.0, 1000, 3.0)))}))
    assert "loss 3.214  idea 9" in lines[2]


def test_a_slot_without_a_trial_says_why() -> None:
    history = night(training=1)
    for fact, why in (
        (e.Drafting("d1", "tune", 3, "sweep"), "a draft is written"),
        (e.SettingsChanged(e.Limits(experiments=10), False, "ann"), "no experiment is left"),
        (e.Paused("ann"), "pausing"),
    ):
        history.add(fact)
        assert status_of(at(history, lines=LINES))[3] == f"  gpu1  idle: {why}"


def test_a_number_that_is_made_is_no_idle_slot() -> None:
    history = night()
    history.add(e.Ended(10, 1, "finished", seconds=300.0))
    assert status_of(at(history, lines=LINES))[3] == "  gpu1  #10 is measured  idea 10"


def test_a_pause_says_how_many_trials_it_waits_for() -> None:
    history = night()
    history.send(c.Pause(history.run.session))
    assert "● pausing   2 trials are still running   best" in status_of(at(history))[0]
    measured(history, 9, 1.0)
    assert "● pausing   1 trial is still running" in status_of(at(history))[0]
    assert status_of(at(history), 43, 30)[1].startswith("1 trial is still running")


@pytest.mark.parametrize(("wide", "high", "lines"), [(118, 40, 6), (98, 30, 7), (78, 24, 5), (43, 30, 8), (38, 12, 4)])
def test_many_slots_take_a_few_lines_and_the_one_that_is_looked_at_is_among_them(wide: int, high: int, lines: int) -> None:
    history = night(16, 14)
    history.add(e.Ended(11, 1, "finished", seconds=300.0))
    found = status_of(at(history, "gpu13", lines=ALL), wide, high)
    assert len(found) == lines
    assert "training in 13 of 16" in found[0] or wide < 40
    blocks = "▁▁=▂▃▃▄▄▅▅▆▆▇▇··"
    assert found[2 if wide >= 58 else 3].startswith(f"{blocks}  1 measured")
    assert high < 20 or any("▸ gpu13 #22 81%" in row for row in found)


def test_on_a_very_small_screen_a_few_slots_share_a_line() -> None:
    assert status_of(at(night(), lines=LINES), 38, 12)[3:] == ["▸ gpu0 #9 74%    gpu1 #10 12%"]


def test_where_no_engine_works_there_is_nothing_to_say_of_slots() -> None:
    history = night()
    assert len(status_of(at(history, alive=False))) == 2
    history.add(e.EngineEnded("stopped by ann"))
    assert len(status_of(at(history))) == 2


def test_a_foreign_name_of_a_slot_is_only_text() -> None:
    history = night(1, 0)
    history.add(e.Equipped((e.Slot("lab7/[/b]\x1b[31mgpu0", FAST), e.Slot("b"))))
    assert status_of(at(history, "b"))[2:] == ["  lab7/[/b]gpu0  idle: no draft is ready", "▸ b              idle: no draft is ready"]
