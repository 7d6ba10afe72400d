"""An edit, applied to a train.py: all of it or nothing. Each part is found in the text as it was, before any of the others is made.

Dialects, smallest first: `SET NAME = value`, SEARCH/REPLACE blocks, unified diffs, `*** Begin Patch`, whole functions, the whole file.
Half an edit is another idea than the one proposed, so whatever stands in it and cannot be read is refused, too.
"""

from __future__ import annotations

import itertools
import re

import msgspec

from autoresearch_tui.proposals.finding.anchors import Replacement, place
from autoresearch_tui.proposals.finding.wholes import dedented, only_defines, rewritten
from autoresearch_tui.proposals.knobs import BYTE_ORDER_MARK, NotPython, parse
from autoresearch_tui.proposals.reading.blocks import Hunk
from autoresearch_tui.proposals.reading.elision import elided
from autoresearch_tui.proposals.reading.files import refuse_others
from autoresearch_tui.proposals.reading.patches import read_diff
from autoresearch_tui.proposals.reading.pieces import LONGEST, Code, Piece, read_pieces
from autoresearch_tui.proposals.reading.turns import Turn, turned
from autoresearch_tui.proposals.unusable import Unusable

FEW_LINES = 3  # are no file: they are what an author says instead of an edit
MANY = 500  # pieces; nobody proposes so many
NOTHING = "The edit has no line `SET NAME = value`, no SEARCH/REPLACE block, no diff and no whole function or file."
INTRODUCTION = re.compile(r"[^=(){}\[\]]*\w[*_`]*:[*_`]*")


SIGNS = (
    ("patch", r"^\s*\*\*\* (?:Begin Patch|Update File)"),
    ("blocks", r"(?i)^\s*<{3,12} ?(?:SEARCH|ORIGINAL)\b"),
    ("diff", r"^(?:--- |\+\+\+ |@@|diff --git )"),
    ("set", r"(?i)^\s*SET\s+\w+\s*="),
    ("function", r"^(?:@\w|(?:async )?def |class )"),
    ("file", r"^(?:import|from) \w"),
)
"""By what a dialect can be told where it was written badly."""


