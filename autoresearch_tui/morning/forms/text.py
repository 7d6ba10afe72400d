"""An account as plain text for a terminal: one or two screens, in the order in which a morning asks. Pure.

Owns the order, the words between the numbers, and how much of each there is. Lines and columns are `layout.py`'s, the chart `sketch.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoresearch_tui.lines import printable
from autoresearch_tui.morning.account import Account, Kept, Proposer
from autoresearch_tui.morning.forms.layout import Column, cut, paragraph, table
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

NARROW = 70  # columns: below that a table has its most important ones
KEPT, NEAR, KINDS, TAIL, DOUBTS, WARNINGS = 12, 5, 4, 3, 4, 3  # lines of each
SHOWN = 6  # numbers of one kind of crash
HEADING, PLAIN = "\x1b[1m", "\x1b[0m"

CHANGES = (
    Column("#", right=True),
    Column("gain", right=True),
    Column("how sure"),
    Column("p", narrow=False),
    Column("value", right=True, narrow=False),
    Column("n", right=True, narrow=False),
    Column("what"),
)


def as_text(account: Account, width: int = 80, bold: bool = False) -> str:
    """In so many columns; `bold`: its headings, for a terminal."""
    return "\n".join(_Text(account, width, bold).lines())


class _Text:
    def __init__(self, account: Account, width: int, bold: bool) -> None:
        self.account, self.width, self.bold = account, width, bold
        self.narrow = width < NARROW

    def lines(self) -> Iterator[str]:
        account = self.account
        yield from paragraph(headline(account), self.width, "", "")
        if pace := pace_line(account):
            yield from paragraph(pace, self.width, "", "")
        said = [account.result.sentence, account.result.caveat, *(one.sentence for one in account.confirmed)]
        yield from self.section("Result", [line for text in said for line in self.prose(text)])
        if drawn := sketch(account, self.width):
            yield ""
            yield from drawn
        yield from self.section("What now", [line for text in account.advice for line in self.item(text)])
        yield from self.section("Kept", self.kept())
        yield from self.section("Probably noise", self.doubtful())
        yield from self.section("Near misses, worth another try", self.near())
        if account.trend:
            yield from self.section("Trend", self.prose(f"{account.trend.word.capitalize()}. {account.trend.sentence}{self.fifths()}"))
        yield from self.section("Crashes", self.crashes())
        yield from self.section("Where the hours went", self.hours())
        yield from self.section("Researchers", self.proposers())
        yield from self.section("In doubt", self.doubts())
        yield from self.section("Not known", [line for text in account.unknown for line in self.item(text)])
        yield from self.section("Commands", self.looks())

    def section(self, title: str, lines: Sequence[str]) -> Iterator[str]:
        if lines:
            yield ""
            yield f"{HEADING}{title}{PLAIN}" if self.bold else title
            yield from lines

    def prose(self, text: str) -> list[str]:
        return paragraph(text, self.width) if text else []

    def item(self, text: str) -> list[str]:
        return paragraph(text, self.width, "    ", "  - ")

    # ---- what was kept ----

    def kept(self) -> list[str]:
        solid = solid_of(self.account)
        if not self.account.kept:
            return self.prose("nothing but the baseline") if self.account.experiments else []
        if not solid:
            return self.prose("nothing that chance alone would not often bring")
        return self.changes(solid)

    def changes(self, kept: Sequence[Kept]) -> list[str]:
        rows = [_row(one) for one in kept[:KEPT]]
        return table(CHANGES, rows, self.width, self.narrow) + self.more(len(kept) - KEPT)

    def more(self, count: int) -> list[str]:
        return [f"  .. and {count} more"] if count > 0 else []

    def doubtful(self) -> list[str]:
        found = doubtful_of(self.account)
        return [*self.prose(luck_line(self.account)), *(self.changes(found) if found else [])]

    def near(self) -> list[str]:
        columns = (Column("#", right=True), Column("worse by", right=True), Column("n", right=True, narrow=False), Column("what"))
        near = self.account.near
        rows = [(f"#{one.number}", gain(one.worse), str(one.trials), one.idea) for one in near[:NEAR]]
        return table(columns, rows, self.width, self.narrow) + self.more(len(near) - NEAR)

    def fifths(self) -> str:
        parts = self.account.trend.fifths if self.account.trend else ()
        return f" Kept, by fifths of the night: {' '.join(share(part, 1.0) for part in parts)}." if parts else ""

    # ---- what went wrong, and what it took ----

    def crashes(self) -> list[str]:
        lines: list[str] = []
        for one in self.account.crashes[:KINDS]:
            lines += paragraph(
                f"{one.kind}: {numbered(one.numbers, SHOWN)}; the last: {one.why or 'it did not say why'}", self.width, "    ", "  "
            )
            lines += [cut(f"    | {line}", self.width) for line in one.tail[-TAIL:]]
        return lines + self.more(len(self.account.crashes) - KINDS)

    def hours(self) -> list[str]:
        hours = self.account.hours
        if hours is None or not hours.whole:
            return []
        columns = (Column("what"), Column("time", right=True), Column("share", right=True), Column(""))
        room = max(1, self.width - 34)
        rows = [
            (name, duration(seconds), share(seconds, hours.whole), "█" * round(room * seconds / hours.whole))
            for name, seconds in hours_of(hours)
        ]
        return table(columns, rows, self.width, False, titles=False) + self.prose(money_line(self.account))

    def proposers(self) -> list[str]:
        columns = (
            Column("tried", right=True),
            Column("kept", right=True),
            Column("gain", right=True),
            Column("usable", right=True),
            Column("tokens", right=True, narrow=False),
            Column("who (what was wrong)"),
        )
        return table(columns, map(_researcher, self.account.proposers), self.width, self.narrow)

    def doubts(self) -> list[str]:
        lines: list[str] = []
        for one in self.account.doubts[:DOUBTS]:
            lines += paragraph(f"#{one.number} trial {one.trial} {one.kind}: {one.why}", self.width, "    ", "  ")
        lines += self.more(len(self.account.doubts) - DOUBTS)
        for text in self.account.warnings[-WARNINGS:]:
            lines += paragraph(text, self.width, "    ", "  ")
        return lines

    def looks(self) -> list[str]:
        """Each command on a line of its own, whole, however long: it is there to be copied."""
        return [line for look in self.account.looks for line in (*self.prose(f"{look.what}:"), f"    {printable(look.command)}")]


def _row(one: Kept) -> tuple[str, ...]:
    p = chance(one.p).removeprefix("p ") if one.word == how_sure(one) else ""
    return (f"#{one.number}", gain(one.gain), how_sure(one), p, number(one.value), str(one.trials), what(one))


def _researcher(one: Proposer) -> tuple[str, ...]:
    brought = gain(one.gain if one.kept else None)
    who = f"{one.name} ({mistakes(one)})" if one.wrong else one.name
    return (str(one.experiments), str(one.kept), brought, usable(one), thousands(one.tokens_in + one.tokens_out), who)
