"""An account as Markdown, to paste where people talk: what the text says, with tables, and the whole diff. Pure.

Whatever others wrote is shown and does nothing: no markup of theirs, no link, no end of a table's cell or of a fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.lines import printable
from autoresearch_tui.morning.account import Account, Kept
from autoresearch_tui.morning.forms.sketch import sketch
from autoresearch_tui.morning.parts.headlines import (
    doubtful_of,
    headline,
    hours_of,
    how_sure,
    luck_line,
    mistakes,
    money_line,
    pace_line,
    solid_of,
    usable,
    what,
)
from autoresearch_tui.morning.wording import chance, duration, gain, number, numbered, share, thousands

MARKUP = re.compile(r"([\\`*_\[\]<>|~&$!#])|(?<=[A-Za-z0-9])(:)(?=//)|(?<=\bwww)(\.)")
SKETCH = 100  # columns
CHANGES, NEAR, DOUBTS = 100, 30, 20  # rows of each


def escaped(text: str) -> str:
    """Foreign text in a line: every sign stands for itself."""
    return MARKUP.sub(lambda found: f"\\{found[0]}", clean_line(text, None))


def marked(text: str) -> str:
    """A sentence of ours with foreign words in it; what stands between backquotes is a command."""
    parts = text.split("`")
    return "".join(code(part) if at % 2 and at < len(parts) - 1 else escaped_within(part) for at, part in enumerate(parts))


def escaped_within(text: str) -> str:
    """With the spaces at its ends, which belong to the sentence."""
    return f"{' ' * text[:1].isspace()}{escaped(text)}{' ' * (len(text) > 1 and text[-1:].isspace())}"


def code(text: str) -> str:
    """As it is, between more backquotes than it has in a row."""
    text = printable(text)
    fence = "`" * (longest(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def fenced(text: str, kind: str = "") -> list[str]:
    fence = "`" * max(3, longest(text) + 1)
    return [f"{fence}{kind}", *map(_line, text.removesuffix("\n").split("\n")), fence]


def _line(text: str) -> str:
    """As it is, with its tabs: a diff may be applied."""
    return "\t".join(map(printable, text.split("\t")))


def longest(text: str) -> int:
    """How many backquotes stand in a row."""
    return max(map(len, re.findall("`+", text)), default=0)


def as_markdown(account: Account) -> str:
    return "\n".join(_lines(account)) + "\n"


def _lines(account: Account) -> Iterator[str]:
    yield f"# {escaped(headline(account))}"
    if pace := pace_line(account):
        yield from ("", escaped(pace))
    yield from ("", f"**{escaped(account.result.sentence)}**")
    if account.result.caveat:
        yield from ("", marked(account.result.caveat))
    for one in account.confirmed:
        yield from ("", escaped(one.sentence))
    if drawn := sketch(account, SKETCH):
        yield from ("", *fenced("\n".join(drawn)))
    yield from _section("What now", _list(map(marked, account.advice)))
    yield from _section("Kept", _changes(solid_of(account)))
    luck = luck_line(account)
    doubtful = _changes(doubtful_of(account))
    yield from _section("Probably noise", [*([escaped(luck)] if luck else []), *(["", *doubtful] if doubtful else [])])
    yield from _section("Near misses, worth another try", _near(account))
    if account.trend:
        yield from _section("Trend", [f"**{escaped(account.trend.word.capitalize())}.** {escaped(account.trend.sentence)}"])
    yield from _section("Crashes", list(_crashes(account)))
    yield from _section("Where the hours went", list(_hours(account)))
    yield from _section("Researchers", _proposers(account))
    doubts = [f"#{one.number} trial {one.trial} {escaped(f'{one.kind}: {one.why}')}" for one in account.doubts]
    yield from _section("In doubt", _list([*_first(doubts, DOUBTS), *map(escaped, account.warnings)]))
    yield from _section("Not known", _list(map(marked, account.unknown)))
    yield from _section(
        "Commands", [line for look in account.looks for line in (f"{escaped(look.what)}:", *fenced(look.command, "sh"), "")]
    )
    if account.diff:
        yield from _section("Everything that changed", fenced(account.diff, "diff"))


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"## {title}", "", *lines)


def _list(texts: Iterable[str]) -> list[str]:
    return [f"- {text}" for text in texts]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], right: int) -> list[str]:
    """The first columns, so many, hold numbers."""
    if not rows:
        return []
    rule = ["---:" if at < right else "---" for at in range(len(titles))]
    return [f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows)]


def _first(lines: Sequence[str], most: int) -> list[str]:
    """What is pasted somewhere has to end."""
    return [*lines[:most], *([f".. and {len(lines) - most} more"] if len(lines) > most else [])]


def _near(account: Account) -> list[str]:
    near = account.near[:NEAR]
    rows = [(f"#{one.number}", gain(one.worse), str(one.trials), escaped(one.idea), escaped(one.why)) for one in near]
    lines = _table(("#", "worse by", "trainings", "what", "why not"), rows, right=3)
    return [*lines, *(["", f".. and {len(account.near) - NEAR} more"] if len(account.near) > NEAR else [])]


def _changes(kept: Sequence[Kept]) -> list[str]:
    rows = [
        (
            f"#{one.number}",
            gain(one.gain),
            number(one.value),
            str(one.trials),
            " ".join(
                filter(None, (escaped(how_sure(one)), f"({chance(one.p)})" if one.p is not None and one.word == how_sure(one) else ""))
            ),
            escaped(what(one)),
            code(one.commit[:7]) if one.commit else "",
        )
        for one in kept[:CHANGES]
    ]
    lines = _table(("#", "gain", "value", "trainings", "how sure", "what", "commit"), rows, right=4)
    return [*lines, *(["", f".. and {len(kept) - CHANGES} more"] if len(kept) > CHANGES else [])]


def _crashes(account: Account) -> Iterator[str]:
    for one in account.crashes:
        yield f"**{escaped(one.kind)}**: {numbered(one.numbers)}; the last: {escaped(one.why or 'it did not say why')}"
        yield ""
        if one.tail:
            yield from (*fenced("\n".join(one.tail)), "")


def _hours(account: Account) -> Iterator[str]:
    if account.hours and account.hours.whole:
        rows = [(name, duration(seconds), share(seconds, account.hours.whole)) for name, seconds in hours_of(account.hours)]
        yield from _table(("what", "time", "share"), rows, right=0)
        yield from ("", escaped(money_line(account)))


def _proposers(account: Account) -> list[str]:
    rows = [
        (
            escaped(one.name),
            str(one.experiments),
            str(one.kept),
            str(one.crashed),
            gain(one.gain if one.kept else None),
            usable(one),
            thousands(one.tokens_in + one.tokens_out),
            escaped(mistakes(one)),
        )
        for one in account.proposers
    ]
    return _table(("who", "tried", "kept", "crashed", "gain", "usable replies", "tokens", "what was wrong"), rows, right=0)
