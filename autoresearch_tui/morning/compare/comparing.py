"""Several nights as one comparison. Pure: the same readings give the same.

Owns what goes together, and what every night is called. What is asked of one night is `night.py`'s, of two `pairs.py`'s,
and the sentences are `words.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

from msgspec.structs import replace

from autoresearch_tui.journal.noise import Noise
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.compare.comparison import Comparison, Pair, Side
from autoresearch_tui.morning.compare.night import gain_after, side_of, together
from autoresearch_tui.morning.compare.pairs import compares, groups_of, is_same, noise_together, pair_of
from autoresearch_tui.morning.compare.words import notes_of, said_of_all, said_of_two
from autoresearch_tui.morning.reading import Reading

LONGEST_NAME = 24


def compare(readings: Sequence[Reading], places: Sequence[str] = ()) -> Comparison:
    """`places`: where each lies, for those that are called the same."""
    names = _names(readings, places)
    sides = [side_of(reading, name) for reading, name in zip(readings, names, strict=True)]
    pairs = _pairs(readings, sides)
    numbered = [reading.run for reading, side in zip(readings, sides, strict=True) if side.steps]
    comparable = len(numbered) > 1 and all(compares(numbered[0], run) for run in numbered[1:])
    experiments = min((side.experiments for side in sides if side.steps), default=None)
    hours = min((side.hours for side in sides if side.steps and side.hours), default=None)
    sides = [
        replace(
            side,
            gain_at_experiments=gain_after(side, experiments=experiments),
            gain_at_hours=gain_after(side, hours=hours) if hours else None,
        )
        for side in sides
    ]
    found = Comparison(
        "",
        tuple(sides),
        pairs=tuple(pairs),
        comparable=comparable,
        leader=_leader(sides, pairs, comparable),
        sigma=noise_together(numbered).sigma if comparable else None,
        experiments=experiments,
        hours=hours,
        researchers=tuple(together(chain.from_iterable(side.researchers for side in sides), comparable)),
        programs=tuple(together(chain.from_iterable(side.programs for side in sides), comparable)),
    )
    return replace(found, sentence=said_of_all(found), notes=tuple(notes_of(found)))


def _names(readings: Sequence[Reading], places: Sequence[str]) -> list[str]:
    """The shortest that tell them apart: a tag, else with its place, else with a number."""
    names = [clean_line(reading.name.removesuffix(".tsv"), LONGEST_NAME) for reading in readings]
    if places:
        whole = [f"{clean_line(place, 16)}/{name}" for place, name in zip(places, names, strict=True)]
        alike = {name: [at for at, other in enumerate(names) if other == name] for name in names}
        names = [whole[at] if len({whole[other] for other in alike[name]}) > 1 else name for at, name in enumerate(names)]
    seen: dict[str, int] = {}
    for at, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        names[at] = f"{name} ({seen[name]})" if seen[name] > 1 else name
    return names


def _pairs(readings: Sequence[Reading], sides: Sequence[Side]) -> list[Pair]:
    noises: dict[int, Noise] = {}
    home: dict[int, int] = {}
    for at, group in enumerate(groups_of(readings)):
        noises[at] = noise_together([readings[place].run for place in group])
        home |= dict.fromkeys(group, at)
    both = list(combinations(range(len(sides)), 2))
    pairs = []
    for one, other in both:
        names = sides[one].name, sides[other].name
        if is_same(readings[one], readings[other]):
            pair = Pair(*names, "", comparable=True, same=True)
        else:
            noise = noises[home[one]] if home[one] == home[other] else None
            pair = pair_of(readings[one], readings[other], names, noise, len(both))
        pairs.append(replace(pair, sentence=said_of_two(pair, {side.name: side for side in sides})))
    return pairs


def _leader(sides: Sequence[Side], pairs: Sequence[Pair], comparable: bool) -> str:
    """Who is behind nobody; by parts of the baseline where the numbers do not compare."""
    measured = [side for side in sides if side.result.baseline is not None]
    behind = {pair.other for pair in pairs if pair.gain is not None and pair.gain.value > 0}
    ahead = {pair.one for pair in pairs if pair.gain is not None}
    first = [side.name for side in measured if side.name in ahead - behind]
    if first:
        return first[0]
    best = max(measured, key=lambda side: (side.gain if comparable else side.relative) or 0.0, default=None)
    return best.name if best else ""
