"""News as a message: a title, a few lines, and nothing in them that a service would act on. Pure."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.notices.news import News
from autoresearch_tui.worth import Severity

WEIGHT = ("ended", "card", "disk", "down", "crashes", "review", "restarted", "best", "kept")
"""What comes first in a message about several things, but for an engine that died, and for good news about what was wrong."""
SEVERITIES: tuple[Severity, ...] = ("information", "warning", "error")
OLD_S = 300.0  # from when on it is said when it was
LINES, LINE = 12, 240
LONGEST_TITLE = 180
CALLS = re.compile(r"@(?=[\w&!])|(?<=<)!(?=\w)|(?<=:)/(?=/)")
"""A mention of everybody, of a person or a channel; an address that a phone would open."""


class Letter(msgspec.Struct, frozen=True):
    title: str
    body: str
    severity: Severity = "information"


def letter(where: str, news: tuple[News, ...], now: datetime, dropped: int = 0) -> Letter:
    """`where` is the workspace and the run: somebody may have several."""
    severity = max((one.severity for one in news), key=SEVERITIES.index)
    if len(news) == 1 and not dropped:
        return Letter(_title(where, news[0].title), _plain(_dated(news[0], now) + news[0].text) or news[0].title, severity)
    first = min(reversed(news), key=_rank)
    title = first.title + (f", and {len(news) - 1} more" if len(news) > 1 else "")
    return Letter(_title(where, title), "\n".join(_lines(first, news, now, dropped)), severity)


def _rank(one: News) -> int:
    if one.kind == "died" and one.severity == "error":
        return -1
    mended = one.severity == "information" and one.kind in ("card", "disk", "down")
    return len(WEIGHT) if mended or one.kind not in WEIGHT else WEIGHT.index(one.kind)


def _lines(first: News, news: tuple[News, ...], now: datetime, dropped: int) -> list[str]:
    """The weightiest whole, then the others in their order; of many records the last one counts."""
    passed = [one for one in news if one.kind == "best"][:-1]
    others = [one for one in news if one is not first and one not in passed]
    lines = [_plain(_dated(first, now) + (first.text or first.title))]
    lines += [_plain(clean_line(f"{_at(one)} {one.title}{f': {one.text}' if one.text else ''}", LINE)) for one in others[-LINES:]]
    if passed:
        lines.append(_plain(clean_line(f"The best of their time had been {', '.join(one.title.split()[0] for one in passed)}.", LINE)))
    if left := dropped + max(0, len(others) - LINES):
        lines.append(f"{left} earlier ones are left out.")
    return lines


def _title(where: str, title: str) -> str:
    return _plain(clean_line(f"{where}: {title}", LONGEST_TITLE))


def _plain(text: str) -> str:
    return CALLS.sub(lambda found: f"{found[0]} " if found[0] != "/" else " /", text)


def _dated(one: News, now: datetime) -> str:
    return f"{_at(one)}: " if now.timestamp() - one.at > OLD_S else ""


def _at(one: News) -> str:
    return f"{datetime.fromtimestamp(one.at, LOCAL):%H:%M}"
