"""What would crash in the first second of a trial, or was tried from here already, is refused before it; its reason names the values."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.proposals.checks import refusal, turns_of
from tests.proposals import upstream

TRAIN = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")
TOKENS = {"MAX_SEQ_LEN": 2048}


def said(parent: str, *changes: tuple[str, str], **how: object) -> str:
    source = parent
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    problem = refusal(parent, source, {}, **how)  # type: ignore[arg-type]
    return f"{problem.kind}: {problem}" if problem else ""


# ------------------------------------------------------------------------------------------------------------------------------
# What train.py asserts
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_batch_that_does_not_divide_is_refused_with_its_numbers() -> None:
    for source in (upstream.TRAIN, TRAIN):
        reason = said(source, ("\nDEVICE_BATCH_SIZE = 128", "\nDEVICE_BATCH_SIZE = 96"), constants=TOKENS)
        assert reason.startswith("code: train.py asserts `")
        for value in ("DEVICE_BATCH_SIZE = 96", "MAX_SEQ_LEN = 2048", "TOTAL_BATCH_SIZE = 524288"):
            assert value in reason


def test_a_batch_that_divides_may_be_trained() -> None:
    for source in (upstream.TRAIN, TRAIN):
        assert not said(source, ("\nDEVICE_BATCH_SIZE = 128", "\nDEVICE_BATCH_SIZE = 64"), constants=TOKENS)


def test_a_constant_that_nobody_gave_is_not_guessed() -> None:
    assert not said(upstream.TRAIN, ("\nDEVICE_BATCH_SIZE = 128", "\nDEVICE_BATCH_SIZE = 96"))


KNOBS = """import prepare
A = 8
B = 4
HALF = A // 2
{}


def main(given):
    {}
"""


@pytest.mark.parametrize(
    ("top", "inside", "broken"),
    [
        ("assert A % B == 0", "pass", True),
        ("assert not A % B, 'no'", "pass", True),
        ("assert HALF % B == 0 and B > 0", "pass", True),
        ("assert 0 < A <= B * 2", "pass", True),
        ("assert A % prepare.C == 0", "pass", True),
        ("", "assert A % B == 0", True),
        ("", "times, rest = divmod(A, B); assert times and not rest", True),
        ("if __name__ == '__main__':\n    assert A % B == 0", "pass", True),
        ("assert A % B < 3", "pass", False),
        ("if A:\n    assert A % B == 0", "pass", False),
        ("assert A % unknown() == 0", "pass", False),
        ("assert A % prepare.D == 0", "pass", False),
        ("", "B = 8; assert A % B == 0", False),
        ("", "return; assert A % B == 0", False),
        ("", "for B in (1, 2): assert A % B == 0", False),
        ("", "assert given % B == 0", False),
        ("divmod = print\nassert divmod(A, B) == 3", "pass", False),
        ("X = 2**(10**9)\nassert X % B == 3", "pass", False),
        ("assert A % (B - 3) == 0", "pass", False),
    ],
)
def test_only_what_surely_fails_is_refused(top: str, inside: str, broken: bool) -> None:
    parent = KNOBS.format(top, inside)
    reason = (
        said(parent, ("B = 4\n", "B = 3\n"), constants={"C": 4})
        if "prepare.C" not in top
        else said(parent, ("A = 8", "A = 9"), constants={"C": 4})
    )
    assert bool(reason) == broken, reason


def test_what_the_parent_fails_as_well_is_no_reason_for_it_was_trained() -> None:
    assert not said("A = 9\nB = 4\nassert A % B == 0\n", ("A = 9", "A = 10"))


# ------------------------------------------------------------------------------------------------------------------------------
# Imports
# ------------------------------------------------------------------------------------------------------------------------------

HAVE = frozenset({"math", "torch", "prepare"})
SMALL = "import math\nimport parents\nLR = 0.04\n"


@pytest.mark.parametrize(
    ("new", "missing"),
    [
        ("import absent", "absent"),
        ("import absent.part as x, math", "absent"),
        ("from absent.part import x", "absent"),
        ("def f():\n    import absent", "absent"),
        ("if LR:\n    import absent", "absent"),
        ("try:\n    x = 1\nexcept ImportError:\n    import absent", "absent"),
        ("try:\n    import absent\nexcept ValueError:\n    pass", "absent"),
        ("from . import x", "."),
        ("import torch.nn", ""),
        ("import parents.part", ""),
        ("try:\n    import absent\nexcept ImportError:\n    absent = None", ""),
        ("try:\n    import absent\nexcept (ValueError, ModuleNotFoundError):\n    absent = None", ""),
        ("try:\n    import absent\nexcept Exception:\n    absent = None", ""),
    ],
)
def test_an_import_that_cannot_work_is_refused(new: str, missing: str) -> None:
    reason = said(SMALL, ("LR = 0.04", f"LR = 0.04\n{new}"), modules=HAVE)
    assert reason == (f"code: train.py imports {missing}, which cannot be imported where it trains: do without." if missing else "")


def test_imports_are_not_looked_at_where_nobody_knows_what_is_installed() -> None:
    assert not said(SMALL, ("LR = 0.04", "import absent\nLR = 0.04"))


# ------------------------------------------------------------------------------------------------------------------------------
# Knobs that were turned, and what is prepare.py's
# ------------------------------------------------------------------------------------------------------------------------------


def test_knobs_that_were_turned_so_from_here_are_refused_with_what_came_of_it() -> None:
    turned = {turns_of({"LR": ("0.04", "2e-2"), "DEPTH": ("8", "6")}): "experiment 7: discard, 0.9953"}
    source = "LR = 0.04\nDEPTH = 8\nx = 1\n"
    reason = said(source, ("0.04", "0.02"), ("DEPTH = 8", "DEPTH = 6"), came_of=turned.get)
    assert (
        reason == "same: LR = 0.02, DEPTH = 6 was tried from here already (experiment 7: discard, 0.9953): turn something else, or further."
    )
    assert not said(source, ("0.04", "0.02"), came_of=turned.get)
    assert not said(source, ("0.04", "0.02"), ("DEPTH = 8", "DEPTH = 6"), ("x = 1", "x = x()"), came_of=turned.get)


@pytest.mark.parametrize("line", ["prepare.TIME_BUDGET = 600", "del prepare.SEED", "setattr(prepare, 'SEED', 1)", "prepare.SEED += 1"])
def test_what_is_prepares_may_not_be_changed(line: str) -> None:
    reason = said(TRAIN, ("T = prepare.MAX_SEQ_LEN", f"{line}\nT = prepare.MAX_SEQ_LEN"), contract=True)
    assert reason.startswith("frozen: The edit changes prepare") and reason.endswith(".")


def test_the_kind_says_what_is_wrong() -> None:
    assert said(TRAIN).startswith("same: ")
    assert said(TRAIN, ("DEPTH = 8", "DEPTH = (")).startswith("code: ")
    assert said(TRAIN, ("def build_model()", "def build_model(width)"), contract=True).startswith("code: ")
