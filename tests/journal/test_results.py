"""results.tsv: real nights survive reading and writing, and the file is whole at every moment."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.journal.results import LARGEST_FILE, Row, Unreadable, read, read_file, write, write_file
from tests.journal.nights import FILES, NIGHTS, rows
from tests.machine import nobody
from tests.pace import is_within

HEADER = "commit\tval_bpb\tmemory_gb\tstatus\tdescription"
KEPT = Row("a1b2c3d", 0.9979, 44.0, "keep", "baseline")
NIGHT = (NIGHTS / "karpathy__autoresearch.tsv").read_text()


@pytest.mark.parametrize("name", FILES)
def test_a_real_night_is_read_without_loss(name: str) -> None:
    reading = read_file(NIGHTS / name)
    assert len(reading.rows) == FILES[name]
    assert list(reading.rows) == rows((NIGHTS / name).read_text())
    assert reading.columns == tuple(HEADER.split("\t"))
    assert reading.passed_over == ()


@pytest.mark.parametrize("name", FILES)
def test_a_real_night_is_written_back_to_the_byte(name: str) -> None:
    assert write(read_file(NIGHTS / name).rows).encode() == (NIGHTS / name).read_bytes()


def test_the_crash_of_a_real_night_has_no_numbers() -> None:
    (crash,) = (row for row in read(NIGHT).rows if row.status == "crash")
    assert (crash.commit, crash.val_bpb, crash.memory_gb) == ("e05a87d", None, None)


@pytest.mark.parametrize(
    ("sentence", "row", "line"),
    [
        ("six and one decimals", Row("a1b2c3d", 1.0, 44.04, "keep", "x"), "a1b2c3d\t1.000000\t44.0\tkeep\tx"),
        ("a hash has seven characters", Row("0123456789abcdef" * 2 + "01234567", 1.0, 1.0, "keep", "x"), "0123456\t1.000000\t1.0\tkeep\tx"),
        ("a name that is no hash stays whole", Row("uncommitted", 1.0, 1.0, "keep", "x"), "uncommitted\t1.000000\t1.0\tkeep\tx"),
        ("a crash is zeros, whatever was measured", Row("a1b2c3d", 3.2, 44.0, "crash", "x"), "a1b2c3d\t0.000000\t0.0\tcrash\tx"),
        ("what was not measured is zero", Row("a1b2c3d", None, None, "discard", "x"), "a1b2c3d\t0.000000\t0.0\tdiscard\tx"),
        ("what is no number is zero", Row("a1b2c3d", math.nan, math.inf, "discard", "x"), "a1b2c3d\t0.000000\t0.0\tdiscard\tx"),
        ("a description is one line", Row("a1b2c3d", 1.0, 1.0, "keep", "a\tb\r\nc\x1b[0m\u202e"), "a1b2c3d\t1.000000\t1.0\tkeep\ta b c"),
        ("quotes within stay as they are", Row("a1b2c3d", 1.0, 1.0, "keep", 'try "muon"'), 'a1b2c3d\t1.000000\t1.0\tkeep\ttry "muon"'),
        (
            "a quote at the start, which would swallow the lines below in upstream's notebook, is quoted",
            Row("a1b2c3d", 1.0, 1.0, "keep", '"muon" first'),
            'a1b2c3d\t1.000000\t1.0\tkeep\t"""muon"" first"',
        ),
        ("a long description is not cut", Row("a1b2c3d", 1.0, 1.0, "keep", "x" * 500), "a1b2c3d\t1.000000\t1.0\tkeep\t" + "x" * 500),
    ],
)
def test_how_a_row_is_written(sentence: str, row: Row, line: str) -> None:
    assert write([row]) == f"{HEADER}\n{line}\n", sentence


def test_no_rows_are_a_header() -> None:
    assert write([]) == HEADER + "\n"
    assert read(HEADER).rows == ()


WORDS = st.text(st.characters(exclude_categories=["C", "Z", "M"]), max_size=12)
LINES = st.lists(WORDS, max_size=4).map(" ".join)


@st.composite
def written_rows(draw: st.DrawFn) -> Row:
    commit = draw(st.from_regex(r"[0-9a-f]{7}|baseline|exp-[0-9]{1,3}|#[0-9]{1,3}", fullmatch=True))
    status = draw(st.sampled_from(["keep", "discard", "crash", "tentative", "best", ""]))
    val_bpb = None if status == "crash" else draw(st.none() | st.integers(1, 10**8).map(lambda parts: parts / 10**6))
    memory_gb = None if status == "crash" else draw(st.none() | st.integers(1, 5000).map(lambda parts: parts / 10))
    return Row(commit, val_bpb, memory_gb, status, draw(LINES).strip())


@settings(deadline=None, max_examples=200)
@given(st.lists(written_rows(), max_size=4))
def test_what_was_written_is_read_the_same(night: list[Row]) -> None:
    reading = read(write(night))
    expected = [Row(row.commit, row.val_bpb, row.memory_gb, row.status, " ".join(visible(row.description).split())) for row in night]
    assert list(reading.rows) == expected
    assert reading.passed_over == ()


