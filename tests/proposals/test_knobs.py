"""Knobs are found wherever they stand, and set without a trace elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.proposals.knobs import NoSuchKnob, NotLiteral, NotPython, changed_knobs, read_knobs, set_knobs

TRAIN = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")

# A knob's line, as (before the value, value, after it); any value may stand in any line.
BEFORE = ["{} = ", "{}=", "{}\t=\t", "{}: float = ", 'ü = "😀é"; {} = ', "{} = (", "{} = \\\n    "]
AFTER = {"{} = (": [")", " )  # in brackets"]}
PLAIN = ["", "  # größer: langsamer", "; other = 1", "  # one of: 1, 2"]
VALUES = ["0.04", "2**19", "-1", "1e-3", "6e-4 * 2", '"SSSL"', "'é😀'", "True", "None", "()", "(0.8, 0.95)", "(\n    1,  # é\n    2,\n)"]
ONE_LINE = [value for value in VALUES if "\n" not in value]


@st.composite
def lines(draw: st.DrawFn, name: str) -> tuple[str, str, str]:
    before = draw(st.sampled_from(BEFORE))
    return before.format(name), draw(st.sampled_from(VALUES)), draw(st.sampled_from(AFTER.get(before, PLAIN)))


@given(st.data(), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "\ufeff"]))
def test_setting_a_knob_changes_its_value_and_no_other_character(data: st.DataObject, end: str, mark: str) -> None:
    names = ["ALPHA", "BETA_2", "C"]
    parts = [data.draw(lines(name)) for name in names]
    new = {name: data.draw(st.sampled_from(ONE_LINE)) for name in data.draw(st.sets(st.sampled_from(names)))}

    def text(values: list[str]) -> str:
        joined = "".join(f"{before}{value}{after}\n" for (before, _, after), value in zip(parts, values, strict=True))
        return mark + '"""Doc."""\n'.replace("\n", end) + joined.replace("\n", end)

    old = [value for _, value, _ in parts]
    expected = text([new.get(name, value) for name, value in zip(names, old, strict=True)])
    assert set_knobs(text(old), new) == expected
    for name, literal in new.items():
        assert read_knobs(expected)[name].literal == literal


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("2**19", 524288),
        ("-1", -1),
        ("6e-4 * 2", 6e-4 * 2),
        ("1 << 4", 16),
        ("'a'", "a"),
        ("(1, (2, -3.5))", (1, (2, -3.5))),
        ("None", None),
    ],
)
def test_a_plain_value_is_read_as_it_is_written_and_as_what_it_means(literal: str, value: object) -> None:
    knob = read_knobs(f"\nX = {literal}  # what it is\n")["X"]
    assert (knob.literal, knob.value, knob.line, knob.comment) == (literal, value, 2, "what it is")


@pytest.mark.parametrize(
    "source",
    [
        "X = WIDTH",
        "X = print(1)",
        "X = [1]",
        "X = 1j",
        "X = 1e999",
        "X = 9**9**9",
        "X = 2**9**4",
        "X = 1 << 99999",
        "X = 1 / 0",
        "X = 1.5 << 1",
        "X = (-8) ** 0.5",
        "X = 'a' * 9",
        "X = 1\nX = 2",
        "X = 1\nX += 1",
        "X = 1\nif X: X = 2",
        "X = 1\nfor X in (): pass",
        "X = 1\ndef f():\n    global X\n    X = 2",
        "X = 1\nclass A:\n    def f(self):\n        try: pass\n        except E:\n            global X\n            X = 2",
        "from y import X\nX = 1",
        "X = Y = 1",
        "X, Y = 1, 2",
        "x = 1",
        "class A:\n    X = 1",
        "X: int",
        "X = " + "+".join("1" * 2000),
    ],
)
def test_what_is_computed_or_bound_twice_is_no_knob(source: str) -> None:
    assert "X" not in read_knobs(source)


def test_a_name_inside_a_function_does_not_hide_a_knob() -> None:
    assert read_knobs("B = 4\ndef f(x):\n    B, T = x.shape\n")["B"].value == 4


def test_the_comment_says_what_else_a_knob_may_be() -> None:
    knobs = read_knobs(TRAIN)
    assert knobs["WINDOW_PATTERN"].choices == ('"L"', '"SL"', '"SSL"', '"SSSL"')
    assert knobs["MUON_STEPS"].choices == ("3", "4", "5")
    assert knobs["DEPTH"].choices == ()
    assert read_knobs("X = 1  # one of: the things we know")["X"].choices == ()


def test_the_bundled_train_has_the_knobs_that_stand_at_its_top() -> None:
    knobs = read_knobs(TRAIN)
    assert {"DEPTH", "TOTAL_BATCH_SIZE", "ADAM_BETAS", "FINAL_LR_FRAC"} <= knobs.keys()
    assert not {"T", "WIDTH", "HEADS", "LR_SCALE"} & knobs.keys()
    assert knobs["TOTAL_BATCH_SIZE"].value == 2**19


def test_an_unknown_knob_is_answered_with_the_nearest() -> None:
    with pytest.raises(NoSuchKnob, match="no knob MATRX_LR; the nearest is MATRIX_LR"):
        set_knobs(TRAIN, {"MATRX_LR": "1"})
    with pytest.raises(NoSuchKnob, match="no top-level constants"):
        set_knobs("x = 1\n", {"X": "1"})


@pytest.mark.parametrize("literal", ["", "fast", "1; import os", "1\nY = 2", "(1,\n2)", "1 if X else 2", "[1]", "0.02)", "f'{X}'"])
def test_only_a_plain_value_on_one_line_can_be_set(literal: str) -> None:
    with pytest.raises(NotLiteral):
        set_knobs("X = 1; Y = 3\n", {"X": literal})


def test_a_comment_behind_a_new_value_is_left_out() -> None:
    assert set_knobs("X = 1; Y = 3\n", {"X": " '#2'  # faster "}) == "X = '#2'; Y = 3\n"


@given(st.text())
def test_any_text_has_knobs_or_is_not_python(text: str) -> None:
    try:
        assert isinstance(read_knobs(text), dict)
    except NotPython as error:
        assert str(error)


def test_changed_knobs_are_told_by_value_and_only_if_nothing_else_changed() -> None:
    before = "A = 2**4  # sixteen\nB = 1\nC = (1, 2)\nprint(A)\n"
    assert changed_knobs(before, before) == {}
    assert changed_knobs(before, "A = 16\n\n# new\nB = 2 # two\nC = (1, 2)\nprint(A)") == {"B": ("1", "2")}
    assert changed_knobs(before, before.replace("B = 1", "B = 1.0")) == {"B": ("1", "1.0")}
    assert changed_knobs(before, before.replace("print(A)", "print(B)")) is None
    assert changed_knobs(before, before.replace("B = 1\n", "")) is None
    assert changed_knobs(before, before.replace("B = 1", "B = A")) is None
    assert changed_knobs(before, "A = (") is None


@given(st.data())
def test_what_was_set_is_what_changed(data: st.DataObject) -> None:
    source = "A = 0.5\nB = 'x'\nC = (1, 2)\n"
    new = {name: data.draw(st.sampled_from(["1", "'y'", "(3,)", "None"])) for name in data.draw(st.sets(st.sampled_from("ABC")))}
    old = read_knobs(source)
    assert changed_knobs(source, set_knobs(source, new)) == {name: (old[name].literal, new[name]) for name in sorted(new)}
