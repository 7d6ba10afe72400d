"""A contest for a terminal: a row for each researcher where there is room, else a few lines for each. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from autoresearch_tui.contest.standing import Contest, Standing
from autoresearch_tui.contest.words import length_of, named
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.wording import gain, money, number, several, share, thousands

LEAST = 2  # columns before the first number of a table
Cells = list[tuple[str, str]]


def as_text(found: Contest, width: int = 80) -> str:
    rows = [_cells(one) for one in found.standings]
    body = "\n".join(_table(found.standings, rows, width) or _lists(found.standings, rows, width))
    parts = [textwrap.fill(_head(found), width), body, textwrap.fill(found.sentence, width)]
    if found.notes:
        parts.append("\n".join(textwrap.fill(note, width, initial_indent="- ", subsequent_indent="  ") for note in found.notes))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(found: Contest) -> str:
    repeats = max((one.repeats for one in found.standings), default=0)
    sigma = f", sigma {number(found.sigma)} {'assumed' if found.assumed else 'measured'}" if found.sigma is not None else ""
    whole = [
        several(len(found.standings), "researcher"),
        f"{several(repeats, 'run')} of each",
        f"{length_of([length for one in found.standings for length in one.tried])} a run",
    ]
    return f"{', '.join(whole)}; baseline {clean_line(found.metric, 24)} {number(found.baseline)} (mean of {found.baseline_trials}{sigma})"


def _cells(one: Standing) -> Cells:
    replies = one.usable + one.refused
    between = f"{gain(one.low)} to {gain(one.high)}" if one.low is not None and one.high is not None else "-"
    return [
        ("gain", gain(one.gain) + ("" if one.fresh or one.gain is None else "?")),
        ("between", between),
        ("usable", share(one.usable, replies)),
        ("sure", str(one.sure)),
        ("crash", str(one.crashed)),
        ("a sure gain", _price(one)),
    ]


def _price(one: Standing) -> str:
    """In money where any was paid, else in tokens."""
    if not one.sure:
        return "-"
    if one.sure_gain_usd is None:
        return "unpriced"
    if one.sure_gain_usd:
        return money(one.sure_gain_usd)
    return f"{thousands(round(one.sure_gain_tokens))} tokens" if one.sure_gain_tokens else "free"


def _table(standings: Sequence[Standing], rows: Sequence[Cells], width: int) -> list[str]:
    """Nothing where it would not fit. A name that is too long for its column stands above its row."""
    rooms = [max(len(text) for text in (rows[0][at][0], *(row[at][1] for row in rows))) + 2 for at in range(len(rows[0]))] if rows else []
    names = [named(one.researcher) for one in standings]
    label = min(max(map(len, names), default=0), width - sum(rooms))
    if label < LEAST:
        return []

    def line(name: str, cells: Sequence[str]) -> str:
        return f"{name:{label}}{''.join(f'{cell:>{room}}' for cell, room in zip(cells, rooms, strict=True))}"

    lines = [line("", [title for title, _ in rows[0]])]
    for name, row in zip(names, rows, strict=True):
        cells = [text for _, text in row]
        lines += [line(name, cells)] if len(name) <= label else [name, line("", cells)]
    return lines


def _lists(standings: Sequence[Standing], rows: Sequence[Cells], width: int) -> list[str]:
    lines: list[str] = []
    for one, row in zip(standings, rows, strict=True):
        lines += [*([""] if lines else []), *textwrap.wrap(named(one.researcher), width)]
        for title, text in row:
            lines += textwrap.wrap(f"{title:12}{text}", width, initial_indent="  ", subsequent_indent=" " * 14)
    return lines
