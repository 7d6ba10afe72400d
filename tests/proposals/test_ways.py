"""Two changes go the same way, or each its own."""

from __future__ import annotations

import pytest

from autoresearch_tui.proposals.checks import fingerprint, refusal
from autoresearch_tui.proposals.ways import Taken, way, ways_of

PARENT = "A_LR = 0.04\nBETAS = (0.8, 0.95)\nNORM = 'rms'  # one of: rms, layer, none\nvalue = A_LR\n"


@pytest.mark.parametrize(
    ("old", "one", "other", "alike"),
    [
        ("0.04", "0.05", "0.4", True),
        ("0.04", "0.05", "0.02", False),
        ("2**14", "2**15", "65536", True),
        ("(0.8, 0.95)", "(0.9, 0.95)", "(0.85, 0.95)", True),
        ("(0.8, 0.95)", "(0.9, 0.95)", "(0.8, 0.98)", False),
        ("'rms'", "'layer'", '"layer"', True),
        ("'rms'", "'layer'", "'none'", False),
        ("False", "True", "2", False),
        ("None", "1", "2", False),
    ],
)
def test_up_is_up_however_far_and_a_word_is_a_word(old: str, one: str, other: str, alike: bool) -> None:
    assert (way(old, one) == way(old, other)) is alike


def said(new: str, taken: Taken) -> str:
    return str(refusal(PARENT, new, {}, taken=taken) or "")


def test_what_somebody_tries_is_refused_and_who_tries_it_is_said() -> None:
    up = PARENT.replace("0.04", "0.05")
    taken = Taken({fingerprint(up): "draft d0013"}, {ways_of({"A_LR": ("0.04", "0.08")}): "experiment 12"})
    assert said(up, taken) == "This is what draft d0013 tries just now: propose something else."
    assert said(PARENT.replace("0.04", "0.06"), taken) == (
        "A_LR = 0.06 goes where experiment 12 goes just now: wait for what that is worth, and turn something else."
    )
    for new in (PARENT.replace("0.04", "0.02"), PARENT.replace("0.04", "0.06").replace("0.8", "0.9"), PARENT.replace("A_LR\n", "-A_LR\n")):
        assert not said(new, taken)
