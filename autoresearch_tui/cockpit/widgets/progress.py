"""The chart of the night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import progress
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.cockpit.widgets.results import Selected


class ProgressPane(Pane[progress.Progress]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "kept(-1)", "to the kept one before", show=False, id="kept-before"),
        Binding("right,l", "kept(1)", "to the kept one after", show=False, id="kept-after"),
    ]

    def rows(self, part: progress.Progress, width: int, height: int) -> Sequence[Row]:
        return progress.rows(part, width, height)

    def title(self, part: progress.Progress) -> str:
        return progress.title(part)

    def subtitle(self, part: progress.Progress) -> str:
        return progress.subtitle(part, self.size.width)

    def action_kept(self, by: int) -> None:
        """The screen hears which one, and tells all panes."""
        number = progress.kept(self.part, by) if self.part is not None else None
        if number is not None:
            self.post_message(Selected(number))
