"""How much code a train.py is: what a reader must follow, not what it is tuned to or how it is explained."""

from __future__ import annotations

from autoresearch_tui.proposals.checks import size

SMALL = """LR = 0.04
BETAS = (0.8, 0.95)


def step(x, scale=1.0):
    return x * scale + 1
"""


def test_values_comments_docstrings_and_layout_are_no_code() -> None:
    for old, new in [
        ("0.04", "2**-5"),
        ("(0.8, 0.95)", "(0.8, 0.9, 0.95)"),
        ("scale=1.0", "scale=0.25"),
        ("scale=1.0", "scale"),
        ("+ 1", "+ 1000  # more"),
        ("    return", '    """Says what it does."""\n\n    return'),
        ("x * scale + 1", "(x * scale) + 1"),
    ]:
        assert size(SMALL.replace(old, new)) == size(SMALL), new


def test_more_code_is_more() -> None:
    longer = SMALL.replace("return", "x = x.relu()\n    return")
    assert size(longer) > size(SMALL) > size(SMALL.replace("* scale + 1", "* scale")) > 0


def test_a_knob_costs_little_and_a_function_more() -> None:
    knob = SMALL + "WARMUP = 0.1\n"
    function = SMALL + "\n\ndef warmup(step):\n    return min(1.0, step / 100)\n"
    assert 0 < size(knob) - size(SMALL) < 5 < size(function) - size(SMALL)


def test_what_is_not_python_is_none() -> None:
    assert size("def (") == 0
