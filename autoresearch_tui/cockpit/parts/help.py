"""What every key does now, made from the bindings that are live; then the words, and where things are."""

from __future__ import annotations

import msgspec

from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, cells, row, shown, wrapped

LONG = 16  # columns of the keys, at most


class Key(msgspec.Struct, frozen=True):
    """One thing that can be done, with every key for it."""

    keys: tuple[str, ...]
    says: str
    now: str = ""
    """What it would do at this moment, with its target."""


class Group(msgspec.Struct, frozen=True):
    title: str
    keys: tuple[Key, ...]


class Help(msgspec.Struct, frozen=True):
    groups: tuple[Group, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    """Where the files are."""


WORDS = (
    ("keep", "better than the trunk, and part of it from now on; with `by` somebody decided it by hand"),
    ("discard", "not better; its commit stays in git and can be kept later"),
    ("crash", "it has no number, and the reason says why"),
    ("sure", "that it is better: chance alone would look as good less than once in a hundred times"),
    ("likely", "less than once in ten times"),
    ("unsure", "more often than that: the change may be noise"),
    ("trust", "verified: measured by a judge that the edited file never meets; reported: as the training says it; suspect: it has signs"),
    ("tainted", "trained while the conditions were unfair (too hot, starved, a stranger on the card): shown, never compared"),
    ("~", "this number does not compare: it is tainted, of another class of device, or the machine has drifted since"),
    ("trunk", "the best code so far; a draft is a reply on its way to being an experiment, a trial one training of it"),
)
LEAVING = (
    ("detach", "leave with q, Enter: the engine needs no screen, and `autoresearch-tui` in the workspace shows it again"),
    ("in tmux", "its own detach works as well (ctrl+b d), and so does a connection that breaks: the night goes on"),
)


def rows(part: Help, width: int, height: int) -> list[Row]:
    out: list[Row] = []
    for group in part.groups:
        names = [" ".join(key.keys) for key in group.keys]
        wide = min(LONG, max(map(cells, names), default=0))
        out += [*([EMPTY] if out else []), row(Span(shown(group.title), "strong"))]
        for name, key in zip(names, group.keys, strict=True):
            out += _line(name, key.says, wide, width, key.now)
    for title, lines in (("words", WORDS), ("leaving", LEAVING), ("files", part.places)):
        wide = min(LONG, max((cells(name) for name, _ in lines), default=0))
        out += [EMPTY, row(Span(title, "strong"))] if lines else []
        for name, says in lines:
            out += _line(name, says, wide, width)
    return out


def _line(name: str, says: str, wide: int, width: int, now: str = "") -> list[Row]:
    """The name in its column, what it says beside it, and what it would do now in the accent colour before that."""
    gap = " " * max(1, wide + 2 - cells(name))
    head = Span(f"  {name}{gap}", "accent strong")
    indent = cells(head.text)
    text = f"{shown(now)}: {says}" if now else says
    first, *more = wrapped(text, max(10, width - indent))
    marked = shown(now) if now and first.startswith(shown(now)) else ""
    return [row(head, Span(marked, "strong"), first[len(marked) :]), *(row(" " * indent, line) for line in more)]
