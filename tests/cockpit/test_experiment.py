"""An experiment in full: every section says what is known of it, or why nothing is; keys act on this experiment and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.parts import experiment, page, trials
from autoresearch_tui.cockpit.parts.page import Page
from autoresearch_tui.cockpit.parts.said import Word
from autoresearch_tui.cockpit.parts.story import Story, story_of
from autoresearch_tui.cockpit.replies import NO_REPLY, Attempt, Reply
from autoresearch_tui.cockpit.screens.experiment import ExperimentScreen
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.cockpit.evenings import WHO, Evening
from tests.cockpit.screens import Bare, lines, text
from tests.engine.nights import TRAIN

CARD = e.Card(
    seconds=300.0,
    util=97.6,
    memory_gb=47.0,
    training_gb=34.2,
    llm_gb=11.8,
    power_w=612.0,
    temperature_c=61.0,
    sm_mhz=1980.0,
    throttled={"power cap": 0.12},
    waited=0.003,
)


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """Experiment 1 was refused once, trained, kept by a person, and trains again."""
    evening = Evening(tmp_path)
    evening.ask()
    evening.writes("d0001", attempt="1", thinking="Hm.", text="IDEA: half of it")
    evening.add(e.Replied("d0001", 9.0, 1000, 300, 0.01), e.Refused("d0001", "SEARCH is not in train.py", "edit", "nearest: LR"))
    evening.add(e.Asked("d0001", WHO))
    evening.writes("d0001", attempt="2", text="IDEA: a higher LR")
    changes = {"MATRIX_LR": ("0.01", "0.02")}
    evening.drafted("d0001", TRAIN.replace("MATRIX_LR = 0.01", "MATRIX_LR = 0.02"), "a higher LR", "The loss still falls.", **changes)
    evening.proposed("d0001", 1)
    evening.send_command(c.Keep(1), "ann@lab")
    evening.add(e.Ended(1, 1, "finished", seconds=312.0, kwh=0.021, card=CARD))
    summary = {"mfu_percent": "39.8"}
    evening.add(e.Measured(1, 1, 0.998, "", "verified", 34.2, steps=953, tokens_m=500.0, training_s=300.0, recorded=summary))
    evening.judge(1)
    evening.add(e.Launched(1, 2, 43, 1, 1, "boot", "doubt"))
    return evening


def drawn(found: Page, wide: int = 100) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in page.rows(found, wide)]


def story(evening: Evening, number: int = 1) -> Story:
    return story_of(evening.past(), number)


def test_what_it_was_and_what_came_of_it(evening: Evening) -> None:
    one = evening.run.experiments[1]
    assert experiment.title_of(evening.run, one) == "#1  tune  keep  training  0.998000"
    assert drawn(experiment.what(evening.moment(), one, story(evening))) == [
        "a higher LR",
        "The loss still falls.",
        "",
        "verdict   keep: kept by hand (decided by ann@lab); it is looked at again",
        "val_bpb   0.998000  -0.002000 ± 0.001414 against #0, unsure, p 0.146",
        "trust     verified",
        "by        ollama:qwen3.5:9b, tune, draft d0001",
        "parent    #0: baseline; on the trunk",
        "knob      MATRIX_LR  0.01 -> 0.02",
        "memory    34.2 GB",
        "cost      5:12 of training; 0.021 kWh; 2 replies: 1,100 tokens in 21.5 s, 0.0100 USD",
        "commit    0000001abc",
        "look      git show refs/autoresearch/night/1",
        "compare   git diff refs/autoresearch/night/0 refs/autoresearch/night/1",
    ]


def test_the_baseline_has_no_parent_and_no_researcher(evening: Evening) -> None:
    shown = drawn(experiment.what(evening.moment(), evening.run.experiments[0], story(evening, 0)))
    assert "by        nobody: train.py as the night found it" in shown
    assert not any(line.startswith(("parent", "compare", "knob")) for line in shown)


def test_a_number_that_is_in_doubt_is_said_to_be(evening: Evening) -> None:
    evening.add(e.Tainted(1, 1, "a stranger on the card"))
    shown = drawn(experiment.what(evening.moment(), evening.run.experiments[1], None))
    assert "val_bpb   0.998000 (disturbed: not compared)" in shown


def test_every_attempt_of_the_reply_with_what_was_said_to_it(evening: Evening) -> None:
    one = evening.run.experiments[1]
    reply = Reply((Attempt("1", "Hm.", "IDEA: half of it"), Attempt("2", "", "IDEA: a higher LR")))
    assert drawn(experiment.replied(one, reply, story(evening), "text")) == [
        "attempt   1",
        "IDEA: half of it",
        "refused   SEARCH is not in train.py",
        "nearest: LR",
        "",
        "attempt   2",
        "IDEA: a higher LR",
    ]
    assert drawn(experiment.replied(one, Reply((Attempt("1", "", "text"),)), None, "thinking"))[0] == f"{WHO} showed no thinking."
    assert drawn(experiment.replied(one, NO_REPLY, None, "text")) == ["There is no reply of draft d0001 any more."]
    assert drawn(experiment.replied(evening.run.experiments[0], NO_REPLY, None, "text")) == [
        "No researcher was asked for it: there is no reply."
    ]


def test_trials_are_columns_and_what_explains_them_stands_below(evening: Evening) -> None:
    one = evening.run.experiments[1]
    assert drawn(trials.trials(evening.run, one)) == [
        "trial  outcome    val_bpb  time    GB  trust     seed  steps   tokens/s",
        "    1  finished  0.998000  5:12  34.2  verified    42    953  1,666,667",
        "  mfu_percent 39.8",
        "    2  training         -     -     -  -           43      -          -",
        "  again: the difference may be noise",
    ]


def test_on_a_narrow_screen_the_columns_that_do_not_fit_are_told_in_words(evening: Evening) -> None:
    shown = drawn(trials.trials(evening.run, evening.run.experiments[1]), 40)
    assert shown[1:4] == [
        "    1  finished  0.998000  5:12  34.2",
        "  trust verified, seed 42, steps 953,",
        "  tokens/s 1,666,667",
    ]
    assert max(map(len, shown)) <= 40


def test_the_conditions_of_every_trial(evening: Evening) -> None:
    assert drawn(trials.telemetry(evening.run.experiments[1])) == [
        "trial 1",
        "watched   5:00; what follows are averages",
        "util      98 %",
        "power     612 W, 0.021 kWh",
        "clock     1980 MHz",
        "hottest   61 C",
        "throttled power cap 12% of the time",
        "memory    at most training 34.2 GB, LLM 11.8 GB, everybody 47.0 GB",
        "waited    0.3 % of its time for a core",
        "strangers none",
        "",
        "trial 2",
        "It trains: its conditions are told when it ends.",
    ]
    assert drawn(trials.telemetry(evening.run.experiments[0])) == ["trial 1", "Nothing could be seen of its conditions."]


def test_commands_that_named_it_with_who_and_what_became_of_them(evening: Evening) -> None:
    evening.send_command(c.Note("more of it"), "bob@lab")
    evening.send_command(c.Discard(0), "bob@lab")
    evening.add(e.Commanded(9, c.Again(1), "bob@lab", False, "it trains already"), e.Fulfilled(2, "experiment 1"))
    found = [(order.says, order.by, order.answer) for order in story(evening).orders]
    assert found == [
        ("keep #1", "ann@lab", "done"),
        ("note: more of it", "bob@lab", "done: experiment 1"),
        ("again #1", "bob@lab", "refused: it trains already"),
    ]
    shown = drawn(experiment.commands(story(evening)))
    assert shown[0].endswith("keep #1, by ann@lab") and shown[1] == "          done"
    assert drawn(experiment.commands(Story()))[0].startswith("No command named it")


def test_nothing_to_compare_is_said_in_words(evening: Evening) -> None:
    one, first = evening.run.experiments[1], evening.run.experiments[0]
    assert drawn(experiment.difference(one, None, "marked", None)) == ["No row is marked: m marks one in the results."]
    assert drawn(experiment.difference(one, one, "trunk", None)) == ["#1 is the trunk itself."]
    assert drawn(experiment.difference(first, None, "parent", None))[0].startswith("Nothing to compare")


# ------------------------------------------------------------------------------------------------------------------------------
# The screen
# ------------------------------------------------------------------------------------------------------------------------------


class Stage(Bare):
    """What the screen needs of the cockpit."""

    def __init__(self) -> None:
        super().__init__()
        self.acted: list[tuple[str, int | None]] = []

    def words(self) -> tuple[Word | None, Word | None]:
        return None, None

    def act(self, action: str, row: int | None) -> None:
        self.acted.append((action, row))


async def seen(pilot: Pilot[Any], screen: ExperimentScreen, words: str) -> None:
    """Wait until this stands on the screen, as the cockpit would: it shows a moment four times a second."""
    for _ in range(300):
        screen.show(screen.night.moment())
        await pilot.pause(0.01)
        if words in text(pilot.app):
            return
    raise AssertionError(f"{words!r} never stood there:\n{text(pilot.app)}")


SECTIONS = {
    "1": "git show refs/autoresearch/night/1",
    "2": "+ MATRIX_LR = 0.02",
    "3": "IDEA: a higher LR",
    "4": "Hm.",
    "5": "step 2",
    "6": "mfu_percent 39.8",
    "7": "1980 MHz",
    "8": "done",
}


@pytest.mark.parametrize("size", [(80, 24), (45, 30)])
async def test_each_key_opens_its_section_at_every_size(evening: Evening, size: tuple[int, int]) -> None:
    log = evening.folder.log(1, 2)
    log.parent.mkdir(parents=True)
    log.write_text("step 1\nstep 2\n")
    app = Stage()
    async with app.run_test(size=size) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        for key, words in SECTIONS.items():
            await pilot.press(key)
            await seen(pilot, screen, words)
            assert experiment.SECTIONS[int(key) - 1] in lines(app)[0]
            assert "q back" in lines(app)[-1]
        await pilot.press("right")
        await seen(pilot, screen, SECTIONS["1"])
        await pilot.press("escape")
        assert app.screen is not screen


async def test_keys_act_on_this_experiment_even_while_a_draft_waits(evening: Evening) -> None:
    evening.ask("d0002", "tune", 1)
    evening.drafted("d0002", TRAIN, "another")
    evening.add(e.Held("d0002", 1e9))
    app = Stage()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        await seen(pilot, screen, "K keep #1  X discard #1  A again #1")
        await pilot.press("K", "X", "A")
        assert app.acted == [("keep", 1), ("discard", 1), ("again", 1)]


async def test_keys_are_offered_as_in_the_results_and_in_a_replay_none(evening: Evening) -> None:
    app = Stage()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = ExperimentScreen(evening, 0)
        await app.push_screen(screen)
        for alive, live in ((True, True), (False, True), (False, False)):
            screen.show(replace(evening.moment(), alive=alive, live=live))
            await pilot.pause()
            aims = keys.aims(evening.run, 0, alive) if live else []
            acting = "  ".join(f"{aim.key} {aim.says}" for aim in aims if aim.key in "KXA")
            assert lines(app)[-1].split("] next")[0].strip() == acting


async def test_the_journal_is_read_once_for_all_that_somebody_walks_over(evening: Evening) -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        await pilot.press("8")
        await seen(pilot, screen, "keep #1, by ann@lab")
        await pilot.press("left_square_bracket")
        await seen(pilot, screen, "No command named it")
        await pilot.press("right_square_bracket")
        await seen(pilot, screen, "keep #1, by ann@lab")
        assert evening.asked == 1


async def test_what_became_of_a_command_is_told_while_somebody_looks(evening: Evening) -> None:
    evening.add(e.Commanded(7, c.Again(1), "eve@lab", True))
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        await pilot.press("8")
        await seen(pilot, screen, "accepted")
        evening.add(e.Lapsed(7, "the run ended"))
        await seen(pilot, screen, "came to nothing: the run ended")


async def test_a_story_that_breaks_is_a_sentence(evening: Evening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evening.fault = KeyError("nobody knows")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        await pilot.press("8")
        await seen(pilot, screen, "What was said of it cannot be told (KeyError)")


async def test_the_neighbours_are_one_key_away_and_the_log_is_theirs(evening: Evening) -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        await pilot.press("left_square_bracket")
        await seen(pilot, screen, "#0  baseline  keep  1.000000")
        await pilot.press("left_square_bracket", "right_square_bracket")
        await seen(pilot, screen, "#1  tune")
        await pilot.press("right_square_bracket", "5")
        await seen(pilot, screen, "#1 trial 2")
        await pilot.press("5")
        await seen(pilot, screen, "#1 trial 1")


async def test_the_difference_is_against_whatever_is_asked_for(evening: Evening) -> None:
    evening.end(1, 0.998)
    evening.judge(1)
    evening.ask("d0002", "tune", 1)
    evening.drafted("d0002", TRAIN.replace("MATRIX_LR = 0.01", "MATRIX_LR = 0.08"), "more still")
    evening.proposed("d0002", 2)
    app = Stage()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = ExperimentScreen(evening, 2, marked=0)
        await app.push_screen(screen)
        for key, words, old in (("2", "its parent #1", "0.02"), ("b", "the baseline #0", "0.01"), ("m", "the marked row #0", "0.01")):
            await pilot.press(key)
            await seen(pilot, screen, f"- MATRIX_LR = {old}")
            assert f"#2 against {words}: 1 line came, 1 went" in text(app)
        await pilot.press("m")
        await seen(pilot, screen, "its parent #1")


async def test_it_goes_on_while_it_is_looked_at(evening: Evening) -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        await pilot.press("6")
        await seen(pilot, screen, "training")
        evening.end(1, 0.997)
        await seen(pilot, screen, "0.997000")
        await pilot.press("8")
        await seen(pilot, screen, "keep #1")
        evening.add(e.Commanded(7, c.Again(1), "eve@lab", True))
        await seen(pilot, screen, "again #1, by eve@lab")


async def test_an_experiment_that_is_not_there_is_a_sentence(evening: Evening) -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 7)
        await app.push_screen(screen)
        for key in SECTIONS:
            await pilot.press(key)
        await pilot.press("1")
        await seen(pilot, screen, "There is no experiment #7 at this moment of the night.")


async def test_foreign_text_in_every_section_is_shown_as_text(tmp_path: Path) -> None:
    hostile = "[/bold] [0] \x1b]0;x\x07\x1b[2J\x00\u202eabc 漢字"
    evening = Evening(tmp_path)
    evening.ask()
    evening.writes("d0001", attempt="1", thinking=hostile, text=hostile)
    evening.drafted("d0001", f"LR = 1  # {hostile}\n{TRAIN}", hostile, hostile, **{hostile: (hostile, hostile)})
    evening.proposed("d0001", 1)
    evening.add(e.Commanded(7, c.Again(1), hostile, False, hostile))
    evening.add(e.Ended(1, 1, "crash", hostile, hostile, hostile, card=e.Card(throttled={hostile: 0.5}, strangers=(hostile,))))
    evening.add(e.Tainted(1, 1, hostile), e.Judged(1, "crash", hostile, 0, hostile))
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ExperimentScreen(evening, 1)
        await app.push_screen(screen)
        for key in ("1", "2", "3", "4", "6", "7", "8"):
            await pilot.press(key)
            await seen(pilot, screen, "[/bold] [0]")
            assert not set("\x1b\x07\x00\u202e") & set(text(app))
            assert all(line.rstrip().endswith(("│", "╮", "╯")) for line in lines(app)[1:-2]), "the frame stands straight"
