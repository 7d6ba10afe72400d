"""The last line: what the keys do now, and to what."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from autoresearch_tui.cockpit.drawing import Row, Span, width

GAP = "  "


class Key(msgspec.Struct, frozen=True):
    """One that may be pressed, or clicked on."""

    key: str
    says: str
    action: str
    """What it is to the screen, such as `act('keep')`."""
    strong: bool = True
    """It tells the engine something."""
    short: str = ""
    """What it says where there is less room."""


class Keys(msgspec.Struct, frozen=True):
    """The first are the last to go where the screen is narrow; the very last one always stays."""

    keys: tuple[Key, ...]


def placed(part: Keys, wide: int) -> list[tuple[int, Key, Row]]:
    """Those that fit, each with the column that it begins at."""
    *first, last = part.keys
    room = wide - width(_spans(last)) - len(GAP)
    out: list[tuple[int, Key, Row]] = []
    at = 0
    for key in first:
        spans = _spans(key)
        if key.short and at + width(spans) > room:
            spans = _spans(replace(key, says=key.short))
        if at + width(spans) > room:
            break
        out.append((at, key, spans))
        at += width(spans) + len(GAP)
    return [*out, (at, last, _spans(last))]


def rows(part: Keys, wide: int, height: int) -> list[Row]:
    line: list[Span] = []
    for _, _, spans in placed(part, wide):
        line += [Span(GAP), *spans] if line else spans
    return [tuple(line)]


def _spans(key: Key) -> Row:
    return (Span(key.key, "accent strong" if key.strong else "accent"), Span(f" {key.says}", "" if key.strong else "dim"))
