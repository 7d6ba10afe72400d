"""A tmux of our own to drive a program in: keys go in, the text of its screen comes out, and a client counts what leaves it.

The server has its own socket and no configuration of the user's. What leaves tmux for a client is what SSH carries.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.e2e.ptys import Pty, is_alive

LOOK_S = 0.02
ESCAPE_S = 0.15
LEAVE_S = 1.0
PATIENCE_S = 15.0
SET = {
    "default-terminal": "tmux-256color",
    "escape-time": "0",
    "status": "off",
    "remain-on-exit": "on",
    "history-limit": "200",
}


class Terminal:
    """One pane of a private tmux server, and what runs in it."""

    def __init__(self, columns: int = 120, rows: int = 40) -> None:
        self.columns, self.rows = columns, rows
        self._name = f"autoresearch-test-{os.getpid()}-{secrets.token_hex(4)}"
        self._environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Run this in the pane, with no shell between. What the environment names is added to ours."""
        given = {"COLORTERM": "truecolor", **(environment or {})}
        where = ["-c", str(folder)] if folder else []
        size = ["-x", str(self.columns), "-y", str(self.rows)]
        settings = [word for name, value in SET.items() for word in ("set", "-g", name, value, ";")]
        named = [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
        self._tmux("-f", os.devnull, "start-server", ";", *settings, "new-session", "-d", "-s", "it", *size, *where, *named, "--", *command)
        self.resize(self.columns, self.rows)  # from now on its size is ours, whoever attaches

    def close(self) -> None:
        """End the server; what runs in it has a moment to end by itself. That it does so is `test_endings.py`'s to say."""
        if not self._tmux("list-panes", check=False):
            return
        pid = self.pid
        self.kill()
        end = time.monotonic() + LEAVE_S
        while is_alive(pid) and time.monotonic() < end:
            time.sleep(LOOK_S)
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """The server, and with it the terminal of what runs in it."""
        self._tmux("kill-server", check=False)

    # ---- what a person does ----

    def keys(self, *names: str) -> None:
        """Press these keys, as tmux names them: `p`, `Enter`, `C-z`, `F1`."""
        self._tmux("send-keys", "-t", "it", "--", *(rf"\{name}" if name == ";" else name for name in names))
        if names[-1] == "Escape":
            time.sleep(ESCAPE_S)  # a hand is as slow; with the next key at once the two are one

    def type(self, text: str) -> None:
        """Write this, letter by letter."""
        self._tmux("send-keys", "-t", "it", "-l", "--", text)

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._tmux("resize-window", "-t", "it", "-x", str(columns), "-y", str(rows))

    def attach(self) -> Pty:
        """A client of the same size; its pty is what somebody's SSH would be connected to."""
        environment = self._environment | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        client = Pty(["tmux", "-L", self._name, "attach", "-t", "it"], self.columns, self.rows, environment)
        self.until(lambda: self._tmux("list-clients").strip() != "", "no client attached")
        return client

    def detach(self) -> None:
        """All clients leave; what runs goes on."""
        self._tmux("detach-client", "-s", "it")
        self.until(lambda: self._tmux("list-clients").strip() == "", "a client did not leave")

    # ---- what a person sees ----

    def text(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "it")

    def styled(self) -> str:
        """The same with its colours, as a terminal is told them."""
        return self._tmux("capture-pane", "-p", "-e", "-N", "-t", "it")

    def wait_for(self, *texts: str, seconds: float = PATIENCE_S) -> str:
        """Until all of these stand on the screen; the screen."""
        return self._seen(lambda screen: all(text in screen for text in texts), f"not on the screen: {texts}", seconds)

    def wait_without(self, *texts: str, seconds: float = PATIENCE_S) -> str:
        """Until none of these stands on the screen any more."""
        return self._seen(lambda screen: not any(text in screen for text in texts), f"still on the screen: {texts}", seconds)

    def _seen(self, holds: Callable[[str], bool], complaint: str, seconds: float) -> str:
        last = ""

        def look() -> bool:
            nonlocal last
            last = self.text()
            return holds(last)

        self.until(look, complaint, seconds)
        return last

    def until(self, holds: Callable[[], bool], complaint: str, seconds: float = PATIENCE_S) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{complaint} after {seconds:g} s\n{self.text()}"
            time.sleep(LOOK_S)

    # ---- what tmux knows of the program ----

    @property
    def pid(self) -> int:
        """Of what was started in the pane."""
        return int(self._says("pane_pid"))

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal that ended it."""
        dead, number, code, server = self._says("pane_dead},#{pane_dead_signal},#{pane_dead_status},#{pid").split(",")
        if dead == "1" and not (number or code):  # it is gone, and tmux has not asked how: its signal gets lost at times
            os.kill(int(server), signal.SIGCHLD)
        if dead != "1" or not (number or code):
            return None
        return -int(number) if number else int(code)

    @property
    def is_plain(self) -> bool:
        """The terminal is as a shell wants it: its own screen, a cursor, a mouse that selects text."""
        return self._says("alternate_on") + self._says("cursor_flag") + self._says("mouse_any_flag") == "010"

    def _says(self, name: str) -> str:
        return self._tmux("display-message", "-p", "-t", "it", f"#{{{name}}}").strip()

    def _tmux(self, *words: str, check: bool = True) -> str:
        line = ["tmux", "-u", "-L", self._name, *words]
        done = subprocess.run(line, env=self._environment, capture_output=True, text=True, timeout=30, check=False)
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout
