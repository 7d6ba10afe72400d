"""The last line of a screen: its keys, which a mouse may press too."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from autoresearch_tui.cockpit.drawing import Row, width
from autoresearch_tui.cockpit.parts import keys
from autoresearch_tui.cockpit.widgets.pane import Pane


class KeysLine(Pane[keys.Keys], can_focus=False):
    def rows(self, part: keys.Keys, width: int, height: int) -> Sequence[Row]:
        return keys.rows(part, width, height)

    async def on_click(self, event: events.Click) -> None:
        where = event.get_content_offset(self)
        if self.part is None or where is None:
            return
        for column, key, spans in keys.placed(self.part, self.size.width):
            if column <= where.x < column + width(spans):
                await self.screen.run_action(key.action)
