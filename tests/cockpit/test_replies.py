"""A reply is read as it grows, wherever the file ends just now and whatever is in it; of a very long one the end is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.cockpit.replies import KEPT, NO_REPLY, Attempt, Replies, Reply
from autoresearch_tui.workspace import RunFolder
from tests.pace import best_of


def line(kind: str, text: str) -> bytes:
    return json.dumps({"kind": kind, "text": text}).encode() + b"\n"


REPLY = line("attempt", "1") + line("thinking", "Let me ") + line("thinking", "see.") + line("text", "IDEA: more\n")


def reply_file(folder: Path, written: bytes) -> Path:
    file = RunFolder(folder).reply("d0001")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(written)
    return file


def read(folder: Path, end: int | None = None) -> Reply:
    return Replies(RunFolder(folder)).read("d0001", end)


def test_what_was_thought_and_what_was_said_are_told_apart(tmp_path: Path) -> None:
    reply_file(tmp_path, REPLY + line("attempt", "2") + line("text", "IDEA: less"))
    assert read(tmp_path) == Reply((Attempt("1", "Let me see.", "IDEA: more\n"), Attempt("2", "", "IDEA: less")))


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    file, replies = reply_file(tmp_path, REPLY), Replies(RunFolder(tmp_path))
    first = replies.read("d0001")
    assert replies.read("d0001") is first
    with file.open("ab") as more:
        more.write(line("text", "WHY: it"))
        more.write(line("text", " falls")[:9])
    assert replies.read("d0001").text == "IDEA: more\nWHY: it"
    with file.open("ab") as more:
        more.write(line("text", " falls")[9:])
    assert replies.read("d0001").text == "IDEA: more\nWHY: it falls"


@settings(max_examples=25, deadline=None)
@given(
    parts=st.lists(st.tuples(st.sampled_from(["attempt", "thinking", "text", "other"]), st.text(max_size=8)), max_size=12),
    noise=st.lists(st.binary(max_size=6).filter(lambda some: b"\n" not in some), max_size=3),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_wherever_it_is_cut_it_says_what_its_whole_lines_say(parts: list[tuple[str, str]], noise: list[bytes], cuts: list[int]) -> None:
    written = b"\n".join([*noise, b"".join(line(kind, text) for kind, text in parts)])
    with TemporaryDirectory() as name:
        folder = Path(name)
        reply_file(folder, written)
        replies = Replies(RunFolder(folder))
        for end in [*sorted(cuts), len(written)]:
            reply_file(folder / "whole", written[: written[:end].rfind(b"\n") + 1])
            assert replies.read("d0001", end) == read(folder / "whole")


def test_a_replay_that_goes_back_shows_less_again(tmp_path: Path) -> None:
    reply_file(tmp_path, REPLY)
    replies = Replies(RunFolder(tmp_path))
    assert replies.read("d0001").text
    assert replies.read("d0001", len(line("attempt", "1") + line("thinking", "Let me "))) == Reply((Attempt("1", "Let me "),))
    assert replies.read("d0001", 0) == NO_REPLY


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    file, replies = reply_file(tmp_path, REPLY), Replies(RunFolder(tmp_path))
    replies.read("d0001")
    other = tmp_path / "other"
    other.write_bytes(REPLY + line("text", "and so on"))
    os.replace(other, file)
    assert replies.read("d0001").text == "IDEA: more\nand so on"


def test_what_is_no_part_of_a_reply_is_left_out(tmp_path: Path) -> None:
    odd = [b"\x00\xff{", b"[" * 5000, b'{"kind": "text"}', b'{"kind": 1, "text": "one"}', b'"text"', b"", line("usage", "7").strip()]
    reply_file(tmp_path, b"\n".join(odd) + b"\n" + REPLY)
    assert read(tmp_path).attempts == (Attempt("1", "Let me see.", "IDEA: more\n"),)


def test_half_a_pair_of_surrogates_spoils_nothing(tmp_path: Path) -> None:
    reply_file(tmp_path, REPLY + b'{"kind": "text", "text": "a \\ud83d b"}\n')
    assert read(tmp_path).text == "IDEA: more\na \ud83d b"


def test_no_file_and_a_link_are_no_reply(tmp_path: Path) -> None:
    assert read(tmp_path) == NO_REPLY
    file = reply_file(tmp_path, REPLY)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert read(tmp_path) == NO_REPLY


def test_of_a_hundred_megabytes_the_end_is_kept_and_cheap(tmp_path: Path) -> None:
    file = reply_file(tmp_path, b"")
    with file.open("wb") as reply:
        reply.write(REPLY)
        reply.writelines([line("text", "word " * 20) * 10_000] * 85)
        reply.write(line("text", "the end"))
    assert file.stat().st_size > 100e6
    assert best_of("read first", 1.0, lambda: read(tmp_path)) < 1.0
    replies = Replies(RunFolder(tmp_path))
    reply_now = replies.read("d0001")
    assert reply_now.skipped and reply_now.text.endswith("word the end") and len(reply_now.text) <= KEPT
    assert replies.read("d0001") is reply_now


def test_a_line_without_an_end_is_not_kept_in_memory(tmp_path: Path) -> None:
    file, replies = reply_file(tmp_path, REPLY), Replies(RunFolder(tmp_path))
    replies.read("d0001")
    for _ in range(4):
        with file.open("ab") as more:
            more.write(b"x" * (3 << 20))
        replies.read("d0001")
    with file.open("ab") as more:
        more.write(b"\n" + line("text", "later"))
    assert replies.read("d0001").text.endswith("later")
