"""The lines at the top of the screen."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import status
from autoresearch_tui.cockpit.widgets.pane import Pane


class StatusPane(Pane[status.Status], can_focus=False):
    def rows(self, part: status.Status, width: int, height: int) -> Sequence[Row]:
        return status.rows(part, width, height)
