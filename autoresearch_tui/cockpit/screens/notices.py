"""Every notice of the night, and those of the screen itself."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.moment import Moment, Night
from autoresearch_tui.cockpit.notices import Heard, Notice, notice_of
from autoresearch_tui.cockpit.parts import notices
from autoresearch_tui.cockpit.parts.notices import Listed
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.journal.store import JournalError


class NoticesPane(Pane[Listed]):
    def follows(self, part: Listed) -> bool:
        return True

    def rows(self, part: Listed, width: int, height: int) -> list[Row]:
        return notices.rows(part, width, height)

    def title(self, part: Listed) -> str:
        return notices.title(part)


class NoticesScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,N", "dismiss", "back", id="back"),
        Binding("F", "severity", "all, warnings and errors, or errors", id="severity"),
    ]

    def __init__(self, night: Night, heard: Heard) -> None:
        super().__init__()
        self._night, self._heard = night, heard
        self._past: list[Notice] = []
        self._part = Listed(said="They are read from the journal; of a long night that takes a second.")

    def compose(self) -> ComposeResult:
        yield NoticesPane(id="notices")

    def on_mount(self) -> None:
        self._tell()
        self.run_worker(self._read())

    async def _read(self) -> None:
        said = ""
        try:
            self._past = await asyncio.to_thread(_noticed, self._night)
        except (JournalError, OSError) as error:
            said = f"The journal cannot be read now: {error}"
        self._part = Listed(self._part.notices, self._part.least, said)
        self._tell()

    def show(self, moment: Moment) -> None:
        self._tell()

    def _tell(self) -> None:
        self._heard.look()
        self._part = Listed(notices.merged(self._past, self._heard), self._part.least, self._part.said)
        for pane in self.query(NoticesPane):  # it may have gone, while somebody read
            pane.show(self._part)

    def action_severity(self) -> None:
        self._part = Listed(self._part.notices, notices.next_least(self._part.least), self._part.said)
        self._tell()


def _noticed(night: Night) -> list[Notice]:
    """Of the whole night so far."""
    return [found for told in night.past() if (found := notice_of(told))]
