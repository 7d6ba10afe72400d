"""The pane of the card: what it says of a busy one, a sick one, a silent one, none, and a processor instead."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import gpu
from autoresearch_tui.cockpit.parts.minute import chart
from autoresearch_tui.cockpit.widgets.gpu import GpuPane
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.state import Engine, Run
from autoresearch_tui.telemetry.owners import Owned, Seen, owned
from autoresearch_tui.telemetry.sample import Process, Sample
from tests.cards.night import read_night
from tests.cockpit.screens import Bare, text

GB = 2**30
NOON = datetime(2026, 11, 20, 12, 0).timestamp()
WHY = "share: LLM 11.8 GB + training 34.2 GB fit the card's 141.0 GB, 95.0 GB spare"
RUN = Run(engine=Engine(1, 1, "boot", NOON - 90, "1", "ollama:q", "NVIDIA H200"), sharing=e.Shared("share", WHY))
H200 = Sample(NOON, "NVIDIA H200", "GPU-1", 98, 141 * GB, 48 * GB, 612.4, 700.0, 61, 1980, 1980, throttle=("power",), source="nvml")
SHARED = Owned(int(11.8 * GB), int(34.2 * GB), 2 * GB, 93 * GB, "nvml per process")
LOST = replace(H200, fault="lost", said="The card does not answer any more (lost): restart the machine.", util=None)
CPU = Sample(NOON, "CPU x2 Intel Xeon", "", 73, 16 * GB, 4 * GB, sm_mhz=2500, unified=True, source="cpu", why={"power_w": "secret"})


def minute(card: Sample, parts: Owned = SHARED, seconds: int = 60) -> tuple[Seen, ...]:
    """The same a second after a second, until noon."""
    return tuple(Seen(replace(card, at=NOON - seconds + 1 + second), parts) for second in range(seconds))


def moment(*seen: Seen, now: float = NOON, alive: bool = True, run: Run = RUN, live: bool = True) -> Moment:
    return Moment(run, now, alive, live, seen=seen)


def plain(rows: list[Row]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in rows]


def drawn(shown: Moment, wide: int = 44, high: int = 9) -> list[str]:
    return plain(gpu.rows(gpu.part_of(shown), wide, high))


def roles(shown: Moment, wide: int = 44, high: int = 9) -> dict[str, str]:
    """Of every piece of text."""
    return {span.text.strip(): span.role for row in gpu.rows(gpu.part_of(shown), wide, high) for span in row}


def test_a_busy_card_at_a_glance() -> None:
    assert drawn(moment(*minute(H200))) == [
        "util     98 %  █████████████████████████████",
        "power   612 of 700 W         slowed by power",
        "clock   1980 of 1980 MHz   61 C",
        "VRAM    ███▓▓▓▓▓▓▓▓▓░·······free 93.0·······",
        "        █ LLM 11.8  ▓ train 34.2",
        "        ░ others 2.0",
        "        of 141.0 GB, nvml per process",
        "sharing share: LLM 11.8 GB + training 34.2",
        "        GB fit the card's 141.0 GB, 95.0 GB",
        "        spare",
    ]


def test_whoever_has_room_in_the_bar_stands_in_it() -> None:
    card = replace(H200, memory_total=24 * GB, memory_used=18 * GB)
    parts = Owned(7 * GB, 10 * GB, GB, 6 * GB, "nvml per process")
    rows = drawn(moment(*minute(card, parts)), 60)
    assert rows[3:5] == ["VRAM    ████LLM 7.0████▓▓▓▓▓▓train 10.0▓▓▓▓▓▓░░··free 6.0···", "        ░ others 1.0"]


def test_each_owner_has_a_glyph_and_a_role_of_its_own() -> None:
    shown = roles(moment(*minute(H200)))
    glyphs = {glyph: role for text, role in shown.items() for glyph in "█▓░·" if text.startswith(glyph) and role != "dim"}
    assert glyphs == {"█": "llm", "▓": "training", "░": "others", "·": "free"}


def test_at_its_smallest_the_figures_come_first_and_the_rest_is_below() -> None:
    rows = drawn(moment(*minute(H200)), 36, 5)
    assert [row[:5].strip() for row in rows[:5]] == ["util", "power", "clock", "VRAM", ""]
    assert rows[1] == "power   612 of 700 W slowed by power" and len(rows) > 5


def test_where_there_is_room_power_and_memory_have_their_minute_and_the_largest_processes_are_named() -> None:
    on_it = (Process(4711, 2 * GB, "Xorg", "root"), Process(48211, int(34.2 * GB), "python", "ada"), Process(2107, None, "", ""))
    rows = drawn(moment(*minute(replace(H200, processes=on_it))), 60, 20)
    assert rows[-5:] == [
        "minute  power  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇",
        "        memory ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃",
        "on it     48211 python                     ada       34.2 GB",
        "           4711 Xorg                       root       2.0 GB",
        "           2107 somebody                                 n/a",
    ]
    assert drawn(moment(*minute(replace(H200, processes=on_it))), 60, 12)[-2:] == [rows[-3], "        and 2 more"]
    assert drawn(moment(*minute(replace(H200, processes=on_it))), 60, 11)[-1] == rows[-4], "a count alone tells nothing"


def test_heat_is_a_warning_and_the_power_limit_is_not() -> None:
    hot = roles(moment(*minute(replace(H200, throttle=("heat", "power"), temperature_c=84))))
    assert (hot["slowed by heat, power"], hot["84 C"]) == ("warn", "warn")
    assert roles(moment(*minute(H200)))["slowed by power"] == ""
    assert roles(moment(*minute(replace(H200, throttle=("idle",)))))["idle"] == "dim"


def test_the_graver_reason_stays_where_there_is_no_room_for_both() -> None:
    assert drawn(moment(*minute(replace(H200, throttle=("heat", "power")))), 36)[1] == "power   612 of 700 W  slowed by heat"


def test_what_a_card_does_not_tell_is_not_there_and_why_is_said_once() -> None:
    silent = "this card does not tell it"
    card = replace(
        H200,
        util=None,
        power_w=None,
        power_limit_w=None,
        temperature_c=None,
        throttle=(),
        why=dict.fromkeys(("power_w", "temperature_c"), silent),
    )
    rows = drawn(moment(*minute(card)), 44, 20)
    assert rows[:3] == ["util    n/a", "power   n/a W", "clock   1980 of 1980 MHz  n/a C"]
    assert "n/a     power, temperature (this card does" in rows


def test_where_nobody_knows_whose_the_memory_is_it_is_used() -> None:
    rows = drawn(moment(*minute(replace(H200, mig=True), Owned(free=93 * GB, source="total only (a MIG slice)"))))
    assert rows[3:6] == ["VRAM    ░used 48.0░░·······free 93.0········", "        of 141.0 GB, total only (a MIG", "        slice)"]
    assert gpu.title(gpu.part_of(moment(*minute(replace(H200, mig=True))))) == "GPU NVIDIA H200, a MIG slice"


def test_a_card_without_memory_of_its_own_says_so() -> None:
    rows = drawn(moment(*minute(replace(H200, unified=True), replace(SHARED, source="nvml per process, unified memory"))), 60)
    assert rows[3].startswith("memory  █") and "        of 141.0 GB, nvml per process, unified memory" in rows


def test_a_fault_is_said_above_the_last_that_was_known() -> None:
    shown = moment(*minute(H200)[:-1], Seen(LOST, Owned()))
    assert drawn(shown)[:4] == [
        "The card does not answer any more (lost):",
        "restart the machine.",
        "util     98 %  █████████████████████████████",
        "power   612 of 700 W         slowed by power",
    ]
    known = roles(shown)
    assert known["The card does not answer any more (lost):"] == "bad"
    assert {role for text, role in known.items() if text not in ("The card does not answer any more (lost):", "restart the machine.")} == {
        "dim"
    }
    assert drawn(moment(Seen(LOST, Owned()))) == drawn(shown)[:2], "or alone, where nothing was"


def test_a_card_that_is_lost_is_asked_ever_more_rarely_and_is_not_stale_for_that() -> None:
    assert not any("stale" in row for row in drawn(moment(Seen(LOST, Owned()), now=NOON + 25)))


def test_samples_that_do_not_come_are_stale_and_the_last_ones_stay() -> None:
    shown = moment(*minute(H200), now=NOON + 14)
    assert drawn(shown)[:2] == ["stale since 12:00:00, 14 s", "util     98 %  █████████████████████████████"]
    assert roles(shown)["stale since 12:00:00, 14 s"] == "warn" and roles(shown)["98 %"] == "dim"
    assert drawn(moment(*minute(H200), now=NOON + 4)) == drawn(moment(*minute(H200)))


def test_in_a_replay_one_sample_in_ten_seconds_is_all_there_is() -> None:
    thinned = [seen for seen in minute(H200) if not seen.card.at % 10]
    rows = drawn(moment(*thinned, now=NOON + 9, live=False))
    assert rows[0] == "util     98 %     " + "█" * 26


def test_after_the_end_the_engine_is_what_does_not_work() -> None:
    assert drawn(moment(*minute(H200), now=NOON + 999, alive=False))[:2] == ["the engine does not work: no samples since", "12:00:00"]
    assert drawn(moment(alive=False)) == ["The engine does not work: no samples. They", "come again, once a second, when it works."]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (moment(run=Run()), "The card, or the processor where none trains, is shown here from the first second of the engine on."),
        (moment(now=NOON - 88), "The first sample of the card comes within a few seconds."),
        (
            moment(),
            "Nobody tells anything of the card (it trains on NVIDIA H200). A sample a second is shown here as soon as its driver answers.",
        ),
    ],
)
def test_where_there_is_nothing_a_sentence_says_what_will_be(shown: Moment, said: str) -> None:
    assert " ".join(drawn(shown)) == said
    assert gpu.title(gpu.part_of(shown)) == "GPU"


def test_a_guess_is_called_one_and_what_came_back_is_said() -> None:
    run = replace(RUN, sharing=e.Shared("swap", "swap: it is not known yet", True), unloaded=e.Unloaded("ollama:q", 2.14, 11.8))
    assert drawn(moment(*minute(H200), run=run), 60, 20)[6:8] == [
        "sharing swap: it is not known yet (a guess)",
        "        the LLM gave 11.8 GB back in 2.1 s",
    ]


def test_strangers_are_named_while_they_are_there_and_after_the_trial_that_they_disturbed() -> None:
    waits = replace(RUN, waiting="python (pid 7, bob) computes on the card: waiting until it is gone")
    assert roles(moment(*minute(H200), run=waits), 90)["python (pid 7, bob) computes on the card: waiting until it is gone"] == "warn"
    trial = Trial(1, 42, 1, 1, "boot", NOON, card=e.Card(strangers=("python (pid 7, bob) took 3.0 GB of the card from 0:10 on",)))
    met = replace(RUN, experiments={0: Experiment(0, "baseline", None, "", NOON, trials=(trial,))})
    assert "others  in the last trial python (pid 7, bob) took 3.0 GB of the card from 0:10 on" in drawn(moment(*minute(H200), run=met), 90)


def test_a_processor_has_cores_and_ram_and_none_of_a_card_s_words() -> None:
    run = replace(RUN, engine=Engine(1, 1, "boot", NOON - 90, "1", "sweep", "cpu Xeon x2"))
    parts = owned(replace(CPU, processes=(Process(7, 3 * GB, "python", "ada"),)), {7}, set())
    shown = moment(*minute(CPU, parts), run=run)
    assert drawn(shown) == [
        "cores    73 %  ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆",
        "clock   2500 MHz  n/a C",
        "RAM     ▓▓▓▓▓▓▓░░·········free 12.0·········",
        "        ▓ train 3.0  ░ others 1.0",
        "        of 16.0 GB, per process",
        "minute  memory ▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃",
    ]
    assert gpu.title(gpu.part_of(shown)) == "CPU x2 Intel Xeon"
    assert gpu.title(gpu.part_of(moment(run=run))) == "CPU"


def test_a_minute_moves_on_by_whole_cells() -> None:
    """What is repainted over a slow line is what happened."""
    points = [(NOON + second, float(second % 7)) for second in range(200)]
    charts = [chart(points[:second], 7.0, 20) for second in range(60, 180)]
    moved = [(before, after) for before, after in itertools.pairwise(charts) if before[:-1] != after[:-1]]
    assert len(moved) == pytest.approx(len(charts) / 3, abs=1)
    assert all(before[1:-1] == after[:-2] for before, after in moved)


def test_a_hole_in_a_minute_is_seen() -> None:
    points = [(NOON + second, 100.0) for second in (*range(20), *range(50, 60))]
    assert chart(points, 100.0, 30) == "█" * 16 + " " * 9 + "█" * 5


def test_an_hour_of_a_night_fits_every_size() -> None:
    night = read_night()
    for at in range(6, len(night), 7):
        seen = tuple(
            Seen(card, owned(card, {one.pid for one in card.processes or () if one.name == "python"}, {2107}))
            for card in night[at - 6 : at]
        )
        for wide, high in ((36, 5), (38, 9), (60, 20)):
            rows = gpu.rows(gpu.part_of(moment(*seen, now=seen[-1].card.at)), wide, high)
            assert max(map(width, rows)) <= wide
            assert {"util", "power", "clock", "VRAM", "sharing"} <= {row[0].text.strip() for row in rows}


sizes = st.none() | st.integers(0, 2**42)
figures = st.none() | st.floats(0, 1e6) | st.just(float("nan"))
words = st.text(max_size=60)
processes = st.builds(Process, st.integers(0, 2**22), sizes, words, words)
samples = st.builds(
    Sample,
    st.floats(NOON - 60, NOON),
    name=words,
    util=st.none() | st.integers(0, 100),
    memory_total=sizes,
    memory_used=sizes,
    power_w=figures,
    power_limit_w=figures,
    temperature_c=st.none() | st.integers(-40, 200),
    sm_mhz=st.none() | st.integers(0, 10_000),
    sm_mhz_max=st.none() | st.integers(0, 10_000),
    throttle=st.lists(st.sampled_from(("heat", "power", "hardware", "group", "setting", "idle")) | words, max_size=4).map(tuple),
    processes=st.none() | st.lists(processes, max_size=6).map(tuple),
    unified=st.booleans(),
    mig=st.booleans(),
    source=st.sampled_from(("", "nvml", "cpu", "apple")),
    fault=st.sampled_from(("", "", "lost")),
    said=words,
    why=st.dictionaries(st.sampled_from(tuple(gpu.WORDS)), words, max_size=3),
)
moments = st.builds(
    Moment,
    st.sampled_from((RUN, Run(), replace(RUN, unloaded=e.Unloaded("x", 1.0, 2.0), sharing=e.Shared("apart", "\x1b[31mapart", True)))),
    st.floats(NOON, NOON + 99),
    st.booleans(),
    st.booleans(),
    st.lists(st.builds(Seen, samples, st.builds(Owned, sizes, sizes, sizes, sizes, words)), max_size=4).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(moments, st.integers(1, 70), st.integers(1, 25))
def test_whatever_is_told_no_row_is_wider_than_asked_and_none_has_a_control_in_it(shown: Moment, wide: int, high: int) -> None:
    part = gpu.part_of(shown)
    rows = gpu.rows(part, wide, high)
    assert all(width(row) <= wide for row in rows)
    assert all("\n" not in line and "\x1b" not in line for line in plain(rows))
    gpu.title(part)


def test_on_the_screen_only_rows_that_changed_are_painted() -> None:
    async def through() -> None:
        pane = GpuPane()
        app: Any = Bare(pane)
        async with app.run_test(size=(48, 11)) as pilot:
            await pilot.pause()
            pane.show(gpu.part_of(moment(*minute(H200))))
            await pilot.pause()
            assert "GPU NVIDIA H200" in text(app) and "power   612 of 700 W" in text(app)
            before = list(pane._painted)
            pane.show(gpu.part_of(moment(*minute(replace(H200, power_w=598.0)))))
            await pilot.pause()
            assert [y for y, row in enumerate(pane._painted) if row != before[y]] == [1]

    asyncio.run(through())
