"""A log is read by its bytes: whatever they are, and however large it is."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.telemetry import breaks, tail
from autoresearch_tui.telemetry.tail import Line, Tail, Window
from tests.pace import is_within

PIECES = st.sampled_from(
    [
        b"\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"step 1",
        b" ",
        b"x" * 9,
        b"\x1b[31m",
        b"\x1b]0;t\x07",
        b"\x1b[3",
        b"\x00",
        b"\xff",
        "é".encode(),
        "学".encode(),
    ]
)
LOGS = st.lists(PIECES, max_size=40).map(b"".join)


@contextlib.contextmanager
def small_limits() -> Iterator[None]:
    """So low that a few bytes reach each."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in {"READ": 7, "NEAR": 3, "STRETCH": 16}.items():
            patch.setattr(breaks, name, size)
        for name, size in {"READ": 7, "SHOWN": 12, "LONG": 4}.items():
            patch.setattr(tail, name, size)
        yield


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "0012-1.log"


def begins_of(whole: bytes, stretch: int = 16) -> list[int]:
    """Where its lines begin: the plain way."""
    after = {0, *(match.end() for match in re.finditer(b"\n", whole))}
    broken = {at for at in range(stretch, len(whole), stretch) if b"\n" not in whole[at - stretch : at]}
    return sorted(at for at in after | broken if at < len(whole))


def texts(window: Window) -> list[str]:
    return [line.text for line in window.lines]


def walked(log: Tail, rows: int, end: int | None = None) -> list[Line]:
    """All of its lines, from the end to the start, window by window."""
    lines: list[Line] = []
    at = log.window(0, end).size
    while at > 0:
        begin = log.up(at, rows)
        lines[:0] = [line for line in log.window(rows, end, begin).lines if line.begin < at]
        at = begin
    return lines


# ---- whatever the bytes ----


@settings(deadline=None)
@given(LOGS, st.integers(1, 5))
def test_the_windows_of_a_log_are_its_lines_wherever_they_are_cut(log: Path, whole: bytes, rows: int) -> None:
    with small_limits():
        log.write_bytes(whole)
        found = Tail(log)
        lines = walked(found, rows)
        assert [line.begin for line in lines] == begins_of(whole)
        assert [line.end for line in lines] == [*begins_of(whole)[1:], len(whole)][: len(lines)]
        for number, line in enumerate(lines):
            for inside in (line.begin, line.end - 1):
                assert list(found.window(rows, at=inside).lines) == lines[number : number + rows]
        assert list(found.window(rows).lines) == lines[-rows:]
        assert found.count(0, len(whole)) == whole.count(b"\n")


@settings(deadline=None)
@given(LOGS, LOGS, st.integers(1, 5))
def test_a_log_that_grows_is_the_log_that_it_becomes(log: Path, before: bytes, after: bytes, rows: int) -> None:
    with small_limits():
        log.write_bytes(before)
        grown = Tail(log)
        grown.window(rows)
        with log.open("ab") as file:
            file.write(after)
        assert grown.window(rows).lines == Tail(log).window(rows).lines
        assert grown.window(rows).file == 1


@settings(deadline=None)
@given(LOGS, st.integers(0, 200), st.integers(1, 5))
def test_of_a_log_that_is_replayed_nothing_is_there_before_its_time(log: Path, whole: bytes, end: int, rows: int) -> None:
    with small_limits():
        log.write_bytes(whole)
        early = Tail(log)
        seen, lines = early.window(rows, end), walked(early, rows, end)
        log.write_bytes(whole[:end])
        then = Tail(log)
        assert (seen.lines, seen.size) == (then.window(rows).lines, min(end, len(whole)))
        assert lines == walked(then, rows)


@settings(deadline=None)
@given(LOGS, st.sampled_from(["step 1", "STEP", "é", "xx", "學", "学", "0;t"]), st.integers(0, 200))
def test_a_search_finds_the_last_line_that_shows_the_text(log: Path, whole: bytes, wanted: str, before: int) -> None:
    with small_limits():
        log.write_bytes(whole)
        starts = begins_of(whole)
        before = next((at for at in reversed(starts) if at <= before), 0)
        found = Tail(log)
        shows = [line.begin for line in walked(found, 3) if line.begin < before and wanted.lower() in line.text.lower()]
        assert found.find(wanted, before, lambda: False) == (shows[-1] if shows else None)


