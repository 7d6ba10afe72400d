"""What a key will do, and to what, is said before it is done; what is sent is what was said."""

from __future__ import annotations

import pytest

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.drawing import width
from autoresearch_tui.cockpit.parts import keys as line
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import History, a_night


def night(training: bool = False) -> History:
    history = History()
    a_night(history)
    if training:
        history.launch(9, 3)
    return history


def held() -> History:
    history = night()
    history.add(e.Drafting("d0009", "tune", 3, "sweep"), e.Drafted("d0009", "b", "an idea"), e.Held("d0009", 1e12))
    return history


def paused() -> History:
    history = night()
    history.add(e.Paused("ann"))
    return history


def ended() -> History:
    history = night()
    history.add(e.EngineEnded("stopped by ann"))
    return history


SAYS = [
    ("nobody chose a row", night(training=True), None, ["pause", "skip #9", "keep #9", "discard #9", "again #9", "review on"]),
    ("a row is chosen", night(training=True), 4, ["pause", "skip #9", "keep #4", "discard #4", "again #4", "review on"]),
    ("on the baseline", night(training=True), 0, ["pause", "skip #9", "keep #0", "again #0", "review on"]),
    ("on a crash", night(training=True), 7, ["pause", "skip #9", "again #7", "review on"]),
    ("nothing trains", night(), None, ["pause", "review on"]),
    ("a draft waits", held(), None, ["pause", "skip draft d0009", "reject draft d0009", "approve draft d0009", "review on"]),
    ("a draft waits, a row is chosen", held(), 4, ["pause", "skip draft d0009", "keep #4", "discard #4", "again #4", "approve draft d0009",
      "review on"]),
    ("it is paused", paused(), None, ["resume", "review on"]),
    ("it is over", ended(), 4, ["keep #4", "discard #4", "again #4"]),
]  # fmt: skip


@pytest.mark.parametrize("history, row, expected", [one[1:] for one in SAYS], ids=[one[0] for one in SAYS])
def test_the_keys_name_their_targets(history: History, row: int | None, expected: list[str]) -> None:
    found = keys.aims(history.run, row)
    assert [one.says for one in found] == expected
    assert [keys.said(one.wish, history.run) for one in found] == expected


def test_an_engine_that_died_is_asked_for_nothing_but_a_verdict_which_the_next_one_hears() -> None:
    assert [one.says for one in keys.aims(night(training=True).run, 4, alive=False)] == ["keep #4", "discard #4", "again #4"]
    assert keys.nothing("pause", night().run, alive=False) == "no engine works on night: there is nothing to pause."


def test_an_experiment_that_is_not_there_is_no_target() -> None:
    assert keys.aim("keep", night().run, 99) is None


def test_a_pause_that_waits_is_taken_back_by_the_same_key() -> None:
    history = night(training=True)
    history.send(c.Pause(history.run.session))
    found = keys.aim("pause", history.run, None)
    assert found is not None and found.wish == c.Resume(history.run.session)


@pytest.mark.parametrize("action", keys.COMMANDS)
def test_a_key_that_means_nothing_says_why(action: str) -> None:
    assert keys.nothing(action, night().run).endswith((".", "now."))


def test_on_a_narrow_screen_the_first_keys_stay_and_help_always_does() -> None:
    part = line.Keys((line.Key("p", "pause", "act('pause')"), line.Key("s", "skip #12", "act('skip')"), line.Key("?", "help", "app.help")))
    (wide,), (narrow,) = line.rows(part, 80, 1), line.rows(part, 18, 1)
    assert "".join(span.text for span in wide) == "p pause  s skip #12  ? help"
    assert "".join(span.text for span in narrow) == "p pause  ? help"
    assert width(narrow) <= 18
