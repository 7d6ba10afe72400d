"""The report in a terminal: it fits, it says the first things first, and nothing that others wrote commands the terminal."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from autoresearch_tui.journal import events as e
from autoresearch_tui.morning.account import Account, Crashes, Doubt, Kept, Look, Near, Proposer, Result
from autoresearch_tui.morning.forms.layout import Column, paragraph, table
from autoresearch_tui.morning.forms.sketch import sketch
from autoresearch_tui.morning.forms.text import as_text
from autoresearch_tui.morning.parts.looks import Place
from tests.morning.stories import HOSTILE, begun, h100, sample, told, told_rows

ORDER = [
    "Result",
    "What now",
    "Kept",
    "Probably noise",
    "Near misses, worth another try",
    "Trend",
    "Crashes",
    "Where the hours went",
    "Researchers",
    "In doubt",
    "Commands",
]


@pytest.fixture(name="sample")
def the_sample() -> Account:
    return sample()


@pytest.fixture(name="h100")
def the_h100_night() -> Account:
    return h100()


def hostile() -> Account:
    """Every word of it was written by somebody who means harm."""
    return Account(
        HOSTILE,
        "run",
        Result(HOSTILE, caveat=HOSTILE),
        metric=HOSTILE,
        state=HOSTILE,
        device=HOSTILE,
        counts={HOSTILE: 1},
        experiments=1,
        kept=(Kept(1, HOSTILE, HOSTILE, 1e300, 1e300, HOSTILE, by=HOSTILE, reason=HOSTILE),),
        near=(Near(2, HOSTILE, HOSTILE, float("inf"), float("nan"), why=HOSTILE),),
        crashes=(Crashes(HOSTILE, (1,), HOSTILE, (HOSTILE,)),),
        proposers=(Proposer(HOSTILE, wrong={HOSTILE: 1}),),
        doubts=(Doubt(1, 1, HOSTILE, HOSTILE),),
        diff=HOSTILE,
        advice=(HOSTILE,),
        looks=(Look(HOSTILE, HOSTILE),),
        warnings=(HOSTILE,),
        unknown=(HOSTILE,),
    )


@pytest.mark.parametrize("width", [40, 45, 60, 80, 120])
def test_it_fits_the_terminal_but_for_what_is_there_to_be_copied(width: int, sample: Account, h100: Account) -> None:
    for account in (sample, h100):
        lines = as_text(account, width).split("\n")
        wide = [line for line in lines if cell_len(line) > width]
        assert all(line.strip() in {look.command for look in account.looks} for line in wide)


def test_its_sections_stand_in_the_order_of_the_morning(sample: Account) -> None:
    lines = as_text(replace(sample, unknown=())).split("\n")
    assert [line for line in lines if line in ORDER] == ORDER
    assert lines[0].startswith("autoresearch sample · over: 16 experiments are done")


def test_a_normal_night_is_two_screens(sample: Account) -> None:
    assert len(as_text(sample).split("\n")) < 100


def test_numbers_stand_below_each_other(h100: Account) -> None:
    lines = as_text(h100).split("\n")
    start = lines.index("Kept")
    rows = lines[start + 2 : start + 10]
    assert rows[0].split()[:3] == ["#1", "+0.011859", "0.986041"]
    assert {row.index(".") for row in rows} == {rows[0].index(".")}


def test_it_says_what_of_a_tables_gain_is_probably_noise(h100: Account) -> None:
    text = " ".join(as_text(h100).split())
    assert "12 of 22 gains are below 0.0005, one part in two thousand of the baseline" in text
    assert "34 discards came as near to the best of their time" in text
    assert "12 changes with +0.002765 together, 9.8% of all gains." in text


def test_a_command_in_it_can_be_copied_whole() -> None:
    history = begun()
    history.settle(0, None, 1.0)
    history.settle(1, 0, 0.9)
    place = Place("night", "night --dir '/a folder'", git="git -C '/a folder'")
    lines = as_text(told(history, place), 45).split("\n")
    assert "    git -C '/a folder' diff refs/autoresearch/night/0 refs/autoresearch/night/1" in lines
    assert "    autoresearch-tui finish night --dir '/a folder'" in lines


def test_headings_are_bold_on_a_terminal_alone(sample: Account) -> None:
    assert "\x1b" not in as_text(sample)
    bold = as_text(sample, bold=True)
    assert "\x1b[1mResult\x1b[0m" in bold
    assert bold.replace("\x1b[1m", "").replace("\x1b[0m", "") == as_text(sample)


@pytest.mark.parametrize("width", [40, 80])
def test_nothing_that_others_wrote_commands_the_terminal(width: int) -> None:
    text = as_text(hostile(), width)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\u202e" not in text


def test_wide_letters_take_the_room_that_they_take() -> None:
    rows = [("1", "学习率从零点零四改为零点零五" * 9), ("2", "plain")]
    lines = table((Column("#"), Column("what")), rows, 40, narrow=False)
    assert max(map(cell_len, lines)) <= 40
    assert all(cell_len(line) <= 40 for line in paragraph("批大小 " * 40, 40))


@pytest.mark.parametrize("rows", [[], [(1.0, "keep")], [(None, "crash")] * 4, [(1.0, "keep"), (1.1, "discard")]])
def test_a_night_of_nothing_much_is_told_in_a_few_lines(rows: list[tuple[float | None, str]]) -> None:
    text = as_text(told_rows(*rows))
    assert "Result" in text
    assert len(text.split("\n")) < 35


def test_of_many_the_most_important_are_listed() -> None:
    kept = [(100.0 - number / 100, "keep" if number % 5 == 0 else "discard") for number in range(2_000)]
    text = as_text(told_rows(*kept))
    assert len(text.split("\n")) < 90
    assert ".. and" in text


# ------------------------------------------------------------------------------------------------------------------------------
# The chart
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_chart_has_a_step_for_each_gain_and_a_mark_for_each_crash() -> None:
    account = told_rows((1.0, "keep"), (0.9, "keep"), (None, "crash"), (0.95, "discard"), (0.8, "keep"), (50.0, "discard"))
    lines = sketch(account, 80)
    assert "".join(lines).count("●") == 3
    assert lines[0].lstrip().startswith("1.000000 ┤●")
    assert "▴" in lines[0], "what is far away is a mark at the edge"
    assert lines[-2].count("x") == 1
    assert lines[-1].split() == ["0", "5"]


def test_where_higher_is_better_the_chart_climbs() -> None:
    history = begun(goal="higher")
    for number, value in enumerate([0.50, 0.55, 0.60]):
        history.launch(number, number - 1 if number else None)
        history.end(number, value)
        history.add(e.Judged(number, "keep", "better", number), e.Applied(number))
    lines = [line for line in sketch(told(history), 80) if "●" in line]
    assert [line.index("●") for line in lines] == sorted((line.index("●") for line in lines), reverse=True)


def test_without_two_numbers_there_is_no_chart() -> None:
    assert sketch(told_rows(), 80) == sketch(told_rows((1.0, "keep")), 80) == sketch(told_rows((None, "crash")), 80) == []
    assert sketch(told_rows((1.0, "keep"), (1.0, "keep")), 80), "two equal ones are a flat line"
