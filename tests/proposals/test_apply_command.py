"""`autoresearch-tui apply FILE REPLY` prints the new file to the byte, or says in one sentence why there is none."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from autoresearch_tui.cli import main
from tests.proposals.corpus import SMALL

BLOCK = "<<<<<<< SEARCH\nLR = 0.04  # of all\n=======\nLR = 0.02  # of all\n>>>>>>> REPLACE"
REPLY = f"<idea>x</idea>\n<edit>\n{BLOCK}\n</edit>\n"
ODD = "\ufeff" + SMALL.replace("\n", "\r\n") + "# \udce9"  # a mark, windows line ends, and a byte that is no UTF-8


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["apply", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_bytes(ODD.encode("utf-8", "surrogateescape"))
    return path


def test_the_new_file_is_printed_to_the_byte(file: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "reply").write_text(REPLY)
    assert run(file, tmp_path / "reply") == 0
    printed, said = capfdbinary.readouterr()
    assert printed == ODD.replace("0.04", "0.02").encode("utf-8", "surrogateescape") and not said
    assert file.read_bytes() == ODD.encode("utf-8", "surrogateescape")


def test_a_reply_may_come_from_standard_input(
    file: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(REPLY.encode())))
    assert run(file, "-") == 0
    assert b"LR = 0.02" in capfdbinary.readouterr().out


def test_a_refused_reply_is_a_sentence_and_what_a_repair_needs(file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reply").write_text("<idea>x</idea><edit>\n```diff\n-DEPTH = 7\n+DEPTH = 9\n```\n</edit>")
    assert run(file, tmp_path / "reply") == 1
    printed, said = capfd.readouterr()
    assert not printed
    assert said.splitlines()[0].startswith("autoresearch-tui: The hunk of line") and "   4 | DEPTH = 8" in said


def test_the_file_may_have_another_name_and_no_other_file_may_be_named(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = file.rename(tmp_path / "train_gpt.py")
    (tmp_path / "reply").write_text(REPLY.replace("<edit>\n", "<edit>\ntrain.py\n"))
    assert run(other, tmp_path / "reply") == 1
    assert "only train_gpt.py may be changed" in capfd.readouterr().err


def test_a_bad_use_is_told_from_a_failure(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(file) == 2
    assert run(file, file.parent / "absent") == 1
    assert all(line.startswith("autoresearch-tui: ") for line in capfd.readouterr().err.splitlines())
