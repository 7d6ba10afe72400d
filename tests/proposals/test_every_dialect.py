"""An edit between two versions of a file makes exactly the second, in every dialect; after an accident it makes that one, or none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.reply import Unusable, read_reply
from tests.proposals.written import DIALECTS, Version, damaged, versions

SOME = settings(max_examples=40, deadline=None)
MANY = settings(max_examples=80, deadline=None)


def file_of(lines: Version) -> str:
    return "".join(line + "\n" for line in lines)


def reply_with(edit: str) -> str:
    return f"<idea>an idea</idea>\n<why>a reason</why>\n<edit>\n{edit}\n</edit>"


@pytest.mark.parametrize("dialect", DIALECTS)
@SOME
@given(pair=versions())
def test_an_edit_makes_the_second_of_two_versions(dialect: str, pair: tuple[Version, Version]) -> None:
    old, new = pair
    edit = DIALECTS[dialect](old, new)
    if old != new and any(old):
        assert apply(file_of(old), read_reply(reply_with(edit)).edit) == file_of(new)


@pytest.mark.parametrize("dialect", DIALECTS)
@MANY
@given(pair=versions(), luck=st.integers(0, 10**6))
def test_an_accident_never_makes_a_third_version(dialect: str, pair: tuple[Version, Version], luck: int) -> None:
    old, new = pair
    if old == new or not any(old):
        return
    reply = damaged(reply_with(DIALECTS[dialect](old, new)), random.Random(luck))
    try:
        made = apply(file_of(old), read_reply(reply).edit)
    except Unusable as error:
        assert str(error).endswith(".")
    else:
        assert made == file_of(new)


@SOME
@given(st.dictionaries(st.sampled_from(["LR", "DEPTH", "RATIO"]), st.integers(0, 99) | st.floats(0, 1, allow_nan=False)))
def test_turned_knobs_make_the_second_version(knobs: dict[str, float]) -> None:
    def text(values: dict[str, float]) -> str:
        return f"LR = {values['LR']!r}  # of all\nDEPTH = {values['DEPTH']!r}\nRATIO = {values['RATIO']!r}\n"

    before = {"LR": 0.5, "DEPTH": 8, "RATIO": 1.5}
    if knobs:
        edit = "\n".join(f"SET {name} = {value!r}" for name, value in knobs.items())
        assert apply(text(before), edit) == text(before | knobs)


BODIES = st.lists(st.sampled_from(["    x = x + 1", "    x = x * 2", "", "    # a note", "    if x:\n        x = 3"]), max_size=5)


@SOME
@given(old=st.tuples(BODIES, BODIES, BODIES), new=BODIES, which=st.integers(0, 2), indent=st.booleans())
def test_a_function_takes_the_place_of_the_one_of_its_name(
    old: tuple[Version, Version, Version], new: Version, which: int, indent: bool
) -> None:
    """At the top level, or in a class, in the indentation of either."""

    def function(number: int, body: Version) -> str:
        return "\n".join([f"def f{number}(self, x):", *body, "    return x"])

    def moved(text: str) -> str:
        return "\n".join("    " + line if line and indent else line for line in text.split("\n"))

    def file(bodies: list[Version]) -> str:
        head = "class Only:\n" if indent else "A = 1\n"
        return head + "\n\n".join(moved(function(number, body)) for number, body in enumerate(bodies)) + "\n\n\nB = 2\n"

    bodies = list(old)
    bodies[which] = new
    edit = f"```python\n{function(which, new)}\n```"
    if indent:
        assert apply(file(list(old)), edit) == file(bodies)
        assert apply(file(list(old)), f"```python\n{moved(function(which, new))}\n```") == file(bodies)
