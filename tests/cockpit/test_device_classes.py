"""Numbers of several classes of device: each is marked where it does not compare, and the chart has one class."""

from __future__ import annotations

from autoresearch_tui.cockpit.parts import experiment, results, trials
from autoresearch_tui.cockpit.parts import page as pages
from autoresearch_tui.cockpit.parts.chart import points_of
from autoresearch_tui.journal import events as e
from tests.cockpit.slotted import FAST, SLOW, at, measured, night, said
from tests.engine.histories import History

TRAINED = ((0, "gpu0", FAST, 1.0, "keep"), (1, "gpu1", SLOW, 2.5, "discard"), (2, "gpu0", FAST, 1.1, "discard"))


def two_classes() -> History:
    """A baseline and a discard on one class, a discard on another."""
    history = History()
    history.begin()
    history.add(e.Equipped((e.Slot("gpu0", FAST, "GPU-0"), e.Slot("gpu1", SLOW, "GPU-1"))))
    for number, slot, device, value, verdict in TRAINED:
        history.add(e.Proposed(number, parent=0 if number else None, idea=f"idea {number}"), e.Committed(number, f"c{number}"))
        history.add(e.Launched(number, 1, 42, 1, 1, "boot", slot=slot, device=device))
        measured(history, number, value)
        history.add(e.Judged(number, verdict, "", 0), e.Applied(number))
    return history


def test_a_row_of_another_class_is_marked_and_says_which() -> None:
    rows = said(list(results.rows(results.part_of(at(two_classes())), 110, 30)))
    assert "2.500000~" in rows[2] and "on NVIDIA L4 · idea 1" in rows[2]
    assert "~" not in rows[1] + rows[3] and " on " not in rows[1] + rows[3]


def test_the_chart_spans_one_class_of_device() -> None:
    points = points_of(two_classes().run)
    assert points.dots == [(0, 1.0), (2, 1.1)] and points.elsewhere == [(1, 2.5)]
    assert points.axis is not None and points.axis.high < 2


def test_the_pages_of_an_experiment_name_slot_and_class() -> None:
    run = two_classes().run
    shown = " ".join(said(pages.rows(trials.trials(run, run.experiments[1]), 120)))
    assert "gpu1" in shown and f"on {SLOW}" in shown
    shown = " ".join(said(pages.rows(experiment.what(at(two_classes()), run.experiments[1], None), 200)))
    assert f"{SLOW}; its number does not compare with the baseline's, which is of another class" in shown
    history = night()
    assert experiment.title_of(history.run, history.run.experiments[10]) == "#10  tune  training in gpu1"
