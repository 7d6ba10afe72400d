"""The table of docs/containment.md: what came of each attempt, in each kind of sandbox.

    python -m tests.contained.table          let all of them loose, and write what came of it into the page
    python -m tests.contained.table print    the same, to the terminal

What this machine cannot try (it has no bubblewrap, or runs this as no root) stands there as it should be.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.contained.attempts import LINUX_OF_ABI, MODES, OPEN, STOPPED, Attempt
from tests.contained.battery import CHAPTERS
from tests.contained.judged import ATTEMPTS as JUDGED

PAGE = Path(__file__).parents[2] / "docs" / "containment.md"
BEGIN, END = "<!-- begin of what the tests found -->\n", "<!-- end of what the tests found -->\n"
ALL = {**CHAPTERS, "Wants a number from the bundled harness that it has not earned": JUDGED}

Found = Mapping[tuple[str, str], str]
"""By the attempt's title and the kind of sandbox, what came of it."""


class Recorder:
    """Listens to the tests."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "came" and isinstance(value, tuple | list):
                title, mode, outcome = value
                self.found[title, mode] = outcome


def table(found: Found) -> str:
    """All chapters; without anything found it says what should come of it."""
    lines = [BEGIN]
    for chapter, attempts in ALL.items():
        lines += [f"\n| {chapter} | bubblewrap | Landlock | unsandboxed |\n", "|---|---|---|---|\n"]
        lines += [f"| {attempt.title} | {' | '.join(_cells(attempt, found))} |\n" for attempt in attempts]
    return "".join([*lines, "\n", END])


def _cells(attempt: Attempt, found: Found) -> Iterator[str]:
    for mode in MODES:
        outcome = found.get((attempt.title, mode), attempt.expected(mode))
        word = attempt.said(mode) if outcome == attempt.expected(mode) else outcome
        if word == OPEN:
            yield f"**{OPEN}**" + (f" {attempt.only.words}" if attempt.only else "")
        elif word == STOPPED and mode == "landlock" and attempt.abi > 1:
            yield f"{word}, from {LINUX_OF_ABI[attempt.abi]} on"
        else:
            yield word


def inserted(page: str, text: str) -> str:
    """The page with this table in place of the one that it has."""
    return page[: page.index(BEGIN)] + text + page[page.index(END) + len(END) :]


def main() -> int:
    recorder = Recorder()
    os.environ.pop("AUTORESEARCH_DATA", None)
    tests = [str(Path(__file__).with_name(name)) for name in ("test_battery.py", "test_judged.py")]
    code = pytest.main(["-n", "0", "-m", "slow or not slow", *tests], plugins=[recorder])
    text = table(recorder.found)
    if sys.argv[1:] == ["print"]:
        print(text)
    else:
        PAGE.write_text(inserted(PAGE.read_text(), text))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
