"""One cockpit's line: who ends it is heard, whatever it was just told."""

from __future__ import annotations

import asyncio
import os

from autoresearch_tui.serving.child import Child, child


async def type_and_wait(one: Child) -> None:
    """As a browser's line does, between two of its messages."""
    await one.type("x")
    await asyncio.sleep(60)


async def test_an_end_that_comes_as_a_key_arrives_is_heard() -> None:
    async with child(("cat",), os.environ, 80, 24) as one:
        for steps in range(6):
            line = asyncio.create_task(type_and_wait(one))
            for _ in range(steps):
                await asyncio.sleep(0)
            line.cancel()
            await asyncio.wait([line], timeout=5)
            assert line.cancelled(), f"after {steps} steps of the loop"
