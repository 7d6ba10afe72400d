"""Results: what a row says, which rows there are and in which order, and where the cursor goes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.app import App
from textual.events import MouseScrollUp
from textual.geometry import Region

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import results
from autoresearch_tui.cockpit.parts.ranking import ORDERS, VERDICTS, Filter
from autoresearch_tui.cockpit.widgets.results import Opened, ResultsPane, Selected
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import Row as Elsewhere
from autoresearch_tui.journal.state import Run
from autoresearch_tui.telemetry.progress import Progress
from tests.cockpit.screens import Bare, lines
from tests.engine.histories import History, a_night
from tests.journal.runs import Night, numbered
from tests.pace import best_of

HOSTILE = "[/bold] \x1b[31mred\x1b[0m tensor[3, 4] \u202eright to left\u202c 広い e\u0301\u0301\u0301 \x00 \U0001f9ea"


def moment(history: History, fraction: float | None = None, alive: bool = True) -> Moment:
    now, running = history.now.timestamp(), history.run.running
    return Moment(history.run, now, alive, lines={running.number: Progress(100, fraction)} if running and fraction is not None else {})


def said(rows: Sequence[Row]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in rows]


def shown(history: History, wide: int = 68, fraction: float | None = None, alive: bool = True) -> list[str]:
    part = results.part_of(moment(history, fraction, alive))
    return said(results.rows(part, wide, 20))


def begun(goal: str = "lower", metric: str = "val_bpb") -> History:
    history = History()
    history.add(e.RunStarted("night", "c0", goal=goal, metric=metric, sigma=0.001))
    history.start()
    return history


def settle(history: History, number: int, parent: int | None, value: float | None, outcome: str = "finished", **intent: str) -> None:
    history.launch(number, parent, **intent)
    history.end(number, value, outcome)
    history.judge(number)


def small() -> History:
    """Three with a verdict, and one that trains."""
    history = begun()
    settle(history, 0, None, 1.0)
    settle(history, 1, 0, 0.99, idea="matrix LR 0.04 -> 0.05", operator="tune", researcher="ollama:qwen")
    settle(history, 2, 1, None, "crash", idea="[/bold] deeper", operator="explore")
    history.launch(3, 1, idea="no warmup", operator="explore")
    return history


# ---- rows ----


def test_a_row_says_what_became_of_an_experiment_and_what_it_is() -> None:
    assert shown(small(), 68, fraction=0.5) == [
        "  # val_bpb  change           mem verdict what",
        "  0 1.00000                   1.0 keep    baseline",
        "  1 0.99000  -0.0100 sure     1.0 keep    best · matrix LR 0.04 -> …",
        "  2 error                         crash   [/bold] deeper",
        "  3 training 2:30                         no warmup",
    ]


def test_a_wide_one_has_room_for_all_decimals_the_commit_and_the_trust() -> None:
    assert shown(small(), 110)[:3] == [
        "  #  commit    val_bpb   change            mem  verdict  trust     what",
        "  0  c0       1.000000                     1.0  keep     reported  baseline",
        "  1  c1       0.990000   -0.0100 sure      1.0  keep     reported  best · matrix LR 0.04 -> 0.05",
    ]


def test_a_narrow_one_says_the_number_and_what_it_is() -> None:
    assert shown(small(), 41, fraction=0.5) == [
        "  #0 keep    1.00000  baseline",
        "  #1 keep    0.99000  best · matrix LR 0…",
        "  #2 crash   error    [/bold] deeper",
        "  #3 training 2:30    no warmup",
    ]


def test_what_was_kept_and_is_off_the_trunk_and_what_a_person_decided_says_so() -> None:
    history = History()
    a_night(history)
    rows = shown(history, 90)
    assert rows[5].endswith("keep     off the trunk · baseline")
    assert rows[9] == "  8  c8       skipped by hand                   discard  by ann · baseline"


def test_a_number_from_unfair_conditions_is_marked_and_one_of_several_trials_counts_them() -> None:
    history = begun()
    history.launch(0)
    history.end(0, 1.0)
    history.relaunch(0)
    history.end(0, 1.002)
    history.judge(0)
    history.launch(1, 0)
    history.end(1, 0.99)
    history.add(e.Tainted(1, 1, "a stranger on the card"), e.Judged(1, "discard", "disturbed", 0), e.Applied(1))
    rows = shown(history, 68)
    assert rows[1].startswith("  0 1.00100  x2")
    assert rows[2].startswith("  1 0.99000~ ")


def test_what_is_higher_is_better_where_the_goal_says_so() -> None:
    history = begun("higher", "accuracy")
    settle(history, 0, None, 71.25)
    settle(history, 1, 0, 72.5)
    assert shown(history, 68)[:3] == [
        "  # accuracy change           mem verdict what",
        "  0 71.2500                   1.0 keep    baseline",
        "  1 72.5000   +1.250 sure     1.0 keep    best · baseline",
    ]


def test_how_far_the_running_one_is() -> None:
    history = small()
    assert "starting 5:00" in shown(history)[4]
    assert "interrupted" in shown(history, alive=False)[4]
    history.add(e.Ended(3, 1, "finished"))
    assert "evaluating" in shown(history)[4]
    history.add(e.Measured(3, 1, 0.98))
    assert shown(history)[4].startswith("  3 0.98000  -0.0100 sure") and shown(history)[4].endswith("judging · no warmup")


def test_one_that_is_trained_again_keeps_its_number_and_says_that_it_trains() -> None:
    history = small()
    history.add(e.Ended(3, 1, "crash"), e.Judged(3, "crash", "memory: out of it", 1), e.Applied(3))
    history.relaunch(1)
    assert shown(history, 120, fraction=0.5)[2].endswith("training 2:30 · best · matrix LR 0.04 -> 0.05")


def test_a_draft_that_waits_for_a_person_is_the_last_row_and_says_for_how_long() -> None:
    history = small()
    until = history.now.timestamp() + 92
    history.add(e.Drafting("d0001", "tune", 1, "sweep"), e.Drafted("d0001", "b", "wider"), e.Held("d0001", until))
    assert shown(history)[-1] == "    review 1:32 left                      wider"
    assert shown(history, 41)[-1] == "     review 1:32 left wider"


def test_what_a_person_wants_of_an_experiment_is_shown_as_waiting() -> None:
    history = small()
    history.send(c.Again(1))
    assert "again waits · best · " in shown(history, 110)[2]


def test_rows_of_an_earlier_night_stand_apart_and_are_never_ranked() -> None:
    history = small()
    history.add(e.Remembered("old", (Elsewhere("abcdef0", 0.5, 44.0, "keep", "much better\x1b[2J"),)))
    assert shown(history)[1] == "    0.50000                  44.0 keep    elsewhere · much better"
    ranked = results.part_of(moment(history), "value")
    assert "elsewhere" in said(results.rows(ranked, 68, 20))[-1]
    assert results.table(ranked).numbers == (3, 1, 0, 2)


def test_the_cursor_and_the_mark_are_signs_and_not_only_colours() -> None:
    part = results.part_of(moment(small()))
    rows = results.rows(part, 68, 20, cursor=1, marked=1)
    assert said(rows)[2].startswith("> 1*0.99000")
    assert {"cursor" in span.role for span in rows[2]} == {True}
    assert not any("cursor" in span.role for span in rows[1])


@given(
    st.integers(0, 10_000),
    st.integers(0, 400),
    st.integers(1, 200),
    st.sampled_from(ORDERS),
    st.sampled_from(VERDICTS),
    st.text(max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_no_row_is_wider_than_its_pane(seed: int, turns: int, wide: int, order: str, verdict: str, text: str) -> None:
    run = fold(numbered(Night(Random(seed), calm=6).go_on(turns).facts), Run())
    part = results.part_of(Moment(run, run.at + 3, alive=bool(seed % 2)), order, Filter(verdict, text))
    rows = results.rows(part, wide, 10, results.aimed(part, None), 0)
    assert all(width(row) <= wide for row in rows)
    assert results.title(part)
    for by in (-1, 1, 1000):
        assert results.moved(part, None, by) in (*results.table(part).numbers, results.followed(part, None))


@pytest.mark.parametrize("wide", [36, 56, 110])
def test_foreign_text_is_text_and_leaves_the_columns_where_they_are(wide: int) -> None:
    history = begun()
    settle(history, 0, None, 1.0)
    settle(history, 1, 0, 1.5, idea=HOSTILE * 100, researcher=HOSTILE)
    part = results.part_of(moment(history))
    row = results.rows(part, wide, 10)[-1]
    assert "\x1b" not in said([row])[0] and "\u202e" not in said([row])[0] and "\0" not in said([row])[0]
    assert "[/bold] red t" in said([row])[0]
    assert width(row) <= wide


# ---- order, filter, search ----


def numbers(history: History, order: str = "number", filter: Filter = Filter()) -> tuple[int, ...]:  # noqa: B008
    return results.table(results.part_of(moment(history), order, filter)).numbers


def test_in_order_of_their_numbers_the_newest_is_the_last_and_in_any_other_the_best_is_the_first() -> None:
    history = History()
    a_night(history)
    assert numbers(history) == (0, 1, 2, 3, 4, 5, 6, 7, 8)
    assert numbers(history, "value") == (5, 4, 3, 6, 1, 2, 0, 7, 8)
    assert numbers(history, "change")[-3:] == (0, 7, 8)
    assert set(numbers(history, "memory")[-2:]) == {7, 8}


def test_a_filter_lets_one_verdict_through_and_a_search_what_holds_the_text() -> None:
    history = small()
    assert numbers(history, filter=Filter("keep")) == (0, 1)
    assert numbers(history, filter=Filter("crash")) == (2,)
    assert numbers(history, filter=Filter("running")) == (3,)
    assert numbers(history, filter=Filter(text="MATRIX lr")) == (1,)
    assert numbers(history, filter=Filter(text="qwen")) == (1,)
    assert numbers(history, filter=Filter(text="c2")) == (2,)
    assert numbers(history, filter=Filter(text="[/bold]")) == (2,)
    assert numbers(history, filter=Filter(text="#3")) == (3,)


def test_what_a_search_found_is_marked_and_the_title_says_what_is_shown() -> None:
    part = results.part_of(moment(small()), "value", Filter("keep", "lr"))
    assert [span.text for row in results.rows(part, 68, 20) for span in row if "found" in span.role] == ["LR"]
    assert results.title(part) == 'results · best val_bpb first · keep only · holds "lr"'
    assert results.title(results.part_of(moment(small()))) == "results · 2 keep 1 crash"


# ---- before there is anything ----


def empty(history: History, alive: bool = True) -> str:
    return shown(history, 110, alive=alive)[-1]


def test_an_empty_list_says_what_the_first_result_waits_for() -> None:
    history = History()
    assert empty(history, alive=False) == "No results, and no engine works on it: `autoresearch-tui run` goes on."
    history.begin()
    assert empty(history) == "No results yet: the baseline is trained first, for 5 min."
    history.add(e.Proposed(0), e.Committed(0, "c0"), e.Launched(0, 1, 42, 1, 1, "boot"))
    assert empty(history) == "No results yet: the baseline ends in about 5 min."
    told = replace(moment(history), lines={0: Progress(900, 0.95, remaining_s=14.2)})
    assert said(results.rows(results.part_of(told), 110, 20))[-1] == "No results yet: the baseline ends in about 20 s."
    history.add(e.Ended(0, 1, "finished"))
    assert empty(history) == "No results yet: the baseline is being measured."
    history.add(e.EngineEnded("stopped by ann"))
    assert empty(history, alive=False) == "No results: the run ended before its baseline did."


def test_a_filter_that_lets_nothing_through_says_how_to_see_the_rest() -> None:
    none = results.part_of(moment(small()), filter=Filter("discard"))
    assert said(results.rows(none, 80, 20))[1:] == ["No experiment was discarded: `F` shows the others."]
    nothing = results.part_of(moment(small()), filter=Filter("all", "[xyz"))
    assert said(results.rows(nothing, 110, 20))[1].startswith('No row holds "[xyz" in its idea')


# ---- the cursor ----


def test_until_somebody_chooses_keys_mean_the_one_that_trains() -> None:
    history = small()
    part = results.part_of(moment(history))
    assert (results.aimed(part, None), results.aimed(part, 1)) == (3, 1)
    history.add(e.Ended(3, 1, "finished"))
    over = results.part_of(moment(history))
    assert (results.aimed(over, None), results.followed(over, None)) == (None, 3)


class Screen(Bare):
    """Writes down what it hears."""

    def __init__(self, pane: ResultsPane) -> None:
        super().__init__(pane)
        self.heard: list[tuple[str, int | None]] = []

    def on_selected(self, event: Selected) -> None:
        self.heard.append(("selected", event.number))

    def on_opened(self, event: Opened) -> None:
        self.heard.append(("opened", event.number))


def under(app: App[None]) -> str:
    """The row that the cursor is on."""
    return next((line.strip("│ ") for line in lines(app) if line.startswith("│ >")), "")


def long(size: int) -> History:
    history = begun()
    for number in range(size):
        settle(history, number, 0 if number else None, 1.0 + number / 1000, idea=f"idea {number}")
    return history


async def test_the_cursor_stays_on_its_experiment_when_rows_come_and_when_they_are_sorted() -> None:
    pane, history = ResultsPane(), long(30)
    app = Screen(pane)
    async with app.run_test(size=(100, 12)) as pilot:
        pane.focus()
        pane.show(results.part_of(moment(history)))
        await pilot.pause()
        assert "idea 29" in lines(app)[-2] and "val_bpb" in lines(app)[1]
        await pilot.press("k", "k")
        assert pane.selected == 27
        settle(history, 30, 0, 1.5, idea="idea 30")
        pane.show(results.part_of(moment(history), pane.order, pane.filter))
        await pilot.pause()
        assert under(app).startswith(">27") and "idea 29" in lines(app)[-2]
        await pilot.press("o")
        assert under(app).startswith(">27") and pane.order == "value" and "val_bpb" in lines(app)[1]
        await pilot.resize_terminal(45, 8)
        for _ in range(100):  # a terminal's new size is heard when nothing else is to be done
            if under(app).startswith(">#27"):
                break
            await pilot.pause(0.02)
        assert under(app).startswith(">#27")
        assert app.heard == [("selected", 28), ("selected", 27)]


async def test_the_newest_stays_in_sight_until_somebody_scrolls_away() -> None:
    pane, history = ResultsPane(), long(30)
    async with Bare(pane).run_test(size=(100, 12)) as pilot:
        pane.show(results.part_of(moment(history)))
        settle(history, 30, 0, 1.5, idea="idea 30")
        pane.show(results.part_of(moment(history)))
        await pilot.pause()
        assert "idea 30" in lines(pilot.app)[-2] and "23-31 of 31" in lines(pilot.app)[-1]
        await pilot._post_mouse_events([MouseScrollUp], pane, offset=(5, 5))
        assert "20-28 of 31" in lines(pilot.app)[-1] and pane.selected is None
        settle(history, 31, 0, 1.5)
        pane.show(results.part_of(moment(history)))
        await pilot.pause()
        assert "20-28 of 32" in lines(pilot.app)[-1]


async def test_g_and_the_end_go_to_the_ends_and_where_the_last_one_trains_the_cursor_goes_with_the_work_again() -> None:
    pane, history = ResultsPane(), long(30)
    history.launch(30, 0)
    async with Bare(pane).run_test(size=(100, 12)) as pilot:
        pane.focus()
        pane.show(results.part_of(moment(history)))
        await pilot.press("g")
        assert pane.selected == 0 and "idea 0" in lines(pilot.app)[2]
        await pilot.press("pagedown")
        assert pane.selected == 9
        await pilot.press("G")
        assert pane.selected is None and under(pilot.app).startswith(">30")
        history.end(30, 1.5)
        history.judge(30)
        pane.show(results.part_of(moment(history)))
        await pilot.press("g", "G")
        assert pane.selected == 30


async def test_a_click_chooses_and_a_second_one_or_enter_opens() -> None:
    pane = ResultsPane()
    app = Screen(pane)
    async with app.run_test(size=(100, 12)) as pilot:
        pane.focus()
        pane.show(results.part_of(moment(small())))
        await pilot.pause()
        await pilot.press("enter")
        await pilot.click(pane, offset=(20, 3))
        await pilot.click(pane, offset=(20, 3), times=2)
        await pilot.click(pane, offset=(20, 1))  # the header
        await pilot.click(pane, offset=(20, 9))  # below the last row
        await pilot.press("enter")
        assert app.heard == [("opened", 3), ("selected", 1), ("opened", 1), ("opened", 1)]


async def test_a_search_takes_the_cursor_to_what_is_left_and_escape_shows_all_again() -> None:
    pane = ResultsPane()
    async with Bare(pane).run_test(size=(100, 12)) as pilot:
        pane.focus()
        pane.show(results.part_of(moment(long(9))))
        await pilot.press("g", "m", "j")
        pane.find("idea 7")
        await pilot.pause()
        assert (pane.selected, pane.marked) == (7, 0) and 'holds "idea 7"' in lines(pilot.app)[0]
        await pilot.press("F", "F")
        assert "discard only" in lines(pilot.app)[0]
        await pilot.press("escape")
        assert pane.filter == Filter() and pane.selected == 7 and "0*" in lines(pilot.app)[2]


async def test_what_is_chosen_while_the_list_is_hidden_is_in_sight_when_it_is_shown() -> None:
    pane = ResultsPane()
    async with Bare(pane).run_test(size=(100, 12)) as pilot:
        pane.show(results.part_of(moment(long(30))))
        pane.display = False
        await pilot.pause()
        pane.select(4)
        pane.display = True
        await pilot.pause()
        await pilot.pause()
        assert under(pilot.app).startswith(">4") or under(pilot.app).startswith("> 4")


async def test_a_second_that_passes_paints_the_running_row_alone() -> None:
    pane, history = Painted(), small()
    async with Bare(pane).run_test(size=(100, 12)) as pilot:
        pane.show(results.part_of(moment(history, 0.5)))
        await pilot.pause()
        pane.painted.clear()
        pane.show(results.part_of(moment(history, 0.5)))
        assert pane.painted == []
        pane.show(results.part_of(moment(history, 0.51)))
        assert pane.painted == [4]


class Painted(ResultsPane):
    def __init__(self) -> None:
        super().__init__()
        self.painted: list[int] = []

    def refresh(self, *regions: Region, **how: bool) -> Self:
        self.painted.extend(region.y for region in regions)
        return super().refresh(*regions, **how)


# ---- ten thousand ----


def test_ten_thousand_are_sorted_at_once_and_only_those_that_are_seen_are_drawn() -> None:
    chance = Random(7)
    ones = {number: one_of(number, 1 + chance.random() / 100) for number in range(10_000)}
    known = Moment(Run(seq=1, tag="large", experiments=ones, tip=0))

    def drawn(order: str, anew: bool = False) -> None:
        moment = replace(known, run=replace(known.run)) if anew else known  # what is worked out is kept for each state
        list(results.rows(results.part_of(moment, order), 116, 30)[:30])

    for order in ORDERS:
        assert best_of(f"10,000 experiments by {order}", 0.5, partial(drawn, order, anew=True)) < 0.5
        assert best_of(f"10,000 experiments by {order}, drawn again", 0.05, partial(drawn, order)) < 0.05


def one_of(number: int, value: float) -> Experiment:
    trial = Trial(1, 42, 1, 1, "boot", 0.0, outcome="finished", measured=True, value=value, trust="verified", memory_gb=44.0)
    verdict = "discard" if number else "keep"
    parent = 0 if number else None
    return Experiment(number, "tune", parent, f"idea {number}", 0.0, trials=(trial,), verdict=verdict, by="policy", judged=1, settled=True)
