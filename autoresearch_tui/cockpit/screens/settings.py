"""The settings in effect and where each comes from, as the next engine would read them; and what this run goes by now."""

from __future__ import annotations

import asyncio
import inspect
import os
from pathlib import Path
from typing import ClassVar

import msgspec
from platformdirs import user_config_path
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui import sections
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import settings
from autoresearch_tui.cockpit.parts.settings import Section, Shown
from autoresearch_tui.cockpit.widgets.listing import Page
from autoresearch_tui.settings import SettingsError, load


class SettingsScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,S", "dismiss", "back", id="back"),
        Binding("r", "read", "read them again", id="read"),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._part = Shown(where=settings.where_of(folder, user_config_path("autoresearch-tui")))

    def compose(self) -> ComposeResult:
        page: Page[Shown] = Page(settings.rows, id="settings", title="settings")
        yield page

    def on_mount(self) -> None:
        self.action_read()

    def action_read(self) -> None:
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        try:
            found, wrong = await asyncio.to_thread(_sections, self._folder), ""
        except (SettingsError, OSError) as error:
            found, wrong = (), str(error)
        self._tell(msgspec.structs.replace(self._part, sections=found, wrong=wrong))

    def show(self, moment: Moment) -> None:
        self._tell(msgspec.structs.replace(self._part, now=settings.limits_of(moment.run), tag=moment.run.tag))

    def _tell(self, part: Shown) -> None:
        self._part = part
        for pane in self.query(Page):  # it may have gone, while somebody read
            pane.show(part)


def _sections(folder: Path) -> tuple[Section, ...]:
    return settings.sections_of(load(folder, {}), _words(), os.environ, folder)


def _words() -> dict[str, str]:
    """They stand in the source; where that is not there, as in a program that was packed into one file, the values are shown without."""
    try:
        return settings.words_of(inspect.getsource(sections))
    except (OSError, TypeError, SyntaxError):
        return {}
