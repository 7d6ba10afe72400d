"""The notices of a night: each with its time, the newest at the end."""

from __future__ import annotations

import msgspec

from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, row, shown, wrapped
from autoresearch_tui.cockpit.notices import SEVERITIES, WORDS, Heard, Notice
from autoresearch_tui.cockpit.parts.times import written
from autoresearch_tui.worth import Severity

WIDE = 70  # columns, from which on time, kind and text stand beside each other
SIGNS: dict[Severity, tuple[str, str]] = {"information": ("·", "dim"), "warning": ("!", "warn"), "error": ("✗", "bad")}
KIND = max(len(word) for word in WORDS.values())


class Listed(msgspec.Struct, frozen=True):
    notices: tuple[Notice, ...] = ()
    least: Severity = "information"
    """Nothing below it is shown."""
    said: str = ""
    """While they are read, or why they cannot be."""


def merged(past: list[Notice], heard: Heard) -> tuple[Notice, ...]:
    """All of the night and all of the screen's own, each once, in their order."""
    night = {one.seq: one for one in (*past, *heard.notices) if one.seq}
    own = [one for one in heard.notices if not one.seq]
    return tuple(sorted([*night.values(), *own], key=lambda one: one.at))


def next_least(least: Severity) -> Severity:
    return SEVERITIES[(SEVERITIES.index(least) + 1) % len(SEVERITIES)]


def filtered(part: Listed) -> list[Notice]:
    return [one for one in part.notices if SEVERITIES.index(one.severity) >= SEVERITIES.index(part.least)]


def title(part: Listed) -> str:
    which = {"information": "all", "warning": "warnings and errors", "error": "errors"}[part.least]
    return f"notices: {which}, {len(filtered(part))} of {len(part.notices)}"


def rows(part: Listed, width: int, height: int) -> list[Row]:
    chosen = filtered(part)
    if not chosen:
        return [row(Span(text, "dim")) for text in wrapped(_nothing(part), width)]
    out: list[Row] = []
    day = ""
    for one in chosen:
        if (today := written(one.at, "%A %d %B")) != day:
            out += [*([EMPTY] if day else []), row(Span(today, "dim"))]
            day = today
        out += _wide(one, width) if width >= WIDE else _narrow(one, width)
    return out


def _nothing(part: Listed) -> str:
    if part.said:
        return part.said
    if part.notices:
        return f"Nothing as serious as that among {len(part.notices)} notices: `F` shows them."
    return "Nothing yet. Kept changes, warnings, and what the engine refuses will stand here, each with its time."


def _wide(one: Notice, width: int) -> list[Row]:
    sign, role = SIGNS[one.severity]
    head = f"{written(one.at)}  "
    kind = f"{sign} {WORDS[one.severity]:{KIND}}  "
    first, *more = wrapped(f"{shown(one.title)}: {shown(one.text)}", width - len(head) - len(kind))
    indent = " " * (len(head) + len(kind))
    return [row(Span(head, "dim"), Span(kind, role), first), *(row(indent, line) for line in more)]


def _narrow(one: Notice, width: int) -> list[Row]:
    sign, role = SIGNS[one.severity]
    head = row(Span(f"{written(one.at, '%H:%M')} ", "dim"), Span(f"{sign} {WORDS[one.severity]}  ", role), Span(shown(one.title), "strong"))
    return [head, *(row("  ", Span(line, "dim")) for line in wrapped(one.text, width - 2))]
