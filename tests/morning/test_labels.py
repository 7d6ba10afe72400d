"""Words beside dots: none over another, none outside, and the important ones first."""

from __future__ import annotations

import math
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.morning.forms.labels import Box, Ground, Label, Wanted, place

ROOM = Box(0, 0, 800, 400)
WANTED = st.builds(Wanted, st.floats(0, 800), st.floats(0, 400), st.floats(5, 300), st.floats(8, 20))
CROWD = [Wanted(400 + at * 37 % 60, 200 + at * 53 % 80, 90, 14) for at in range(25)]


def crosses(label: Label, dot: Wanted, box: Box) -> bool:
    """The line from the dot to its label goes through the box."""
    points = [(dot.x + (label.x - dot.x) * share / 200, dot.y + (label.y - dot.y) * share / 200) for share in range(201)]
    return any(box.left + 1 < x < box.right - 1 and box.top + 1 < y < box.bottom - 1 for x, y in points)


@given(st.lists(WANTED, max_size=30))
@settings(max_examples=25, deadline=None)
def test_no_label_lies_over_another_or_outside_and_no_line_runs_through_one(wanted: list[Wanted]) -> None:
    check(wanted)


def test_nor_where_many_dots_stand_close_together() -> None:
    assert check(CROWD) > 10


def check(wanted: list[Wanted]) -> int:
    placed = place(wanted, ROOM, Ground())
    assert all(ROOM.holds(label.box) for label in placed)
    for one, other in combinations(placed, 2):
        assert not one.box.meets(other.box)
        assert not crosses(one, wanted[one.of], other.box) and not crosses(other, wanted[other.of], one.box)
    return len(placed)


@given(st.lists(WANTED, max_size=30))
@settings(max_examples=10, deadline=None)
def test_who_comes_first_has_the_place_whatever_comes_after(wanted: list[Wanted]) -> None:
    assert place(wanted, ROOM, Ground())[:1] == place(wanted[:1], ROOM, Ground())[:1]


def test_a_label_is_as_large_as_was_asked_and_ends_at_its_line() -> None:
    (label,) = place([Wanted(400, 200, 120, 14)], ROOM, Ground())
    box = label.box
    assert (box.right - box.left, box.bottom - box.top) == (120, 14)
    assert box.left <= label.x <= box.right and box.top <= label.y <= box.bottom
    assert math.dist((400, 200), (label.x, label.y)) < 10


def test_a_label_goes_to_where_it_hides_nothing() -> None:
    ground = Ground()
    ground.dots([(400 + across, 200 + down) for across in range(5, 200, 6) for down in range(-100, 101, 6)])
    ground.line((0, 195), (400, 195))
    (label,) = place([Wanted(400, 200, 120, 14)], ROOM, ground)
    assert label.box.right <= 400 and label.box.top > 195


def test_where_there_is_no_room_the_last_ones_have_none() -> None:
    wanted = [Wanted(400, 200, 200, 14)] * 70
    placed = place(wanted, ROOM, Ground())
    assert 5 < len(placed) < 60
    assert [label.of for label in placed] == sorted(label.of for label in placed)
    assert place([Wanted(400, 200, 900, 14)], ROOM, Ground()) == []
