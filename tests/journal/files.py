"""What the tests of journals on disk share."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal

FORK = multiprocessing.get_context("fork")  # a process of its own in two milliseconds, instead of two hundred


def kept(path: Path) -> list[e.Recorded]:
    with Journal(path) as journal:
        return list(journal.events())


def sentence(error: BaseException, *parts: object) -> None:
    text = str(error)
    assert text.endswith("."), text
    assert "\n" not in text
    for part in parts:
        assert str(part) in text
