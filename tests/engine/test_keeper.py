"""The keeper starts an engine again when it died, and only then."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autoresearch_tui.engine.keeper import named_in, start_follower

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
        "from autoresearch_tui import cli\nfrom autoresearch_tui.verbs import telling\n"
        "def bug(options): raise AssertionError('a bug')\ntelling.runs = bug\ncli.main(['runs'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 70
    assert "AssertionError: a bug" in done.stderr


def workspace(folder: Path, settings: str) -> Path:
    (folder / "train.py").write_text("")
    (folder / "autoresearch.toml").write_text(settings)
    return folder


def test_who_is_told_is_looked_up_in_the_settings_of_the_workspace(tmp_path: Path) -> None:
    assert named_in(workspace(tmp_path, "")) == ()
    assert named_in(workspace(tmp_path, '[notify]\nto = ["ntfy://one"]\nto_from = "MORE"')) == ("AUTORESEARCH_TUI_NOTIFY_TO", "MORE")
    assert named_in(workspace(tmp_path, "[notify]\nto = 1")) == ()  # that is the engine's to say


def environment_of(pid: int) -> dict[str, str]:
    """Once it has one: between its fork and its program it has none."""
    for _ in range(1000):
        if told := [line for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if line]:
            return dict(line.split("=", 1) for line in told)
        time.sleep(0.01)
    raise AssertionError("it never had an environment")


@pytest.mark.needs("proc")
def test_a_follower_gets_the_variables_that_it_needs_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"MORE": "ntfy://one", "HTTPS_PROXY": "http://proxy", "XDG_CONFIG_HOME": str(tmp_path), "AUTORESEARCH_TUI_NOTIFY_HOURLY": "3"}
    for name, value in {**given, "OPENAI_API_KEY": "sk-1", "AWS_PROFILE": "mine"}.items():
        monkeypatch.setenv(name, value)
    follower = start_follower(workspace(tmp_path, '[notify]\nto_from = "MORE"'), "night", ("MORE",))
    try:
        environment = environment_of(follower.pid)
    finally:
        follower.kill()
        follower.wait()
    assert given.items() <= environment.items()
    assert not {"OPENAI_API_KEY", "AWS_PROFILE"} & environment.keys()
