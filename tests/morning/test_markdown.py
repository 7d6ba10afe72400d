"""The report where people talk: tables, the whole diff, and text of others that is nothing but text."""

from __future__ import annotations

import re

import pytest

from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.forms.markdown import as_markdown, code, escaped, fenced, marked
from tests.morning.stories import h100, sample, told_rows
from tests.morning.test_text import hostile


@pytest.fixture(name="sample")
def the_sample() -> Account:
    return sample()


def test_it_ends_with_the_whole_diff(sample: Account) -> None:
    text = as_markdown(sample)
    assert sample.diff.count("\n") > 50
    assert text.endswith(f"## Everything that changed\n\n```diff\n{sample.diff}```\n")


def test_each_table_has_as_many_cells_in_each_row(sample: Account) -> None:
    for text in (as_markdown(sample), as_markdown(h100())):
        tables = re.findall(r"(?:^\|.*\n)+", text, re.M)
        assert len(tables) >= 2
        for found_table in tables:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in found_table.splitlines()}) == 1


def test_every_kept_change_and_every_near_miss_is_in_it(sample: Account) -> None:
    text = as_markdown(sample)
    numbers = [one.number for one in sample.kept] + [one.number for one in sample.near]
    assert all(f"| #{number} |" in text for number in numbers)


def test_commands_stand_in_fences_as_they_are(sample: Account) -> None:
    text = as_markdown(sample)
    assert all(f"```sh\n{look.command}\n```" in text for look in sample.looks)


def test_text_of_others_is_text() -> None:
    text = as_markdown(hostile())
    assert "\x1b" not in text
    assert "\u202e" not in text
    outside = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", text)
    assert not re.search(r"(?<!\\)<script>", outside)
    assert "\n# next" not in outside


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("**bold** _it_", r"\*\*bold\*\* \_it\_"),
        ("[a](http://b)", r"\[a\](http\://b)"),
        ("<b> & $x$ `y`", r"\<b\> \& \$x\$ \`y\`"),
        ("www.example.org", r"www\.example.org"),
        ("line\nline", "line line"),
    ],
)
def test_markup_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_command_in_a_sentence_is_code_and_the_rest_is_not() -> None:
    assert marked("Take it: `finish a_b --dir 'x'` makes *one*.") == r"Take it: `finish a_b --dir 'x'` makes \*one\*."
    assert "`" not in marked("one ` alone")


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert fenced("a\n````\nb") == ["`````", "a", "````", "b", "`````"]
    assert code("a`b") == "``a`b``"


@pytest.mark.parametrize("rows", [[], [(1.0, "keep")], [(None, "crash")] * 4])
def test_a_night_of_nothing_much_is_fine(rows: list[tuple[float | None, str]]) -> None:
    assert as_markdown(told_rows(*rows)).startswith("# results.tsv · ")
