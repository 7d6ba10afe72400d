"""A screen without a terminal: what stands on it, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widget import Widget

import autoresearch_tui.cockpit
from autoresearch_tui.cockpit.themes import DEFAULT, folders, load

STYLES = Path(autoresearch_tui.cockpit.__file__).with_name("app.tcss")


class Bare(App[None]):
    """Some widgets and nothing else, in the colours of the default theme."""

    CSS_PATH = STYLES

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self._widgets = widgets
        themes, _ = load(folders())
        for theme in themes:
            self.register_theme(theme)
        self.theme = DEFAULT

    def compose(self) -> ComposeResult:
        yield from self._widgets


def lines(app: App[Any]) -> list[str]:
    """The rows of the screen, as they stand."""
    return [strip.text for strip in app.screen._compositor.render_strips(app.size)]


def text(app: App[Any]) -> str:
    return "\n".join(line.rstrip() for line in lines(app))
