"""What stands in the text of an edit: turns of knobs, hunks, code, names of files, and prose. Owns fences and where each piece ends.

The text is read line by line, once. Whatever opens must close: a block, a patch, a fence. What a piece means to a file others know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from autoresearch_tui.proposals.reading.blocks import BEGIN, MARKER, Hunk, is_angled, read_angled, read_block
from autoresearch_tui.proposals.reading.files import file_named
from autoresearch_tui.proposals.reading.patches import BEGIN_PATCH, begins_diff, read_diff, read_patch
from autoresearch_tui.proposals.reading.turns import Turn, turn_in
from autoresearch_tui.proposals.unusable import Unusable

FENCE = re.compile(r"(`{3,}|~{3,})\s?([^`\s]*)\s?([^`]*)")
SILENT = re.compile(r"#.*|</?\w+>|<!\[CDATA\[|\]\]>|[*_-]{3,}|\0+")
METHOD = re.compile(r"[#\s*`]*([A-Za-z_]\w*\.[A-Za-z_]\w*)(?:\(\))?[`*]*:?[`*]*")
LONGEST_NAME = 200
LONGEST = 2_000_000  # characters of a reply or an edit; a train.py has a fiftieth of it
MOST_LINES = 20_000  # of a text; the longest honest train.py has a tenth of it
DIFFS = ("diff", "patch", "udiff")
OTHER_LANGUAGES = ("bash", "sh", "shell", "console", "text", "txt", "json", "yaml", "toml", "markdown", "md", "csv", "tsv", "latex")


class Code(msgspec.Struct, frozen=True):
    """Lines of Python that say what they replace by what they define."""

    text: str
    line: int
    method: str = ""
    """`Block.forward`, if a line before it says so."""


class Piece(msgspec.Struct, frozen=True):
    """Some lines of the text, and what they are; prose is all that is nothing else."""

    kind: str
    """`set`, `blocks`, `diff`, `patch`, `code`, `file` (only its name) or `prose`."""
    first: int
    last: int
    turn: Turn | None = None
    hunks: tuple[Hunk, ...] = ()
    code: Code | None = None
    files: tuple[str, ...] = ()
    closed: bool = True
    """It can be seen that nothing of it is missing."""


def read_pieces(text: str) -> list[Piece]:
    """The pieces in order, without blank lines and comments between them; raises Unusable if something opens and does not close."""
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        raise Unusable(f"The edit has {len(lines):,} lines; {MOST_LINES:,} are the most that is read.")
    pieces: list[Piece] = []
    fence = ""
    opened = position = 0
    while position < len(lines):
        line = lines[position].strip()
        found = FENCE.fullmatch(line)
        if found and fence and found[1].startswith(fence) and not found[2]:
            fence = ""
            position += 1
        elif found and not fence:
            piece, position = _fenced(lines, position, found)
            if piece:
                pieces.append(_of_the_method(lines, pieces, piece))
            else:
                fence, opened = found[1], position
                if file := file_named(f"{found[2]} {found[3]}".strip()) or file_named(found[2].partition(":")[2]) or file_named(found[3]):
                    pieces.append(Piece("file", position - 1, position, files=(file,)))
        else:
            piece, position = _piece(lines, position, line, fence)
            if piece:
                pieces.append(piece)
    if fence:
        raise Unusable(f"The edit was cut: the code fence of line {opened} has no end.")
    return pieces


def _fenced(lines: Sequence[str], start: int, opening: re.Match[str]) -> tuple[Piece | None, int]:
    """Code or a diff in a fence; nothing if the fence stands around pieces of another kind, which have their own ends."""
    end = next((number for number in range(start + 1, len(lines)) if _closes(lines[number].strip(), opening[1])), None)
    inside = range(start + 1, len(lines) if end is None else end)
    if any(_marks(lines, number) for number in inside):
        return None, start + 1
    first = next((number for number in inside if lines[number].strip()), None)
    language = opening[2].lower().partition(":")[0]
    if end is None:
        raise Unusable(f"The edit was cut: the code fence of line {start + 1} has no end.")
    if first is not None and (language in DIFFS or begins_diff(lines, first)):
        hunks, files = read_diff(lines, first, end)
        return Piece("diff", start, end + 1, hunks=tuple(hunks), files=tuple(files)), end + 1
    if language in OTHER_LANGUAGES:
        return Piece("prose", start, end + 1), end + 1
    named = [file for word in (opening[2].partition(":")[2], opening[2], opening[3]) if (file := file_named(word))]
    if first is not None and lines[first].strip().startswith("#") and (file := file_named(lines[first])):
        named.append(file)
        first += 1
    method = _method_named(lines[first]) if first is not None and lines[first].strip().startswith("#") else ""
    if method and first is not None:
        first += 1
    code = Code("\n".join(lines[end if first is None else first : end]), start + 1, method)
    return Piece("code", start, end + 1, code=code, files=tuple(named)), end + 1


def _method_named(line: str) -> str:
    """`Block.forward`, if a line says nothing else."""
    named = METHOD.fullmatch(line) if len(line) < LONGEST_NAME else None
    return named[1] if named and not file_named(line) else ""


def _of_the_method(lines: Sequence[str], pieces: list[Piece], piece: Piece) -> Piece:
    """Code, with the method that the line before it names; that line is taken from the pieces."""
    if piece.code and pieces and pieces[-1].kind == "prose" and (method := _method_named(lines[pieces[-1].first])):
        pieces.pop()
        return replace(piece, code=replace(piece.code, method=method))
    return piece


def _closes(line: str, opening: str) -> bool:
    return line.startswith(opening) and not line.strip(opening[0])


def _marks(lines: Sequence[str], number: int) -> bool:
    """Whether a piece with its own end, or a turn, begins here."""
    line = lines[number].strip()
    if not line or line[0] not in "<*Ss`-•0123456789":
        return False
    return bool(BEGIN.fullmatch(line)) or is_angled(line) or line == BEGIN_PATCH or turn_in(line, 0) is not None


def _piece(lines: Sequence[str], start: int, line: str, fence: str) -> tuple[Piece | None, int]:
    """The piece that begins in this line, and the line behind it."""
    if BEGIN.fullmatch(line):
        hunk, behind, end = read_block(lines, start)
        return Piece("blocks", start, end, hunks=(hunk,), files=tuple(filter(None, [file_named(behind)]))), end
    if is_angled(line):
        hunk, end = read_angled(lines, start)
        return Piece("blocks", start, end, hunks=(hunk,)), end
    if line == BEGIN_PATCH:
        hunks, files, end = read_patch(lines, start)
        return Piece("patch", start, end, hunks=tuple(hunks), files=tuple(files)), end
    if begins_diff(lines, start):
        hunks, files = read_diff(lines, start, len(lines))
        return Piece("diff", start, len(lines), hunks=tuple(hunks), files=tuple(files), closed=False), len(lines)
    if turn := turn_in(line, start + 1):
        return Piece("set", start, start + 1, turn=turn, closed=bool(fence)), start + 1
    if MARKER.fullmatch(line):
        raise Unusable(f"Line {start + 1} of the edit, `{line[:80]}`, belongs to no block.")
    if file := file_named(line):
        return Piece("file", start, start + 1, files=(file,)), start + 1
    silent = not line or SILENT.fullmatch(line)
    return None if silent else Piece("prose", start, start + 1), start + 1
