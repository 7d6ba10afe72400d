"""What is being proposed now: said in words at every stage, streamed so that what was written stays where it is, then the change."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from autoresearch_tui.cockpit.diff import compared
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import proposal
from autoresearch_tui.cockpit.replies import Attempt, Reply
from autoresearch_tui.cockpit.widgets.proposal import ProposalPane
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.cockpit.evenings import WHO, Evening
from tests.cockpit.screens import Bare, lines, text
from tests.engine.histories import History
from tests.engine.nights import TRAIN
from tests.pace import best_of


@pytest.fixture
def history() -> History:
    """The baseline is kept, and a change is asked for."""
    history = History()
    history.add(e.RunStarted("night", "c0"), e.EngineStarted(1, 1, "boot", "1", WHO, chain=("sweep",)))
    history.settle(0, None, 1.0)
    history.add(e.Drafting("d0001", "tune", 0, WHO), e.Asked("d0001", WHO, "edits", 1000))
    history.now += timedelta(seconds=12)
    return history


def moment(history: History, alive: bool = True) -> Moment:
    return Moment(run=history.run, now=history.now.timestamp(), alive=alive)


def drawn(history: History, reply: Reply | None = None, alive: bool = True, choice: str = "", wide: int = 70) -> list[str]:
    part = proposal.part_of(moment(history, alive), choice, reply or Reply(), compared("LR = 1\n", "LR = 2\n"))
    return ["".join(span.text for span in line).rstrip() for line in proposal.rows(part, wide, 100)]


def title(history: History, choice: str = "") -> str:
    return proposal.part_of(moment(history), choice).title


DRAFTED = e.Drafted("d0001", "b1", "a higher LR", "The loss still falls.", {"LR": ("1", "2")})
CHANGE = [
    "tune by ollama:qwen3.5:9b, on #0",
    "a higher LR",
    "The loss still falls.",
    "LR  1 -> 2",
    "",
    "1 - LR = 1",
    "1 + LR = 2",
    "2",
]


def test_asked_then_thinking_then_writing(history: History) -> None:
    assert title(history) == "draft d0001  tune on #0"
    assert drawn(history) == ["", f"{WHO} is asked, and says nothing yet · 12 s"]
    assert drawn(history, Reply((Attempt("1", "Hm.\n\nSo."),))) == ["Hm.", "", "So.", "", f"{WHO} thinks · 12 s"]
    reply = Reply((Attempt("1", "Hm.", "IDEA: more"),))
    assert drawn(history, reply) == ["Hm.", "", "IDEA: more", "", f"{WHO} writes · 12 s"]


def test_a_refusal_stands_below_the_reply_with_its_reason_and_detail(history: History) -> None:
    history.add(e.Replied("d0001", 9.0), e.Refused("d0001", "SEARCH is not in train.py", "edit", "nearest: LR = 1"))
    first = Attempt("1", "", "IDEA: more")
    assert drawn(history, Reply((first,))) == [
        "IDEA: more",
        "refused   SEARCH is not in train.py",
        "nearest: LR = 1",
        "",
        "refused: it is asked for again",
    ]
    history.add(e.Asked("d0001", WHO))
    assert drawn(history, Reply((first, Attempt("2", "Oh.")))) == [
        "attempt   1",
        "IDEA: more",
        "refused   SEARCH is not in train.py",
        "nearest: LR = 1",
        "",
        "attempt   2",
        "Oh.",
        "",
        f"{WHO} thinks · 0 s",
    ]


def test_an_attempt_that_broke_off_is_said_to_have(history: History) -> None:
    reply = Reply((Attempt("1", "", "half"), Attempt("1", "", "whole")))
    assert drawn(history, reply)[:3] == ["attempt   1", "half", "broke off it was asked for again"]
    history.add(e.Replied("d0001", 9.0), e.Refused("d0001", "no edit in it"))
    assert [line for line in drawn(history, reply) if "no edit" in line] == ["refused   no edit in it"], "that was the second one"


def test_a_checked_change_is_shown_with_its_idea_its_knobs_and_its_lines(history: History) -> None:
    history.add(e.Replied("d0001", 9.0))
    assert drawn(history)[-1] == f"{WHO} has answered: the reply is checked"
    history.add(DRAFTED)
    assert drawn(history) == ["ready: it waits for its turn", *CHANGE]
    assert not proposal.part_of(moment(history)).grows


def test_a_change_that_waits_for_a_person_says_which_keys_and_until_when(history: History) -> None:
    history.add(e.Replied("d0001", 9.0), DRAFTED, e.Held("d0001", history.now.timestamp() + 600))
    assert drawn(history)[0].startswith("held for review: y approves it, X rejects it; at ")
    recorded = replace(moment(history), live=False)
    assert "y approves" not in proposal.rows(proposal.part_of(recorded), 70, 20)[0][0].text
    history.add(e.Approved("d0001", "ann@lab"))
    assert drawn(history)[0] == "ready, approved by ann@lab: it waits for its turn"


def test_while_one_trains_the_next_is_shown_and_d_shows_the_other(history: History) -> None:
    history.add(e.Replied("d0001", 9.0), DRAFTED)
    history.launch(
        1, 0, draft="d0001", idea="a higher LR", why="The loss still falls.", operator="tune", researcher=WHO, changes={"LR": ("1", "2")}
    )
    assert title(history) == "#1  a higher LR"
    assert drawn(history) == ["training", *CHANGE]
    history.add(e.Drafting("d0002", "explore", 1, WHO), e.Asked("d0002", WHO))
    assert title(history) == "draft d0002  explore on #1  d shows #1"
    assert title(history, proposal.other(moment(history), "")) == "#1  a higher LR  d shows d0002"
    assert drawn(history, choice="#1") == ["training", *CHANGE]
    history.end(1, 0.99)
    history.judge(1)
    assert title(history, "#1") == "draft d0002  explore on #1", "what was chosen is over"


def test_what_waits_for_a_person_comes_first_then_what_is_written_then_what_is_ready(history: History) -> None:
    history.add(e.Replied("d0001", 9.0), DRAFTED, e.Drafting("d0002", "tune", 0, WHO), e.Asked("d0002", WHO))
    history.add(e.Drafting("d0003", "tune", 0, WHO), replace(DRAFTED, draft="d0003"), e.Held("d0003", 1e9))
    assert [proposal.key_of(one) for one in proposal.subjects(moment(history))] == ["d0003", "d0002", "d0001"]
    choice = ""
    for expected in ("d0002", "d0001", "d0003"):
        choice = proposal.other(moment(history), choice)
        assert choice == expected


def test_between_two_drafts_the_last_experiment_stays_with_its_verdict(history: History) -> None:
    history.add(e.Replied("d0001", 9.0), DRAFTED)
    history.settle(1, 0, 0.99)
    history.add(e.Abandoned("d0001", "skipped by hand", by="ann"))
    shown = drawn(history)
    assert shown[0] == "No draft yet: a change is asked for in a moment."
    assert shown[2].startswith("keep: ")


def test_a_merge_asks_nobody_and_says_so(history: History) -> None:
    history.add(e.Abandoned("d0001", "x"), e.Drafting("d0002", "revert", 0, "", of=3))
    assert drawn(history)[-1] == "made without a researcher: it takes #3 back"


def test_notes_and_ideas_of_a_person_are_shown_where_they_are_used(history: History) -> None:
    history.send(c.Note("leave the depth alone"))
    history.add(e.Drafting("d0002", "tune", 0, WHO, notes=(1,)), e.Asked("d0002", WHO))
    assert drawn(history, choice="d0002")[0] == "was told  leave the depth alone"


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ((), "No draft yet: the baseline is trained first, then a change is asked for."),
        ((e.Waiting("the disk is full"),), "No draft yet: the disk is full"),
        ((e.Paused("ann@lab"),), "No draft: paused by ann@lab. A change is asked for when somebody resumes."),
        (
            (e.EngineEnded("12 experiments were made."),),
            "No draft: the engine has ended (12 experiments were made). The next one asks for a change as soon as it starts.",
        ),
        (
            (e.Proposed(0), e.Committed(0, "c0"), e.Launched(0, 1, 42, 1, 1, "boot")),
            "No draft yet: the baseline trains. A change is asked for at the latest when it has its number.",
        ),
    ],
)
def test_an_empty_pane_says_what_will_appear_and_when(facts: tuple[e.Event, ...], sentence: str) -> None:
    history = History()
    history.add(e.RunStarted("night", "c0"), e.EngineStarted(1, 1, "boot", "1", WHO), *facts)
    assert drawn(history, wide=200)[0] == sentence


def test_an_engine_that_died_is_said_to_have(history: History) -> None:
    assert drawn(history, alive=False)[-1] == "The engine does not work: the draft waits for the next one."


def test_where_nobody_can_answer_it_says_why_and_when_it_is_asked_again(history: History) -> None:
    until = history.now.timestamp() + 300
    history.add(e.ResearcherDown(WHO, "no connection.", until), e.ResearcherDown("sweep", "nothing left to try"))
    shown = drawn(history, wide=200)
    assert shown[1] == "nobody is asked yet"
    assert shown[2] == "Nobody can answer."
    assert shown[3].startswith(f"{WHO} is down: no connection; asked again at ")
    assert shown[4] == "sweep is down: nothing left to try; that takes a person"


def test_a_text_that_grows_leaves_the_rows_before_its_end_as_they_are(history: History) -> None:
    whole = "The trunk's learning rate is low, and the loss still falls at the end of it all.\n" * 3 + "漢字 " * 40 + "x" * 300
    before: list[object] = []
    for size in range(1, len(whole), 7):
        part = proposal.part_of(moment(history), "", Reply((Attempt("1", whole[:size]),)))
        *now, _, _ = [line for line in proposal.rows(part, 40, 10) if line]  # but for the row that is written, and how far it is
        assert now[: len(before)] == before
        before = list(now)


def test_a_very_long_text_is_drawn_quickly_each_time_it_grows(history: History) -> None:
    words = "so that the loss falls " * 4000
    parts = (proposal.part_of(moment(history), "", Reply((Attempt("1", words, words + "more " * more),))) for more in itertools.count())
    assert best_of("a frame", 0.05, lambda: proposal.rows(next(parts), 60, 20)) < 0.05


# ------------------------------------------------------------------------------------------------------------------------------
# The pane
# ------------------------------------------------------------------------------------------------------------------------------


async def test_the_pane_follows_what_is_written_until_somebody_scrolls(tmp_path: Path) -> None:
    evening, pane = Evening(tmp_path), ProposalPane()
    evening.ask()
    async with Bare(pane).run_test(size=(60, 12)) as pilot:
        pane.focus()
        for number in range(30):
            evening.writes("d0001", text=f"line {number}\n")
            pane.follow(evening, evening.moment())
        await pilot.pause()
        assert "line 29" in text(pilot.app) and "writes ·" in text(pilot.app)
        await pilot.press("g")
        evening.writes("d0001", text="line 30\n")
        pane.follow(evening, evening.moment())
        await pilot.pause()
        assert "line 0" in text(pilot.app) and "held: G follows" in lines(pilot.app)[-1]
        await pilot.press("G")
        evening.writes("d0001", text="line 31\n")
        pane.follow(evening, evening.moment())
        await pilot.pause()
        assert "line 31" in text(pilot.app) and "held" not in lines(pilot.app)[-1]
        await pilot.press("g")
        evening.add(e.Abandoned("d0001", "skipped by hand", by="ann"))
        evening.ask("d0002")
        evening.writes("d0002", text="\n".join(f"other {number}" for number in range(30)))
        pane.follow(evening, evening.moment())
        await pilot.pause()
        assert "other 29" in text(pilot.app), "another reply is followed again"


async def test_the_pane_turns_from_the_reply_to_the_change_at_its_top_and_back_with_d(tmp_path: Path) -> None:
    evening, pane = Evening(tmp_path), ProposalPane()
    evening.ask()
    evening.writes("d0001", text="word\n" * 50)
    async with Bare(pane).run_test(size=(60, 12)) as pilot:
        pane.focus()
        pane.follow(evening, evening.moment())
        evening.drafted("d0001", TRAIN.replace("MATRIX_LR = 0.01", "MATRIX_LR = 0.02"), "a higher LR", MATRIX_LR=("0.01", "0.02"))
        evening.proposed("d0001", 1)
        for _ in range(200):
            pane.follow(evening, evening.moment())
            await asyncio.sleep(0.01)
            if "+ MATRIX_LR = 0.02" in text(pilot.app):
                break
        assert "training" in lines(pilot.app)[1] and "- MATRIX_LR = 0.01" in text(pilot.app)
        evening.ask("d0002", "explore", 1)
        pane.follow(evening, evening.moment())
        await pilot.pause()
        assert "draft d0002" in lines(pilot.app)[0]
        await pilot.press("d")
        assert "#1  a higher LR" in lines(pilot.app)[0] and "training" in lines(pilot.app)[1]


async def test_foreign_text_of_a_model_is_shown_as_text(tmp_path: Path) -> None:
    evening, pane = Evening(tmp_path), ProposalPane()
    evening.ask()
    hostile = "[/bold] [0] tensor[3, 4] \x1b]0;title\x07\x1b[2J\x00 ‮abc 漢字 a" + "\u0301" * 50 + "\n"
    evening.writes("d0001", thinking=hostile, text=hostile)
    async with Bare(pane).run_test(size=(60, 12)) as pilot:
        pane.follow(evening, evening.moment())
        await pilot.pause()
        assert text(pilot.app).count("[/bold] [0] tensor[3, 4]") == 2
        assert not set("\x1b\x07\x00\u202e") & set(text(pilot.app))
        evening.drafted("d0001", TRAIN, hostile, hostile, **{"[/x]": ("[", "]")})
        evening.proposed("d0001", 1)
        pane.follow(evening, evening.moment())
        await pilot.pause()
        assert "#1  [/bold] [0] tensor[3, 4]" in lines(pilot.app)[0]


async def test_a_reply_that_streams_paints_few_rows(tmp_path: Path) -> None:
    """As many frames as a minute has, each with some words more."""
    evening, pane = Evening(tmp_path), ProposalPane()
    evening.ask()
    async with Bare(pane).run_test(size=(72, 22)) as pilot:
        pane.follow(evening, evening.moment())
        painted = 0
        refresh = pane.refresh

        def counted(*regions: object, **how: object) -> object:
            nonlocal painted
            painted += sum(region.height for region in regions) if regions else pane.size.height  # type: ignore[attr-defined]
            return refresh(*regions, **how)  # type: ignore[arg-type]

        pane.refresh = counted  # type: ignore[assignment, method-assign]
        for frame in range(240):
            evening.writes("d0001", text="so many words a quarter of a second " if frame % 6 else "and\n\n")
            pane.follow(evening, evening.moment())
        await pilot.pause()
        print(f"{painted / 240:.1f} rows a frame")
        assert painted / 240 < 6
