"""An edit, applied to a train.py: all of it or nothing.

The smallest dialect is the one that is read: lines of `SET NAME = value`, which turn knobs and touch nothing else. What stands
around them may be empty, a comment or a code fence; anything else is refused, for half an edit is another idea than the one proposed.
"""

from __future__ import annotations

import re

from autoresearch_tui.proposals.knobs import Knob, NoSuchKnob, NotLiteral, NotPython, literal_in, read_knobs, set_knobs, value_of
from autoresearch_tui.proposals.reply import Unusable

SET = re.compile(r"SET\s+(\w+)\s*=(.*)", re.IGNORECASE)
SILENT = re.compile(r"(#.*|```\w*)?")
KINDS = {bool: "True or False", int: "a number", float: "a number", str: "a string", tuple: "a tuple"}


def apply(source: str, edit: str) -> str:
    """The source after the edit; raises Unusable with a sentence that names the line."""
    lines = [(number, line.strip()) for number, line in enumerate(edit.splitlines(), 1)]
    spoken = [(number, line) for number, line in lines if not SILENT.fullmatch(line)]
    if not any(SET.fullmatch(line) for _, line in spoken):
        raise Unusable("The edit has no line `SET NAME = value`.")
    return _set(source, spoken)


def _set(source: str, lines: list[tuple[int, str]]) -> str:
    try:
        knobs = read_knobs(source)
    except NotPython as error:
        raise Unusable(f"No knob of train.py can be set: {error}.") from None
    literals: dict[str, str] = {}
    edited = source
    for number, line in lines:
        where = f"Line {number} of the edit"
        asked = SET.fullmatch(line)
        if asked is None:
            raise Unusable(f"{where}, `{line[:80]}`, is not `SET NAME = value`.")
        name = asked[1]
        if name in literals:
            raise Unusable(f"{where} sets {name} a second time.")
        try:
            literals[name] = literal_in(asked[2])
            edited = set_knobs(source, literals)
        except (NoSuchKnob, NotLiteral) as error:
            raise Unusable(f"{where}: {error}.") from None
        if mistake := _another_kind(knobs[name], literals[name]):
            raise Unusable(f"{where}: {mistake}.")
    return edited


def _another_kind(knob: Knob, literal: str) -> str | None:
    """`0.02,` is a tuple and `"0.02"` a string: a slip of the pen that would only crash later. None may become anything."""
    old, new = (KINDS.get(type(value)) for value in (knob.value, value_of(literal)))
    return f"{knob.name} is {old}, and `{literal}` is {new}" if old and new and old != new else None
