"""A trial's log on its way home, as it is written: piece by piece, and no more of it than anybody would read.

Owns how much travels and when. What the log is and how large it may become is the training's cap.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

LOOK_S = 0.2
PIECE = 2**20  # in one look
WHOLE = 2**26  # bytes: of a log that is larger, the rest stays, but for its end
END = 2**20

Tell = Callable[[int, bytes], None]


async def follow(log: Path, tell: Tell) -> None:
    """Until it is cancelled; then what is left of it is told too."""
    told = 0
    with log.open("rb") as file:
        try:
            while True:
                told = _tell_more(file.fileno(), told, tell)
                await asyncio.sleep(LOOK_S)
        finally:
            size = os.fstat(file.fileno()).st_size
            while told < min(size, WHOLE):
                told = _tell_more(file.fileno(), told, tell)
            if size > told:
                stays = max(0, size - told - END)
                note = f"\n[{stays:,} bytes of the log were not brought home]\n".encode() if stays else b""
                tell(told, note + os.pread(file.fileno(), END, size - min(END, size - told)))


def _tell_more(number: int, told: int, tell: Tell) -> int:
    """A log that became shorter is told anew from its end as it is."""
    told = min(told, os.fstat(number).st_size)
    if told < WHOLE and (body := os.pread(number, min(PIECE, WHOLE - told), told)):
        tell(told, body)
        return told + len(body)
    return told
