"""The line above the keys."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import said
from autoresearch_tui.cockpit.widgets.pane import Pane


class SaidLine(Pane[said.Said], can_focus=False):
    def rows(self, part: said.Said, width: int, height: int) -> Sequence[Row]:
        return said.rows(part, width, height)
