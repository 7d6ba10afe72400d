"""The code on the page: commands to copy, and everything that changed between baseline and best. Pure."""

from __future__ import annotations

import html
from itertools import groupby

from autoresearch_tui.journal.text import clean_text
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.forms.markup import escaped, folded, paragraph, section
from autoresearch_tui.morning.wording import several

MOST_LINES, MOST_SIGNS = 4000, 400_000  # of the diff: what is beyond is for a tool that is made for it
OPEN = 120  # lines that stand open


def commands(account: Account) -> str:
    """Each with what it is for; a click on one marks the whole of it."""
    listed = "".join(f"<dt>{escaped(one.what)}</dt><dd><code>{escaped(one.command)}</code></dd>" for one in account.looks)
    return section("commands", "Commands", [f'<dl class="commands">{listed}</dl>' if listed else ""])


def diff(account: Account) -> str:
    """A line says by its sign what it is, and by its colour only once more."""
    if not account.diff.strip():
        return ""
    count = account.diff.count("\n") + (not account.diff.endswith("\n"))
    shown = clean_text(account.diff[:MOST_SIGNS], MOST_SIGNS).split("\n")[:MOST_LINES]
    written = "".join(_written(kind, "\n".join(lines)) for kind, lines in groupby(shown, _kind))
    left_out = "" if len(shown) >= count and len(account.diff) <= MOST_SIGNS else (
        f"The first {several(len(shown), 'line')} of {count} stand here; `git diff` has the whole."
    )  # fmt: skip
    added, removed = (sum(_kind(line) == kind for line in shown) for kind in ("ins", "del"))
    said = f"{several(added, 'line')} added, {several(removed, 'line')} removed"
    code = f'<pre class="diff">{written}</pre>'
    return section("diff", "From the baseline to the best", [folded(said, code, wide=len(shown) <= OPEN), paragraph(left_out)])


def _kind(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "index ", "@@")):
        return "b"
    return {"+": "ins", "-": "del"}.get(line[:1], "")


def _written(kind: str, text: str) -> str:
    return f"<{kind}>{html.escape(text)}</{kind}>" if kind else f"<span>{html.escape(text)}</span>"
