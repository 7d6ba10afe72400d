"""Above the keys stands what was asked and not yet answered, what waits, and what happened last."""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.cockpit.moment import Moment, Told
from autoresearch_tui.cockpit.parts import said
from autoresearch_tui.cockpit.parts.said import Word
from autoresearch_tui.cockpit.wishes import Asked, word_of
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.store import Sent
from tests.engine.histories import History, a_night


def night() -> History:
    history = History()
    a_night(history)
    history.launch(9, 3)
    return history


def line(moment: Moment, word: Word | None = None, last: Word | None = None, wide: int = 120) -> str:
    (found,) = said.rows(said.part_of(moment, word, last), wide, 1)
    return "".join(span.text for span in found)


def test_nothing_is_said_where_nothing_happened() -> None:
    assert line(Moment()) == ""


def test_a_command_is_pending_until_it_is_answered() -> None:
    moment = Moment(run=night().run, sent=(Sent(1, 0.0, "ann@lab", "keep", c.Keep(4)),))
    assert line(moment) == "sent: keep #4"
    assert line(replace(moment, sent=(Sent(1, 0.0, "ann@lab", "sing", None),))) == "sent: sing"


def test_what_waits_for_its_moment_is_shown_with_how_to_take_it_back() -> None:
    history = night()
    history.send(c.Pause(history.run.session))
    assert line(Moment(run=history.run)) == "waits: pause  w withdraws"


def told(history: History, fact: e.Event) -> Told:
    history.add(fact)
    return Told(Recorded(history.run.seq, 0.0, 0.0, fact), history.run)


def test_the_answer_to_ones_own_command_is_said_with_the_reason() -> None:
    history = night()
    mine = {1: Asked(c.Keep(4), "keep #4"), 2: Asked(c.Pause(1), "pause"), 3: Asked(c.Keep(9), "keep #9")}
    refused = told(history, e.Commanded(1, mine[1].wish, "ann", False, "#4 crashed"))
    paused = told(history, e.Commanded(2, mine[2].wish, "ann", True))
    kept = told(history, e.Commanded(3, mine[3].wish, "ann", True))
    assert word_of(refused, mine, 7.0) == Word(7.0, "refused: keep #4: #4 crashed", "bad")
    assert word_of(paused, mine, 7.0) == Word(7.0, "accepted: pause, after #9", "good")
    assert word_of(kept, mine, 7.0) == Word(7.0, "accepted: keep #9, when it ends", "good")


def test_the_answer_to_somebody_elses_command_is_not_ours() -> None:
    assert word_of(told(night(), e.Commanded(8, c.Keep(4), "bob", True)), {1: Asked(c.Keep(4), "keep #4")}, 0.0) is None


def test_the_latest_happening_gives_way_to_what_a_person_asked() -> None:
    moment = Moment(run=night().run, sent=(Sent(1, 0.0, "ann@lab", "keep", c.Keep(4)),))
    last = Word(0.0, "#8 KEEP 0.98")
    assert "#8 KEEP" in line(moment, last=last)
    assert line(moment, last=last, wide=15) == "sent: keep #4"
