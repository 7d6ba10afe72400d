"""Which slots this machine has: one for each card, or parts of its cores.

Owns what each slot has of the machine, and the class of that: what numbers have to have in common to be compared. How cards are read is
`telemetry/`'s, which cores are dealt out to whom `cores.py`'s.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import msgspec

from autoresearch_tui.engine import slurm
from autoresearch_tui.engine.conditions import Neighbours
from autoresearch_tui.engine.executors.cores import parts_of_cores
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry import amd, nvml
from autoresearch_tui.telemetry.machine import UNUSABLE, device_class
from autoresearch_tui.telemetry.sample import Card
from autoresearch_tui.workspace import Workspace, WorkspaceError, device_of


class Device(msgspec.Struct, frozen=True):
    """What of the machine a slot has."""

    about: e.Slot = e.Slot("")
    environment: dict[str, str] = {}
    """By which a training finds its card, and no other."""
    cores: tuple[int, ...] = ()
    """The only ones that it computes on; none: all of them."""
    neighbours: Neighbours | None = None
    """Who else computes on cores of this machine."""

    @property
    def watched(self) -> str:
        """The card to look at; empty: the first one, as a training finds it by itself."""
        return self.about.card if self.environment else ""


def devices(workspace: Workspace, settings: Settings) -> list[Device]:
    """Those of the slots that a person wants. Raises WorkspaceError for more than there are."""
    slots = settings.run.slots or 1
    kind = device_class(device_of(workspace.folder))
    if kind.startswith("cpu"):
        return _of_cores(workspace, slots, kind)
    if slots == 1:
        return [Device(_only(workspace, kind))]
    found = nvml.cards()
    if not found:
        raise WorkspaceError(f"several slots want NVIDIA cards, and this is {kind}: leave `--slots` away, and one trial trains at a time.")
    found = found[: slurm.cards_on_node(os.environ)]
    if len(found) < slots:
        there = "is one" if len(found) == 1 else f"are {len(found)}"
        named = ", ".join(f"{one.index} ({one.name})" for one in found)
        raise WorkspaceError(f"{slots} slots want a card each, and there {there}, {named}: `--slots {len(found)}` takes all.")
    return [_on_card(workspace, one, name) for one, name in zip(found[:slots], _names(found[:slots]), strict=True)]


def class_of_run(workspace: Workspace, slots: int) -> str:
    """The device of a run's key: the card by its name; a processor with so many cores as one trial has of it."""
    kind = device_class(device_of(workspace.folder))
    return class_of_cores(kind, slots) if kind.startswith("cpu") else kind


def class_of_cores(kind: str, slots: int) -> str:
    """Of a part of this processor, which is one of so many."""
    return kind if slots == 1 else f"{kind.rpartition(' x')[0]} x{len(parts_of_cores(slots)[0])}"


def _of_cores(workspace: Workspace, slots: int, kind: str) -> list[Device]:
    if slots == 1:
        return [Device(e.Slot("", with_torch(kind, workspace)))]
    neighbours, device = Neighbours(), with_torch(class_of_cores(kind, slots), workspace)
    parts = parts_of_cores(slots)
    return [Device(e.Slot(f"cpu{place}", device), cores=part, neighbours=neighbours) for place, part in enumerate(parts)]


def _only(workspace: Workspace, kind: str) -> e.Slot:
    """The first card, as training finds it by itself. What cannot say its name now is of no class: nobody knows which."""
    if kind.startswith(UNUSABLE):
        return e.Slot("")
    first = next((card for card in nvml.cards() or amd.cards() if card.name == kind), None)
    return e.Slot("", with_torch(class_of_card(first) if first else kind, workspace), first.uuid if first else "")


def _on_card(workspace: Workspace, card: Card, name: str) -> Device:
    about = e.Slot(name, with_torch(class_of_card(card), workspace), card.uuid)
    return Device(about, {"CUDA_VISIBLE_DEVICES": card.uuid})


def _names(found: Sequence[Card]) -> list[str]:
    """As the driver counts the cards; slices of a card have its number in common, and are counted by themselves."""
    numbers = [card.index for card in found]
    return [f"gpu{number}" for number in (numbers if len(set(numbers)) == len(numbers) else range(len(numbers)))]


def class_of_card(card: Card) -> str:
    """`NVIDIA H200 700 W, driver 570.86.15`"""
    limit = "" if card.power_limit_w is None else f" {card.power_limit_w:.0f} W"
    return clean_line(f"{card.name}{limit}{f', driver {card.driver}' if card.driver else ''}", 200)


def with_torch(kind: str, workspace: Workspace) -> str:
    """Another version of torch may be faster: where the training's is ours, it is a part of the class."""
    if not workspace.measured:
        return kind
    try:
        return f"{kind}, torch {version('torch')}"
    except PackageNotFoundError:
        return kind
