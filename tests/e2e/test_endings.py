"""However the screen ends, the terminal is left as it was, the exit code says how, and the night goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import engine
from tests.e2e.night import cockpit, environment
from tests.e2e.ptys import Pty, cpu_seconds, is_alive
from tests.e2e.tmux import Terminal

SHOWN = f"autoresearch {engine.TAG}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace in which something is at work until all of these tests are over, and whatever became of the screens."""
    folder = tmp_path_factory.mktemp("endings") / "lab"
    working = engine.start(folder, "quiet")
    yield folder
    still_works = working.poll() is None
    working.kill()
    working.wait()
    assert still_works


@pytest.fixture
def screen(lab: Path) -> Iterator[Pty]:
    with Pty(cockpit(lab)) as pty:
        pty.when(SHOWN)
        yield pty


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_the_terminal_as_it_was(screen: Pty, number: signal.Signals, code: int) -> None:
    assert screen.left
    screen.signal(number)
    assert screen.ended() == code
    assert screen.is_restored, screen.left


def test_q_and_enter_leave_the_night_running_and_the_terminal_as_it_was(screen: Pty) -> None:
    screen.when("? help")
    asked = screen.write("q")
    screen.when("leave it running", asked)
    left = screen.write("\r")
    assert screen.ended() == 0
    assert time.monotonic() - left < 3
    assert screen.is_restored, screen.left


def test_a_terminal_that_goes_away_ends_it_soon(screen: Pty) -> None:
    screen.hang_up()
    assert screen.ended(5) in (129, 0)


@pytest.mark.parametrize("ignored", [True, False], ids=["hang-ups are ignored", "nobody tells it"])
def test_a_dead_terminal_never_spins_a_core(lab: Path, ignored: bool) -> None:
    deaf = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"] if ignored else []
    with Pty([*deaf, *cockpit(lab)], controlling=ignored) as screen:
        screen.when(SHOWN)
        pid = screen.program.pid
        before = used = cpu_seconds(pid)
        screen.hang_up()
        until = time.monotonic() + 10
        while screen.program.poll() is None:
            assert time.monotonic() < until, f"it goes on, and took {used - before} s of a core"
            used = cpu_seconds(pid)
            time.sleep(0.01)
        assert used - before < 2


def test_a_night_that_cannot_be_looked_at_any_more_is_said_and_can_be_left(lab: Path) -> None:
    with Pty([sys.executable, "-m", "tests.e2e.broken", str(lab)], folder=Path.cwd()) as screen:
        screen.when("(ZeroDivisionError")
        screen.write("q")
        time.sleep(0.5)
        screen.write("\r")
        assert screen.ended() == 0
        assert screen.is_restored, screen.left


def test_a_bug_in_the_screen_ends_it_with_one_sentence_and_the_terminal_as_it_was(lab: Path) -> None:
    with Pty([sys.executable, "-m", "tests.e2e.broken", str(lab)], folder=Path.cwd()) as screen:
        screen.when(SHOWN)
        screen.write("v")
        assert screen.ended() not in (0, 143, 129)
        assert screen.is_restored, screen.left
        last = " ".join(screen.text.rpartition("autoresearch-tui: ")[2].split())
        assert "The night goes on" in last and "Traceback" not in last, last


def test_ctrl_z_gives_the_shell_back_and_fg_the_screen(lab: Path) -> None:
    with Terminal(100, 30) as terminal:
        terminal.start(["bash", "--norc", "--noprofile", "-i"], environment={"PS1": "shell> "})
        terminal.wait_for("shell>")
        assert terminal.is_plain
        terminal.type(" ".join(cockpit(lab)) + "\n")
        terminal.wait_for(SHOWN)
        assert not terminal.is_plain
        terminal.keys("C-z")
        terminal.wait_for("Stopped")
        assert terminal.is_plain
        terminal.type("echo here $((6 * 7))\n")
        terminal.wait_for("here 42")
        terminal.type("fg\n")
        terminal.wait_for(SHOWN)
        assert not terminal.is_plain
        terminal.keys("?")
        terminal.wait_without("? help")
        terminal.keys("Escape")
        terminal.wait_for("? help")
        terminal.keys("q", "Enter")
        terminal.until(lambda: terminal.is_plain, "the shell is not back")
        terminal.type("echo code $?\n")
        terminal.wait_for("code 0")


@pytest.mark.parametrize("words", [[], ["replay", "--sample"]])
def test_a_terminal_that_can_show_nothing_gets_one_sentence(lab: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "autoresearch_tui", *(words or [str(lab)])]
    with Pty(command, environment=environment(TERM="dumb")) as pty:
        assert pty.ended() == 2
        assert_one_sentence(pty.output.decode())
        assert pty.is_restored


@pytest.mark.parametrize("closed", ["< /dev/null", "<&-", "2> /dev/null", "> /dev/null 2>&1 < /dev/null"])
def test_where_nobody_sits_nothing_is_drawn(lab: Path, closed: str) -> None:
    command = [sys.executable, "-m", "autoresearch_tui", "replay", "--sample"]
    with Pty(["sh", "-c", f'exec "$@" {closed}', "sh", *command]) as pty:
        assert pty.ended() == 2
        if "2>" not in closed:
            assert_one_sentence(pty.output.decode())
        assert pty.is_restored


def test_without_a_terminal_the_run_is_told_in_plain_lines(lab: Path) -> None:
    lines = subprocess.Popen(cockpit(lab), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert lines.stdout is not None
    assert "run night begins" in lines.stdout.readline()
    lines.terminate()
    rest = lines.communicate(timeout=10)[0]
    assert "\x1b" not in rest and "Traceback" not in rest


def assert_one_sentence(said: str) -> None:
    assert "\x1b" not in said and "Traceback" not in said, said
    assert said.startswith("autoresearch-tui: ") and said.rstrip().count("\n") == 0, said


def test_a_tmux_that_is_killed_takes_its_screens_along(lab: Path) -> None:
    """It sends SIGCONT after SIGHUP: a reader that begins anew then would never end."""
    for _ in range(3):
        terminal = Terminal(100, 30)
        terminal.start(cockpit(lab))
        terminal.wait_for(SHOWN)
        pid = terminal.pid
        terminal.kill()
        ends = time.monotonic() + 5
        while is_alive(pid):
            assert time.monotonic() < ends, "it goes on"
            time.sleep(0.02)
