"""What another program of this machine answers, if it answers soon. What it means is its caller's."""

from __future__ import annotations

import os
import subprocess

import msgspec

from autoresearch_tui.privacy import scrubbed

SOON_S = 4.0  # a busy machine takes a second to start anything
BUSES = ("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "TMUX", "TMUX_TMPDIR")
"""Where the services of this session listen; no key is among them."""


class Answer(msgspec.Struct, frozen=True):
    code: int
    out: str
    err: str = ""

    @property
    def last(self) -> str:
        """The last line that it said."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with {self.code} and said nothing"


def answer(*words: str, seconds: float = SOON_S) -> Answer | None:
    """None where the program is not there, cannot be started, or does not answer."""
    told = scrubbed(os.environ) | {name: os.environ[name] for name in BUSES if name in os.environ}
    try:
        done = subprocess.run(
            words, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return Answer(done.returncode, done.stdout, done.stderr)
