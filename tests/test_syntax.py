"""Python text is parsed by one thread at a time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.syntax import parsed, parsed_expression

SECONDS = 2.0
SOURCE = (Path(__file__).parents[1] / "harness" / "train.py").read_text()


class Bequest:
    """Found only by the garbage collector, which then runs Python in the middle of whatever allocates."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty")
def test_threads_that_parse_at_once_do_not_fail_each_other() -> None:
    failed: list[SystemError] = []
    until = time.monotonic() + SECONDS

    def parse() -> None:
        while time.monotonic() < until and not failed:
            try:
                parsed(SOURCE)
            except SystemError as error:
                failed.append(error)

    def litter() -> None:
        while time.monotonic() < until and not failed:
            Bequest()

    threads = [threading.Thread(target=one) for one in (parse, parse, parse, litter)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed


@pytest.mark.filterwarnings("error")
def test_an_odd_escape_warns_nobody() -> None:
    assert len(parsed(r'A = "\d"').body) == 1
    parsed_expression(r'"\d"')
