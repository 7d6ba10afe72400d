"""Text from outside, made fit for an event: one line that shows what it says.

Owns which characters may stay. Does not own markup, width on the screen or where a text is shown: a pane escapes what it draws.
"""

from __future__ import annotations

import re
import unicodedata

# What a terminal would obey: colours, cursor moves, titles. They go as a whole, or their parameters would stay behind as text.
ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and moves of the cursor
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\r\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)

# Not controls by category, and yet nothing is seen of them: fillers, the joiner that joins nothing, variation selectors.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def clean_line(text: str, limit: int | None = 120) -> str:
    """The text as one line without controls (C0, C1, bidirectional, zero width) and of at most `limit` characters.

    What separates words becomes a space; what is invisible goes without a trace. With no limit nothing is cut.
    """
    if not (text.isascii() and text.isprintable()):
        text = UNSEEN.sub("", ESCAPES.sub("", text))
        text = "".join(character if character.isprintable() else replacement(character) for character in text)
    line = " ".join(text.split())
    if limit is None or len(line) <= limit:
        return line
    return line[: limit - 1].rstrip() + "…"


def clean_text(text: str, limit: int) -> str:
    """Several lines with their indentation, each without controls; what is beyond the limit goes."""
    lines = UNSEEN.sub("", ESCAPES.sub("", text)).expandtabs(4).splitlines()
    kept = ("".join(character if character.isprintable() else replacement(character) for character in line).rstrip() for line in lines)
    return "\n".join(kept)[:limit]


def replacement(character: str) -> str:
    """What stands for a character that cannot be printed."""
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("Cf", "Cs") else character  # spaces; and letters newer than this Python's tables
