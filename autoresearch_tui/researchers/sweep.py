"""The researcher that needs no model: it turns one knob at a time, by chance, and from one trunk never the same way twice.

All its chance comes from the run's seed, the draft and the move itself, so a request that is asked again gets the same reply, and a
refused reply the next one in the same order. A knob's type, name and comment say which values make sense; what a value is worth,
only the training says.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

import msgspec

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import Knob, NotPython, changed_knobs, read_knobs
from autoresearch_tui.proposals.reply import Unusable
from autoresearch_tui.researchers import NothingLeft, NotUnderstood, Part, Request, Tried

FACTORS = (0.5, 0.7, 1.4, 2.0)
FROM_ZERO = {"share": (0.05, 0.1, 0.2), "decay": (0.001, 0.01, 0.1)}
TOTAL, DEVICE = "TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE"
FEWER = 0.3  # how often a knob comes up whose values depend on others, and may only crash or only cost memory

# Words in the names of knobs.
UNTOUCHED = {"SEED", "SEEDS", "EPS", "FLOPS", "EVAL", "STARTUP", "BUDGET", "VOCAB", "SEQ"}  # luck, the clock, the evaluation, the data
SHARES = {"RATIO", "FRAC", "FRACTION", "PROB", "DROPOUT", "MOMENTUM", "BETA", "BETAS", "EMA"}
BELOW_ONE = {"PROB", "DROPOUT", "MOMENTUM", "BETA", "BETAS", "EMA"}  # at one, nothing moves any more
DELICATE = {"HEAD", "HEADS", "DIM", "KV", "BATCH", "WIDTH", "EMBD", "GROUPS"}
ACRONYMS = {"LR", "KV", "MLP", "STD", "EMA", "ROPE", "RMS", "QK"}


class Move(msgspec.Struct, frozen=True):
    """One knob, set to another value."""

    knob: str
    old: str
    new: str
    weight: float = 1.0

    @property
    def change(self) -> tuple[str, str, str]:
        return self.knob, self.old, self.new

    @property
    def idea(self) -> str:
        words = (word if word in ACRONYMS else word.lower() for word in self.knob.split("_"))
        return f"{' '.join(words)} {self.old} -> {self.new}"


class Sweep:
    """The researcher `sweep`."""

    name = "sweep"
    operators = ("tune", "explore", "combine")

    async def propose(self, request: Request) -> AsyncIterator[Part]:
        yield Part("text", _idea_of_a_person(request) if request.idea else _move_by_chance(request))

    async def check(self) -> str | None:
        return None

    async def release(self) -> None:
        """It holds no memory of the GPU."""


def _move_by_chance(request: Request) -> str:
    try:
        knobs = read_knobs(request.source)
    except NotPython as error:
        raise NothingLeft(f"sweep finds no knobs in train.py: {error}.") from None
    if not knobs:
        raise NothingLeft("sweep finds no knobs in train.py: it needs top-level constants such as `MATRIX_LR = 0.04`.")
    moves = list(_moves(knobs, request.context))
    kept = max((place for place, one in enumerate(request.tried) if one.verdict == "keep"), default=0)
    here, before = _made(request.tried[kept:]), _made(request.tried[:kept])
    left = [move for move in moves if move.change not in here]

    def order(move: Move) -> tuple[bool, float]:
        """What was never made comes first; then what was made before the last keep, for the trunk is another one since."""
        # A draw of its own for each move: the order of the others stays when one of them is made meanwhile.
        chance = random.Random(f"{request.seed}/{request.draft}/{move.knob}/{move.new}")
        return move.change in before, chance.expovariate(move.weight)

    attempt = len(request.refusals)
    if attempt >= len(left):
        raise NothingLeft(f"sweep has nothing left to try: all its {len(moves)} moves from this train.py were made or refused.")
    return _reply([sorted(left, key=order)[attempt]], f"One knob, drawn by chance: {len(left)} of {len(moves)} moves from here are left.")


def _idea_of_a_person(request: Request) -> str:
    if request.refusals:
        raise NotUnderstood(f"sweep can only propose this idea as it stands, and it was refused: {request.refusals[-1]}")
    try:
        changes = changed_knobs(request.source, apply(request.source, request.idea))
    except Unusable as error:
        raise NotUnderstood(f"sweep understands `SET NAME = value`. {error}") from None
    if not changes:
        raise NotUnderstood(f"`{request.idea.strip()}` changes nothing: train.py has it so already.")
    return _reply([Move(name, old, new) for name, (old, new) in changes.items()], "A person's idea.")


def _reply(moves: list[Move], why: str) -> str:
    lines = "\n".join(f"SET {move.knob} = {move.new}" for move in moves)
    return f"<idea>{', '.join(move.idea for move in moves)}</idea>\n<why>{why}</why>\n<edit>\n{lines}\n</edit>\n"


def _made(tried: Iterable[Tried]) -> set[tuple[str, str, str]]:
    """The moves of these experiments; and those that would only take back what was kept."""
    made = set()
    for one in tried:
        if len(one.changes) == 1:
            ((knob, (old, new)),) = one.changes.items()
            made.add((knob, old, new))
            if one.verdict == "keep":
                made.add((knob, new, old))
    return made


# ------------------------------------------------------------------------------------------------------------------------------
# Which values make sense
# ------------------------------------------------------------------------------------------------------------------------------


def _moves(knobs: Mapping[str, Knob], context: int) -> Iterator[Move]:
    for knob in knobs.values():
        if _words(knob) & UNTOUCHED:
            continue
        if knob.name in (TOTAL, DEVICE) and knobs.keys() >= {TOTAL, DEVICE}:
            values = list(_batch_sizes(knob, knobs, context))
        else:
            values = [literal for literal in dict.fromkeys(_values(knob)) if literal != knob.literal]
        delicate = isinstance(knob.value, int) and _words(knob) & DELICATE
        for literal in values:  # a knob comes up as often as another, however many values it has
            yield Move(knob.name, knob.literal, literal, (FEWER if delicate else 1.0) / len(values))


def _words(knob: Knob) -> set[str]:
    return set(knob.name.split("_"))


def _values(knob: Knob) -> Iterable[str]:
    if knob.choices:
        return knob.choices
    match knob.value:
        case bool() as value:
            return [str(not value)]
        case int() as value:
            return _whole_numbers(value, knob.literal)
        case float() as value:
            return map(repr, _fractional_numbers(value, knob))
        case tuple() as values if all(type(value) is float for value in values):
            return _tuples(values, knob)
    return []


def _tuples(values: tuple[float, ...], knob: Knob) -> Iterator[str]:
    """One of the numbers moves, the others stay."""
    for place, value in enumerate(values):
        for other in _fractional_numbers(value, knob):
            yield repr((*values[:place], other, *values[place + 1 :]))


def _fractional_numbers(value: float, knob: Knob) -> Iterator[float]:
    share = 0 <= value <= 1 and bool(_words(knob) & SHARES or re.search(r"\b(share|fraction|probability)\b", knob.comment))
    if value == 0:
        yield from FROM_ZERO["share"] if share else FROM_ZERO["decay"] if "DECAY" in _words(knob) else ()
    elif share and 0.75 < value < 1:  # near one, the distance from it is what counts: 0.95 goes to 0.975
        yield from (round(1 - other, 9) for other in map(_two_digits, _scaled(1 - value)) if other < 1)
    elif share:
        limited = (min(1.0, other) for other in map(_two_digits, _scaled(value)))
        yield from (other for other in limited if other != value and (other < 1 or not _words(knob) & BELOW_ONE))
    else:
        yield from (other for other in map(_two_digits, _scaled(value)) if other != value)


def _whole_numbers(value: int, literal: str) -> Iterator[str]:
    """Powers of two stay such, in their own spelling; others keep their grain: 10000 its zeros, 768 its factor of 64 and more."""
    if value >= 16 and value & (value - 1) == 0:
        for other in (value // 2, value * 2):
            yield _spelled(other, literal)
    elif value > 0:
        grain = 1 if value < 16 else 10 ** (len(str(value)) - 2) if value % 100 == 0 else value & -value
        for other in (grain * round(scaled / grain) for scaled in _scaled(value)):
            if other not in (0, value):
                yield str(other)


def _spelled(value: int, literal: str) -> str:
    """As a power of two where the old value was one in writing."""
    return f"2**{value.bit_length() - 1}" if re.fullmatch(r"2 ?\*\* ?\d+", literal) else str(value)


def _scaled(value: float) -> list[float]:
    return [value * factor for factor in FACTORS]


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _batch_sizes(knob: Knob, knobs: Mapping[str, Knob], context: int) -> Iterator[str]:
    """Half and double, where a step stays whole passes of whole rows. Where the context is not known, only what cannot break that."""
    total, device = knobs[TOTAL].value, knobs[DEVICE].value
    if not (isinstance(total, int) and isinstance(device, int) and total > 0 and device > 0):
        return
    for size in (total // 2, total * 2) if knob.name == TOTAL else (device // 2, device * 2):
        new_total, new_device = (size, device) if knob.name == TOTAL else (total, size)
        if not size:
            continue
        if new_total % (new_device * context) == 0 if context else new_total % total == device % new_device == 0:
            yield _spelled(size, knob.literal)
