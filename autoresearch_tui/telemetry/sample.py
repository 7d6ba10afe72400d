"""One moment of one card, as it was told, and what keeps the rest.

Owns the words for it, the same for every kind of card. Does not own who is asked (`nvml.py`, `amd.py`, `apple.py`), nor what follows.
"""

from __future__ import annotations

import os
from typing import Protocol

import msgspec


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody on the card."""

    pid: int
    """As the driver numbers it; inside of a container that may be a number of the machine outside."""
    memory: int | None = None
    """Bytes; None where the driver does not tell it."""
    name: str = ""
    """Empty where this process cannot be seen from here."""
    user: str = ""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a card says at one moment. None is what it does not say; `why` tells what keeps that, by the field's name."""

    at: float
    """Seconds, UTC."""
    name: str = ""
    uuid: str = ""
    util: int | None = None
    """In per cent."""
    memory_total: int | None = None
    """Bytes."""
    memory_used: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    temperature_c: int | None = None
    sm_mhz: int | None = None
    sm_mhz_max: int | None = None
    energy_j: float | None = None
    """Since its driver was loaded."""
    throttle: tuple[str, ...] = ()
    """What keeps its clock down: heat, power, hardware, group, setting, idle."""
    processes: tuple[Process, ...] | None = None
    unified: bool = False
    """It has no memory of its own: the figures are the system's."""
    mig: bool = False
    """It is a slice of a card."""
    source: str = ""
    """Who told it."""
    fault: str = ""
    """Why the card cannot be used now: lost, reset, mismatch, gone or unknown; empty where it can."""
    said: str = ""
    """For a person: what is wrong and what to do, or what cannot be told here."""
    why: dict[str, str] = {}


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """One that may be chosen; of a card that is cut into slices, one slice."""

    index: int
    """As the driver counts."""
    uuid: str
    name: str
    mig: bool = False
    power_limit_w: float | None = None
    """That somebody set, or its maker: it stays, unlike the one that heat enforces."""
    driver: str = ""
    """The version of it."""


class Reader(Protocol):
    """A card that was opened."""

    def read(self) -> Sample:
        """Its state now. May block for as long as its driver does."""

    def close(self) -> None: ...


class Absent(Exception):
    """There is no such card here, and the sentence says what was missed."""


class Faulty(Exception):
    """There is a card, and it cannot be used; the sentence says what to do."""

    def __init__(self, fault: str, said: str) -> None:
        super().__init__(said)
        self.fault = fault


def wanted(which: str, *variables: str) -> str:
    """Whom to ask: the one that was named, else the first that these variables leave visible, else the first of all."""
    if which:
        return which
    for variable in variables:
        if (named := os.environ.get(variable)) is not None:
            first = named.partition(",")[0].strip()
            if first in ("", "-1", "NoDevFiles"):  # so CUDA reads it
                raise Absent(f"{variable} hides every card.")
            return first
    return "0"


def visible(cards: list[Card], variable: str) -> list[Card]:
    """Those that this variable leaves visible, in its order; it ends at the first that is none, as CUDA reads it."""
    if (named := os.environ.get(variable)) is None:
        return cards
    shown: list[Card] = []
    for word in named.split(","):
        found = [card for card in cards if is_called(card, word.strip())]
        if not found:
            break
        shown += [card for card in found if card not in shown]
    return shown


def is_called(card: Card, name: str) -> bool:
    """By its index, or by its UUID or the beginning of it."""
    if name.isdecimal():
        return card.index == int(name)
    return card.uuid == name or (name.startswith(("GPU-", "MIG-")) and len(name) > len("GPU-") and card.uuid.startswith(name))
