"""What one service has still to be told: when, how much at once, and what becomes of it while the service fails. Pure.

Quiet hours, a number of messages an hour, patience with a server: each only makes news wait. What waited comes as one message.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from autoresearch_tui.clock import inside
from autoresearch_tui.morning.notices.news import News

GATHER_S = 2.0  # what happens within it is one message
HOUR_S = 3600.0
ALWAYS = ("ended", "died")  # however many there were before; what has one of them in it is not counted
MOST = 100  # that wait: of a day without a network somebody reads the last
FIRST_S, LONGEST_S = 5.0, 900.0  # until a service that failed is tried again: at first, and after hours


class Rules(msgspec.Struct, frozen=True):
    """What a person wants."""

    quiet: str = ""
    """`HH:MM-HH:MM`"""
    urgent: tuple[str, ...] = ()
    hourly: int = 6


class Box(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one service."""

    held: tuple[News, ...] = ()
    """The oldest first."""
    dropped: int = 0
    """Older ones that found no room."""
    sent: tuple[float, ...] = ()
    """When those messages went out in the last hour that are counted."""
    failures: int = 0
    """In a row."""
    again_at: float = 0.0


def add(box: Box, *more: News) -> Box:
    held = (*box.held, *more)
    return replace(box, held=held[-MOST:], dropped=box.dropped + max(0, len(held) - MOST))


def due(box: Box, rules: Rules, now: datetime) -> tuple[News, ...]:
    """What is sent now, as one message."""
    moment = now.timestamp()
    if not box.held or moment < box.again_at or 0 <= moment - box.held[0].at < GATHER_S:
        return ()
    quiet = bool(rules.quiet) and inside(rules.quiet, now)[0]
    wanted = tuple(one for one in box.held if not quiet or one.kind in rules.urgent)
    flooded = sum(abs(moment - at) < HOUR_S for at in box.sent) >= rules.hourly
    return () if flooded and not any(one.kind in ALWAYS for one in wanted) else wanted


def sent(box: Box, those: tuple[News, ...], now: float) -> Box:
    """They are told."""
    held = tuple(one for one in box.held if one not in those)
    lately = tuple(at for at in box.sent if abs(now - at) < HOUR_S)
    counted = not any(one.kind in ALWAYS for one in those)
    return Box(held, box.dropped if held else 0, (*lately, now) if counted else lately)


def failed(box: Box, now: float) -> Box:
    """They wait, and the service is left alone for longer each time."""
    wait_s = min(LONGEST_S, FIRST_S * 3.0 ** min(box.failures, 10))
    return replace(box, failures=box.failures + 1, again_at=now + wait_s)
