"""How large a model is, by what its name says, and what one of that size is taught. Pure."""

from __future__ import annotations

import re

SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])")
SMALL = 14.0  # billions of parameters: up to here, models apply few-line edits surely and longer ones not
SHORT = ("set", "blocks", "function")
LONG = ("blocks", "set", "function", "file")


def billions(text: str) -> float:
    """Of parameters, from `8.0B`, `334M`, `8x7B`, or out of a name like `qwen3:30b-a3b`; 0 if it does not say."""
    sizes = (int(times or 1) * float(size) * (1.0 if unit == "b" else 1e-3) for times, size, unit in SIZE.findall(text.lower()))
    return max(sizes, default=0.0)


def dialects_for(parameters: float, hosted: bool = False) -> tuple[str, ...]:
    """The forms of an edit that a model of so many billions is taught, the surest first; a hosted one that does not say is large."""
    return SHORT if parameters <= SMALL and (parameters or not hosted) else LONG
