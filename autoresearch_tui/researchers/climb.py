"""The researcher that learns nothing: one knob at random, turned up or down by a random factor, over and over.

It is the floor of a contest: what does not beat it got nothing out of its prompts, or of its memory. It makes the same moves as `sweep`
(`moves.py`), never one that was made from here before or that another slot is making, and keeps no account of what helped. The chance in
that comes from the run's seed and the draft: the same request gets the same reply, and a refused reply the next one in the same order.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice

from autoresearch_tui.proposals.knobs import NotPython, read_knobs
from autoresearch_tui.researchers import NothingLeft, NotUnderstood, Part, Request
from autoresearch_tui.researchers.experience import experience
from autoresearch_tui.researchers.moves import Move, moves_from


class Climb:
    """The researcher `climb`."""

    name = "climb"
    operators: tuple[str, ...] = ("tune",)
    dialects: tuple[str, ...] = ()
    window = answer = 0
    remote = metered = shares = False

    async def propose(self, request: Request) -> AsyncIterator[Part]:
        if request.idea:
            raise NotUnderstood("climb turns knobs at random and takes nobody's idea: `sweep` understands `SET NAME = value`.")
        yield Part("text", _reply(_drawn(request)))

    async def check(self) -> str | None:
        return None

    async def release(self) -> None:
        """It holds no memory of the GPU."""


def _drawn(request: Request) -> Move:
    try:
        knobs = read_knobs(request.source)
    except NotPython as error:
        raise NothingLeft(f"climb finds no knobs in train.py: {error}.") from None
    known = experience(request, knobs)
    chance = random.Random(f"{request.seed}/{request.draft}")
    in_order = (move for moves in known.left(moves_from(knobs, request.context)) for move in _at_random(moves, chance))
    drawn = next(islice(in_order, len(request.refusals), None), None)  # after those that were refused
    if drawn is None:
        raise NothingLeft("climb has nothing left to try: every move from this train.py was made or refused.")
    return drawn


def _at_random(moves: Iterable[Move], chance: random.Random) -> Iterator[Move]:
    """Each knob as often as any other, however many values it may take."""
    left: dict[str, list[Move]] = {}
    for move in moves:
        left.setdefault(move.axis.knob, []).append(move)
    while left:
        knob = chance.choice(sorted(left))
        move = left[knob].pop(chance.randrange(len(left[knob])))
        if not left[knob]:
            del left[knob]
        yield move


def _reply(move: Move) -> str:
    idea = ", ".join(f"{knob} {old} -> {new}" for knob, old, new in move.changes)
    lines = "\n".join(f"SET {knob} = {new}" for knob, _, new in move.changes)
    return f"<idea>{idea}</idea>\n<why>A knob and a value at random.</why>\n<edit>\n{lines}\n</edit>\n"