def test_a_search_reads_over_colours(log: Path) -> None:
    log.write_bytes(b"fine\n\x1b[31mERR\x1b[1mOR\x1b[0m: loss\nfine\n")
    assert Tail(log).find("error: loss", None, lambda: False) == 5


# ---- what a line is ----

SAYS = {
    "what follows its last return": (b"step 1\rstep 2\rstep 3", "step 3"),
    "what was there before a return that nothing follows yet": (b"step 1\rstep 2\r", "step 2"),
    "a line end of another system is one": (b"two words\r\n", "two words"),
    "what a finished bar left": (b"10%\r 90%\r100%\r\n", "100%"),
    "an erased line": (b"10%\r\x1b[K\n", ""),
    "no colours": (b"\x1b[1;31mred\x1b[0m \x1b[38;5;9mand\x1b[m more\n", "red and more"),
    "no titles and no links": (b"\x1b]0;mine\x07a \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "a link"),
    "no sets of characters": (b"\x1b(Bplain\x1b[m\n", "plain"),
    "the text of a title that has no end": (b"\x1b]0;all of it\n", "0;all of it"),
    "no controls": (b"a\x00b\x07c\n", "a b c"),
    "tabs": (b"a\tb\n", "a\tb"),
    "bytes that are no letters": (b"a\xffb\n", "a\ufffdb"),
    "no half of a letter that is being written": ("loss é".encode()[:-1], "loss "),
    "half a letter that nobody finishes": ("loss é".encode()[:-1] + b"\n", "loss \ufffd"),
    "no half of a colour that is being written": (b"loss \x1b[38;5", "loss "),
}


@pytest.mark.parametrize("whole, expected", SAYS.values(), ids=SAYS)
def test_a_line_says_what_a_terminal_would_show(log: Path, whole: bytes, expected: str) -> None:
    log.write_bytes(whole)
    assert texts(Tail(log).window(5)) == [expected]


def test_a_line_of_five_megabytes_is_shown_by_its_end(log: Path) -> None:
    log.write_bytes(b"before\n" + b"x" * 5_000_000 + b"the end\nafter\n")
    window = Tail(log).window(5)
    assert [(line.text[-10:], line.cut) for line in window.lines] == [("before", False), ("xxxthe end", True), ("after", False)]
    assert len(window.lines[1].text) < tail.SHOWN


def test_the_end_of_a_long_line_does_not_begin_with_half_a_letter(log: Path) -> None:
    for odd in range(3):
        log.write_bytes("学".encode() * 10_000 + b"x" * odd)
        assert set(Tail(log).window(1).lines[0].text) <= {"学", "x"}


def test_a_storm_of_returns_is_one_line_and_quickly_read(log: Path) -> None:
    log.write_bytes(b"begin\n" + b"".join(b"step %d loss 3.2\r" % step for step in range(400_000)))
    assert is_within(0.1, lambda: Tail(log).window(40))
    storm = Tail(log)
    assert texts(storm.window(40)) == ["begin", "step 399999 loss 3.2"]
    assert storm.find("step 12 loss", storm.window(0).size, lambda: False) is None


# ---- a file that lives ----


def test_an_unfinished_line_is_finished_in_its_place(log: Path) -> None:
    log.write_bytes(b"one\nstep 1\r")
    growing = Tail(log)
    assert texts(growing.window(5)) == ["one", "step 1"]
    assert not growing.changed()
    with log.open("ab") as file:
        file.write(b"step 2\ndone\n")
    assert growing.changed()
    assert texts(growing.window(5)) == ["one", "step 2", "done"]


def test_a_log_that_shrank_or_was_replaced_is_another_one(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    found = Tail(log)
    first = found.window(5)
    log.write_bytes(b"new\n")
    shrunk = found.window(5, at=first.lines[-1].begin)
    aside = log.with_name("aside")
    aside.write_bytes(b"other\n" * 3)
    aside.replace(log)
    assert found.changed()
    replaced = found.window(5)
    assert (texts(shrunk), texts(replaced)) == (["new"], ["other"] * 3)
    assert len({first.file, shrunk.file, replaced.file}) == 3


def test_where_long_lines_began_in_a_log_that_was_replaced_is_forgotten(log: Path) -> None:
    log.write_bytes(b"x" * 100_000 + b"\n")
    found = Tail(log)
    assert found.window(1).lines[0].begin == 0
    log.unlink()
    log.write_bytes(b"y" * 50_000 + b"\n" + b"z" * 49_999 + b"\n")
    assert found.window(1).lines[0].begin == 50_001


def test_a_log_that_is_not_there_is_a_sentence_until_it_is(tmp_path: Path) -> None:
    missing = Tail(tmp_path / "0007-1.log")
    assert missing.window(5) == Window(said="There is no 0007-1.log.")
    assert not missing.changed()
    missing.path.write_bytes(b"here\n")
    assert missing.changed() and texts(missing.window(5)) == ["here"]
    missing.path.unlink()
    assert missing.changed() and missing.window(5).said


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "link.log").symlink_to(secret)
    os.link(secret, tmp_path / "second.log")
    os.mkfifo(tmp_path / "pipe.log")
    for name in ("link.log", "second.log", "pipe.log"):
        window = Tail(tmp_path / name).window(5)
        assert window.said.startswith(f"{name} cannot be read") and not window.lines


def test_a_log_that_was_packed_is_read_on(log: Path) -> None:
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    old = Tail(log)
    held = old.window(2, at=500)
    log.with_name(log.name + ".gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    try:
        assert old.window(2, at=500).lines == held.lines
        assert texts(old.window(1)) == ["line 999"]
        assert not old.changed()
        assert texts(old.window(1, at=old.find("LINE 31", None, lambda: False))) == ["line 319"]
    finally:
        log.with_name(log.name + ".gz").unlink()


def test_of_a_packed_log_no_more_is_unpacked_than_is_read_in_a_blink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "UNPACKED", 2**20)
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"0123456\n" * 2**20))
    window = Tail(tmp_path / "a.log").window(1)
    assert window.capped and window.size < 2 * 2**20


