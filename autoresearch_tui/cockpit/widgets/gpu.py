"""The card that trains, its memory by owner, and the last minute."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import gpu
from autoresearch_tui.cockpit.widgets.pane import Pane


class GpuPane(Pane[gpu.Gpu]):
    def rows(self, part: gpu.Gpu, width: int, height: int) -> Sequence[Row]:
        return gpu.rows(part, width, height)

    def title(self, part: gpu.Gpu) -> str:
        return gpu.title(part)