def visible(text: str) -> str:
    """Without the few letters that are printed as nothing."""
    return re.sub("[\u115f\u1160\u2800\u3164\uffa0]", "", text)


SIGNS = "\t|,; \n\r\"'#-.0"
SCRAPS = st.sampled_from([*SIGNS, "commit", "val_bpb", "status", "memory_mb", "description", "keep", "crash", "0.99", "\\t", "1,234", "🎉"])


@settings(deadline=None, max_examples=500)
@given(st.text() | st.lists(SCRAPS, max_size=60).map("".join))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        reading = read(text)
    except Unreadable as error:
        assert str(error).endswith(".")
    else:
        assert reading.rows or reading.columns
        assert read(write(reading.rows)) is not None


@settings(deadline=None, max_examples=300)
@given(raw=st.binary())
def test_no_file_breaks_the_reader(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tsv"
    path.write_bytes(raw)
    try:
        read_file(path)
    except Unreadable as error:
        assert str(path) in str(error)


HOSTILE = ["|" * 10**6, '\t"' * 10**6, "-" * 10**6 + "x", "status," * 10**4, '"a\n' * 5000, "bpb status\n" * 5000]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_takes_no_longer(hostile: str) -> None:
    assert is_within(3.0, lambda: read(HEADER + "\n" + hostile))


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "results.tsv"
    write_file(path, [KEPT, KEPT])
    write_file(path, [KEPT])
    assert path.read_text() == f"{HEADER}\na1b2c3d\t0.997900\t44.0\tkeep\tbaseline\n"
    assert os.listdir(tmp_path) == ["results.tsv"]


def test_a_reader_of_the_old_file_goes_on_reading_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "results.tsv"
    write_file(path, [KEPT])
    with open(path) as reader:
        write_file(path, [])
        assert reader.read() == write([KEPT])


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    path = tmp_path / "results.tsv"
    for link in (path, path.with_name("results.tsv.part")):
        link.symlink_to(precious)
    write_file(path, [KEPT])
    assert not path.is_symlink()
    assert read_file(path).rows == (KEPT,)
    assert precious.read_text() == "mine"


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "results.tsv.part").write_text("half a ta")
    write_file(tmp_path / "results.tsv", [KEPT])
    assert os.listdir(tmp_path) == ["results.tsv"]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    def broken() -> Iterator[Row]:
        yield KEPT
        raise RuntimeError("half way")

    path = tmp_path / "results.tsv"
    write_file(path, [KEPT])
    with pytest.raises(RuntimeError):
        write_file(path, broken())
    assert read_file(path).rows == (KEPT,)
    assert os.listdir(tmp_path) == ["results.tsv"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_file(tmp_path / "folder", [KEPT])
    assert sorted(os.listdir(tmp_path)) == ["folder", "results.tsv"]


@pytest.mark.parametrize(
    ("sentence", "raw"),
    [
        ("UTF-8", NIGHT.encode()),
        ("UTF-8 with a byte order mark", NIGHT.encode("utf-8-sig")),
        ("UTF-16 of Windows", NIGHT.encode("utf-16")),
        ("UTF-16, big end first", "\ufeff".encode("utf-16-be") + NIGHT.encode("utf-16-be")),
        ("Windows line ends", NIGHT.replace("\n", "\r\n").encode()),
        ("line ends that were turned twice", NIGHT.replace("\n", "\r\r\n").encode()),
        ("line ends of an old Mac", NIGHT.replace("\n", "\r").encode()),
        ("no final line end", NIGHT.rstrip("\n").encode()),
    ],
)
def test_a_file_of_any_machine_is_read(sentence: str, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "results.tsv").write_bytes(raw)
    assert list(read_file(tmp_path / "results.tsv").rows) == rows(NIGHT), sentence


def test_letters_of_an_older_windows_are_understood_line_by_line(tmp_path: Path) -> None:
    texts = ["naïve — 2→3".encode(), "naïve — “so”".encode("cp1252"), b"\x81", "é".encode()[:-1]]  # the last is cut within a letter
    lines = [b"a1b2c3d\t0.9\t1.0\tkeep\t" + text for text in texts]
    (tmp_path / "results.tsv").write_bytes(b"\n".join([HEADER.encode(), *lines]))
    assert [row.description for row in read_file(tmp_path / "results.tsv").rows] == ["naïve — 2→3", "naïve — “so”", "", "Ã"]


def test_what_cannot_be_read_says_so_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", LARGEST_FILE + 1)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "binary").write_bytes(b"\x7fELF\x00\x01")
    (tmp_path / "empty").write_bytes(b"\xef\xbb\xbf\r\n")
    for name, words in {
        "": "is a folder",
        "pipe": "not a regular file",
        "large": "more than 64 MB",
        "missing": "No such file",
        "loop": "symbolic links",
        "binary": "binary file",
        "empty": "neither a header nor a row",
    }.items():
        with pytest.raises(Unreadable, match=words) as caught:
            read_file(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name)) and str(caught.value).endswith(".")


def test_a_file_of_somebody_else_says_so(tmp_path: Path) -> None:
    (tmp_path / "results.tsv").touch(mode=0)
    with nobody(), pytest.raises(Unreadable, match="Permission denied"):
        read_file(tmp_path / "results.tsv")
