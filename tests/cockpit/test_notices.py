"""What is worth interrupting somebody for is told once, few at a time, and stands in a list with its time."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from autoresearch_tui.cockpit.moment import Moment, Night, Told
from autoresearch_tui.cockpit.notices import Heard, Notice, notice_of
from autoresearch_tui.cockpit.parts import notices
from autoresearch_tui.cockpit.parts.notices import Listed
from autoresearch_tui.cockpit.screens.notices import NoticesScreen
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import JournalError
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage, told, until
from tests.engine.histories import History, a_night


def said(history: History) -> list[tuple[str, str, str]]:
    found = [one for fact in told(history) if (one := notice_of(fact))]
    return [(one.severity, one.title, one.text) for one in found]


def begun() -> History:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    return history


def test_of_a_night_the_kept_changes_are_news_and_the_rest_is_silent() -> None:
    history = History()
    a_night(history)
    assert [title for _, title, _ in said(history)] == [
        "#1 is the best so far",
        "#3 is the best so far",
        "#4 is the best so far",
        "#5 is the best so far",
    ]


def test_a_kept_change_is_told_with_its_number_and_how_sure_that_is() -> None:
    history = begun()
    history.add(e.Proposed(1, parent=0, idea="matrix LR [0.04] -> 0.05"), e.Committed(1, "c1"))
    history.relaunch(1)
    history.end(1, 0.9)
    history.judge(1)
    assert said(history) == [
        ("information", "#1 is the best so far", "val_bpb 0.900000 (-0.100000 unsure): matrix LR [0.04] -> 0.05"),
    ]


def test_one_that_a_person_keeps_is_told_with_the_person() -> None:
    history = begun()
    history.settle(1, 0, 1.2)
    history.add(e.Judged(1, "keep", "kept by hand", 1, by="ann"))
    assert [(title, " kept by ann" in words) for _, title, words in said(history)] == [("#1 is kept", True)]


def test_a_trunk_that_is_only_measured_again_is_no_news() -> None:
    history = begun()
    history.settle(1, 0, 0.9)
    history.add(e.Launched(1, 2, 43, 1, 1, "boot", purpose="drift"))
    history.end(1, 0.9)
    history.add(e.Judged(1, "keep", "measured again", 1))
    assert len(said(history)) == 1


def test_crashes_are_told_when_they_are_three_in_a_row() -> None:
    history = begun()
    for number in range(1, 8):
        history.settle(number, 0, None, "crash")
    assert [(severity, title) for severity, title, _ in said(history)] == [("error", "3 crashes in a row"), ("error", "6 crashes in a row")]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (e.Warned("the disk is nearly full"), ("warning", "the engine warns", "the disk is nearly full")),
        (e.Waiting("the card is taken"), ("warning", "the engine waits", "the card is taken")),
        (e.Paused("engine", "somebody else computes"), ("warning", "paused by the engine", "somebody else computes")),
        (e.ResearcherDown("x:y", "it is silent."), ("warning", "x:y is down", "it is silent")),
        (e.ResearcherDown("x:y", "no key", for_good=True), ("error", "x:y is down", "no key; that takes a person")),
        (e.ResearcherUp("x:y"), ("information", "x:y is back", "it proposes again")),
        (e.Blocked("a connection to 10.0.0.5:443"), ("warning", "a connection was refused", "a connection to 10.0.0.5:443")),
        (e.Lapsed(7, "the trial ended"), ("warning", "command 7 came to nothing", "the trial ended")),
        (e.EngineEnded("40 experiments are done"), ("information", "the engine ended", "40 experiments are done")),
        (
            e.Drifted(0, 2, 1.0, 1.1, 3),
            ("warning", "the machine drifted", "#0 was 1.000000 and is 1.100000; comparisons since #3 are in doubt"),
        ),
    ],
)
def test_what_else_is_told_and_how_serious_it_is(fact: e.Event, expected: tuple[str, str, str]) -> None:
    history = begun()
    history.add(fact)
    assert said(history) == [expected]


def test_a_refused_command_and_an_engine_that_was_started_again_are_told() -> None:
    history = begun()
    history.send(c.Keep(77))
    history.start(after="signal 9")
    assert said(history) == [
        ("warning", "command refused", "keep #77 by ann: there is no experiment #77"),
        ("warning", "the engine was started again", "it died before: signal 9"),
    ]


def test_a_draft_that_waits_and_a_suspect_number_are_told() -> None:
    history = begun()
    history.add(e.Drafting("d1", "tune", 0, "sweep"), e.Drafted("d1", "b", "more depth"), e.Held("d1", 0.0))
    history.launch(1, 0, idea="too good")
    history.end(1, 0.1)
    history.add(e.Judged(1, "discard", "suspect: two numbers", 0))
    assert [(title, words) for _, title, words in said(history)] == [
        ("a draft waits for you", "draft d1 waits for a person: more depth"),
        ("#1 is suspect", "too good: suspect: two numbers"),
    ]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def warnings(count: int) -> list[Told]:
    history = begun()
    for number in range(count):
        history.add(e.Warned(f"number {number}"))
    return told(history)[-count:]


def test_a_burst_is_one_toast_that_says_how_many_things_it_stands_for() -> None:
    heard = Heard(Clock())
    (toast,) = heard.hear(warnings(17))
    assert (toast.severity, toast.title, toast.text) == ("warning", "17 things happened while you were away", "17 warnings; N shows them")
    assert len(heard.notices) == 17


def test_a_stream_of_them_is_slowed_down_and_none_is_lost() -> None:
    clock = Clock()
    heard = Heard(clock)
    toasts = []
    for one in warnings(30):
        toasts += heard.hear([one])
        clock.now += 0.5
    assert len(toasts) < 10
    clock.now += 60
    toasts += heard.hear([])
    counted = sum(int(one.title.split()[0]) if "things happened" in one.title else 1 for one in toasts)
    assert counted == 30


def test_what_was_looked_at_is_not_new_any_more() -> None:
    heard = Heard(Clock())
    heard.hear(warnings(2))
    heard.say(Notice(1.0, "error", "the screen", "a pane broke"))
    assert heard.unseen == {"warning": 2, "error": 1}
    heard.look()
    heard.hear(warnings(1))
    assert heard.unseen == {"warning": 1}


def test_the_last_line_of_the_night_is_at_hand() -> None:
    heard = Heard(Clock())
    heard.hear(warnings(1))
    assert heard.last is not None
    assert (heard.last.text, heard.last.role) == ("warning: number 0", "warn")


def test_the_screens_own_stand_among_those_of_the_night_each_once() -> None:
    facts = warnings(3)
    past = [one for fact in facts if (one := notice_of(fact))]
    heard = Heard(Clock())
    heard.hear(facts[1:])
    heard.say(Notice(past[1].at - 1, "error", "the screen", "a pane broke"))
    assert [one.text for one in notices.merged(past, heard)] == ["a pane broke", "number 0", "number 1", "number 2"]


def test_days_are_told_apart_and_text_stays_in_its_column() -> None:
    day = 86_400.0
    part = Listed((Notice(10 * day, "error", "one", "word " * 30), Notice(11 * day, "information", "[/two", "\x1b[31mred\u202e")))
    drawn = ["".join(span.text for span in line) for line in notices.rows(part, 80, 24)]
    assert [line for line in drawn if "January" in line] == ["Sunday 11 January", "Monday 12 January"]
    assert drawn[1][10:24] == "✗ error    one"
    assert drawn[2].startswith(" " * 21 + "word")
    assert drawn[-1].endswith("· news     [/two: red")


class Past:
    """A night of which only the past is asked."""

    def __init__(self, facts: list[Told], fault: Exception | None = None) -> None:
        self.facts, self.fault = facts, fault
        self.asked = threading.Event()

    def past(self) -> list[Told]:
        self.asked.wait(10)
        if self.fault:
            raise self.fault
        return self.facts


def shelf(night: Past, heard: Heard | None = None) -> Stage:
    return Stage(NoticesScreen(cast(Night, night), heard or Heard(Clock())))


async def test_the_list_is_read_in_the_background_and_filtered_by_a_key() -> None:
    history = begun()
    history.add(e.Warned("the disk [/ is nearly full"), e.ResearcherUp("x:y"), e.ResearcherDown("x:y", "no key", for_good=True))
    night = Past(told(history))
    stage = shelf(night)
    async with stage.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert "They are read from the journal" in text(pilot.app)
        night.asked.set()
        for size in (WIDE, PHONE):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "the disk [/ is nearly full" in text(pilot.app))
            assert "notices: all, 3 of 3" in text(pilot.app)
            await pilot.press("F", "F")
            await pilot.pause()
            assert "notices: errors, 1 of 3" in text(pilot.app)
            assert "the disk" not in text(pilot.app)
            assert "✗ error" in text(pilot.app)
            await pilot.press("F")
        await pilot.press("escape")
        assert stage.answers == [None]


async def test_what_happens_while_it_is_open_is_added_and_counts_as_seen() -> None:
    heard = Heard(Clock())
    night = Past([])
    night.asked.set()
    screen = NoticesScreen(cast(Night, night), heard)
    async with Stage(screen).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "Nothing yet." in text(pilot.app))
        heard.hear(warnings(1))
        screen.show(Moment())
        await pilot.pause()
        assert "number 0" in text(pilot.app)
        assert heard.unseen == {}


async def test_a_journal_that_cannot_be_read_is_a_sentence() -> None:
    night = Past([], JournalError("x is damaged"))
    night.asked.set()
    async with shelf(night).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "The journal cannot be read now: x is damaged" in text(pilot.app))
