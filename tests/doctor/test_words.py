"""What is said of a machine: the state of each line, its words, and the command that mends it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from autoresearch_tui.doctor.bench import Bench, Wrong
from autoresearch_tui.doctor.containment import Containment
from autoresearch_tui.doctor.findings import examination
from autoresearch_tui.doctor.history import History
from autoresearch_tui.doctor.machine import Machine, Unseen, say
from autoresearch_tui.doctor.night import Night
from autoresearch_tui.doctor.proposers import Proposers, Said
from autoresearch_tui.doctor.python import Python
from autoresearch_tui.doctor.screen import Terminal
from autoresearch_tui.doctor.server import Server
from autoresearch_tui.doctor.storage import Storage
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.doctor.wheel import Wheel
from autoresearch_tui.extras import Installation, installation
from tests.doctor.machines import DEBIAN, EVERYTHING, GB, H100, finding, having, states

CLOSED, OWN_PIP = Installation(closed=True), Installation(pip="/v/bin/python -m pip")
HARNESS = ("torch", "numpy", "tokenizers", "pyarrow")


def test_of_a_machine_with_everything_all_is_ok() -> None:
    assert set(states(EVERYTHING).values()) == {"ok"}
    assert examination("/lab", tuple(say(EVERYTHING))).could_start


def test_a_machine_with_nothing_lacks_packages_and_git_and_the_rest_is_told() -> None:
    nothing = Machine(
        folder="/home/ann",
        system=DEBIAN,
        python=Python(
            "3.11.2",
            "/usr/bin/python3",
            installation=CLOSED,
            lacks=HARNESS,
            extras=("report",),
        ),
        wheel=Wheel(absent=True),
        storage=Storage("/home/ann", free=50 * GB, memory=8 * GB),
        containment=Containment(
            "unsandboxed", "bubblewrap: bwrap is not installed (`apt install bubblewrap`); landlock: this kernel has none"
        ),
        bench=Bench("/home/ann"),
        proposers=Proposers(said=(Said("sweep"),), why="no card holds a model here", server=Server("http://127.0.0.1:11434", down="no")),
    )
    lacking = {one.check: one.mend for one in say(nothing) if one.state == "missing"}
    assert lacking == {
        "packages": "python3 -m venv .venv && .venv/bin/pip install 'autoresearch-tui[harness]'",
        "git": "sudo apt install git",
    }
    warned = {one.check: one.mend for one in say(nothing) if one.state == "warning"}
    assert warned == {"sandbox": "sudo apt install bubblewrap", "colours": "export TERM=xterm-256color", "letters": "export LC_ALL=C.UTF-8"}
    assert not examination("/home/ann", tuple(say(nothing))).could_start
    assert finding(nothing, "workspace").mend == "autoresearch-tui new /home/ann/lab"


def test_whatever_could_not_be_looked_at_is_a_warning_and_hides_nothing_else() -> None:
    parts = ("python", "wheel", "card", "storage", "history", "containment", "bench", "proposers", "night", "terminal")
    for part in parts:
        seen = say(having(**{part: Unseen("it took longer than 2.5 s")}))
        unseen = [one for one in seen if "it took longer than 2.5 s" in one.found]
        assert [one.state for one in unseen] == ["warning"], part
        assert len(seen) > 10


# ---- this machine ----


@pytest.mark.parametrize(
    ("installer", "root", "mend"),
    [
        ("apt", False, "sudo apt install git"),
        ("apt", True, "apt install git"),
        ("dnf", False, "sudo dnf install git"),
        ("pacman", False, "sudo pacman -S git"),
        ("brew", False, "brew install git"),
        ("", False, "install git in this system's own way"),
    ],
)
def test_each_system_installs_in_its_own_way(installer: str, root: bool, mend: str) -> None:
    assert finding(having(history=History(), system=System(installer=installer, root=root)), "git").mend == mend


@pytest.mark.parametrize(
    ("python", "mend"),
    [
        (Python(lacks=("torch",)), "pip install 'autoresearch-tui[harness]'"),
        (Python(lacks=("torch",), installation=Installation(source="/src")), "pip install -e '/src[harness]'"),
        (Python(lacks=("torch",), installation=Installation(keeper="pipx")), "pipx install --force 'autoresearch-tui[harness]'"),
        (Python(lacks=("torch",), installation=Installation(source="/ann's work/src")), "pip install -e '/ann'\"'\"'s work/src[harness]'"),
        (
            Python(lacks=("torch",), installation=Installation(pip="/v/bin/python -m pip")),
            "/v/bin/python -m pip install 'autoresearch-tui[harness]'",
        ),
    ],
)
def test_packages_come_as_this_python_gets_them(python: Python, mend: str) -> None:
    assert finding(having(python=python), "packages").mend == mend
    assert "packages" not in states(having(python=python, bundled=False)), "another checkout has an environment of its own"


def test_who_is_to_be_told_and_cannot_be_is_warned_of() -> None:
    bare = Python(extras=("report", "notify"))
    assert finding(having(python=bare, notifies=True), "notify").mend == "pip install 'autoresearch-tui[notify]'"
    assert "notify" not in states(having(python=bare)), "nobody is"


def test_bindings_of_another_project_and_a_clock_that_is_behind_are_warned_of() -> None:
    assert "pip uninstall -y pynvml" in finding(having(python=Python(shim="11.5.0")), "nvml bindings").mend
    assert "nvml bindings" not in states(having(python=Python(shim="13.0.1")))
    assert finding(having(python=Python(now=1e9, written=2e9)), "clock").state == "warning"


@pytest.mark.parametrize(
    ("storage", "check", "state", "said"),
    [
        (Storage("/lab", kind="nfs4", networked=True), "disk", "missing", "a network file system (nfs4)"),
        (Storage("/lab", writable=False), "disk", "missing", "may not be written to"),
        (Storage("/lab", free=0.5 * GB), "disk", "missing", "below 1 GB the night waits"),
        (Storage("/lab", free=3.0 * GB), "disk", "warning", "3.0 GB free"),
        (Storage("/lab", free=99 * GB, memory=16 * GB, available=GB), "memory", "warning", "1.0 of 16 GB free"),
        (Storage("/lab", free=99 * GB, memory=16 * GB, shared=64e6), "shared memory", "warning", "64 MB"),
    ],
)
def test_too_little_room_is_said_before_the_night(storage: Storage, check: str, state: str, said: str) -> None:
    found = finding(having(storage=storage), check)
    assert (found.state, said in found.found, bool(found.mend)) == (state, True, True)


def test_every_command_is_for_a_shell_whatever_the_folder_is_called() -> None:
    folder = "/home/ann/my lab; rm x"
    low = Storage(folder, free=0.5 * GB, memory=64 * GB)
    bench = Bench(folder, "workspace", measured=True, corpus="climbmix", prepared=False, runs=1, newest="nov20", state="died")
    history = History((2, 43), folder, "abc", "main", frozen=("prepare.py",))
    machine = having(folder=folder, storage=low, night=Night(True, kills=True), bench=bench, history=history)
    mended = {one.check: shlex.split(one.mend) for one in say(machine) if "my lab" in one.mend}
    assert set(mended) == {"disk", "logout", "repository", "data", "runs"}
    assert all(folder in words for words in mended.values())
    little = finding(having(storage=replace(low, free=3.0 * GB)), "disk").mend
    assert shlex.split(little) == ["du", "-xh", "-d", "2", folder, "|", "sort", "-h"]


@pytest.mark.parametrize(
    ("pip", "words"), [(True, ["/ann's env/bin/python", "-m", "pip"]), (False, ["VIRTUAL_ENV=/ann's env", "uv", "pip"])]
)
def test_a_python_in_a_folder_with_a_space_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: bool, words: list[str]) -> None:
    monkeypatch.setattr(sys, "prefix", "/ann's env")
    monkeypatch.setattr(sys, "executable", "/ann's env/bin/python")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pip", sys if pip else None)
    (tmp_path / "uv").touch(0o755)
    bare = Python(lacks=("torch",), installation=replace(installation(), keeper=""))
    assert shlex.split(finding(having(python=bare), "packages").mend)[: len(words) + 1] == [*words, "install"]


# ---- git, workspace ----


@pytest.mark.parametrize(
    ("history", "check", "state", "mend"),
    [
        (History((2, 25)), "git", "missing", "sudo apt install git"),
        (History((2, 43), "/lab", wrong="/lab is not a git repository: `git init` makes it one."), "repository", "missing", "git init"),
        (History((2, 43), "/lab", "abc", "main", frozen=("prepare.py",)), "repository", "missing", "git add prepare.py && git commit"),
        (History((2, 43), "/lab", "abc", "main", frozen=("prepare.py",), begun=True), "repository", "warning", "git diff prepare.py"),
        (History((2, 43), "/lab", "abc", "main", edited="train.py"), "repository", "warning", "-- train.py"),
    ],
)
def test_what_git_lacks_has_its_command(history: History, check: str, state: str, mend: str) -> None:
    found = finding(having(history=history), check)
    assert (found.state, mend in found.mend) == (state, True)


BENCH = EVERYTHING.bench
assert isinstance(BENCH, Bench)


@pytest.mark.parametrize(
    ("bench", "check", "state", "mend"),
    [
        (Bench("/lab", "broken", Wrong(workspace="x: mend `frozen` in it.")), "workspace", "missing", "frozen"),
        (Bench("/lab", "none", Wrong(settings="/home/ann/autoresearch.toml:3: no.")), "settings", "missing", "mend that line"),
        (replace(BENCH, prepared=False), "data", "missing", "autoresearch-tui prepare /lab"),
        (replace(BENCH, prepared=False, free=GB), "data", "missing", "AUTORESEARCH_DATA="),
        (replace(BENCH, measured=False, prepared=False), "data", "missing", "cd /lab && uv run prepare.py"),
        (replace(BENCH, uv="uv"), "uv", "warning", "pip install uv"),
        (replace(BENCH, uv=".venv"), "uv", "missing", "uv sync --project /lab"),
        (replace(BENCH, runs=2, newest="nov20", state="died"), "runs", "warning", "autoresearch-tui run /lab --tag nov20 --detached"),
        (replace(BENCH, runs=2, newest="nov20", state="works"), "runs", "ok", ""),
        (replace(BENCH, runs=2, damaged=("j: damaged",)), "journal", "warning", "autoresearch-tui runs /lab"),
    ],
)
def test_what_the_workspace_lacks_has_its_command(bench: Bench, check: str, state: str, mend: str) -> None:
    found = finding(having(bench=bench), check)
    assert (found.state, mend in found.mend) == (state, True)


# ---- containment, researcher ----


@pytest.mark.parametrize(
    ("containment", "state", "mend"),
    [
        (
            Containment("landlock", "bubblewrap: bwrap is not installed (`apt install bubblewrap`)"),
            "warning",
            "sudo apt install bubblewrap",
        ),
        (Containment("landlock", "bubblewrap: setting up uid map: Permission denied", restricted=True), "warning", "apparmor_parser"),
        (Containment("landlock", "bubblewrap: no namespaces"), "ok", ""),
        (Containment("unsandboxed", "switched off in the settings", "off"), "warning", "AUTORESEARCH_TUI_SANDBOX_KIND=auto"),
        (Containment("", "the sandbox does not work here", "bubblewrap"), "missing", "AUTORESEARCH_TUI_SANDBOX_KIND=auto"),
    ],
)
def test_a_weaker_sandbox_is_said_with_what_would_be_stronger(containment: Containment, state: str, mend: str) -> None:
    found = finding(having(containment=containment), "sandbox")
    assert (found.state, mend in found.mend) == (state, True)


DOWN = Server("http://127.0.0.1:11434", down="no ollama answers at http://127.0.0.1:11434: `ollama serve` starts it.", installed=True)
UP = Server("http://127.0.0.1:11434", "0.33.0", (("qwen3:8b", 8.1), ("qwen3:32b", 24.0)))
SWEEP = Said("sweep")


@pytest.mark.parametrize(
    ("proposers", "check", "state", "mend"),
    [
        (
            Proposers(True, (Said("ollama:qwen3:8b", "no such model", absent=True),), server=UP),
            "researcher",
            "missing",
            "ollama pull qwen3:8b",
        ),
        (Proposers(True, (Said("ollama:x", "down"), SWEEP), server=DOWN), "ollama:x", "warning", "ollama serve"),
        (Proposers(True, (Said("ollama:x", "down"),), server=DOWN), "researcher", "missing", "ollama serve"),
        (Proposers(True, (Said("anthropic:c", "it needs a key", key="KEY"),)), "researcher", "missing", "export KEY=.."),
        (Proposers(wrong="sweeep is no researcher"), "researcher", "missing", "AUTORESEARCH_TUI_RUN_RESEARCHER=sweep"),
        (Proposers(False, (SWEEP,), "no ollama", server=DOWN), "ollama", "warning", "ollama serve"),
        (Proposers(False, (SWEEP,), "no model", server=replace(UP, models=())), "ollama", "warning", "ollama pull"),
        (Proposers(True, (SWEEP,), server=DOWN), "ollama", "ok", ""),
        (Proposers(True, (SWEEP,), server=Server(elsewhere=True)), "ollama", "ok", ""),
    ],
)
def test_who_cannot_propose_is_said_with_what_would_help(proposers: Proposers, check: str, state: str, mend: str) -> None:
    found = finding(having(proposers=proposers), check)
    assert (found.state, mend in found.mend) == (state, True)


def test_models_are_measured_by_what_is_free_on_the_card() -> None:
    said = finding(having(card=replace(H100, total=24 * GB, used=4 * GB), proposers=Proposers(True, (SWEEP,), server=UP)), "ollama").found
    assert said == "0.33.0 at http://127.0.0.1:11434: qwen3:32b (24.0 GB), qwen3:8b (8.1 GB); 1 of 2 fit into the 20 GB that are free"


# ---- the night, the terminal ----


@pytest.mark.parametrize(
    ("night", "check", "state", "mend"),
    [
        (Night(True, "systemd-inhibit", refused="Access denied", remote=True), "sleep", "warning", "systemctl mask sleep.target"),
        (Night(True, masked=True), "sleep", "ok", ""),
        (Night(True), "sleep", "warning", "systemctl mask"),
        (Night(), "sleep", "ok", ""),
        (Night(True, kills=True), "logout", "warning", "loginctl enable-linger && systemd-run --user --scope autoresearch-tui run /lab"),
        (Night(True, kills=False), "logout", "ok", ""),
        (Night(True, lid="suspend"), "lid", "warning", "leave the lid open"),
        (Night(battery=True), "power", "warning", "plug it in"),
    ],
)
def test_what_could_end_the_night_from_outside(night: Night, check: str, state: str, mend: str) -> None:
    found = finding(having(night=night), check)
    assert (found.state, mend in found.mend) == (state, True)


@pytest.mark.parametrize(
    ("terminal", "check", "state", "mend"),
    [
        (Terminal("dumb"), "colours", "warning", "export TERM=xterm-256color"),
        (Terminal("screen", inside=True), "colours", "warning", "tmux set -g default-terminal tmux-256color"),
        (Terminal("tmux-256color", "truecolor", inside=True, features="256,title"), "colours", "warning", "terminal-features"),
        (Terminal("xterm-256color"), "colours", "ok", ""),
        (Terminal("xterm-256color", letters="C"), "letters", "warning", "export LC_ALL=C.UTF-8"),
        (Terminal("xterm-256color", letters="de_DE.utf8"), "letters", "ok", ""),
        (Terminal("tmux-256color", letters="de_DE.utf8", inside=True, ascii=True), "letters", "warning", "tmux -u attach"),
        (Terminal("xterm", remote=True), "tmux", "warning", "sudo apt install tmux"),
        (Terminal("xterm"), "tmux", "ok", ""),
        (Terminal("screen", tmux="2.9a", inside=True), "tmux", "warning", "sudo apt install tmux"),
    ],
)
def test_a_terminal_that_shows_less_than_there_is(terminal: Terminal, check: str, state: str, mend: str) -> None:
    found = finding(having(terminal=terminal), check)
    assert (found.state, mend in found.mend) == (state, True)
