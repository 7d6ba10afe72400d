"""Two random versions of a file, and the edit between them as an author writes it in each dialect; and what can happen to it on the way."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable

from hypothesis import strategies as st

LINES = [*(f"value_{number} = {number * 7}" for number in range(12)), "", "", "    x = x + 1", "    return x", "# what follows"]
NEW = [*(f"fresh_{number} = {number}" for number in range(6)), "", "    x = x + 1", "value_3 = 21", "    return -x"]

Version = list[str]


@st.composite
def versions(draw: st.DrawFn) -> tuple[Version, Version]:
    """A file and what becomes of it: some lines changed, some gone, some new. Lines may stand in it more than once."""
    old = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=25))
    new: Version = []
    for line in [*old, None]:
        fate = draw(st.sampled_from(["stay"] * 8 + ["go", "change", "come"]))
        if fate in ("change", "come"):
            new += draw(st.lists(st.sampled_from(NEW), min_size=1, max_size=3))
        if line is not None and fate in ("stay", "come"):
            new.append(line)
    return old, new


def hunks(old: Version, new: Version) -> list[tuple[int, int, int, int]]:
    """The changed ranges, with as many lines around them as it takes for each to stand in one place only."""
    for around in range(len(old) + 1):
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        found = [(group[0][1], group[-1][2], group[0][3], group[-1][4]) for group in matcher.get_grouped_opcodes(around)]
        if all(_stands_once(old, old[first:last]) for first, last, _, _ in found):
            return found
    return []


def _stands_once(old: Version, part: Version) -> bool:
    places = [start for start in range(len(old) - len(part) + 1) if old[start : start + len(part)] == part]
    return any(part) and len(places) == 1


def as_blocks(old: Version, new: Version) -> str:
    parts = [["<<<<<<< SEARCH", *old[a:b], "=======", *new[c:d], ">>>>>>> REPLACE"] for a, b, c, d in hunks(old, new)]
    return "\n".join(line for part in parts for line in part)


def as_angled_blocks(old: Version, new: Version) -> str:
    parts = [["<<<SEARCH", *old[a:b], ">>>", "<<<REPLACE", *new[c:d], ">>>"] for a, b, c, d in hunks(old, new)]
    return "\n".join(line for part in parts for line in part)


def _body(old: Version, new: Version) -> Version:
    signed = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            signed += [f" {line}" for line in old[a:b]]
        else:
            signed += [f"-{line}" for line in old[a:b]] + [f"+{line}" for line in new[c:d]]
    return signed


def as_diff(old: Version, new: Version) -> str:
    lines = ["--- a/train.py", "+++ b/train.py"]
    for a, b, c, d in hunks(old, new):
        lines += [f"@@ -{a + 1},{b - a} +{c + 1},{d - c} @@", *_body(old[a:b], new[c:d])]
    return "\n".join(lines)


def as_diff_with_wrong_numbers(old: Version, new: Version) -> str:
    lines = ["```diff"]
    for a, b, c, d in hunks(old, new):
        lines += [f"@@ -{(a * 7) % 23 + 1},{b} +{d},{c + 3} @@", *_body(old[a:b], new[c:d])]
    return "\n".join([*lines, "```"])


def as_patch(old: Version, new: Version) -> str:
    lines = ["*** Begin Patch", "*** Update File: train.py"]
    for a, b, c, d in hunks(old, new):
        lines += ["@@", *_body(old[a:b], new[c:d])]
    return "\n".join([*lines, "*** End Patch"])


DIALECTS: dict[str, Callable[[Version, Version], str]] = {
    "blocks": as_blocks,
    "angled blocks": as_angled_blocks,
    "diff": as_diff,
    "diff with wrong numbers": as_diff_with_wrong_numbers,
    "patch": as_patch,
}


# ------------------------------------------------------------------------------------------------------------------------------
# Damage
# ------------------------------------------------------------------------------------------------------------------------------

STRANGE = "§"  # in no line of a file: what it is put into is surely damaged


def damaged(reply: str, luck: random.Random) -> str:
    """The reply after an accident to its marks or to the lines that it quotes. What it adds is its author's, whatever it says."""
    lines = reply.split("\n")
    marks = [number for number, line in enumerate(lines) if _is_mark(line)]
    quoted = [number for number in _quoted(lines) if lines[number].strip()]
    accident = luck.choice(["cut", "drop", "double", "letter", "strange", "quote"])
    if accident == "cut":
        return reply[: luck.randrange(len(reply))]
    number = luck.choice(quoted if accident == "quote" and quoted else marks)
    line = lines[number]
    at = luck.randrange(len(line)) if line else 0
    if accident == "drop":
        del lines[number]
    elif accident == "double":
        lines.insert(number, line)
    elif accident == "letter":
        lines[number] = line[:at] + line[at + 1 :]
    else:
        lines[number] = line[: at + 1] + STRANGE + line[at + 1 :]
    return "\n".join(lines)


def _is_mark(line: str) -> bool:
    return line.startswith(("<", ">", "=", "@@", "---", "+++", "***", "```"))


def _quoted(lines: list[str]) -> list[int]:
    """The lines that are said to stand in the file."""
    numbers = []
    searched = signed = False
    for number, line in enumerate(lines):
        if line.startswith(("<<<<<<< SEARCH", "<<<SEARCH")):
            searched = True
        elif line in ("=======", ">>>"):
            searched = False
        elif line.startswith("@@"):
            signed = True
        elif searched or (signed and line[:1] in (" ", "-") and not _is_mark(line)):
            numbers.append(number)
    return numbers
