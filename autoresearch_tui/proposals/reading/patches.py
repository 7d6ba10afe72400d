"""Unified diffs and `*** Begin Patch`: their hunks and the files that they name.

Models count badly and quote well, so the lines of a hunk say where it belongs. Its number is only a hint among several places, and none
if its count is wrong: then something is missing, and the number may be that of another line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autoresearch_tui.proposals.reading.blocks import Hunk, Line
from autoresearch_tui.proposals.reading.files import file_in_header
from autoresearch_tui.proposals.unusable import Unusable

BEGIN_PATCH, END_PATCH, END_OF_FILE = "*** Begin Patch", "*** End Patch", "*** End of File"
NUMBERS = re.compile(r"-(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,\d{1,9})?\b")
MAKES_FILES = ("new file mode", "deleted file mode", "rename from ", "rename to ", "copy from ", "copy to ")
META = ("diff --git ", "index ", "old mode", "new mode", "similarity index", "Index: ")


def begins_diff(lines: Sequence[str], start: int) -> bool:
    line = lines[start]
    if line.startswith("--- "):
        return _is_header(lines, start)
    return line.startswith(("diff --git ", "Index: ", "@@ ")) or line.rstrip() == "@@"


def read_diff(lines: Sequence[str], start: int, end: int) -> tuple[list[Hunk], list[str]]:
    """The hunks between two lines, and the files that the headers name."""
    files: list[str] = []
    hunks: list[Hunk] = []
    headings: list[str] = []
    body: list[str] = []

    def close(number: int) -> None:
        if any(line.strip() for line in body):
            hunks.append(_hunk(headings, body, number - len(body) - len(headings)))
            headings.clear()
        body.clear()

    position = start
    while position < end:
        line = lines[position]
        if line.startswith(MAKES_FILES):
            raise Unusable("The edit makes, deletes or renames a file; it may only change the lines of the one that is there.", "frozen")
        if _is_header(lines, position) and ((not hunks and not body) or _begins_hunk(lines, position + 2, end)):
            close(position)
            headings.clear()
            files += [file_in_header(lines[position + offset][4:]) for offset in (0, 1)]
            position += 1
        elif line.startswith("@@"):
            close(position)
            headings.append(line)
        elif line.startswith(META):
            close(position)
            files += [file_in_header(word) for word in line.split()[2:4] if line.startswith("diff --git ")]
        else:
            body.append(line)
        position += 1
    close(end)
    return hunks, [file for file in files if file]


def read_patch(lines: Sequence[str], start: int) -> tuple[list[Hunk], list[str], int]:
    """The hunks of the patch that begins in this line, the files that it names, and the line behind its end."""
    end = next((number for number in range(start + 1, len(lines)) if lines[number].strip() == END_PATCH), None)
    if end is None:
        raise Unusable(f"The edit was cut: its patch has no `{END_PATCH}`.")
    files: list[str] = []
    hunks: list[Hunk] = []
    first = start + 1
    for number in range(start + 1, end + 1):
        line = lines[number].strip()
        if not line.startswith("*** "):
            continue
        hunks += read_diff(lines, first, number)[0]
        first = number + 1
        verb, _, file = line.removeprefix("*** ").partition(":")
        if verb == "Update File":
            files.append(file.strip())
        elif number != end and line != END_OF_FILE:
            raise Unusable(f"The patch says `{line[:80]}`; it may only update the lines of the file that is there.", "frozen")
    return hunks, files, end + 1


def _is_header(lines: Sequence[str], start: int) -> bool:
    return lines[start].startswith("--- ") and start + 1 < len(lines) and lines[start + 1].startswith("+++ ")


def _begins_hunk(lines: Sequence[str], start: int, end: int) -> bool:
    return start < end and lines[start].startswith("@@")


def _hunk(headings: list[str], written: list[str], number: int) -> Hunk:
    body = [line for line in written if not line.startswith("\\")]
    plain = tuple(_signed(line) for line in body)
    at, within = _hints(headings, sum(sign != "+" for sign, _ in plain))
    if all(sign == " " for sign, _ in plain):
        raise Unusable(f"The hunk of line {number + 1} has no line that begins with + or -: it changes nothing.")
    raw = tuple((sign, body[index] if sign == " " else text) for index, (sign, text) in enumerate(plain))
    first = next(index for index, line in enumerate(body) if line)
    last = len(body) - next(index for index, line in enumerate(reversed(body)) if line)
    readings = (plain, plain[first:last], raw, raw[first:last])  # empty lines around it, and a forgotten first column of what stays
    return Hunk(f"hunk of line {number + 1}", tuple(dict.fromkeys(readings)), "\n".join([*headings, *body]), at, within)


def _hints(headings: list[str], count: int) -> tuple[int | None, tuple[str, ...]]:
    """The line that it claims, or else the lines whose blocks it stands in."""
    texts = [line.removeprefix("@@").strip() for line in headings]
    numbers = [found for text in texts if (found := NUMBERS.match(text))]
    if numbers:  # what git writes behind them is a function before the hunk, not one around it
        return (int(numbers[-1][1]) if int(numbers[-1][2] or 1) == count else None), ()
    return None, tuple(bare for text in texts if (bare := text.removesuffix("@@").strip()))


def _signed(line: str) -> Line:
    return (line[0], line[1:]) if line[:1] in ("+", "-", " ") else (" ", line)
