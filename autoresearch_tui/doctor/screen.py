"""The terminal that somebody sits at: its colours, its letters, and the tmux that it may be in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping

import msgspec

from autoresearch_tui.doctor.answers import answer
from autoresearch_tui.doctor.findings import Finding, ok, warning
from autoresearch_tui.doctor.systems import System

TESTED = (3, 3)
"""The oldest tmux that the screen is tested in."""
MANY = ("256color", "direct", "kitty", "alacritty", "ghostty", "wezterm", "foot")
NOTHING = ("", "dumb", "unknown")


class Terminal(msgspec.Struct, frozen=True):
    term: str = ""
    colours: str = ""
    """COLORTERM"""
    plain: bool = False
    """NO_COLOR"""
    letters: str = ""
    """The locale of characters: LC_ALL, else LC_CTYPE, else LANG."""
    tmux: str = ""
    """Its version; empty where it is not installed."""
    inside: bool = False
    features: str = ""
    """What the tmux that we are in knows of the terminal around it."""
    ascii: bool = False
    """tmux writes no UTF-8 to the terminal around it."""
    remote: bool = False


def look(environment: Mapping[str, str]) -> Terminal:
    said = answer("tmux", "-V") if shutil.which("tmux") else None
    inside = "TMUX" in environment
    around = answer("tmux", "display-message", "-p", "#{client_utf8} #{client_termfeatures}") if inside else None
    letters, _, features = around.out.strip().partition(" ") if around else ("", "", "")
    return Terminal(
        term=environment.get("TERM", ""),
        colours=environment.get("COLORTERM", ""),
        plain=bool(environment.get("NO_COLOR")),
        letters=next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), ""),
        tmux=said.out.strip().removeprefix("tmux ") if said and not said.code else "",
        inside=inside,
        features=features,
        ascii=letters == "0",
        remote="SSH_CONNECTION" in environment,
    )


def say(terminal: Terminal, system: System) -> list[Finding]:
    return [_colours(terminal), _letters(terminal, system), _tmux(terminal, system)]


def _colours(terminal: Terminal) -> Finding:
    if terminal.term in NOTHING:
        said = f"TERM is {terminal.term or 'not set'}: no screen can be drawn here, and `run` and `status` work in plain lines"
        return warning("colours", said, "export TERM=xterm-256color")
    if terminal.plain:
        return ok("colours", "none, as NO_COLOR asks")
    if terminal.colours in ("truecolor", "24bit"):
        if terminal.inside and terminal.features and "RGB" not in terminal.features:
            mend = "tmux set -as terminal-features ',*:RGB'"
            return warning("colours", "16 million are asked for, and tmux does not pass them on", mend)
        return ok("colours", f"16 million ({terminal.term}, COLORTERM={terminal.colours})")
    if any(word in terminal.term for word in MANY):
        return ok("colours", f"256 ({terminal.term}); with COLORTERM=truecolor it would be 16 million, if the terminal has them")
    if terminal.inside:
        said = f"16 ({terminal.term}): the themes look coarse, in windows of this tmux until another kind is set and they are opened anew"
        return warning("colours", said, "tmux set -g default-terminal tmux-256color")
    return warning("colours", f"16 ({terminal.term}): the themes look coarse", "export TERM=xterm-256color")


def _letters(terminal: Terminal, system: System) -> Finding:
    if terminal.ascii:
        return warning("letters", "tmux was begun without UTF-8: frames and curves come out as underscores", "tmux -u attach")
    if re.search(r"utf-?8", terminal.letters, re.IGNORECASE):
        return ok("letters", f"UTF-8 ({terminal.letters})")
    better = "en_US.UTF-8" if system.platform == "darwin" else "C.UTF-8"
    return warning(
        "letters",
        f"the locale is {terminal.letters or 'not set'}: frames and curves may come out as question marks",
        f"export LC_ALL={better}",
    )


def _tmux(terminal: Terminal, system: System) -> Finding:
    if not terminal.tmux:
        if terminal.remote:
            said = "not installed: the screen goes when the connection does, and the night does not"
            return warning("tmux", said, system.installs("tmux"))
        return ok("tmux", "not installed; only a screen over SSH would want it")
    found = re.search(r"(\d+)\.(\d+)", terminal.tmux)
    if terminal.inside and found and (int(found[1]), int(found[2])) < TESTED:
        return warning("tmux", f"{terminal.tmux}: the screen is tested from 3.3 on", system.installs("tmux"))
    return ok("tmux", f"{terminal.tmux}{', and this is in it' if terminal.inside else ''}")