class Edit(msgspec.Struct, frozen=True):
    """What an edit consists of."""

    turns: tuple[Turn, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    codes: tuple[Code, ...] = ()
    files: tuple[str, ...] = ()
    dialect: str = ""


def apply(source: str, edit: str, name: str = "train.py") -> str:
    """The source after the edit; raises Unusable with a sentence, and the nearest lines if something was not found.

    `name` is the file that the source is of: an edit that names another one is refused.
    """
    read = read_edit(edit)
    for file in read.files:
        refuse_others(file, name)
    body = source.removeprefix(BYTE_ORDER_MARK)
    if read.codes:
        result = _rewritten(body, read)
    else:
        lines = _contents(body)
        result = _replaced(body, [*_turns(body, read), *(place(lines, hunk) for hunk in read.hunks)])
    if left_out := elided(body, result):
        raise Unusable(f"The edit leaves code out: `{left_out[:80]}` stands for something that is not there.", detail=left_out[:200])
    return source[: len(source) - len(body)] + result


def dialect_of(edit: str) -> str:
    """`set`, `blocks`, `diff`, `patch`, `function` or `file`; of an edit that cannot be read what it seems to be, or nothing."""
    try:
        return read_edit(edit).dialect
    except Unusable:
        return next((dialect for dialect, sign in SIGNS if re.search(sign, edit[:LONGEST], re.MULTILINE)), "")


def read_edit(text: str) -> Edit:
    """What the edit consists of; raises Unusable if a part of it cannot be told, or says something else than the rest."""
    if len(text) > LONGEST:
        raise Unusable(f"The edit has {len(text):,} characters; {LONGEST:,} are the most that is read.")
    text = text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n")
    pieces = read_pieces(text)
    if len(pieces) > MANY:
        raise Unusable(f"The edit has more than {MANY} parts; an experiment is one idea.")
    if all(piece.kind in ("prose", "file") for piece in pieces):
        return _bare(text, pieces)
    kinds = {piece.kind for piece in pieces} - {"prose", "file"}
    for number, piece in enumerate(pieces):
        if piece.kind == "prose" and not _introduces(text, pieces, number):
            line = text.split("\n")[piece.first].strip()[:80]
            rule = "`SET NAME = value`" if kinds == {"set"} else "a part of the edit, and may not stand in it"
            raise Unusable(f"Line {piece.first + 1} of the edit, `{line}`, is not {rule}.")
    if len(kinds - {"set"}) > 1 or (len(kinds) > 1 and "blocks" not in kinds):
        raise Unusable(f"The edit mixes dialects ({', '.join(sorted(kinds))}); only SET lines and SEARCH/REPLACE blocks go together.")
    return _edit(pieces, (kinds - {"set"} or kinds).pop())


def _introduces(text: str, pieces: list[Piece], number: int) -> bool:
    """Whether this is a line such as `Then, in the optimizer:` before a part of the edit."""
    return number + 1 < len(pieces) and bool(INTRODUCTION.fullmatch(text.split("\n")[pieces[number].first].strip()))


def _bare(text: str, pieces: list[Piece]) -> Edit:
    """An edit without fences and marks: signed lines of a diff, functions, or a file."""
    files = tuple(file for piece in pieces for file in piece.files)
    lines = text.split("\n")
    if lines and any(line[:1] in ("+", "-") for line in lines) and all(line[:1] in ("", " ", "+", "-") for line in lines):
        hunks, _ = read_diff(lines, 0, len(lines))
        return Edit(hunks=tuple(hunks), files=files, dialect="diff")
    try:
        tree = parse(dedented(text))
    except NotPython:
        raise Unusable(NOTHING) from None
    if not tree.body:
        raise Unusable(NOTHING)
    if not only_defines(tree) and text.count("\n") < FEW_LINES:
        raise Unusable(NOTHING)
    return Edit(codes=(Code(text, 1),), files=files, dialect="function" if only_defines(tree) else "file")


def _edit(pieces: list[Piece], kind: str) -> Edit:
    codes = tuple(piece.code for piece in pieces if piece.code)
    if not any(piece.turn or piece.hunks or piece.code for piece in pieces):
        raise Unusable("The edit has the frame of a diff, and no line that changes.")
    return Edit(
        tuple(piece.turn for piece in pieces if piece.turn),
        tuple(hunk for piece in pieces for hunk in piece.hunks),
        codes,
        tuple(file for piece in pieces for file in piece.files),
        _of_code(codes) if kind == "code" else kind,
    )


def _of_code(codes: tuple[Code, ...]) -> str:
    try:
        return "function" if all(only_defines(parse(dedented(code.text))) for code in codes) else "file"
    except NotPython:
        return "file"


# ------------------------------------------------------------------------------------------------------------------------------
# From lines to a text
# ------------------------------------------------------------------------------------------------------------------------------


def _lines(source: str) -> list[tuple[str, str]]:
    """Each line and its end, which the last one need not have."""
    parts = source.split("\n")
    lines = [(part[:-1], "\r\n") if part.endswith("\r") else (part, "\n") for part in parts[:-1]]
    return [*lines, (parts[-1], "")] if parts[-1] else lines


def _contents(source: str) -> list[str]:
    return [line for line, _ in _lines(source)]


def _turns(source: str, read: Edit) -> list[Replacement]:
    """Each turn as the lines that it changes."""
    old = _contents(source)
    made = []
    for turn, result in turned(source, read.turns) if read.turns else ():
        new = _contents(result)
        if new != old:
            first = next(number for number, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
            same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old[:first:-1], new[:first:-1], strict=False))
            after = sum(1 for _ in same)
            made.append(Replacement(f"line {turn.line} of the edit", first, len(old) - after, tuple(new[first : len(new) - after])))
    return made


def _replaced(source: str, replacements: list[Replacement]) -> str:
    """The source with all of them made; raises Unusable if two want the same lines."""
    lines = _lines(source)
    usual = "\r\n" if 2 * source.count("\r\n") > source.count("\n") else "\n"
    ordered = sorted(replacements, key=lambda one: (one.first, one.last))
    made: list[tuple[str, str]] = []
    position = 0
    for one in ordered:
        if one.first < position:
            raise Unusable(f"Two parts of the edit want the same lines, the {one.name} and another: make one of them.")
        made += lines[position : one.first]
        ending = lines[one.first][1] or usual
        made += [lines[line] if isinstance(line, int) else (line, ending) for line in one.lines]
        position = one.last
    made += lines[position:]
    if not made:
        return ""
    text = "".join(line + (end or usual) for line, end in made[:-1])
    line, end = made[-1]
    return text + line + ((end or usual) if lines[-1][1] else "")


def _rewritten(source: str, read: Edit) -> str:
    """Whole functions or the file, with the line ends that the file has."""
    ends = source.count("\n")
    windows = bool(ends) and source.count("\r\n") == ends
    result = rewritten(source.replace("\r\n", "\n") if windows else source, read.codes)
    return result.replace("\n", "\r\n") if windows else result
