"""The keeper starts an engine again when it died, and only then."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, sys
from autoresearch_tui.engine.keeper import keep
ends, said = json.loads(sys.argv[1]), []
def engine(after):
    said.append(after)
    return ["sh", "-c", ends[len(said) - 1]]
reading, writing = os.pipe()
code = keep(engine, writing)
print(json.dumps([code, said]))
"""


def kept(*ends: str) -> tuple[int, list[str]]:
    """What the keeper ends with, and what it said to each engine, when they end like this."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(ends)], capture_output=True, text=True, timeout=30, check=True)
    code, said = json.loads(done.stdout)
    return code, said


def test_an_engine_that_died_of_a_signal_or_a_bug_is_started_again() -> None:
    assert kept("kill -9 $$", "exit 70", "exit 0") == (0, ["", "signal 9", "exit code 70"])


def test_an_engine_that_ended_with_a_sentence_is_not() -> None:
    assert kept("exit 1") == (1, [""])
    assert kept("exit 2") == (2, [""])


def test_a_bug_is_told_from_a_sentence_by_the_exit_code(tmp_path: Path) -> None:
    script = (
        "from autoresearch_tui import cli\ndef bug(options): raise AssertionError('a bug')\ncli.COMMANDS['runs'] = bug\ncli.main(['runs'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 70
    assert "AssertionError: a bug" in done.stderr
