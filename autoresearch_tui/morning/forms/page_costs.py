"""The hours, the costs and the researchers on the page. Pure."""

from __future__ import annotations

from autoresearch_tui.morning.account import Account, Hours, Proposer, Spent
from autoresearch_tui.morning.forms.markup import Column, escaped, foreign, section, table
from autoresearch_tui.morning.wording import amounts, duration, gain, money, several, share, thousands

PARTS = {
    "training": "training",
    "starting": "start-up: imports, compilation",
    "evaluating": "evaluation",
    "drafting": "waiting for a researcher, and nothing trained",
    "paused": "paused",
    "idle": "none of these",
    "away": "no engine worked",
}
BAR = 1000  # the width of the bar in its own measure
HOURS = (Column("where the hours went"), Column("time", figure=True), Column("share", figure=True))
SPENT = (Column("what it cost"), Column("", figure=True))
WHO = (
    Column("who"),
    Column("experiments", figure=True),
    Column("kept", figure=True),
    Column("crashed", figure=True, extra=True),
    Column("gain", figure=True),
    Column("usable replies", figure=True, extra=True),
    Column("tokens in, out", figure=True, extra=True),
    Column("time", figure=True, extra=True),
    Column("cost", figure=True, extra=True),
)


def hours(account: Account) -> str:
    parts = [_hours(account.hours)] if account.hours and account.hours.whole > 0 else []
    if account.spent:
        parts.append(_spent(account.spent))
    return section(
        "hours", "Hours and cost", [f'<div class="pair">{"".join(f"<div>{part}</div>" for part in parts)}</div>'] if parts else []
    )


def _hours(spent: Hours) -> str:
    """One bar, and the same in a table."""
    shown = [(name, said, seconds) for name, said in PARTS.items() if (seconds := getattr(spent, name)) > 0]
    bars, at = [], 0.0
    for name, said, seconds in shown:
        width = BAR * seconds / spent.whole
        bars.append(f'<rect class="{name}" x="{at:.1f}" width="{width:.1f}" height="20"><title>{said}: {duration(seconds)}</title></rect>')
        at += width
    bar = f'<svg class="bar" viewBox="0 0 {BAR} 20" preserveAspectRatio="none" aria-hidden="true">{"".join(bars)}</svg>'
    rows = [(f'<i class="{name}"></i>{said}', duration(seconds), share(seconds, spent.whole)) for name, said, seconds in shown]
    rows.append(("<b>altogether</b>", f"<b>{duration(spent.whole)}</b>", ""))
    return bar + table(HOURS, rows, "where the hours went")


def _spent(spent: Spent) -> str:
    rows = [
        ("researchers", "not known" if spent.researchers_usd is None else money(spent.researchers_usd)),
        ("tokens read, written", f"{thousands(spent.tokens_in)}, {thousands(spent.tokens_out)}" if spent.tokens_in else "none"),
        ("training processes", duration(3600 * spent.gpu_hours)),
        ("energy", "not known" if spent.kwh is None else f"{spent.kwh:.2f} kWh"),
    ]
    if spent.gpu:
        rows.append(("the card", money(spent.gpu, escaped(spent.currency))))
    for name, each in (("each experiment", spent.per_experiment), ("each sure gain", spent.per_sure_gain)):
        if each and any(each.values()):
            rows.append((name, escaped(amounts(each))))
    return table(SPENT, rows, "what it cost")


def researchers(account: Account) -> str:
    """How each did, and what was wrong with the replies that came to nothing."""
    rows = [_row(one) for one in account.proposers]
    wrong = "".join(_wrong(one) for one in account.proposers if one.wrong)
    return section("researchers", "Researchers", [table(WHO, rows, "researchers") if rows else "", f"<ul>{wrong}</ul>" if wrong else ""])


def _row(one: Proposer) -> tuple[str, ...]:
    replies = one.usable + one.refused
    usable = f"{one.usable} of {replies}" if replies else "-"
    tokens = f"{thousands(one.tokens_in)}, {thousands(one.tokens_out)}" if one.tokens_in or one.tokens_out else "-"
    took = duration(one.seconds) if one.seconds else "-"
    cost = "not known" if one.cost is None else money(one.cost) if one.cost else "-"
    return (
        foreign(one.name),
        str(one.experiments),
        str(one.kept),
        str(one.crashed),
        gain(one.gain) if one.kept else "-",
        usable,
        tokens,
        took,
        cost,
    )


def _wrong(one: Proposer) -> str:
    kinds = ", ".join(f"{count} {escaped(kind)}" for kind, count in sorted(one.wrong.items(), key=lambda kind: -kind[1]))
    return f"<li>{foreign(one.name)}, {several(one.refused, 'refused reply', 'refused replies')}: {kinds}</li>"
