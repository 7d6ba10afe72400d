"""What went wrong on the page: crashes with the end of their logs, numbers in doubt, warnings, and what nobody knows. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.morning.account import Account, Crashes
from autoresearch_tui.morning.forms.markup import Column, escaped, folded, lines, paragraph, prose, section, table
from autoresearch_tui.morning.wording import numbered, several

TAIL = 4000  # characters of the end of a log
DOUBTS = (Column("#", figure=True), Column("trial", figure=True), Column("is", short=True), Column("why"))
MOST = 12  # sentences that stand open


def crashes(account: Account) -> str:
    count = sum(len(one.numbers) for one in account.crashes)
    parts = [_crashes(one) for one in account.crashes]
    return section("crashes", f"Crashes <small>{several(count, 'experiment')}</small>", parts)


def _crashes(one: Crashes) -> str:
    head = f'<h3><span class="bad">{escaped(one.kind)}</span> <small>{numbered(one.numbers)}</small></h3>'
    tail = f"<pre>{lines(chr(10).join(one.tail), TAIL)}</pre>" if one.tail else ""
    return head + paragraph(one.why) + tail


def doubts(account: Account) -> str:
    rows = [(str(one.number), str(one.trial), escaped(one.kind), escaped(one.why)) for one in account.doubts]
    return section("doubts", "Numbers in doubt", [table(DOUBTS, rows, "trials in doubt") if rows else ""])


def warnings(account: Account) -> str:
    return section("warnings", "Warnings", [_listed(account.warnings)])


def unknown(account: Account) -> str:
    return section("unknown", "What cannot be known from here", [_listed(account.unknown)])


def _listed(said: Sequence[str]) -> str:
    def items(some: Sequence[str]) -> str:
        return f"<ul>{''.join(f'<li>{prose(one)}</li>' for one in some)}</ul>" if some else ""

    return items(said[:MOST]) + (folded(f"{len(said) - MOST} more", items(said[MOST:])) if len(said) > MOST else "")
