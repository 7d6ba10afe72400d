"""A trial that dies of memory lowers the trunk's device batch, once in a run, before the idea is blamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from tests.engine.nights import TRAIN, check_whole, journal_of, make_checkout, tui

HUNGRY = TRAIN.replace(
    "SECONDS = ",
    """DEVICE_BATCH_SIZE = 16
print("rows in one pass:", DEVICE_BATCH_SIZE)
if WIDTH * DEVICE_BATCH_SIZE > 4096:
    raise SystemExit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
SECONDS = """,
    1,
)


def night(lab: Path, experiments: int, *ideas: str) -> Run:
    """The baseline, and then these ideas one after the other."""
    tui(lab, "run", "--tag", "night", "--experiments", "1")
    for idea in ideas:
        tui(lab, "send", "idea", idea)
    tui(lab, "run", "--experiments", str(experiments))
    return check_whole(lab)


def test_the_trunk_is_refitted_and_the_idea_tried_again_on_it(tmp_path: Path) -> None:
    run = night(make_checkout(tmp_path / "lab", HUNGRY), 4, "SET WIDTH = 512")
    crashed, refit, again = (run.experiments[number] for number in (1, 2, 3))
    assert (crashed.verdict, crashed.trials[0].crash) == ("crash", "memory")
    assert (refit.operator, refit.verdict, refit.changes) == ("refit", "keep", {"DEVICE_BATCH_SIZE": ("16", "8")})
    assert (again.of, again.parent, again.verdict) == (1, 2, "keep")
    assert again.changes == {"WIDTH": ("256", "512")}


@pytest.mark.slow
def test_it_happens_once_and_then_the_idea_is_blamed(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab", HUNGRY)
    run = night(lab, 6, "SET WIDTH = 512", "SET WIDTH = 4096")
    assert [one.operator for _, one in sorted(run.experiments.items())].count("refit") == 1
    blamed = next(one for one in run.experiments.values() if one.changes.get("WIDTH", ("", ""))[1] == "4096")
    assert blamed.verdict == "crash"


@pytest.mark.slow
def test_a_training_without_such_a_knob_is_left_as_it_is(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab", HUNGRY.replace("DEVICE_BATCH_SIZE", "rows"))
    run = night(lab, 3, "SET WIDTH = 512")
    assert run.experiments[1].verdict == "crash"
    assert run.refitted
    with Journal(journal_of(lab)) as journal:
        given_up = [one.event for one in journal.events() if isinstance(one.event, e.Abandoned)]
    assert any("no DEVICE_BATCH_SIZE" in one.why for one in given_up)
