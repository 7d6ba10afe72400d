"""The first screen of a folder without a night: it says what would be done, and does it on Enter.

What it does is our own command line, step by step, with its lines shown as they come. Nothing is started before Enter; Escape ends what
works, and what is done by then stays done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui.cockpit.drawing import Row, row
from autoresearch_tui.cockpit.looking import examined, look_around
from autoresearch_tui.cockpit.parts import welcome
from autoresearch_tui.cockpit.parts.welcome import AUTO, DEMO, PROFILES, Ground, Welcome, plan_of
from autoresearch_tui.cockpit.starting import COMMAND
from autoresearch_tui.cockpit.watched import Lines, Watched
from autoresearch_tui.cockpit.widgets.pane import Pane

FRAME_S = 0.25


class WelcomePane(Pane[Welcome]):
    def rows(self, part: Welcome, width: int, height: int) -> list[Row]:
        return welcome.rows(part, width, height)

    def title(self, part: Welcome) -> str:
        return "autoresearch"

    def subtitle(self, part: Welcome) -> str:
        return welcome.keys(part)


class OutputPane(Pane[tuple[str, ...]]):
    """What the command says, the newest at the end."""

    def follows(self, part: tuple[str, ...]) -> bool:
        return True

    def rows(self, part: tuple[str, ...], width: int, height: int) -> Sequence[Row]:
        return [row(line) for line in part]

    def title(self, part: tuple[str, ...]) -> str:
        return "what it says"


class WelcomeScreen(Screen[Path | None]):
    """Answered by the workspace in which a night has begun; None: nothing was wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "do what is listed", id="begin"),
        Binding("d", "demo", "a demo instead: small, in a folder of its own", id="demo"),
        Binding("p", "profile", "the next profile", id="profile"),
        Binding("r", "look", "look again", id="look"),
        Binding("escape,q,ctrl+c,ctrl+q", "leave", "end what works, else leave", id="leave"),
    ]

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND) -> None:
        super().__init__()
        self._folder, self._command = folder.absolute(), tuple(command)
        self._profile = AUTO
        self._part = Welcome()
        self._lines = Lines()
        self._began = 0.0
        self._watched = Watched()

    def compose(self) -> ComposeResult:
        yield WelcomePane(id="welcome")
        yield OutputPane(id="output")

    def on_mount(self) -> None:
        self._tell(self._part)
        self.action_look()
        self.set_interval(FRAME_S, self._frame)

    # ---- looking ----

    def action_look(self) -> None:
        if not self._part.works:
            self.run_worker(self._look(), exclusive=True, group="look")

    async def _look(self) -> None:
        """The folder at once, and the machine when the doctor has seen it: until then everything can be chosen."""
        ground = await asyncio.to_thread(look_around, self._folder)
        self._plan(ground)
        if not ground.wrong:
            asked = await examined(ground, self._command)
            wanted = self._part.wanted
            self._plan(asked)
            if wanted:
                self.action_begin()

    def _plan(self, ground: Ground) -> None:
        self._tell(Welcome(ground, plan_of(ground, self._profile)))

    def action_demo(self) -> None:
        self._choose(AUTO if self._profile == DEMO else DEMO)

    def action_profile(self) -> None:
        self._choose(PROFILES[(PROFILES.index(self._profile) + 1) % len(PROFILES)])

    def _choose(self, profile: str) -> None:
        ground = self._part.ground
        if ground is not None and ground.kind != "workspace" and not self._part.works:
            self._profile = profile
            self._plan(ground)

    # ---- doing ----

    def action_begin(self) -> None:
        """Begin, or go on with the step that came to nothing."""
        if self._part.waits:
            self._tell(msgspec.structs.replace(self._part, wanted=True))
        elif self._part.ready:
            self._watched = Watched()
            self.query_one(OutputPane).add_class("-working")
            self._tell(msgspec.structs.replace(self._part, at=max(0, self._part.at), failed="", ending=False))
            self.run_worker(self._work(), group="work")

    async def _work(self) -> None:
        plan = self._part.plan
        assert plan is not None
        for index in range(self._part.at, len(plan.steps)):
            self._began = time.monotonic()
            self._tell(msgspec.structs.replace(self._part, at=index))
            self._lines.feed(f"$ autoresearch-tui {' '.join(plan.steps[index].words)}\n".encode())
            columns = self.query_one(OutputPane).size.width
            try:
                code = await self._watched.run((*self._command, *plan.steps[index].words), columns, self._lines.feed)
            except OSError as error:
                code, why = 1, f"{self._command[0]} does not start: {error.strerror}."
            else:
                why = self._lines.sentence
            self._frame()
            if code:
                self._tell(msgspec.structs.replace(self._part, failed="it was ended by hand." if self._part.ending else why))
                return
        self.dismiss(plan.target)

    def action_leave(self) -> None:
        if not self._part.works:
            self.dismiss(None)
        elif not self._part.ending:
            self._tell(msgspec.structs.replace(self._part, ending=True))
            self.run_worker(self._watched.end(), group="end")

    # ---- showing ----

    def _frame(self) -> None:
        for pane in self.query(OutputPane):  # it may have gone, while somebody read
            pane.show(self._lines.shown)
        if self._part.works:
            self._tell(msgspec.structs.replace(self._part, seconds=int(time.monotonic() - self._began)))

    def _tell(self, part: Welcome) -> None:
        self._part = part
        for pane in self.query(WelcomePane):  # it may have gone, while somebody read
            pane.show(part)
