"""A page that is read from its top."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import page
from autoresearch_tui.cockpit.parts.experiment import Sheet
from autoresearch_tui.cockpit.widgets.pane import Pane


class SheetPane(Pane[Sheet]):
    def show(self, part: Sheet) -> None:
        if self.part is None or part.what != self.part.what:
            self.top = 0
        super().show(part)

    def rows(self, part: Sheet, width: int, height: int) -> Sequence[Row]:
        return page.rows(part.page, width)

    def title(self, part: Sheet) -> str:
        return part.title
