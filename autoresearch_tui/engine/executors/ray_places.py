"""Which slots a cluster has: one for each GPU of each node that lives, or, where there is none at all, parts of the nodes' cores. Pure.

Owns their number and names. Who starts workers in them is `ray_bridge.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple


class Node(NamedTuple):
    """A machine of the cluster that lives."""

    id: str
    name: str
    gpus: int


class Seat(NamedTuple):
    """Where a slot may be."""

    node: Node
    part: int
    parts: int
    """Of the node."""

    @property
    def key(self) -> tuple[str, int]:
        return self.node.id, self.part

    @property
    def has_card(self) -> bool:
        return self.node.gpus > 0


def nodes_of(told: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> list[Node]:
    """Those that live, as Ray tells of them, named once and for all: two of the same name are told apart."""
    living = [one for one in told if one.get("Alive")]
    names = {identity: name for identity, name in known.items() if any(one["NodeID"] == identity for one in living)}
    for one in living:
        if one["NodeID"] not in names:
            names[one["NodeID"]] = _unused(_cleaned(str(one.get("NodeManagerHostname") or one.get("NodeManagerAddress"))), names.values())
    return sorted(
        (Node(one["NodeID"], names[one["NodeID"]], int(one.get("Resources", {}).get("GPU", 0))) for one in living),
        key=lambda node: node.name,
    )


def seats(nodes: Collection[Node], wanted: int | None, on_cards: bool) -> list[Seat]:
    """The first of each node come first, so that a few slots are spread over many machines. `on_cards`: cores are none."""
    if on_cards:
        found = [Seat(node, part, node.gpus) for node in nodes for part in range(node.gpus)]
    else:
        each = -(-(wanted or 0) // max(1, len(nodes))) or 1
        found = [Seat(node, part, each) for node in nodes for part in range(each)]
    return sorted(found, key=lambda seat: (seat.part, seat.node.name))


def is_undivided(seat: Seat, living: Iterable[Seat]) -> bool:
    """Nobody computes on parts of its node that were dealt out for another number of nodes: the cores of two such parts may be the same."""
    return all(other.node.id != seat.node.id or other.parts == seat.parts for other in living)


def _cleaned(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", name.partition(".")[0] if not re.fullmatch(r"[0-9.]+", name) else name)[:40] or "node"


def _unused(name: str, names: Collection[str]) -> str:
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(names) + 2))
    return next(one for one in numbered if one not in names)
