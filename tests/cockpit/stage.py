"""One screen of the cockpit by itself, over an app that writes down what it is told to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from autoresearch_tui.cockpit.moment import Moment, Told
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from tests.cockpit.screens import Bare, text
from tests.engine.histories import History

WIDE, PHONE = (120, 40), (45, 30)


class Stage(Bare):
    """`opened` is what was to be shown, `started` what was to be begun, `said` what a toast would say."""

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.first = screen
        self.answers: list[Any] = []
        self.opened: list[str] = []
        self.started: list[tuple[str, ...]] = []
        self.said: list[tuple[str, str]] = []

    async def on_mount(self) -> None:
        await self.push_screen(self.first, self.answers.append)

    async def open_run(self, tag: str) -> None:
        self.opened.append(tag)

    async def start(self, tag: str, *arguments: str) -> None:
        self.started.append((tag, *arguments))

    def say(self, text: str, severity: str) -> None:
        self.said.append((severity, text))


async def until(pilot: Pilot[Any], holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another thread or process does."""
    for _ in range(int(seconds / 0.05)):
        if holds():
            return
        await pilot.pause(0.05)
    raise AssertionError(f"it never came to that; the screen says:\n{text(pilot.app)}")


def words(app: App[Any]) -> str:
    """All that the screen says, whatever its lines."""
    return " ".join(text(app).replace("│", "").split())


def told(history: History) -> list[Told]:
    """Each fact with the state after it."""
    run, out = Run(), []
    for recorded in (one for transaction in history.transactions for one in transaction):
        run = fold([recorded], run)
        out.append(Told(recorded, run))
    return out


def moment(history: History, alive: bool = True) -> Moment:
    return Moment(history.run, history.now.timestamp(), alive)
