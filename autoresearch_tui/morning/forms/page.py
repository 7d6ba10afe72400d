"""The account as one HTML page: whole in itself, light and dark, on a desk, on a phone and on paper. Pure, but for its style, a file.

Owns the order of the page and its head. It has no script and loads nothing, and its policy says so to the browser: whatever the text of
others may contain, nothing of it runs and nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.forms import page_changes, page_code, page_costs, page_troubles
from autoresearch_tui.morning.forms.markup import escaped, foreign, paragraph, prose, section
from autoresearch_tui.morning.forms.plot import OFF, TRIAL, plot_of
from autoresearch_tui.morning.forms.svg import DESK, PHONE, Drawing
from autoresearch_tui.morning.parts.headlines import noise_line, tally
from autoresearch_tui.morning.wording import duration, gain, number

PARTS = (
    page_changes.kept, page_changes.noise, page_changes.near, page_changes.trend, page_troubles.crashes, page_costs.hours,
    page_costs.researchers, page_troubles.doubts, page_troubles.warnings, page_code.commands, page_code.diff, page_troubles.unknown,
    page_changes.experiments,
)  # fmt: skip


FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="autoresearch-tui">
<title>{name}: the morning after</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def as_page(account: Account) -> str:
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    parts = (_head(account), _chart(account), _now(account), *(part(account) for part in PARTS))
    return FRAME.format(digest=digest, name=escaped(account.name), style=style, body="\n".join(part for part in parts if part))


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def _head(account: Account) -> str:
    """The result, before anything else."""
    which = [foreign(account.name), escaped(_when(account)), escaped(account.state)]
    how = [account.device, f"{account.budget_s:g} s a training" if account.budget_s else "", account.trust, noise_line(account)]
    about = "<br>".join(" · ".join(part for part in parts if part) for parts in (which, [escaped(part) for part in how]) if any(parts))
    figures = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _figures(account))
    caveat = paragraph(account.result.caveat, "caveat") + "".join(paragraph(one.sentence) for one in account.confirmed)
    title = f'<p class="about">{about}</p>\n<h1>{prose(account.result.sentence)}</h1>'
    return f'<header>\n{title}\n{caveat}\n<dl class="figures">{figures}</dl>\n</header>'


def _figures(account: Account) -> list[tuple[str, str]]:
    """What a first glance wants to know, each in a few letters."""
    result, metric = account.result, escaped(account.metric)
    found = []
    if result.baseline is not None:
        found.append((f"{metric} at first", number(result.baseline)))
    if result.value is not None and result.best:
        found.append((f"at best, #{result.best}", number(result.value)))
    if result.gain is not None:
        found.append(("gain", f"<b>{gain(result.gain)}</b>{_between(result.low, result.high)}"))
    if result.audit_gain is not None:
        found.append(("gain on the second held-out text", f"{gain(result.audit_gain)}{_between(result.audit_low, result.audit_high)}"))
    found.append(("experiments", f"{account.experiments} <small>{escaped(tally(account))}</small>"))
    if account.hours and account.hours.whole > 0:
        found.append(("time", duration(account.hours.whole)))
    return found


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" <small>{gain(low)} to {gain(high)}</small>"


def _when(account: Account) -> str:
    """In the zone of whoever made the page."""
    if account.began is None:
        return ""
    try:
        began = datetime.fromtimestamp(account.began).astimezone()
        ended = datetime.fromtimestamp(account.ended).astimezone() if account.ended is not None else None
    except (OverflowError, OSError, ValueError):
        return ""  # no time that a clock could show
    if ended is None:
        return f"{began:%d %B %Y, %H:%M %Z}"
    return (
        f"{began:%d %B %Y, %H:%M} to {ended:%H:%M %Z}"
        if ended.date() == began.date()
        else f"{began:%d %B %Y, %H:%M} to {ended:%d %B, %H:%M %Z}"
    )


def _chart(account: Account) -> str:
    if not account.points:
        return ""
    plot = plot_of(account)
    drawings = [Drawing(plot, size) for size in (DESK, PHONE)]
    said = [
        '<span class="key kept">●</span> kept, on the trunk',
        '<span class="key faint">●</span> not kept',
        '<span class="key trial">●</span> one of several trials of a kept one' if any(dot.kind == TRIAL for dot in plot.dots) else "",
        '<span class="key off">◌</span> kept, and taken back later' if any(dot.kind == OFF for dot in plot.dots) else "",
        '<span class="key hollow">○</span> in doubt' if any(dot.hollow for dot in plot.dots) else "",
        '<span class="key crash">✕</span> crashed' if plot.crashes else "",
        '<span class="key faint">▲</span> beyond the axis' if any(dot.beyond for dot in plot.dots) else "",
        f'<span class="key noise">■</span> {escaped(plot.noise)}' if plot.sigma else "",
    ]
    words = (f'<span class="{one.size.name}">{_unlabelled(len(plot.named) - len(one.named))}</span>' for one in drawings)
    legend = "".join(f"<span>{one}</span>" for one in said if one) + "".join(words)
    return f"<figure>\n{''.join(one.svg() for one in drawings)}\n<figcaption>{legend}</figcaption>\n</figure>"


def _unlabelled(count: int) -> str:
    return f"{count} of the kept ones have no room for their words: the table has them" if count else ""


def _now(account: Account) -> str:
    first = "".join(f"<li>{prose(one)}</li>" for one in account.advice)
    return section("now", "What now", [f"<ul>{first}</ul>" if first else ""])
