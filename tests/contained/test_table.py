"""The page about containment says what the tests found."""

from __future__ import annotations

from tests.contained.attempts import MODES, OPEN
from tests.contained.table import ALL, PAGE, inserted, table


def test_the_table_of_the_page_is_what_the_attempts_say() -> None:
    page = PAGE.read_text()
    assert inserted(page, table({})) == page, "run `python -m tests.contained.table`"


def test_a_sandbox_that_lets_something_through_would_stand_in_the_table() -> None:
    title = "reads an ssh key"
    before = f"| {title} | stopped | stopped | **open** |"
    assert before in table({})
    assert before.replace("stopped | stopped", "stopped | **open**") in table({(title, "landlock"): OPEN})


def test_bubblewrap_leaves_nothing_open_and_landlock_what_can_be_learned_without_opening_a_file_of_the_user() -> None:
    found = [(attempt.title, mode) for attempts in ALL.values() for attempt in attempts for mode in MODES[:2] if attempt.said(mode) == OPEN]
    assert found == [
        ("learns when a file in the home folder was written", "landlock"),
        ("reads the command line of another process", "landlock"),
    ]


def test_the_battery_is_as_large_as_it_is_meant_to_be_and_every_attempt_has_a_name_of_its_own() -> None:
    titles = [attempt.title for attempts in ALL.values() for attempt in attempts]
    assert len(titles) == len(set(titles)) >= 50
