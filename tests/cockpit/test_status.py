"""The lines at the top say whether it is alive, whether it wins, who proposes and until when; on a narrow screen the first of that."""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import status
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.curve import Curve, Point
from autoresearch_tui.telemetry.progress import Progress
from tests.engine.histories import History, a_night


def said(rows: list[Row]) -> list[str]:
    return ["".join(span.text for span in line) for line in rows]


def at(history: History, wide: int = 120, height: int = 2, alive: bool = True, **known: object) -> list[str]:
    moment = Moment(run=history.run, now=history.now.timestamp(), alive=alive)
    found = status.rows(status.part_of(replace(moment, **known)), wide, height)
    assert all(width(line) <= wide for line in found)
    return said(found)


def night() -> History:
    history = History()
    a_night(history)
    return history


def test_before_the_first_fact_there_is_something_to_read() -> None:
    assert status.rows(status.part_of(Moment()), 80, 2)[0]


def test_a_running_trial_is_named_with_how_far_it_is_beside_the_trunk() -> None:
    history = night()
    history.launch(9, 3, operator="tune")
    trunk = Curve((Point(0.0, 0, 9.0), Point(1.0, 1000, 3.0)))
    first, second = at(history, 140, lines={9: Progress(step=620, fraction=0.74, loss=3.214)}, curves={"": trunk})
    assert first.startswith("autoresearch night  ● training #9 tune   ███████░░░ 3:42/5:00   best 0.98000 (-0.0200 ")
    assert "loss 3.214, trunk 4.560 here" in first
    assert second.startswith("by sweep")


def test_before_its_first_step_a_trial_starts() -> None:
    history = night()
    history.launch(9, 3, operator="tune")
    assert "starting 5:00" in at(history)[0]


def test_an_engine_that_died_is_said_to_be_dead() -> None:
    history = night()
    history.launch(9, 3)
    assert "○ the engine died while training" in at(history, alive=False)[0]


def test_a_pause_says_who_paused() -> None:
    history = night()
    history.send(c.Pause(history.run.session))
    history.add(e.Paused("ann"))
    assert "‖ paused: paused by ann" in at(history)[0]


def test_an_end_says_why() -> None:
    history = night()
    history.add(e.EngineEnded("10 experiments are done"))
    assert "○ ended: 10 experiments are done" in at(history, alive=False)[0]


def test_who_stands_in_for_a_model_that_is_down_is_a_warning() -> None:
    history = History()
    history.add(e.RunStarted("night", "c0"))
    history.add(e.EngineStarted(1, 1, "boot", "1", "ollama:qwen3.5:9b", chain=("sweep",)))
    history.add(e.ResearcherDown("ollama:qwen3.5:9b", "nobody listens at 127.0.0.1:11434"))
    part = status.part_of(Moment(run=history.run, now=history.now.timestamp(), alive=True))
    spans = [span for row in part.below for span in row]
    assert spans[0].text == "by sweep, for ollama:qwen3.5:9b is down: nobody listens at 127.0.0.1:11434"
    assert spans[0].role == "warn"


def test_limits_say_how_much_is_left() -> None:
    history = night()
    deadline = history.now.timestamp() + 5 * 3600 + 12 * 60 + 30
    history.add(e.SettingsChanged(e.Limits(experiments=100, deadline=deadline, cost=5.0), False, "ann"))
    below = at(history)[1]
    assert "9 of 100" in below and "in 5 h 12" in below and "$0.00 of $5.00" in below


def test_a_phone_sees_the_same_on_three_lines() -> None:
    history = night()
    history.launch(9, 3, operator="tune")
    found = at(history, 45, 3, lines={9: Progress(step=620, fraction=0.74, loss=3.214)})
    assert len(found) == 3
    assert "training #9 tune" in found[0]
    assert any("best 0.98000" in line for line in found)


def test_foreign_names_are_only_text() -> None:
    history = History()
    history.add(e.RunStarted("night", "c0"), e.EngineStarted(1, 1, "boot", "1", "command:[/bold]\x1b[31m"))
    assert "by command:[/bold]" in at(history)[1]
