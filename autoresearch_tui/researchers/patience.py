"""How long a server is waited for: to its first word, between two, and for the whole of a reply. What is too long ends the request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec

from autoresearch_tui.researchers import Part, ResearcherDown


class Patience(msgspec.Struct, frozen=True):
    """In seconds. A model may have to be loaded before its first word; after it, silence is a fault."""

    connect: float = 5.0
    first: float = 300.0
    gap: float = 120.0
    whole: float = 1800.0


async def patiently(name: str, parts: AsyncGenerator[Part, None], patience: Patience) -> AsyncIterator[Part]:
    """The same parts; raises ResearcherDown where the next one takes too long. However it ends, the request is closed."""
    ends = time.monotonic() + patience.whole
    silence, what = patience.first, "before its first word"
    try:
        while True:
            left = ends - time.monotonic()
            try:
                async with asyncio.timeout(min(silence, left)):
                    part = await anext(parts, None)
            except TimeoutError:
                said = f"{name} said nothing for {silence:g} s {what}" if silence <= left else f"{name} talked for {patience.whole:g} s"
                raise ResearcherDown(f"{said}: the request was ended.") from None
            if part is None:
                return
            yield part
            silence, what = patience.gap, "in the middle of a reply"
    finally:
        await parts.aclose()
