"""An examination as a person and a program see it."""

from __future__ import annotations

import msgspec
import pytest

from autoresearch_tui.doctor.findings import Examination, Finding, examination
from autoresearch_tui.doctor.machine import say
from autoresearch_tui.doctor.showing import as_text
from tests.doctor.machines import EVERYTHING

MIXED = examination(
    "/lab",
    (
        Finding("git", "missing", "not installed: the history of a night is kept in it", "sudo apt install git", "git"),
        Finding("sandbox", "warning", "landlock " * 12, "a command " * 15, "containment"),
        Finding("python", "ok", "3.12", "", "this machine"),
    ),
)


@pytest.mark.parametrize("width", [80, 45])
@pytest.mark.parametrize("examined", [MIXED, examination("/" + "a long folder/" * 12, tuple(say(EVERYTHING)))])
def test_every_line_fits_but_a_command_that_would_be_broken(width: int, examined: Examination) -> None:
    lines = as_text(examined, width).splitlines()
    commands = {line.strip() for line in lines if "→" in line}
    assert all(len(line) <= width for line in lines if line.strip() not in commands)
    assert {f"→ {one.mend.strip()}" for one in examined.findings if one.mend} == {line.removesuffix(" ") for line in commands}


@pytest.mark.parametrize("width", [80, 45])
def test_each_state_has_a_sign_and_a_word_and_the_last_line_says_whether_a_run_could_start(width: int) -> None:
    said = " ".join(as_text(MIXED, width).split())
    assert "✗ missing git not installed" in said
    assert "! warning sandbox" in said
    assert "✓ ok python 3.12" in said
    assert said.endswith("✗ No run can start yet: git missing; 1 warning.")
    assert as_text(examination("/lab", tuple(say(EVERYTHING))), width).splitlines()[-1] == "✓ A run can start; no warnings."


def test_colours_are_for_whoever_has_them_and_foreign_text_cannot_bring_its_own() -> None:
    assert "\x1b" not in as_text(MIXED, 80)
    assert "\x1b[31;1m  ✗ missing" in as_text(MIXED, 80, coloured=True)
    hostile = examination("/\x1b[2J", (Finding("a\x1b]0;b\x07", "ok", "c\x1b[31md\ne", "f\x9bg", "h\x1bi"),))
    assert not set("\x1b\x07\x9b") & set(as_text(hostile, 80))


def test_the_form_for_programs_is_stable() -> None:
    said = msgspec.json.decode(msgspec.json.encode(MIXED))
    assert {"version", "folder", "could_start", "findings"} <= set(said)
    assert (said["version"], said["folder"], said["could_start"]) == (1, "/lab", False)
    assert {"check", "state", "found", "mend", "group"} <= set(said["findings"][0])
    assert msgspec.json.decode(b'{"folder": "/", "findings": [], "could_start": true, "more": 1}', type=Examination).could_start
