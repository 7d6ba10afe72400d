"""A comparison in sentences: which night gained more, whether that is luck, and what has to be known to read it right. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.compare.comparison import Comparison, Difference, Pair, Side
from autoresearch_tui.morning.wording import chance, gain, number

SURE_ENOUGH = ("sure", "likely")
LONGEST = 24  # characters of what a key says
MOST_NAMES = 3  # in a sentence, where all the others will do


def said_of_all(found: Comparison) -> str:
    """The result, in one sentence."""
    measured = [side for side in found.sides if side.result.baseline is not None]
    if not measured:
        return "None of these nights has a number: there is nothing to compare."
    if len(measured) == 1 and len(found.sides) > 1:
        return f"Only {measured[0].name} has a number: there is nothing to compare it with."
    if len(found.sides) == 2:
        return found.pairs[0].sentence
    if all(pair.same for pair in found.pairs):
        return "These are all the same night."
    leader = found.leader
    ahead = [pair for pair in found.pairs if pair.one == leader and pair.gain is not None]
    clear = [pair for pair in ahead if pair.gain is not None and pair.gain.word in SURE_ENOUGH]
    rest = [pair.other for pair in found.pairs if pair.one == leader and pair not in clear and not pair.same]
    rest += [pair.one for pair in found.pairs if pair.other == leader and not pair.same]
    if not ahead:
        return "These nights measure different things: there is nothing to compare."
    most = "gained most of its baseline" if ahead[0].gain and ahead[0].gain.by == "relative" else "gained most"
    if clear and not rest:
        return f"{leader} {most} ({_weakest(clear)}, against each of the others); {_nearest(ahead)}"
    if not clear:
        return f"Which of these nights gained most nobody can tell: {leader} is ahead, and {_listed(rest)} may have gained as much."
    behind = _listed([pair.other for pair in clear]) if len(clear) <= MOST_NAMES else f"the other {len(clear)}"
    return f"{leader} is ahead, and {_listed(rest)} may have gained as much; {behind} gained less ({_weakest(clear)})."


def _weakest(pairs: Sequence[Pair]) -> str:
    return "likely" if any(pair.gain is not None and pair.gain.word == "likely" for pair in pairs) else "sure"


def _nearest(pairs: Sequence[Pair]) -> str:
    _, near = min((pair.gain.value, pair.other) for pair in pairs if pair.gain is not None)
    found = next(pair.gain for pair in pairs if pair.other == near and pair.gain is not None)
    return f"the next is {near}, {amount(found)} behind."


def said_of_two(pair: Pair, sides: Mapping[str, Side]) -> str:
    one, other = pair.one, pair.other
    if pair.same:
        return f"{one} and {other} are the same night."
    without = [side.name for side in (sides[one], sides[other]) if side.result.baseline is None]
    if without:
        return f"{_listed(without)} {'has' if len(without) == 1 else 'have'} no number: there is nothing to compare."
    if (sides[one].metric, sides[one].goal) != (sides[other].metric, sides[other].goal):
        metrics = [f"{clean_line(sides[name].metric, LONGEST)} ({sides[name].goal} is better)" for name in (one, other)]
        return f"{one} and {other} measure different things: {metrics[0]}, and {metrics[1]}."
    if pair.gain is None:
        return f"{one} and {other} cannot be compared: in one of them the machine drifted, or its baseline is zero."
    return _said(pair, pair.gain)


def _said(pair: Pair, found: Difference) -> str:
    one, other = pair.one, pair.other
    of = " of its baseline" if found.by == "relative" else ""
    if found.value == 0:
        return f"{one} and {other} gained the same{of}."
    how = f"{amount(found)} ({so_far(found)})" if found.low is not None else amount(found)
    same_start = ", from the same code" if found.by == "end" else ""
    if found.low is None:
        unknown = "how far equal trainings differ is not known for both, so that may be luck"
        return f"{one} gained more{of} than {other}, by {how}{same_start}; {unknown}."
    if found.word in SURE_ENOUGH:
        return f"{one} gained more{of} than {other}, by {how}{same_start}."
    return f"Whether {one} or {other} gained more{of} nobody can tell: {one} is ahead by {how}{same_start}, and that may be luck."


def so_far(found: Difference) -> str:
    """The interval, the word and p, as far as they are known."""
    if found.low is None or found.high is None:
        return "nobody knows the noise"
    between = f"{_signed(found, found.low)} to {_signed(found, found.high)}"
    return ", ".join(part for part in (between, found.word, chance(found.p)) if part)


def amount(found: Difference) -> str:
    return f"{100 * found.value:.2f} percentage points" if found.by == "relative" else number(found.value)


def _signed(found: Difference, value: float) -> str:
    return f"{100 * value + 0.0:+.2f}" if found.by == "relative" else gain(value)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nobody"


def notes_of(found: Comparison) -> Iterator[str]:
    """What has to be known to read it right."""
    sides = {side.name: side for side in found.sides}
    measured = [side for side in found.sides if side.result.baseline is not None]
    yield from _keys(found, sides)
    for pair in found.pairs:
        if pair.end is not None:
            yield _ends(pair, pair.end, sides)
    yield from _bases(measured)
    working = [side.name for side in found.sides if side.state.startswith("at work")]
    if working:
        yield f"{_listed(working)} {'is' if len(working) == 1 else 'are'} still at work: the rest of the night is missing here."
    if any(pair.gain is not None and pair.gain.word in SURE_ENOUGH for pair in found.pairs):
        yield (
            "The words are about these nights. How far two nights of one researcher differ only more nights of each can tell:"
            " what is tried is luck too."
        )


def _keys(found: Comparison, sides: Mapping[str, Side]) -> Iterator[str]:
    """What differs, for each set of nights that are apart in the same way."""
    apart: dict[tuple[str, ...], list[Pair]] = {}
    for pair in found.pairs:
        if not (pair.comparable or pair.same):
            apart.setdefault(pair.differs, []).append(pair)
    for differs, pairs in apart.items():
        said = [_differs(name, sides[pairs[0].one], sides[pairs[0].other]) for name in differs]
        names = _listed([f"{pair.one} and {pair.other}" for pair in pairs[:3]]) + (" and others" if pairs[3:] else "")
        if said:
            verb = "differs" if len(said) == 1 else "differ"
            yield f"The numbers of {names} do not compare, for {_listed(said)} {verb}: gains are compared in parts of each baseline."
        else:
            tables = _listed([side.name for side in sides.values() if not side.key])
            yield f"How {tables} was measured nobody knows, so numbers do not compare: gains are compared in parts of each baseline."


def _differs(name: str, one: Side, other: Side) -> str:
    """A hash says nothing to anybody; a budget, a device or a data set does."""
    values = [clean_line(side.key.get(name, "none"), LONGEST) for side in (one, other)]
    is_hash = all(len(value) == 16 and set(value) <= set("0123456789abcdef") for value in values)
    return clean_line(name, LONGEST) if is_hash else f"{clean_line(name, LONGEST)} ({values[0]} and {values[1]})"


def _ends(pair: Pair, end: Difference, sides: Mapping[str, Side]) -> str:
    start = sides[pair.one].start
    if start and start == sides[pair.other].start:
        return (
            f"{pair.one} and {pair.other} began from the same code, which measured otherwise in each: the machines differ, whatever"
            " their keys say. So gains are compared, and not the numbers at the end."
        )
    name, word = (pair.one if end.value > 0 else pair.other), f", {end.word}" if end.word else ""
    ahead = f"{name} ended better by {number(abs(end.value))}{word}" if end.value else "both ended at the same number"
    return f"{pair.one} and {pair.other} began from different code; at the end, {ahead}."


def _bases(measured: Sequence[Side]) -> Iterator[str]:
    """Which gains were measured afresh, and which claim too much."""

    def of(some: Sequence[Side]) -> str:
        return "all these nights" if len(some) == len(measured) > MOST_NAMES else _listed([side.name for side in some])

    gained = [side for side in measured if side.gain]
    if chosen := [side for side in gained if side.result.basis == "night"]:
        yield (
            f"The numbers of {of(chosen)} decided what was kept, so the gains claim too much: what the choice alone may have"
            " brought is allowed for in the comparison. `confirm` tells more."
        )
    if once := [side for side in gained if side.result.basis == "rows"]:
        yield f"Each row of {of(once)} was measured once, and nobody says how far equal trainings differ there."
    if guessed := [side for side in measured if side.assumed and side.sigma is not None]:
        yield f"Sigma of {of(guessed)} is a guess: no code was trained three times there."
