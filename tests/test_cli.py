"""The command line says in a sentence what came to nothing, also where the engine cannot live."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_tui import cli

ELSEWHERE = """
import sys
for name in ("fcntl", "resource", "termios"):
    sys.modules[name] = None
from autoresearch_tui.cli import main
main(sys.argv[1:])
"""
"""As on a system that has none of these."""


@pytest.mark.parametrize("words", [("report", "nope.night"), ("compare", "a.tsv", "b.tsv"), ("report", "--format", "png", "nope")])
def test_where_no_engine_could_work_a_report_still_says_in_a_sentence_what_is_wrong(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n"), done.stderr[:18]) == (1, 1, "autoresearch-tui: ")


def test_every_error_that_is_named_is_one() -> None:
    for names in (cli.BAD_USES, cli.FAILURES):
        for module, classes in names.items():
            found = __import__(f"autoresearch_tui.{module}", fromlist=classes)
            assert all(issubclass(getattr(found, name), Exception) for name in classes)
