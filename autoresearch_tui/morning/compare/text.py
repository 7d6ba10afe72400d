"""A comparison for a terminal: nights as columns where they fit, else as rows; whatever else there is below. Pure.

Owns how wide things are. Foreign text in it is on one line and without what a terminal would obey.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.compare.comparison import Comparison, Share, Side
from autoresearch_tui.morning.compare.words import amount, so_far
from autoresearch_tui.morning.wording import amounts, duration, gain, money, number, several, share

NARROW = 60  # columns of a terminal: below, words are short
COLUMN = 13  # of a night, at least
WIDEST = 26
BASIS = {"closing": "measured afresh", "night": "by its own numbers", "rows": "one number a row"}
Row = tuple[str, list[str]]


def as_text(found: Comparison, width: int = 80) -> str:
    parts = [textwrap.fill(found.sentence, width), *_table(found, width)]
    parts += _shares("by researcher", found.researchers, width)
    parts += _shares("by version of program.md", found.programs, width)
    if len(found.sides) > 2 and (behind := list(_pairs(found, width))):
        parts.append("\n".join([f"{found.leader} is ahead of", *behind]))
    if found.notes:
        parts.append("\n".join(textwrap.fill(note, width, initial_indent="- ", subsequent_indent="  ") for note in found.notes))
    return "\n\n".join(parts) + "\n"


def _table(found: Comparison, width: int) -> Iterator[str]:
    label = 16 if width < NARROW else 20
    each = min(WIDEST, (width - label) // max(1, len(found.sides)))
    if each >= COLUMN:
        yield "\n".join(_as_columns(_rows(found, width < NARROW), label, each, [side.name for side in found.sides]))
    else:
        yield "\n".join(_as_rows(found, width))


# ---------------------------------------------------------------------------------------------------------------------------------
# Nights as columns
# ---------------------------------------------------------------------------------------------------------------------------------


def _rows(found: Comparison, short: bool) -> list[Row]:
    sides = found.sides

    def row(name: str, cells: Sequence[str]) -> Row:
        return name, list(cells)

    rows = [
        row("baseline", [number(side.result.baseline) for side in sides]),
        row("best", [number(side.result.value) for side in sides]),
        row("gain", [_gain(side) for side in sides]),
        row("  between", [_between(side) for side in sides]),
        row("  of baseline", [_percent(side.relative) for side in sides]),
        row("  known", [BASIS.get(side.result.basis, "-") if side.gain else "-" for side in sides]),
    ]
    if found.experiments and found.experiments > 1 and len({side.experiments for side in sides}) > 1:
        rows.append(row(f"  after {found.experiments}{'' if short else ' tried'}", [gain(side.gain_at_experiments) for side in sides]))
    if found.hours and len({side.hours for side in sides}) > 1:
        rows.append(row(f"  {'at' if short else 'after'} {duration(found.hours * 3600)}", [gain(side.gain_at_hours) for side in sides]))
    rows += [
        row("  an experiment", [gain(side.gain_per_experiment) for side in sides]),
        row("  an hour", [gain(side.gain_per_hour) for side in sides]),
        row("experiments", [str(side.experiments) for side in sides]),
        row("  worked", [duration(side.hours * 3600) if side.hours else "-" for side in sides]),
        row("  an hour", [f"{side.per_hour:.1f}" if side.per_hour else "-" for side in sides]),
        row("kept", [_kept(side.share) for side in sides]),
        row("  sure gains", [str(side.share.sure) if side.sigma is not None else "-" for side in sides]),
        row("crashed", [_part(side.share.crashed, side.share.experiments) for side in sides]),
        row("usable replies", [_part(side.share.usable, side.share.usable + side.share.refused) for side in sides]),
        row("cost", [_cost(side) for side in sides]),
        row("  a sure gain", [_for_a_sure_gain(side) for side in sides]),
        row("by", [", ".join(share.of for share in side.researchers) or "-" for side in sides]),
        row("program.md", [", ".join(share.of for share in side.programs) or "-" for side in sides]),
        row("began from", [side.start[:7] or "-" for side in sides]),
        row("budget", [duration(side.budget_s) if side.budget_s else "-" for side in sides]),
        row("device", [side.device or "-" for side in sides]),
        row("sigma", [_sigma(side) for side in sides]),
    ]
    return [(name, cells) for name, cells in rows if set(cells) != {"-"}]


def _as_columns(rows: Sequence[Row], label: int, each: int, names: Sequence[str]) -> Iterator[str]:
    for name, cells in [("", list(names)), *rows]:
        wrapped = [textwrap.wrap(clean_line(cell, 4 * each), each - 2, max_lines=3, placeholder="…") or [""] for cell in cells]
        for line in range(max(map(len, wrapped))):
            texts = [some[line] if line < len(some) else "" for some in wrapped]
            head = name if line == 0 else ""
            yield f"{head:{label}}{''.join(f'{text:{each}}' for text in texts)}".rstrip()


def _gain(side: Side) -> str:
    if side.gain is None:
        return "-"
    return f"{gain(side.gain)} {side.result.word}".rstrip() if side.gain else "nothing"


def _between(side: Side) -> str:
    low, high = side.result.low, side.result.high
    return f"{gain(low)} to {gain(high)}" if low is not None and high is not None else "-"


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.2f}%"


def _part(part: int, whole: int) -> str:
    return f"{part} of {whole}, {share(part, whole)}" if whole else "-"


def _kept(one: Share) -> str:
    """With how far the rate may be from what would be seen in a longer night."""
    if one.rate is None or one.low is None or one.high is None:
        return "-"
    return f"{_part(one.kept, one.experiments)} ({100 * one.low:.0f} to {100 * one.high:.0f}%)"


def _cost(side: Side) -> str:
    if side.spent is None:
        return "-"
    paid = "replies unpriced" if side.spent.researchers_usd is None else money(side.spent.researchers_usd)
    card = f" + {money(side.spent.gpu, clean_line(side.spent.currency, 8))}" if side.spent.gpu else ""
    return f"{paid}{card}, {duration(side.spent.gpu_hours * 3600)} of training"


def _for_a_sure_gain(side: Side) -> str:
    shared = side.spent.per_sure_gain if side.spent else None
    return amounts(shared) if shared and any(shared.values()) else "-"


def _sigma(side: Side) -> str:
    if side.sigma is None:
        return "-"
    return f"{number(side.sigma)} {'assumed' if side.assumed else 'measured'}"


# ---------------------------------------------------------------------------------------------------------------------------------
# Nights as rows, and what else is a list
# ---------------------------------------------------------------------------------------------------------------------------------


def _as_rows(found: Comparison, width: int) -> Iterator[str]:
    """The best first, with as much of each as there is room for."""
    columns: list[tuple[str, int, list[str]]] = []
    sides = sorted(found.sides, key=lambda side: -((side.gain if found.comparable else side.relative) or 0.0))

    def column(name: str, cells: Sequence[str]) -> None:
        columns.append((name, max(len(name), *map(len, cells)) + 2, list(cells)))

    column("", [clean_line(side.name, 16 if width < NARROW else 24) for side in sides])
    column("gain", [gain(side.gain) for side in sides])
    column("", [side.result.word for side in sides])
    column("%", [_percent(side.relative).rstrip("%") for side in sides])
    column("best", [number(side.result.value) for side in sides])
    column("tried", [str(side.experiments) for side in sides])
    column("kept", [str(side.share.kept) for side in sides])
    column("sure", [str(side.share.sure) if side.sigma is not None else "-" for side in sides])
    column("crashed", [str(side.share.crashed) for side in sides])
    column("an hour", [f"{side.per_hour:.1f}" if side.per_hour else "-" for side in sides])
    column("by", [clean_line(", ".join(one.of for one in side.researchers), 20) for side in sides])
    shown, left = [], width
    for one in columns:
        left -= one[1]
        if left < -2:  # the last one needs no space behind it
            break
        shown.append(one)
    for line in range(-1, len(sides)):
        yield "".join(f"{name if line < 0 else cells[line]:{room}}" for name, room, cells in shown).rstrip()


def _shares(title: str, shares: Sequence[Share], width: int) -> Iterator[str]:
    """How they did, where there is more than one."""
    if len(shares) < 2:
        return
    lines = [title]
    for one in shares:
        told = [several(one.experiments, "experiment"), f"kept {one.kept}"]
        if one.rate is not None and one.low is not None and one.high is not None:
            told[-1] += f" ({100 * one.rate:.0f}%, {100 * one.low:.0f} to {100 * one.high:.0f}%)"
        told += [f"gain {gain(one.gain)}"] if one.kept and one.gain is not None else []
        told += [f"{one.sure} sure"] if one.sure else []
        told += [f"{one.crashed} crashed"] if one.crashed else []
        told += [f"{one.usable} of {one.usable + one.refused} replies usable"] if one.usable + one.refused else []
        told += [money(one.cost_usd)] if one.cost_usd else ["cost unknown"] if one.cost_usd is None else []
        name = clean_line(one.of, 40) + (f", {one.nights} nights" if one.nights > 1 else "")
        lines.append(textwrap.fill(f"{name}: {', '.join(told)}", width, initial_indent="  ", subsequent_indent="    "))
    yield "\n".join(lines)


def _pairs(found: Comparison, width: int) -> Iterator[str]:
    """The one that is ahead against each other, and no more: of ten nights there are forty-five pairs."""
    behind = [(pair.other, pair.gain) for pair in found.pairs if pair.one == found.leader and pair.gain is not None]
    room = max((len(name) for name, _ in behind), default=0)
    for name, found_gain in sorted(behind, key=lambda one: one[1].value):
        said = f"{name:{room}}  by {amount(found_gain)} ({so_far(found_gain)})"
        yield textwrap.fill(said, width, initial_indent="  ", subsequent_indent="    ")
