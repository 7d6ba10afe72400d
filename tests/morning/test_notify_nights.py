"""Who is told of a real night, with a keeper, an engine and a follower that are killed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.morning.notices.news import news_of
from tests.engine.nights import journal_of, make_checkout, state, tui, wait_for
from tests.morning.followers import follower
from tests.morning.sinks import Sink

pytestmark = [pytest.mark.slow, pytest.mark.needs("proc")]


def processes(module: str, folder: Path) -> list[int]:
    """Those of ours that run this module for this checkout."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if module in words and any(word.startswith(str(folder)) for word in words):
                found.append(int(entry.name))
    return found


def keepers(folder: Path) -> list[int]:
    return processes("autoresearch_tui.engine.keeper", folder)


def followers(folder: Path) -> list[int]:
    return processes("autoresearch_tui.morning.notices.follower", folder)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def lab(tmp_path: Path, sink: Sink) -> Iterator[Path]:
    """A checkout with a night in the background, which is ended when the test is."""
    lab = make_checkout(tmp_path / "lab")
    (lab / "autoresearch.toml").write_text(
        "[notify]\nto_from = 'WHO_IS_TOLD'\nhourly = 1000\n[judging]\nhopeless = 0\n[disk]\nfloor_gb = 0"
    )
    tui(lab, "run", "--tag", "night", "--detached", TORCH_STUB_SECONDS="1", WHO_IS_TOLD=sink.address)
    wait_for(lambda: bool(followers(lab)))
    yield lab
    engine = state(lab).engine
    for pid in (*keepers(lab), *followers(lab), *([engine.pid] if engine and not state(lab).ended else [])):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def bests(folder: Path) -> list[str]:
    """What the journal says is to be told."""
    run, found = Run(), []
    with Journal(journal_of(folder)) as journal:
        for recorded in journal.events():
            run = fold([recorded], run)
            item = news_of(recorded, run)
            found += [item.title.split()[0]] if item and item.kind == "best" else []
    return found


def told(sink: Sink) -> list[str]:
    """The experiments that were told as the best of their time, in whatever message."""
    return [
        number
        for title, body in sink.got
        for number in (
            *re.findall(r"(#\d+) is the best so far", f"{title}\n{body}"),
            *re.findall(r"#\d+", " ".join(re.findall(r"had been ([^.]*)", body))),
        )
    ]


def test_engine_follower_and_keeper_are_killed_and_each_thing_is_told_once(lab: Path, sink: Sink) -> None:
    sink.wait(1)
    first = state(lab).engine
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: state(lab).restarts == 1 and len(told(sink)) >= 2, 60)
    [before] = followers(lab)
    wait_for(lambda: (journal_of(lab).parent / "notices.log").read_text().count("sent to") == len(sink.got))  # not in the blink before
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: followers(lab) not in ([], [before]))
    [keeper] = keepers(lab)
    os.kill(keeper, signal.SIGKILL)
    known = len(state(lab).experiments)
    wait_for(lambda: len(state(lab).experiments) > known + 2, 60)
    tui(lab, "send", "stop")
    wait_for(lambda: bool(state(lab).ended) and not followers(lab), 60)
    assert Counter(told(sink)) == Counter(bests(lab))
    assert [title.split(":")[1].strip() for title in sink.titles].count("ended") == 1
    assert "died" not in str(sink.got)


def test_keeper_and_engine_are_killed_and_that_the_engine_died_is_told_once(lab: Path, sink: Sink) -> None:
    sink.wait(1)
    [one] = followers(lab)
    os.kill(one, signal.SIGTERM)  # one that worries sooner takes its place
    wait_for(lambda: not followers(lab))
    engine = state(lab).engine
    assert engine is not None
    for pid in (*keepers(lab), engine.pid):
        os.kill(pid, signal.SIGKILL)
    for _ in range(2):
        assert follower(lab, died_s=1.0, WHO_IS_TOLD=sink.address).wait(60) == 0
    assert len([title for title in sink.titles if "the engine died" in title]) == 1
    assert Counter(told(sink)) == Counter(bests(lab))


def test_only_the_follower_knows_the_address(lab: Path, sink: Sink) -> None:
    def knows(pid: int, folder: str = "") -> bool:
        return sink.address.encode() in Path(f"/proc/{pid}/environ").read_bytes()

    engine = state(lab).engine
    assert engine is not None
    assert [knows(pid) for pid in (*followers(lab), *keepers(lab), engine.pid)] == [True, True, False]
    sink.wait(1)
    tui(lab, "send", "stop")
    wait_for(lambda: bool(state(lab).ended) and not followers(lab), 60)
    kept = [path for path in (lab / ".autoresearch").rglob("*") if path.is_file()]
    assert any(path.name == "notices.log" for path in kept)
    assert not [path for path in kept if b"a-secret-path" in path.read_bytes()]
    with Journal(journal_of(lab)) as journal:
        assert any(isinstance(one.event, e.EngineEnded) for one in journal.events())
