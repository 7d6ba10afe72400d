"""Text of others inside a prompt: logs, earlier replies, notes. It is shown, and cannot pass for ours.

Nothing in it can close its fence, open one of our tags, or end the turn of a chat template. What it says is not looked at.
"""

from __future__ import annotations

import re

from autoresearch_tui.journal.text import ESCAPES, UNSEEN, clean_line, replacement

TAG = re.compile(
    r"<\s*(/?)\s*((?:edit|idea|why|think(?:ing)?|tool_\w+|system|user|assistant|\w+_of_\w+|s|[be]os)\b[^<>\n]{0,80})>", re.IGNORECASE
)
TURN = re.compile(r"<([|\uff5c])|([|\uff5c])>")
INSTRUCTION = re.compile(r"\[(/?)(INST|SYS)\]", re.IGNORECASE)
TICKS = re.compile("`+")
WIDEST = 240  # characters of a quoted line


def harmless(text: str) -> str:
    """The same text, but for what a model or its template could take for a tag."""
    text = TAG.sub(r"[\1\2]", text)
    text = TURN.sub(lambda found: f"[{found[1]}" if found[1] else f"{found[2]}]", text)
    return INSTRUCTION.sub(r"(\1\2)", text)


def one_line(text: str, limit: int | None = 120) -> str:
    """As one line without controls, harmless."""
    return clean_line(harmless(clean_line(text, None)), limit)


def block(text: str, most: int, *, last: bool = False) -> str:
    """A fence with the first (or last) lines of a text; what is left out is said, and so is that a line was too wide."""
    lines = [_narrow(line) for line in cleaned(text).split("\n")]
    left = len(lines) - most
    if left > 0:
        note = f"({left} {'earlier' if last else 'more'} line{'s' * (left > 1)} not shown)"
        lines = [note, *lines[left:]] if last else [*lines[:most], note]
    return fence("\n".join(lines))


def fence(inside: str, language: str = "") -> str:
    """Longer than any run of backticks inside, which therefore cannot close it."""
    ticks = "`" * max(3, 1 + max(map(len, TICKS.findall(inside)), default=0))
    return f"{ticks}{language}\n{inside}\n{ticks}"


def cleaned(text: str) -> str:
    """The same lines without controls, harmless. Indentation stays: a quoted line of code has to be what it was."""
    return harmless("\n".join(_shown(line) for line in re.split(r"\r\n|\r|\n", text.strip("\r\n"))))


def _shown(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    line = UNSEEN.sub("", ESCAPES.sub("", line))
    return "".join(sign if sign.isprintable() or sign == "\t" else replacement(sign) for sign in line)


def _narrow(line: str) -> str:
    return line if len(line) <= WIDEST else line[:WIDEST].rstrip() + " …"
