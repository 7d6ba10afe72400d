"""From the command line to a screen and back: the signals that end it, the terminal that may go away, the code that it ends with."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
from pathlib import Path
from typing import NoReturn

from textual.driver import Driver

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.keyboard import Keyboard
from autoresearch_tui.cockpit.moment import Night

LOOK_S = 1.0  # between two looks whether the terminal is still there
HUNG_UP = 128 + signal.SIGHUP


def show(folder: Path | None, night: Night | None, theme: str = "", view: bool = False, in_browser: bool = False) -> int:
    """The screen, until it is left; the exit code. Whatever ends it, the night goes on. `folder` is the workspace, if there is one."""
    if in_browser:
        from autoresearch_tui.cockpit.in_browser import InBrowser

        app: Cockpit = InBrowser(folder, night, theme, view)
        app.run()
        return app.return_code or 0
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)  # the terminal says its size itself, as often as that changes
    app = OnTerminal(folder, night, theme, view)
    app.run()
    if not os.isatty(0):
        end_at_once(HUNG_UP)
    return app.return_code or 0


class OnTerminal(Cockpit):
    """On one that may go away. Textual calls this `on_mount` and then the cockpit's own."""

    def get_driver_class(self) -> type[Driver]:
        return Keyboard

    async def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, self._end, 128 + number)
        self.set_interval(LOOK_S, self._look)

    def _look(self) -> None:
        """A terminal that hung up while SIGHUP is ignored says nothing, nor does one that was resized before anybody listened."""
        if not os.isatty(0):
            end_at_once(HUNG_UP)
        if os.get_terminal_size(0) != (self.size.width, self.size.height):
            os.kill(os.getpid(), signal.SIGWINCH)

    def _end(self, code: int) -> None:
        if not os.isatty(0):
            end_at_once(code)
        self.exit(0, code)


def end_at_once(code: int) -> NoReturn:
    """There is no terminal to be restored. What hangs up sends SIGCONT too, on which Textual 8.2.8 begins to read from it again while it
    ends: that thread would spin for ever, with a whole core, and Python wait for it."""
    atexit._run_exitfuncs()  # folders that are only ours go
    os._exit(code)
