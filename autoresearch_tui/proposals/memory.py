"""What was tried, for a researcher that reads: compressed the same way each time, and never by leaving out half a line."""

from __future__ import annotations

import msgspec


class Tried(msgspec.Struct, frozen=True):
    """An experiment that was made, or is being made, as a researcher needs to know it."""

    number: int
    changes: dict[str, tuple[str, str]] = {}
    """Old and new literal of every knob that differed from its parent's; empty if more than knobs differed."""
    verdict: str = ""
    """keep, discard or crash; empty while it has none."""
    delta: float | None = None
    """How much worse it is than its parent: below zero it is better, whatever the goal."""
    parent: int = 0
    trials: int = 1
    """How many its number is the mean of."""
    operator: str = ""
    idea: str = ""
    """In one line."""
    value: float | None = None
    """Its number, the mean of its fair trials."""
    reason: str = ""
    """Of the verdict."""
    word: str = ""
    """sure, likely or unsure, of a keep."""
