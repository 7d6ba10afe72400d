"""`compare` on the command line, with the night that comes along, tables, and what is none of either."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_tui import extras
from autoresearch_tui.packed import SAMPLE
from tests.journal.nights import NIGHTS

TABLES = [str(path) for path in sorted(NIGHTS.glob("*.tsv"))]


def compare(*words: str, code: int = 0, folder: Path = NIGHTS) -> tuple[str, str]:
    command = [sys.executable, "-m", "autoresearch_tui", "compare", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def test_a_packed_night_and_a_table_as_json_in_a_file(tmp_path: Path) -> None:
    said, _ = compare(str(SAMPLE), TABLES[0], "-o", str(tmp_path / "both.json"))
    found = json.loads((tmp_path / "both.json").read_bytes())
    assert said == f"{tmp_path / 'both.json'} is written.\n"
    assert [side["source"] for side in found["sides"]] == ["packed", "table"]
    assert found["version"] == 1 and found["pairs"][0]["gain"]["by"] == "relative"


def test_one_night_is_for_report() -> None:
    _, said = compare(str(SAMPLE), code=2)
    assert said == f"autoresearch-tui: compare takes two nights or more: `autoresearch-tui report {SAMPLE}` tells of one\n"


@pytest.mark.slow
def test_tables_as_text_and_the_other_ways_to_name_a_file(tmp_path: Path) -> None:
    said, _ = compare(*TABLES)
    assert said.startswith("trevin-creator__autores… gained more of its baseline than\nkarpathy__autoresearch")
    assert compare(*TABLES, "-o", "-")[0] == said
    compare(*TABLES, "-o", str(tmp_path / "a.png"))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "what is 'a.pdf' to be?" in compare(*TABLES, "-o", "a.pdf", code=2)[1]
    assert "no folder" in compare(*TABLES, "-o", str(tmp_path / "no" / "a.txt"), code=2)[1]


@pytest.mark.slow
def test_what_is_no_night_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of use\n")
    for named in (tmp_path / "notes.txt", tmp_path / "missing", tmp_path):
        _, said = compare(str(SAMPLE), str(named), code=1, folder=tmp_path)
        assert len(said.splitlines()) == 1 and "Traceback" not in said


@pytest.mark.slow
def test_without_matplotlib_a_picture_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n")
    command = [sys.executable, "-c", "from autoresearch_tui.cli import main; main()", "compare", *TABLES, "--format", "png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and extras.installation().install("report") in done.stderr
