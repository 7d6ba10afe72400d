"""The changes on the page: what was kept, what of it probably is noise, what came near, where it was going, and every experiment. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.morning.account import Account, Kept, Near
from autoresearch_tui.morning.forms.markup import Column, escaped, folded, foreign, paragraph, section, table
from autoresearch_tui.morning.parts.headlines import doubtful_of, how_sure, luck_line, solid_of
from autoresearch_tui.morning.wording import chance, gain, number, several, share

MEANING = {
    "sure": "chance alone looks like this less than once in a hundred times",
    "likely": "chance alone looks like this less than once in ten times",
    "unsure": "chance alone often looks like this",
    "simpler": "about as good, with less code",
    "refit": "its size was fitted to the memory",
    "not compared": "measured under other conditions than what it came from",
    "": "",
}
CHANGES = (
    Column("#", figure=True),
    Column("gain", figure=True),
    Column("chance", extra=True, short=True),
    Column("value", figure=True, extra=True),
    Column("what was changed"),
    Column("trials", figure=True, extra=True),
    Column("from", extra=True, short=True),
    Column("commit", extra=True, short=True),
)
NEAR = (
    Column("#", figure=True),
    Column("worse by", figure=True),
    Column("what was changed"),
    Column("why not", extra=True),
    Column("commit", extra=True, short=True),
)
ALL = (Column("#", figure=True), Column("value", figure=True), Column("verdict", short=True), Column("what was changed"))
MOST_NEAR = 8


def kept(account: Account) -> str:
    """What chance alone would not often bring, by how sure it is, the largest gain first."""
    solid = solid_of(account)
    groups: dict[str, list[Kept]] = {}
    for one in solid:
        groups.setdefault(how_sure(one), []).append(one)
    parts = []
    for word in sorted(groups, key=lambda word: list(MEANING).index(word) if word in MEANING else len(MEANING)):
        if word:
            count = f"{len(groups[word])} · {MEANING[word]}" if MEANING.get(word) else str(len(groups[word]))
            parts.append(f'<h3><span class="word {escaped(word)}">{escaped(word)}</span> <small>{count}</small></h3>')
        parts.append(_changes(groups[word], f"kept changes {word}".rstrip()))
    if account.kept and not solid:
        parts = [paragraph("Nothing that chance alone would not often bring.")]
    if account.experiments and not account.kept:
        parts = [paragraph("Nothing but the baseline.")]
    return section("kept", f"Kept <small>{several(len(solid), 'change')}, the largest gain first</small>" if solid else "Kept", parts)


def noise(account: Account) -> str:
    """What chance alone would often bring, and how much of the whole it is."""
    found = doubtful_of(account)
    parts = [paragraph(luck_line(account)), _changes(found, "kept changes that probably are noise") if found else ""]
    return section("noise", f"Probably noise <small>{several(len(found), 'kept change')}</small>", parts)


def _changes(these: Sequence[Kept], about: str) -> str:
    """Columns that say nothing here are left out."""
    rows = [
        (
            str(one.number),
            gain(one.gain),
            chance(one.p) if one.word else "",
            number(one.value),
            _what(one),
            str(one.trials),
            escaped(one.researcher or one.operator),
            _commit(one.commit),
        )
        for one in these
    ]
    telling = [at for at, column in enumerate(CHANGES) if not column.extra or any(row[at] not in ("", "-") for row in rows)]
    columns, cells = [CHANGES[at] for at in telling], [[row[at] for at in telling] for row in rows]
    return table(columns, cells, about, row=lambda at: f' id="e{these[at].number}"')


def _what(one: Kept) -> str:
    """What was changed, and what has to be known of its verdict."""
    by = "" if one.by in ("", "policy") else f"by {one.by}"
    said = ", ".join(part for part in (by, "" if one.on_trunk else "off the trunk") if part)
    return foreign(one.idea) + (f" <small>{escaped(said)}</small>" if said else "")


def _commit(commit: str) -> str:
    return f"<code>{escaped(commit[:7])}</code>" if commit else ""


def near(account: Account) -> str:
    rows = [(str(one.number), _worse(one), foreign(one.idea), escaped(one.why), _commit(one.commit)) for one in account.near]
    shown = table(NEAR, rows, "near misses", MOST_NEAR) if rows else ""
    return section("near", "Near misses <small>worth another try</small>", [shown])


def _worse(one: Near) -> str:
    return number(one.worse) if one.worse >= 0 else f"{number(-one.worse)} better"


def trend(account: Account) -> str:
    if account.trend is None:
        return ""
    parts = [paragraph(account.trend.sentence)]
    if account.trend.fifths:
        parts.append(f'<p class="fifths">kept in each fifth of the night {"".join(map(_fifth, account.trend.fifths))}</p>')
    return section("trend", f"Where it was going: {escaped(account.trend.word)}", parts)


def _fifth(part: float) -> str:
    height = round(28 * min(max(part, 0.0), 1.0), 1)
    bars = f'<rect class="room" width="16" height="28"/><rect y="{28 - height}" width="16" height="{height}"/>'
    return f'<span class="fifth"><svg viewBox="0 0 16 28" aria-hidden="true">{bars}</svg><b>{share(part, 1.0)}</b></span>'


def experiments(account: Account) -> str:
    """Every one of them: the chart in words."""
    if not account.points:
        return ""
    trunk = set(account.trunk)
    rows = [
        (
            str(one.number),
            "-" if one.verdict == "crash" else number(one.value),
            f"<b>{escaped(one.verdict)}</b>" if one.number in trunk else escaped(one.verdict),
            foreign(one.idea),
        )
        for one in account.points
    ]
    listed = table(ALL, rows, "every experiment", len(rows))
    return section("experiments", "Every experiment", [folded(f"{several(len(rows), 'experiment')} in their order", listed)])