def test_of_a_packed_log_that_is_torn_what_came_before_is_shown(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(20_000).hex("\n", 4).encode())
    (tmp_path / "a.log.gz").write_bytes(packed[: len(packed) // 2])
    assert len(Tail(tmp_path / "a.log").window(30).lines) == 30
    (tmp_path / "b.log.gz").write_bytes(b"no such thing")
    assert Tail(tmp_path / "b.log").window(30) == Window(file=1)


# ---- a gigabyte ----


def test_a_gigabyte_costs_what_is_shown_of_it(tmp_path: Path) -> None:
    log = tmp_path / "huge.log"
    middle = b"".join(b"step %07d loss 3.214\n" % step for step in range(2000))
    with log.open("wb") as file:  # the holes between are lines of nothing, as long as lines get
        for at in (0, 2**29, 2**30):
            file.seek(at)
            file.write(b"\n" + middle)
    huge = Tail(log)
    huge.window(1)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    places: list[tuple[int | None, str]] = [(None, "1999"), (2**29 + 1, "0039"), (1, "0039")]

    def three() -> None:
        for place, expected in places:
            assert huge.window(40, at=place).lines[-1].text == f"step 000{expected} loss 3.214"

    assert is_within(0.05, three)
    assert huge.find("step 0000001 LOSS", 2**30, lambda: False) == 2**29 + 1 + 24
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident < 8 * 1024  # kilobytes


def test_a_search_ends_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    log = tmp_path / "huge.log"
    log.write_bytes(b"nothing to see\n" * 200_000)
    looks = iter([False, False, True])
    assert Tail(log).find("something", 3_000_000, lambda: next(looks)) is None
    assert not list(looks)
