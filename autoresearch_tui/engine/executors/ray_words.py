"""What is said between the engine and the process that speaks to Ray for it."""

from __future__ import annotations

import msgspec


class Word(msgspec.Struct, frozen=True, tag=True):
    """Framed like the talk of the workers, which it carries."""


class Reached(Word, frozen=True):
    """A cluster answers."""

    slots: int
    """That it has now."""


class Unreachable(Word, frozen=True):
    """None does, or one that does not suit: why."""

    why: str


class There(Word, frozen=True):
    """A worker was started."""

    place: int
    node: str
    slot: str
    """Of that node."""
    part: int = 0
    parts: int = 1
    has_card: bool = False


class Carried(Word, frozen=True):
    """Bytes from a worker, or for it."""

    place: int
    body: bytes


class Gone(Word, frozen=True):
    """A worker is there no more, and why."""

    place: int
    node: str
    why: str


class Drop(Word, frozen=True):
    """Nobody needs this worker."""

    place: int


FromBridge = Reached | Unreachable | There | Carried | Gone
ToBridge = Carried | Drop
