"""`SET NAME = value`: the smallest edit, which turns a knob and touches nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from autoresearch_tui.proposals.knobs import Knob, NoSuchKnob, NotLiteral, NotPython, literal_in, read_knobs, set_knobs, value_of
from autoresearch_tui.proposals.unusable import Unusable

SET = re.compile(r"SET\s+(\w+)\s*=(.*)", re.IGNORECASE)
BULLET = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+(?=`*SET\s)")
KINDS = {bool: "True or False", int: "a number", float: "a number", str: "a string", tuple: "a tuple"}


class Turn(msgspec.Struct, frozen=True):
    """A line that sets a knob."""

    line: int
    name: str
    literal: str


def turn_in(line: str, number: int) -> Turn | None:
    """The turn that a line asks for, whether or not it can be made."""
    asked = line.strip()
    if bullet := BULLET.match(asked):
        asked = asked[bullet.end() :]
    found = SET.fullmatch(asked.strip("`"))
    return Turn(number, found[1], found[2]) if found else None


def turned(source: str, turns: Sequence[Turn]) -> list[tuple[Turn, str]]:
    """For each turn the source with that one made; raises Unusable with a sentence that names the line."""
    try:
        knobs = read_knobs(source)
    except NotPython as error:
        raise Unusable(f"No knob of train.py can be set: {error}.") from None
    seen: set[str] = set()
    made = []
    for turn in turns:
        where = f"Line {turn.line} of the edit"
        if turn.name in seen:
            raise Unusable(f"{where} sets {turn.name} a second time.")
        seen.add(turn.name)
        try:
            literal = literal_in(turn.literal)
            made.append((turn, set_knobs(source, {turn.name: literal})))
        except (NoSuchKnob, NotLiteral) as error:
            raise Unusable(f"{where}: {error}.") from None
        if mistake := _another_kind(knobs[turn.name], literal):
            raise Unusable(f"{where}: {mistake}.")
    return made


def _another_kind(knob: Knob, literal: str) -> str | None:
    """`0.02,` is a tuple and `"0.02"` a string: a slip of the pen that would only crash later. None may become anything."""
    old, new = (KINDS.get(type(value)) for value in (knob.value, value_of(literal)))
    return f"{knob.name} is {old}, and `{literal}` is {new}" if old and new and old != new else None
