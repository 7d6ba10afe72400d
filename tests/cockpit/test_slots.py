"""Which slot is looked at, what keys mean there, and what is asked before somebody leaves."""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.cockpit import keys, slots
from autoresearch_tui.cockpit.parts import keys as line
from autoresearch_tui.cockpit.parts import log
from autoresearch_tui.cockpit.screens.quit import question_of
from autoresearch_tui.cockpit.wishes import word_of
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.progress import Progress
from autoresearch_tui.workspace import RunFolder
from tests.cockpit.slotted import FAST, LINES, at, begin, measured, night, said, status_of
from tests.engine.histories import History, a_night

# ------------------------------------------------------------------------------------------------------------------------------
# Which one is looked at
# ------------------------------------------------------------------------------------------------------------------------------


def looked_at(history: History, row: int | None, before: str, after: float = 0.0) -> str:
    return slots.looked_at(history.run, history.now.timestamp() + after, row, before)


def test_the_row_under_the_cursor_leads_to_its_slot_and_the_slot_stays() -> None:
    history = night()
    assert looked_at(history, None, "") == "gpu0", "nobody chose"
    assert looked_at(history, 10, "gpu0") == "gpu1"
    assert looked_at(history, 4, "gpu1") == "gpu1", "a row that is over leads nowhere"
    measured(history, 10, 1.0)
    assert looked_at(history, 10, "gpu1") == "gpu1", "its next trial may begin in a moment"
    begin(history, 11, "gpu1")
    moment = at(history, looked_at(history, 10, "gpu1"))
    assert moment.running is not None and moment.running.number == 11


def test_a_slot_that_rests_is_left_for_one_that_trains() -> None:
    history = night()
    history.add(e.Ended(10, 1, "crash", "code", "NameError", seconds=1.0))
    assert looked_at(history, None, "gpu1", 10) == "gpu1"
    assert looked_at(history, None, "gpu1", 30) == "gpu0"


def test_a_slot_that_is_gone_is_looked_at_no_more() -> None:
    history = night()
    history.add(e.Ended(10, 1, "interrupted", why="its machine is gone"), e.Equipped((e.Slot("gpu0", FAST),), "lab7 is gone"))
    assert looked_at(history, 10, "gpu1") == "gpu0"


def test_one_slot_is_what_it_was() -> None:
    history = History()
    a_night(history)
    history.launch(9, 3)
    assert slots.places(history.run) == {} and looked_at(history, 9, "") == ""
    assert at(history, "").running is history.run.running
    assert len(status_of(at(history, "", lines=LINES))) == 2
    assert log.part_of(at(history, ""), RunFolder(Path("x")), lambda file: None).title == "run.log"
    assert keys.said(c.Skip(9, 1), history.run) == "skip #9"


# ------------------------------------------------------------------------------------------------------------------------------
# Keys and questions
# ------------------------------------------------------------------------------------------------------------------------------


def test_keys_mean_what_is_looked_at_and_say_where_it_trains() -> None:
    run = night().run
    says = {one.action: one.says for one in keys.aims(run, None, slot="gpu1")}
    assert (says["skip"], says["keep"], says["again"]) == ("skip #10 in gpu1", "keep #10", "again #10")
    found = keys.aim("skip", run, 4, slot="gpu1")
    assert found is not None and found.wish == c.Skip(10, 1)
    found = keys.aim("keep", run, 4, slot="gpu1")
    assert found is not None and found.wish == c.Keep(4)


def test_a_skip_where_nothing_trains_hits_nobody_else() -> None:
    history = night(3)
    history.add(e.Drafting("d1", "tune", 3, "sweep"))
    assert keys.aim("skip", history.run, None, slot="gpu2") is None
    assert keys.nothing("skip", history.run, slot="gpu2") == "nothing trains in gpu2: choose a row that is training."


def test_where_there_is_less_room_a_key_says_less() -> None:
    part = line.Keys((line.Key("s", "skip #10 in gpu1", "", short="skip #10"), line.Key("?", "help", "")))
    assert [said(line.rows(part, wide, 1))[0] for wide in (40, 20, 10)] == ["s skip #10 in gpu1  ? help", "s skip #10  ? help", "? help"]


def test_the_answer_to_a_pause_says_what_it_waits_for() -> None:
    from autoresearch_tui.cockpit.moment import Told
    from autoresearch_tui.cockpit.wishes import Asked

    history = night()
    told = Told(e.Recorded(1, 0.0, 0.0, e.Commanded(1, c.Pause(1), "ann", True)), history.run)
    word = word_of(told, {1: Asked(c.Pause(1), "pause")}, 0.0)
    assert word is not None and word.text == "accepted: pause, after the 2 that train"


def test_leaving_names_all_that_train() -> None:
    question = question_of(at(night(), lines={9: Progress(1, remaining_s=20.0), 10: Progress(1, remaining_s=83.0)}))
    assert "#9 in gpu0 and #10 in gpu1 train, the last of them for another 1:23, then it is measured." in question.facts
    assert question.choices[1].says == "stop after these"
    assert question.choices[1].means.startswith("It ends after #9 and #10 are measured.")
