"""How a comparison looks in a terminal of any width, and as a picture."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.morning.compare.comparing import compare
from autoresearch_tui.morning.compare.comparison import Comparison
from autoresearch_tui.morning.compare.text import as_text
from tests.morning.nights_side_by_side import HERE, Night, a_night


def nights(count: int) -> Comparison:
    return compare([a_night(f"night{place}", [0.01 * (place + 1)], at=place * 1e6).reading() for place in range(count)])


@pytest.mark.parametrize("width", [40, 45, 60, 80, 120])
@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_no_line_is_wider_than_the_terminal(width: int, count: int) -> None:
    assert max(map(len, as_text(nights(count), width).splitlines())) <= width


def test_two_nights_are_columns_with_the_result_above() -> None:
    lines = as_text(nights(2)).splitlines()
    assert lines[0].startswith("night1 gained more than night0, by 0.010000")
    rows = {line[:20].strip(): line[20:].split("  ") for line in lines if line[:1] != "-"}
    assert rows["gain"][0] == "+0.010000 sure"
    assert rows["kept"][0].startswith("1 of 2, 50% (")
    assert rows["device"][0] == "H100"
    assert any(line.startswith("sigma") and "measured" in line for line in lines)


def test_what_does_not_fit_beside_each_other_stands_below_each_other() -> None:
    lines = as_text(nights(10)).splitlines()
    first = next(line for line in lines if line.startswith("night9  "))
    assert "+0.100000" in first and "sure" in first and "night9 is ahead of" in lines
    assert lines.index(first) < next(place for place, line in enumerate(lines) if line.startswith("night0  "))


def test_what_a_stranger_wrote_is_text() -> None:
    night = Night("mon", key=HERE | {"device": "\x1b[2J\u202eH100\nbroken"})
    night.measure([1.0])
    night.measure([0.9], by="\x1b]0;title\x07model\nname")
    night.measure([0.9], by="another")
    other = a_night("tue\x1b[31m", [0.01], key=HERE | {"device": "T4"}, at=2e9)
    text = as_text(compare([night.reading(), other.reading()]), 80)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "H100 broken" in text and "model name" in text


def test_researchers_have_a_list_where_there_is_more_than_one() -> None:
    night = Night("mon")
    night.measure([1.0, 1.0, 1.0])
    night.measure([0.99], by="ollama:a", program="1" * 40)
    night.measure([1.2], "discard", by="sweep", program="2" * 40)
    text = as_text(compare([night.reading(), a_night("tue", [0.01], at=2e9).reading()]))
    assert "by researcher" in text and "ollama:a: 1 experiment, kept 1 (100%" in text
    assert "by version of program.md" in text
    assert "by researcher" not in as_text(nights(2))


def test_a_night_without_a_number_has_its_column_too() -> None:
    crashes = Night("tue")
    crashes.measure([])
    text = as_text(compare([a_night("mon", [0.01]).reading(), crashes.reading()]))
    assert "1 of 1, 100%" in text


def test_gains_that_were_measured_afresh_say_so() -> None:
    night = a_night("mon", [0.01])
    night.close([1.0, 1.0], [0.99, 0.99])
    assert "measured afresh" in as_text(compare([night.reading(), a_night("tue", [0.01], at=2e9).reading()]))


def test_the_text_does_not_import_what_draws_pictures() -> None:
    program = "import sys\nfrom autoresearch_tui.morning.compare import comparing, text\nprint('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 10])
def test_the_picture_is_one_whatever_the_nights_are(count: int, capfd: pytest.CaptureFixture[str]) -> None:
    from autoresearch_tui.morning.compare.chart import as_png

    odd = Night("$x_1$ \N{SNOWMAN}\N{CJK UNIFIED IDEOGRAPH-4E00}")
    odd.measure([])
    flat = Night("flat", at=5e9)
    flat.measure([1.0])
    flat.add(e.EngineEnded("done"))
    readings = [a_night(f"night{place}", [0.01 * place], at=place * 1e6).reading() for place in range(count)]
    for found in (compare(readings), compare([*readings, odd.reading(), flat.reading()]), compare([odd.reading(), flat.reading()])):
        picture = as_png(found)
        assert picture.startswith(b"\x89PNG") and struct.unpack(">II", picture[16:24]) == (1600, 900)
    assert capfd.readouterr() == ("", "")
