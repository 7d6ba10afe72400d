"""SEARCH/REPLACE blocks: where one begins and ends, and which lines it wants to be what. Finding these in a file is `finding/anchors.py`'s.

<<<<<<< SEARCH          <<<SEARCH
old lines               old lines
=======                 >>>
new lines               <<<REPLACE
>>>>>>> REPLACE         new lines
                        >>>
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from autoresearch_tui.proposals.unusable import Unusable

BEGIN = re.compile(r"(?i)<{4,12}\s?(?:SEARCH|ORIGINAL)\b(.*)")
DIVIDER = re.compile(r"={5,12}")
END = re.compile(r"(?i)>{4,12}(?:\s?(?:REPLACE|UPDATED)\b.*)?")
ANGLED = re.compile(r"(?i)<<<\s?(SEARCH|REPLACE)\b(.*)")
MARKER = re.compile(r"[<>]{4,12}(\s?\w.*)?|={5,12}|<<<.*|>>>")
NUMBERED = re.compile(r"[ \t]{0,9}(\d{1,6})[ \t]?[|:│→](?: (.*)|(.*))")
PAIRS = 20_000  # pairs of equal lines beyond which two texts are not compared line by line

Line = tuple[str, str]
"""A sign and a text: ` ` stays, `-` goes, `+` comes, as in a diff."""


class Hunk(msgspec.Struct, frozen=True):
    """Lines that a file has, and what is to become of them."""

    name: str
    """What a sentence calls it."""
    readings: tuple[tuple[Line, ...], ...]
    """What the author may have meant, the most literal first."""
    quoted: str
    """As it was written."""
    at: int | None = None
    """The line number that it claims."""
    within: tuple[str, ...] = ()
    """Lines of the file in whose blocks it stands, the outermost first."""


def read_block(lines: Sequence[str], start: int) -> tuple[Hunk, str, int]:
    """The block that begins in this line, what stands behind its marker, and the line behind its end."""
    begin = BEGIN.fullmatch(lines[start].strip())
    assert begin is not None, "asked for a block where none begins"
    divider = None
    for number in range(start + 1, len(lines)):
        line = lines[number].strip()
        if BEGIN.fullmatch(line):
            raise Unusable(f"The SEARCH block of line {start + 1} has no end: another begins in line {number + 1}.")
        if DIVIDER.fullmatch(line):
            if divider is not None:
                raise Unusable(f"The SEARCH block of line {start + 1} has two ======= lines; it must have one.")
            divider = number
        elif END.fullmatch(line):
            if divider is None:
                raise Unusable(f"The SEARCH block of line {start + 1} has no ======= line between what is and what shall be.")
            return _hunk(lines, (start + 1, divider), (divider + 1, number), (start, number)), begin[1], number + 1
    raise Unusable(f"The edit was cut: the SEARCH block of line {start + 1} has no >>>>>>> REPLACE.")


def is_angled(line: str) -> bool:
    return bool(ANGLED.fullmatch(line))


def read_angled(lines: Sequence[str], start: int) -> tuple[Hunk, int]:
    """The block of the other dialect that begins in this line, and the line behind its end."""
    first = lines[start].strip()
    if first.count(">>>") == 2:  # all in one line
        old, middle, new = (part.strip() for part in first[:-3].partition(">>>"))
        opening, again = ANGLED.fullmatch(old), ANGLED.fullmatch(new)
        if first.endswith(">>>") and middle and opening and again and (opening[1] + again[1]).upper() == "SEARCHREPLACE":
            return hunk_of([opening[2].strip()], [again[2].strip()], f"SEARCH block of line {start + 1}", first), start + 1
    old_end = _angled_end(lines, start, "SEARCH")
    position = old_end
    if lines[old_end].strip() == ">>>":
        position = next((number for number in range(old_end + 1, len(lines)) if lines[number].strip()), old_end)
    new_end = _angled_end(lines, position, "REPLACE")
    if lines[new_end].strip() != ">>>":
        raise Unusable(f"The <<<REPLACE of line {position + 1} does not end with >>> on a line of its own.")
    return _hunk(lines, (start + 1, old_end), (position + 1, new_end), (start, new_end)), new_end + 1


def _angled_end(lines: Sequence[str], start: int, word: str) -> int:
    opening = ANGLED.fullmatch(lines[start].strip().removeprefix(">>>").strip())
    if opening is None or opening[1].upper() != word or opening[2].strip():
        raise Unusable(f"Line {start + 1} of the edit must be `<<<{word}` and nothing else.")
    for number in range(start + 1, len(lines)):
        line = lines[number].strip()
        if line == ">>>" or (line.startswith(">>>") and ANGLED.fullmatch(line[3:].strip())):
            return number
        if ANGLED.fullmatch(line) or BEGIN.fullmatch(line):
            break
    raise Unusable(f"The edit was cut: the <<<{word} of line {start + 1} has no >>>.")


def _hunk(lines: Sequence[str], old: tuple[int, int], new: tuple[int, int], whole: tuple[int, int]) -> Hunk:
    name = f"SEARCH block of line {whole[0] + 1}"
    return hunk_of(lines[slice(*old)], lines[slice(*new)], name, "\n".join(lines[whole[0] : whole[1] + 1]))


def hunk_of(old: Sequence[str], new: Sequence[str], name: str, quoted: str) -> Hunk:
    """What replaces these lines by those, with the ways in which they may have been meant."""
    readings = [compared(old, new)]
    at = None
    if (solid := _without_edges(old)) != list(old):
        readings.append(compared(solid, _without_edges(new)))
    if (inside := _unfenced(old)) is not None:
        readings.append(compared(inside, replaced if (replaced := _unfenced(new)) is not None else new))
    if (bare := _unnumbered(old)) and (others := _all_or_none_numbered(new)) is not None:
        at = bare[0]
        readings.append(compared(bare[1], others))
    return Hunk(name, tuple(readings), quoted, at)


def compared(old: Sequence[str], new: Sequence[str]) -> tuple[Line, ...]:
    """The lines that both have stay; so a file keeps its own, however they were quoted."""
    in_new = Counter(new)
    if sum(count * in_new[line] for line, count in Counter(old).items()) > PAIRS:
        return (*(("-", line) for line in old), *(("+", line) for line in new))
    lines: list[Line] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [(" ", line) for line in old[a:b]]
        else:
            lines += [("-", line) for line in old[a:b]]
            lines += [("+", line) for line in new[c:d]]
    return tuple(lines)


def _without_edges(lines: Sequence[str]) -> list[str]:
    """The lines without blank ones before and after them."""
    solid = [number for number, line in enumerate(lines) if line.strip()]
    return list(lines[solid[0] : solid[-1] + 1]) if solid else []


def _unfenced(lines: Sequence[str]) -> Sequence[str] | None:
    """The lines inside a code fence that encloses them all."""
    if len(lines) >= 2 and re.fullmatch(r"```\w*", lines[0].strip()) and lines[-1].strip() == "```":
        return lines[1:-1]
    return None


def _unnumbered(lines: Sequence[str]) -> tuple[int, list[str]] | None:
    """Lines as a listing shows them, with numbers that count: the first number, and the lines without."""
    found = [NUMBERED.fullmatch(line) for line in lines]
    numbers = [int(one[1]) for one in found if one]
    if not numbers or len(numbers) < len(lines) or numbers != list(range(numbers[0], numbers[0] + len(lines))):
        return None
    return numbers[0], [_behind(one) for one in found if one]


def _all_or_none_numbered(lines: Sequence[str]) -> list[str] | None:
    found = [NUMBERED.fullmatch(line) for line in lines]
    if all(found):
        return [_behind(one) for one in found if one]
    return None if any(found) else list(lines)


def _behind(one: re.Match[str]) -> str:
    return one[2] if one[2] is not None else one[3]
