"""What the panes show of several slots: the log, the cards, the rows."""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.cockpit.parts import gpu, log, proposal, results
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.owners import Owned, Seen
from autoresearch_tui.telemetry.sample import Sample
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.slotted import LINES, at, measured, night, said
from tests.engine.histories import History, a_night


def test_the_log_is_of_the_slot_that_is_looked_at() -> None:
    history = night(3)
    folder = RunFolder(Path("lab"))
    part = log.part_of(at(history, "gpu1"), folder, lambda file: None)
    assert part.path == folder.log(10, 1) and log.title(part) == "log of gpu1 #10"
    measured(history, 10, 1.0)
    assert log.title(log.part_of(at(history, "gpu1"), folder, lambda file: None)) == "log of gpu1 #10, over"
    part = log.part_of(at(history, "gpu2"), folder, lambda file: None)
    assert part.path is None and part.said == "Nothing was trained here yet: no draft is ready."


def seen(card: str, age: float, util: int) -> Seen:
    now = History().now.timestamp()
    return Seen(Sample(now - age, "NVIDIA H200", card, util, 80 * 2**30, 34 * 2**30, 612.0, temperature_c=61, source="nvml"), Owned())


def test_the_card_is_that_of_the_slot_and_the_others_have_a_line_each() -> None:
    minute = (seen("GPU-0", 2, 11), seen("GPU-1", 2, 22), seen("GPU-0", 1, 33), seen("GPU-1", 1, 44), seen("GPU-9", 1, 55))
    part = gpu.part_of(at(night(), "gpu1", seen=minute))
    assert [one.card.util for one in part.minute] == [22, 44]
    assert gpu.title(part) == "gpu1  GPU NVIDIA H200"
    assert said(gpu.rows(part, 60, 20))[-1] == "gpu0  util  33 %   34.0 of 80.0 GB   612 W   61 C"
    assert said(gpu.rows(part, 38, 20))[-1] == "gpu0  util  33 %   34.0 of 80.0 GB", "a figure is whole or not there"


def test_a_card_that_says_nothing_leaves_the_others_in_sight() -> None:
    part = gpu.part_of(at(night(), "gpu1", seen=(seen("GPU-0", 1, 33),)))
    rows = said(gpu.rows(part, 60, 20))
    assert rows[0].startswith(("Nobody tells", "The first sample")) and rows[-1].startswith("gpu0  util  33 %")


def test_slots_without_a_card_show_the_processor_as_one() -> None:
    history = History()
    a_night(history)
    history.add(e.Equipped((e.Slot("cpu0", "cpu x1"), e.Slot("cpu1", "cpu x1"))))
    part = gpu.part_of(at(history, "cpu1", seen=(seen("", 1, 33), seen("", 2, 44))))
    assert len(part.minute) == 2 and part.others == ()


def test_every_row_that_trains_says_how_far_it_is_and_where() -> None:
    rows = said(list(results.rows(results.part_of(at(night(), lines=LINES)), 110, 30)))
    assert rows[0].split() == ["#", "commit", "val_bpb", "change", "mem", "verdict", "trust", "slot", "what"]
    assert rows[-2].split() == ["9", "c9", "training", "3:42", "gpu0", "idea", "9"]
    assert rows[-1].split() == ["10", "c10", "training", "0:36", "gpu1", "idea", "10"]
    assert said(list(results.rows(results.part_of(at(night(), lines=LINES)), 43, 30)))[-1] == " #10 training 0:36    gpu1 · idea 10"


def test_the_rows_that_train_are_in_sight_and_the_cursor_is_on_the_one_that_is_looked_at() -> None:
    part = results.part_of(at(night(), lines=LINES))
    assert results.aimed(part, None) == 9 and results.followed(part, None) == 9
    assert results.place(part, None) == 9 and results.end(part, None) == 10
    assert results.end(part, 4) is None


def test_the_proposal_shows_what_trains_where_somebody_looks() -> None:
    assert proposal.part_of(at(night(), "gpu1")).title == "#10  idea 10"
