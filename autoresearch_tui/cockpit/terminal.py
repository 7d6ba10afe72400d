"""Whether a screen can be drawn here. It is asked before anything of the screen is imported."""

from __future__ import annotations

import os


class NoTerminal(Exception):
    """There is none that a screen could be drawn on: one sentence."""


def require_terminal() -> None:
    """Refuse what nobody could see or read."""
    instead = "`autoresearch-tui status` says how the run stands, `autoresearch-tui run` works in plain lines."
    if not has_terminal():
        raise NoTerminal(f"there is no terminal to draw a screen on: {instead}")
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        raise NoTerminal(f"this terminal (TERM=dumb) cannot show a screen: {instead}")


def has_terminal() -> bool:
    """Somebody sits there. What is read and written besides the screen, which Textual draws on standard error, has to be theirs too."""
    return all(os.isatty(descriptor) for descriptor in range(3))
