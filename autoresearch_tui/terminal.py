"""A run in a plain terminal: its lines as they come, the answer to a command, an engine in the background."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import POLL_S, Journal
from autoresearch_tui.lines import line
from autoresearch_tui.telemetry.machine import is_alive
from autoresearch_tui.workspace import Workspace

ANSWER_S = 5.0  # an engine answers within a blink, unless it hangs in a git call
START_S = 60.0


def say(text: str) -> None:
    """Print a line; a terminal that has gone away ends nobody's night."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def tell(recorded: Recorded, run: Run) -> None:
    if text := line(recorded.event, run, recorded.at):
        say(text)


def works(run: Run) -> bool:
    """Whether the engine of this state lives."""
    engine = run.engine
    return engine is not None and not run.ended and is_alive(engine.pid, engine.born, engine.boot)


def follow(journal: Journal) -> None:
    """Every line of the run, those of the past first, until no engine works on it any more."""
    run = Run()
    looked, idle = 0.0, 0
    for recorded in journal.follow():
        if recorded is not None:
            run = fold([recorded], run)
            tell(recorded, run)
        elif time.monotonic() - looked > 0.5:
            looked = time.monotonic()
            idle = 0 if works(run) else idle + 1
            if run.ended or idle > 4:  # a keeper takes a moment to start the next one
                return


def await_answer(journal: Journal, command: int) -> int:
    """Print what the engine says to a command; the exit code."""
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        for answer in journal.refresh().answers:
            if answer.command == command:
                say(f"{'accepted' if answer.accepted else 'refused'}{f': {answer.why}' if answer.why else ''}")
                return 0 if answer.accepted else 1
        time.sleep(POLL_S)
    say(f"command {command} is sent; the engine has not answered yet.")
    return 0


def detach(workspace: Workspace, arguments: list[str]) -> int:
    """Start an engine with its keeper in the background, and say how that went."""
    reading, writing = os.pipe()
    keeper = [sys.executable, "-P", "-m", "autoresearch_tui.engine.keeper", str(workspace.hidden / "engine.lock"), str(writing), *arguments]
    subprocess.Popen(
        keeper, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(writing,), start_new_session=True
    )
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as ready:
        said = ready.readline().strip()
    word, _, rest = said.partition(" ")
    if word == "works":
        say(f"{rest} in the background. `autoresearch-tui status` shows it, `autoresearch-tui send stop` ends it.")
        return 0
    print(f"autoresearch-tui: {rest or 'the engine died as it started.'}", file=sys.stderr)
    return 1


def teller(ready: int | None, log_of: Callable[[Run], Path]) -> Callable[[Recorded, Run], None]:
    """Who prints an engine's lines. In the background it first says that it works, and then writes to its log."""

    def told(recorded: Recorded, run: Run) -> None:
        nonlocal ready
        if ready is not None and isinstance(recorded.event, e.EngineStarted):
            log = os.open(log_of(run), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for standard in (1, 2):
                os.dup2(log, standard)
            os.close(log)
            with contextlib.suppress(OSError):  # nobody waits for a later engine of the same keeper
                os.write(ready, f"works run {run.tag}, engine {recorded.event.pid}\n".encode())
            os.close(ready)
            ready = None
        tell(recorded, run)

    return told
