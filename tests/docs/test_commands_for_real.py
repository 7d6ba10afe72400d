"""The commands of the pages that start something: each as a process of its own, as a person would, until it does what the page says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.commands import CHEAP, Command, commands, why_not_here
from tests.docs.ground import begins_in, environment, lay, lay_live, words
from tests.e2e.tmux import Terminal
from tests.engine.nights import tui, wait_for

PATIENCE_S = 120.0
BY_OTHERS = ("autoresearch-tui demo", "autoresearch-tui run lab --executor ray")
"""`.ci/run` runs the one as the README has it, `tests/engine/test_ray.py` the other on a cluster; they take minutes."""


def _ours(*verbs: str) -> list[Command]:
    return [
        one for one in commands() if one.ours and one.verb in verbs and not one.has_placeholder and " ".join(one.words) not in BY_OTHERS
    ]


def _others(program: str) -> list[Command]:
    return [one for one in commands() if one.words[0] == program and not why_not_here(one)]


def test_every_command_is_tried_or_has_a_reason() -> None:
    tried = {*CHEAP, "pack", "send", "run", "demo", "new", "prepare", "doctor", "confirm", "open", "replay", "serve", "notify", "--help"}
    tried.add("bench")  # by tests/contest, with real engines
    assert {one.verb for one in commands() if one.ours and not one.has_placeholder} <= tried


@pytest.mark.slow
@pytest.mark.parametrize("command", _ours("pack"), ids=str)
def test_a_night_is_packed(command: Command, tmp_path: Path) -> None:
    here = lay(tmp_path)
    assert _run(command, begins_in(here, command), tmp_path).stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", _others("git"), ids=str)
def test_a_command_of_git_works_in_the_workspace(command: Command, tmp_path: Path) -> None:
    here = lay(tmp_path)
    tui(here / "lab", "finish")
    _run(command, begins_in(here, command), tmp_path)


@pytest.mark.slow
@pytest.mark.needs("proc")
@pytest.mark.parametrize("command", _ours("run"), ids=str)
def test_a_run_trains_and_ends_when_it_is_told_to(command: Command, tmp_path: Path) -> None:
    here = begins_in(lay_live(tmp_path), command)
    lab = tmp_path / "lab"
    before = _engine(lab)
    with _started(command, here, tmp_path):
        wait_for(lambda: _engine(lab) != before and _trains(lab), PATIENCE_S)
        tui(lab, "send", "stop", "now", code=None)  # it may just have ended
        wait_for(lambda: not _status(lab)["engine"]["alive"], PATIENCE_S)


@pytest.mark.slow
@pytest.mark.parametrize("command", _ours("demo"), ids=str)
def test_a_demo_begins(command: Command, tmp_path: Path) -> None:
    demo = tmp_path / "autoresearch-demo"
    with _started(command, tmp_path, tmp_path):
        wait_for(lambda: list(demo.glob(".autoresearch/*/results.tsv")) and _trains(demo), PATIENCE_S)
        tui(demo, "send", "stop", "now", code=None)


@pytest.mark.slow
@pytest.mark.parametrize("command", _ours("new"), ids=str)
def test_a_workspace_is_made_where_nothing_is(command: Command, tmp_path: Path) -> None:
    if "--profile" not in command.words:
        command = Command(command.page, command.line, (*command.words, "--profile", "demo"))  # `auto` would fit a batch for minutes
    _run(command, tmp_path, tmp_path)
    assert (tmp_path / "lab" / "train.py").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", _ours("prepare", "doctor"), ids=str)
def test_a_workspace_gets_its_data_and_is_looked_at(command: Command, tmp_path: Path, texts: Path) -> None:
    subprocess.run([*_python(), "new", "lab", "--profile", "demo"], cwd=tmp_path, check=True, capture_output=True)
    shutil.copytree(texts, tmp_path / "home" / "texts")
    profile = tmp_path / "lab" / "profile.toml"
    profile.write_text(profile.read_text().replace("eval_tokens = 32768", "eval_tokens = 8192"))  # for they are few
    _run(command, begins_in(tmp_path, command), tmp_path, codes=(0, 1) if command.verb == "doctor" else (0,))


@pytest.mark.slow
@pytest.mark.parametrize("command", _ours("confirm"), ids=str)
def test_a_gain_is_measured_again(command: Command, tmp_path: Path) -> None:
    here = lay_live(tmp_path)
    assert _run(command, begins_in(here, command), tmp_path).stdout


@pytest.mark.slow
@pytest.mark.needs("tmux")
@pytest.mark.parametrize("command", _ours("open", "replay"), ids=str)
def test_the_screen_appears_and_is_left(command: Command, tmp_path: Path) -> None:
    here = begins_in(lay(tmp_path), command)
    with Terminal() as terminal:
        terminal.start([*_python(), *words(command)[1:]], here, environment(tmp_path / "home"))
        terminal.wait_for("autoresearch", "progress", "? help", seconds=60)
        terminal.keys("Escape")  # of a night that is over it asks what now
        terminal.keys("q")
        terminal.until(lambda: terminal.exit_code is not None, "it did not end", seconds=30)
        assert terminal.exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", _ours("serve"), ids=str)
def test_the_screen_is_served_until_it_is_interrupted(command: Command, tmp_path: Path) -> None:
    here = begins_in(lay(tmp_path), command)
    with _started(command, here, tmp_path, "--port=0") as server:
        assert server.stdout is not None
        said = [server.stdout.readline() for _ in range(2)]
        assert "/?token=" in "".join(said), said
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE_S) in (0, 130)


@pytest.mark.slow
def test_the_harness_is_used_by_hand(workspace: Path, tmp_path: Path) -> None:
    """In the order of the page: what is measured and sampled from was trained before."""
    lab = tmp_path / "lab"
    shutil.copytree(workspace, lab)
    for command in _others("python"):
        done = subprocess.run(
            [sys.executable, *command.words[1:]], cwd=lab, env=os.environ | {"AUTORESEARCH_STEPS": "6"}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


# ------------------------------------------------------------------------------------------------------------------------------
# As a person would
# ------------------------------------------------------------------------------------------------------------------------------


def _python() -> list[str]:
    return [sys.executable, "-m", "autoresearch_tui"]


def _line(command: Command) -> list[str]:
    line = words(command)
    return [*_python(), *line[1:]] if command.ours else line


def _environment(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "home") | {"TORCH_STUB_SECONDS": "1"}


def _run(command: Command, here: Path, tmp_path: Path, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    given = _environment(tmp_path)
    line = [word.replace("~", given["HOME"]) for word in _line(command)]
    done = subprocess.run(line, cwd=here, env=given, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    assert done.returncode in codes and "Traceback" not in done.stderr, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class _started:
    """A command that goes on until somebody ends it."""

    def __init__(self, command: Command, here: Path, tmp_path: Path, *more: str) -> None:
        self._line, self._here, self._environment = [*_line(command), *more], here, _environment(tmp_path)

    def __enter__(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            self._line,
            cwd=self._here,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self._process

    def __exit__(self, *_: object) -> None:
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
        if self._process.stdout:
            self._process.stdout.close()


def _status(folder: Path) -> Any:
    return json.loads(tui(folder, "status", "--json"))


def _engine(folder: Path) -> Any:
    return _status(folder)["engine"]["pid"]


def _trains(folder: Path) -> bool:
    return any(one["verdict"] for one in _status(folder)["experiments"]) or _status(folder)["phase"] == "training"
