"""How long a server is waited for: to its first word, between two, and for the whole of a reply. What is too long ends the request.

Owns the waiting within one request. When to ask again after it failed is the engine's.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from email.utils import parsedate_to_datetime

import msgspec

from autoresearch_tui.researchers import Part, ResearcherDown

LONGEST_WAIT_S = 86_400.0
EPOCH = 1e9  # seconds since 1970: nobody asks for a wait of thirty years


class Patience(msgspec.Struct, frozen=True):
    """In seconds. A model may have to be loaded before its first word; after it, silence is a fault."""

    connect: float = 5.0
    first: float = 300.0
    gap: float = 120.0
    whole: float = 1800.0


async def patiently(name: str, parts: AsyncGenerator[Part, None], patience: Patience) -> AsyncGenerator[Part, None]:
    """The same parts; raises ResearcherDown where the next one takes too long. However it ends, the request is closed."""
    ends = time.monotonic() + patience.whole
    silence, where = patience.first, "before its first word"
    try:
        while True:
            left = ends - time.monotonic()
            limit = asyncio.timeout(min(silence, left))
            try:
                async with limit:
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not limit.expired():
                    raise  # the network's own, which says something else
                said = f"{name} said nothing for {silence:g} s {where}" if silence <= left else f"{name} talked for {patience.whole:g} s"
                raise ResearcherDown(f"{said}: the request was ended.") from None
            yield part
            silence, where = patience.gap, "in the middle of a reply"
    finally:
        await parts.aclose()


def asked_to_wait(said: str | None) -> float | None:
    """The seconds that a header asks for; None if it asks for nothing that can be read, and never more than a day.

    Servers say it as a number, as a date, and as a time since 1970, some of them in milliseconds.
    """
    if not said:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    if not math.isfinite(seconds):
        return None
    if seconds > EPOCH:
        seconds = (seconds / 1000 if seconds > 100 * EPOCH else seconds) - time.time()
    return min(max(0.0, seconds), LONGEST_WAIT_S)
