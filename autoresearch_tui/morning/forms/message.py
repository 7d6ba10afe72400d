"""A night as the message of one commit: what somebody who reads the history a year later wants to know. Pure.

Owns its words. What is told of the night is `account.py`'s, the commit itself `engine/finishing.py`'s. No line begins with `#`: git takes
such lines out of a message that is edited, and others make links of them.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator
from pathlib import PurePosixPath

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.account import Account, Kept

WIDTH = 72
TRUST = {
    "verified": "The numbers are verified: a process that runs no line of this code measured them.",
    "verified, uncontained": "The numbers were measured by a process that runs no line of this code, but nothing held the code back.",
    "reported": "The numbers are those that the code reports of itself.",
    "suspect": "The numbers are suspect: look at the code before anything rests on them.",
}


def as_message(account: Account, edit: str) -> str:
    """Of the commit that holds what the trunk made of this file."""
    changes = trunk_changes(account)
    what = "change" if len(changes) == 1 else "changes"
    each = f", each trained for {account.budget_s:g} s" if account.budget_s else ""
    told = (
        f"A night of autonomous research on {edit}: {account.experiments} experiments{each}, and the {len(changes)} {what} that lead"
        " to its end, here as one commit. Nothing else of the night is in it."
    )
    result = account.result
    parts = [
        _subject(account, edit, len(changes)),
        _wrapped(told),
        _wrapped(_plain(f"{result.sentence} {result.caveat}", None)),
        _not_the_best(account),
        "\n".join(["Kept, in their order, and what each was better than the one before:", "", *_list(account, changes)]),
        _luck(changes),
        _wrapped(TRUST.get(result.trust, "")),
        _wrapped("More, where the night was spent, with what was discarded:")
        + f"\n\n    git log --notes=autoresearch autoresearch/{account.name}\n    autoresearch-tui report {account.name}",
        "\n".join(_trailers(account, changes)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def trunk_changes(account: Account) -> list[Kept]:
    """The changes that the branch is made of, in their order."""
    kept = {one.number: one for one in account.kept}
    return [kept[number] for number in account.trunk if number in kept]


def _subject(account: Account, edit: str, count: int) -> str:
    """The longest that fits."""
    name = clean_line(PurePosixPath(edit).name, 24)
    changes = f"{count} kept change{'' if count == 1 else 's'}"
    values = _values(account)
    spellings = [f"{name}: {values} in {changes} (autoresearch {account.name})", f"{name}: {values} in {changes}"] if values else []
    spellings += [f"{name}: {changes} (autoresearch {account.name})"]
    return next((spelling for spelling in spellings if len(spelling) <= WIDTH), f"{name}: {changes}")


def _values(account: Account) -> str:
    """From the baseline's number to that of the code in the commit, with the decimals in which they differ."""
    before = account.result.baseline
    after = next((point.value for point in account.points if account.trunk and point.number == account.trunk[-1]), None)
    if before is None or after is None or before == after or account.result.gain is None:
        return ""
    decimals = min(6, max(2, 1 - math.floor(math.log10(abs(before - after)))))
    return f"{clean_line(account.metric, 16)} {before:.{decimals}f} -> {after:.{decimals}f}"


def _not_the_best(account: Account) -> str:
    tip = account.trunk[-1] if account.trunk else None
    if account.result.best in (None, tip):
        return ""
    return _wrapped(
        f"The best number of the night was that of experiment {account.result.best}; the code here is {tip}'s, which came later."
    )


def _list(account: Account, changes: list[Kept]) -> Iterator[str]:
    for one in changes:
        gain = f"{one.gain:+.6f}" if one.gain is not None else ""
        word = one.word if one.gain is not None and one.gain > 0 else ""
        head = f"{one.number:5}  {gain:>9} {word:6}  "
        yield from textwrap.wrap(
            f"{_plain(one.idea)}{_remark(one)}",
            WIDTH,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_on_hyphens=False,
        ) or [head.rstrip()]


def _remark(one: Kept) -> str:
    """What the number alone does not say."""
    if one.by != "policy":
        return f" (kept by {clean_line(one.by)})"
    if one.gain is not None and one.gain <= 0 and one.reason:
        return f" ({_plain(one.reason)})"
    return ""


def _luck(changes: list[Kept]) -> str:
    """Those that were kept for a gain that may be none."""
    unsure = [str(one.number) for one in changes if one.word == "unsure" and one.gain is not None and one.gain > 0]
    if not unsure:
        return ""
    numbers = unsure[0] if len(unsure) == 1 else f"{', '.join(unsure[:-1])} and {unsure[-1]}"
    return _wrapped(f"Probably luck, at least in part: {numbers}. Equal trainings differ by as much.")


def _trailers(account: Account, changes: list[Kept]) -> Iterator[str]:
    yield f"Run: {account.name}"
    if changes:
        yield f"Experiment: {changes[-1].number}"
    for name in dict.fromkeys(clean_line(one.researcher) for one in changes if one.researcher):
        yield f"Researcher: {name}"


def _plain(text: str, limit: int | None = 120) -> str:
    """On one line; `#9` would begin a comment where it begins a line, and be a link to something else in most places."""
    return re.sub(r"#(?=\d)", "experiment ", clean_line(text, limit))


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
