"""The researcher that needs no model: it turns the knobs of train.py one step at a time, and remembers what each step was worth.

It is the honest control: what does not beat it is not doing research. It turns what nobody else is turning now; a knob that somebody
turns only the other way, and only when nothing else is left. Which values make sense `moves.py` knows, what was tried
`experience.py`, what to expect of a value `response.py`; here the best move is chosen. The chance in that comes from the run's seed, the
draft and the move itself: the same request gets the same reply, and a refused reply the next one in the same order.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import AsyncIterator, Iterable, Mapping

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import Knob, NotPython, changed_knobs, read_knobs
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.reply import Unusable
from autoresearch_tui.researchers import NothingLeft, NotUnderstood, Part, Request
from autoresearch_tui.researchers.experience import Experience, experience
from autoresearch_tui.researchers.moves import DEVICE, TOTAL, Move, moves_from
from autoresearch_tui.researchers.response import alternative, response

ACRONYMS = {"LR", "KV", "MLP", "STD", "EMA", "ROPE", "RMS", "QK"}
CHANCE = 0.05, 0.5  # how much of it there is in a choice: usually, and when nothing has helped for long
BOLD = 1.5  # steps
MISSES = 6  # near misses of which pairs are made

Changes = tuple[tuple[str, str, str], ...]


class Sweep:
    """The researcher `sweep`."""

    name = "sweep"
    operators: tuple[str, ...] = ("tune", "explore", "combine")
    dialects: tuple[str, ...] = ()
    window = answer = 0
    remote = metered = shares = False

    async def propose(self, request: Request) -> AsyncIterator[Part]:
        yield Part("text", _idea_of_a_person(request) if request.idea else _best_move(request))

    async def check(self) -> str | None:
        return None

    async def release(self) -> None:
        """It holds no memory of the GPU."""


def _idea_of_a_person(request: Request) -> str:
    if request.refusals:
        raise NotUnderstood(f"sweep can only propose this idea as it stands, and it was refused: {request.refusals[-1]}")
    try:
        changes = changed_knobs(request.source, apply(request.source, request.idea))
    except Unusable as error:
        raise NotUnderstood(f"sweep understands `SET NAME = value`. {error}") from None
    if not changes:
        raise NotUnderstood(f"`{request.idea.strip()}` changes nothing: train.py has it so already.")
    return _reply(tuple((name, old, new) for name, (old, new) in changes.items()), "A person's idea.")


def _best_move(request: Request) -> str:
    try:
        knobs = read_knobs(request.source)
    except NotPython as error:
        raise NothingLeft(f"sweep finds no knobs in train.py: {error}.") from None
    if not knobs:
        raise NothingLeft("sweep finds no knobs in train.py: it needs top-level constants such as `MATRIX_LR = 0.04`.")
    known = experience(request, knobs)
    moves = list(moves_from(knobs, request.context))
    free, other_way = known.left(moves)
    pairs = _pairs(request, knobs, known) if request.operator == "combine" else []
    choices = [*pairs, *_in_order(request, known, free), *_in_order(request, known, other_way)]
    attempt = len(request.refusals)
    if attempt >= len(choices):
        raise NothingLeft(f"sweep has nothing left to try: all its {len(moves)} moves from this train.py were made or refused.")
    return _reply(*choices[attempt])


def _reply(changes: Changes, why: str) -> str:
    ideas = ", ".join(f"{_spoken(knob)} {old} -> {new}" for knob, old, new in changes)
    lines = "\n".join(f"SET {knob} = {new}" for knob, _, new in changes)
    return f"<idea>{ideas}</idea>\n<why>{why}</why>\n<edit>\n{lines}\n</edit>\n"


def _spoken(knob: str) -> str:
    return " ".join(word if word in ACRONYMS else word.lower() for word in knob.split("_"))


# ------------------------------------------------------------------------------------------------------------------------------
# One step on one axis
# ------------------------------------------------------------------------------------------------------------------------------


def _in_order(request: Request, known: Experience, moves: Iterable[Move]) -> list[tuple[Changes, str]]:
    """The moves, what serves the operator first, and then by what they promise."""
    chance = CHANCE[0] + (CHANCE[1] - CHANCE[0]) * min(1.0, max(0.0, request.heat))

    def order(move: Move) -> tuple[bool, float]:
        # A draw of its own for each move: the order of the others stays when one of them is made meanwhile.
        draw = random.Random(f"{request.seed}/{request.draft}/{move.changes}").random()
        luck = -math.log(-math.log(draw or 0.5))
        return not _serves(request.operator, move, known), -math.log(max(_promise(move, known), 1e-300)) - chance * luck

    return [(move.changes, _why(move, known)) for move in sorted(moves, key=order)]


def _serves(operator: str, move: Move, known: Experience) -> bool:
    """To explore is a knob that nobody turned, or a bold step; all else goes a step at a time."""
    bold = move.step is not None and abs(move.step) >= BOLD
    return move.axis.knob not in known.touched or bold if operator == "explore" else not bold


def _promise(move: Move, known: Experience) -> float:
    """The gain to expect."""
    effect = known.effect_on(move.axis)
    if move.step is None:
        return alternative(known.alternatives.get((move.axis, repr(move.value)), ()), effect)
    return response(known.measured.get(move.axis, ()), effect).expected_gain(move.step)


def _why(move: Move, known: Experience) -> str:
    times = len(known.measured.get(move.axis, ()))
    if move.step is None:
        return "An alternative that promises more than the other moves left."
    way = "further up" if move.step > 0 else "further down"
    seen = f"{times} measurement{'s' * (times != 1)} of it so far" if times else "nothing of it is measured yet"
    return f"{2 ** abs(move.step):.2g} times {way}, the most promising move left: {seen}."


# ------------------------------------------------------------------------------------------------------------------------------
# Near misses together
# ------------------------------------------------------------------------------------------------------------------------------


def _pairs(request: Request, knobs: Mapping[str, Knob], known: Experience) -> list[tuple[Changes, str]]:
    """Two near misses that still apply, of different knobs that nobody turns now, the best pair first."""
    by_number = {one.number: one for one in request.tried}
    near = [by_number[number] for number in request.near if number in by_number]
    apply_still = [
        one
        for one in near
        if one.changes
        and not one.changes.keys() & known.held
        and all(knob in knobs and knobs[knob].literal == old for knob, (old, _) in one.changes.items())
    ][:MISSES]
    pairs = [pair for pair in itertools.combinations(apply_still, 2) if not _turns(pair[0]) & _turns(pair[1])]
    found = []
    for one, other in sorted(pairs, key=lambda pair: sum(one.delta or 0.0 for one in pair)):
        changes = tuple((knob, old, new) for knob, (old, new) in (one.changes | other.changes).items())
        if not known.was_made(changes):
            found.append((changes, f"Two near misses together: #{one.number} and #{other.number}."))
    return found


def _turns(one: Tried) -> set[str]:
    """Its knobs; the two sizes of a batch count as one, for they must divide."""
    return {TOTAL if knob == DEVICE else knob for knob in one.changes}
