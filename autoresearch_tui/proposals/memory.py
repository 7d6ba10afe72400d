"""What was tried, for a researcher that reads: compressed the same way each time, and never by leaving out half a line.

One experiment in one line, and what earlier runs taught. What each knob was worth, `prompting/knobtable.py` says.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from autoresearch_tui.proposals.prompting.quoting import one_line

SPOKEN = 3  # knobs that are named in a line; of more, the idea says it
REASON = 60  # characters of a reason
LITERAL = 48  # characters of a value


class Tried(msgspec.Struct, frozen=True):
    """An experiment that was made, or is being made, as a researcher needs to know it."""

    number: int
    """0: it has none yet, for it waits to be trained."""
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


# ------------------------------------------------------------------------------------------------------------------------------
# Numbers
# ------------------------------------------------------------------------------------------------------------------------------


def decimals(tried: Iterable[Tried], sigma: float | None) -> int:
    """How many are worth reading: a few to a sigma; where nobody knows it, or nothing is left to chance, to a usual difference."""
    unit = sigma
    if not unit or not math.isfinite(unit):
        sizes = [abs(one.delta) for one in tried if one.delta and math.isfinite(one.delta)]
        unit = statistics.median(sizes) / 4 if sizes else 1e-4
    return min(6, max(0, math.ceil(0.5 - math.log10(unit)))) if unit > 0 else 6


def signed(delta: float, digits: int) -> str:
    """With its sign; what rounds to nothing has none."""
    text = f"{delta:+.{digits}f}"
    return text if text.strip("+-0.") else text[1:]


def measured(one: Tried) -> float | None:
    return one.delta if one.delta is not None and math.isfinite(one.delta) else None


# ------------------------------------------------------------------------------------------------------------------------------
# One experiment
# ------------------------------------------------------------------------------------------------------------------------------


def line(one: Tried, digits: int, width: int = 120) -> str:
    """`- #12 MATRIX_LR 0.04 -> 0.05: better by 0.0012, kept, sure`"""
    return f"- {f'#{one.number}' if one.number else 'next'} {what(one, width)}: {outcome(one, digits)}"


def what(one: Tried, width: int = 120) -> str:
    """Knobs say it best; where there is more, or many, the idea."""
    if one.changes and (len(one.changes) <= SPOKEN or not one.idea):
        return ", ".join(f"{name} {value(old)} -> {value(new)}" for name, (old, new) in one.changes.items())
    return one_line(one.idea, width) or "a change without a name"


def value(literal: str) -> str:
    return one_line(literal, LITERAL)


def outcome(one: Tried, digits: int) -> str:
    reason = one_line(one.reason, REASON)
    if one.verdict == "crash":
        return f"crashed ({reason})" if reason else "crashed"
    delta = measured(one)
    words = [] if delta is None else [_worth(delta, digits)]
    if one.trials > 1 and words:
        words[0] += f" (mean of {one.trials})"
    if one.verdict == "keep":
        words += ["kept", *([one.word] if one.word else [])]
    elif one.verdict == "discard" and (delta is None or delta < 0):
        words.append(f"discarded ({reason})" if reason else "discarded")
    elif not one.verdict:
        words.append("not judged yet" if delta is not None else "it runs now" if one.number else "it waits for its turn")
    return ", ".join(words) or one_line(one.verdict)


def _worth(delta: float, digits: int) -> str:
    size = f"{abs(delta):.{digits}f}"
    if not size.strip("0."):
        return "the same"
    return f"{'better' if delta < 0 else 'worse'} by {size}"


# ------------------------------------------------------------------------------------------------------------------------------
# Earlier runs
# ------------------------------------------------------------------------------------------------------------------------------


def lessons(earlier: Sequence[Tried], most: int, width: int = 80) -> list[str]:
    """What other nights found, without their numbers, which do not compare: knobs, then the best ideas, then dead ends; `most` of each."""
    if most <= 0:
        return []
    ended = [one for one in earlier if one.verdict]
    ideas = [one for one in ended if len(one.changes) != 1]
    helped = sorted((one for one in ideas if one.verdict == "keep"), key=lambda one: measured(one) or 0.0)
    hurt = sorted((one for one in ideas if one.verdict != "keep"), key=lambda one: -(measured(one) or math.inf))
    found = _knob_lessons([one for one in ended if len(one.changes) == 1])[:most]
    found += [f"- helped: {what(one, width)}" for one in _each_once(helped)[:most]]
    found += [f"- {'crashed' if one.verdict == 'crash' else 'did not help'}: {what(one, width)}" for one in _each_once(hurt)[:most]]
    return found


def _knob_lessons(ended: Iterable[Tried]) -> list[str]:
    """One line per knob, those that helped most often first."""
    ends: dict[str, dict[str, list[str]]] = {}
    for one in ended:
        ((name, (old, new)),) = one.changes.items()
        said = {"keep": "helped", "crash": "crashed"}.get(one.verdict, "did not")
        moves = ends.setdefault(name, {"helped": [], "did not": [], "crashed": []})[said]
        if (move := f"{value(old)} -> {value(new)}") not in moves:
            moves.append(move)
    ranked = sorted(ends.items(), key=lambda item: (-len(item[1]["helped"]), -sum(map(len, item[1].values())), item[0]))
    return [f"- {name}: " + "; ".join(f"{said} {', '.join(moves[-3:])}" for said, moves in ways.items() if moves) for name, ways in ranked]


def _each_once(ideas: Iterable[Tried]) -> list[Tried]:
    return list({what(one).lower(): one for one in reversed(list(ideas))}.values())[::-1]
