"""The surest form of an edit first, two repairs in it, then the next."""

from __future__ import annotations

from autoresearch_tui.proposals.dialects import choose, share

ALL = ("blocks", "function", "file", "set")


def test_a_model_that_nobody_knows_begins_with_what_its_researcher_names_first() -> None:
    assert choose(ALL, {}, (), "explore") == "blocks"
    assert choose(("file", "blocks"), {}, (), "explore") == "file"


def test_two_repairs_in_the_same_dialect_and_then_the_next_one() -> None:
    refused: list[str] = []
    taken = []
    for _ in range(12):
        taken.append(choose(ALL, {}, refused, "explore"))
        refused.append(taken[-1])
    assert taken == ["blocks"] * 3 + ["function"] * 3 + ["file"] * 3 + ["set"] * 3
    assert choose(ALL, {}, refused, "explore") == "blocks"


def test_the_refusals_of_this_draft_do_not_make_it_leave_early_or_come_back() -> None:
    worse = {"blocks": (9, 1), "function": (9, 9)}
    assert choose(ALL, worse, ("blocks",), "explore") == "blocks"
    assert choose(ALL, worse, ("blocks",) * 3, "explore") == "function"
    assert choose(ALL, worse, ("blocks",) * 3 + ("function",) * 3, "explore") == "file"


def test_the_share_of_usable_replies_decides() -> None:
    assert choose(ALL, {"blocks": (10, 4), "function": (10, 9)}, (), "explore") == "function"
    assert choose(ALL, {"blocks": (10, 9), "function": (3, 3)}, (), "explore") == "blocks"


def test_nothing_is_abandoned_after_a_single_failure() -> None:
    assert choose(ALL, {"blocks": (1, 0)}, (), "explore") == "blocks"
    assert choose(ALL, {"blocks": (2, 0)}, (), "explore") == "function"
    assert choose(ALL, {"set": (1, 0)}, (), "tune") == "set"
    assert share(0, 0) == share(1, 0) > share(2, 0) > share(3, 0) > 0


def test_constants_are_tuned_by_set_while_that_works() -> None:
    assert choose(ALL, {"blocks": (20, 20)}, (), "tune") == "set"
    assert choose(ALL, {"set": (8, 1), "blocks": (8, 6)}, (), "tune") == "blocks"
    assert choose(ALL, {"set": (50, 50), "blocks": (50, 20)}, (), "simplify") != "set"
    assert choose(("set",), {"set": (50, 2)}, ("set",) * 5, "simplify") == "set"
