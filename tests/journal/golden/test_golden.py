"""What a release wrote, every later version reads, and reads the same in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal, Writer
from tests.journal.golden import HERE, reading

GOLDEN = sorted(HERE.glob("v*.sqlite"))


def lost(was: Any, now: Any, where: str = "") -> Iterator[str]:
    """What is not as it was. That there is more now is how a format grows."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name, value in was.items():
            if name in now:
                yield from lost(value, now[name], f"{where}.{name}" if where else name)
            else:
                yield f"{where}.{name} is gone"
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from lost(one, other, f"{where}[{number}]")
    elif was != now:
        yield f"{where} was {was!r} and is {now!r}"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_the_journal_of_an_earlier_release_says_what_it_said(golden: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    shutil.copy(golden, path)
    with Journal(path) as journal:
        difference = list(lost(msgspec.json.decode(golden.with_suffix(".json").read_bytes()), reading(journal)))
    assert not difference, (
        f"{golden.name}, written by a release, is read differently now: {'; '.join(difference[:5])}. Kinds and fields are only added, each"
        " field with a default that says what its absence meant: give the old one back beside the new one."
    )


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_an_engine_goes_on_with_the_journal_of_an_earlier_release(golden: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    shutil.copy(golden, path)
    with Writer(path) as writer:
        before = writer.run
        writer.append(e.EngineStarted(4713, 1000, "boot", "9.9.9", "sweep"))
        assert writer.run.experiments == before.experiments
        assert writer.run.session == before.session + 1


def test_a_golden_journal_of_this_code_would_hold_every_kind_and_field(tmp_path: Path) -> None:
    from tests.journal.golden import make  # it names every field, so it breaks with the first that is renamed

    make.write(tmp_path / "new.sqlite")  # or it says which is missing


def test_there_is_a_golden_journal() -> None:
    assert GOLDEN
