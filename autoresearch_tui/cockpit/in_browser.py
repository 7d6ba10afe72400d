"""A cockpit that somebody looks at through a browser: it writes to a server and reads from it, and has no terminal.

Owns what differs from a terminal. Does not own who may look, nor the page: `serving/` does, whose child this is.
"""

from __future__ import annotations

from textual.driver import Driver
from textual.drivers.web_driver import WebDriver
from textual.theme import Theme

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.opening import HUNG_UP, end_at_once


class Line(WebDriver):
    """To a server that may be gone, whatever ended it: then nobody looks any more, and nobody could end this."""

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            end_at_once(HUNG_UP)

    def write(self, data: str) -> None:
        try:
            super().write(data)
        except OSError:
            end_at_once(HUNG_UP)


class InBrowser(Cockpit):
    """Textual calls this `on_mount` and then the cockpit's own."""

    def get_driver_class(self) -> type[Driver]:
        return Line

    async def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._paint_beyond)
        self.call_after_refresh(lambda: self._paint_beyond(self.current_theme))

    def _paint_beyond(self, theme: Theme) -> None:
        """The page has some room beside the last column and below the last row: it is to have the colour of the screen."""
        if self._driver is not None and (colour := theme.background or "").startswith("#"):
            self._driver.write(f"\x1b]11;{colour}\x1b\\")

    def action_suspend_process(self) -> None:
        self.say("there is no shell to go back to in a browser: leave with q, or close the page.", "warning")

    def action_edit(self) -> None:
        if self.folder is not None and not self.only_shows():
            self.say(f"a browser has no editor of yours: edit {self.folder / 'program.md'} on its machine.", "warning")
