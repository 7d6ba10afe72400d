"""The report of the night, as `autoresearch-tui report` tells it: that command is called, for the screen works nothing out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui.cockpit.drawing import Row, Span, row, shown
from autoresearch_tui.cockpit.starting import COMMAND, NotStarted, ask
from autoresearch_tui.cockpit.widgets.listing import Page

READING = ("the report is being made; of a long night that takes some seconds ..",)
FRAME = 4  # columns beside the text


class ReportScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,M", "dismiss", "back", id="back"),
        Binding("r", "read", "make it anew", id="read"),
    ]

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND) -> None:
        super().__init__()
        self._folder, self._command = folder, command

    def compose(self) -> ComposeResult:
        page: Page[tuple[str, ...]] = Page(_rows, id="report", title="report")
        yield page

    def on_mount(self) -> None:
        self._tell(READING)
        self.action_read()

    def action_read(self) -> None:
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        try:
            said = await ask("report", str(self._folder), command=["env", f"COLUMNS={self.size.width - FRAME}", *self._command])
        except NotStarted as error:
            said = str(error)
        self._tell(tuple(said.splitlines()))

    def _tell(self, lines: tuple[str, ...]) -> None:
        for pane in self.query(Page):  # it may have gone, while somebody read
            pane.show(lines)


def _rows(lines: tuple[str, ...], width: int, height: int) -> list[Row]:
    return [row(Span(shown(line))) for line in lines]
