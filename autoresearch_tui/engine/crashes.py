"""What a training died of, read from how it ended and from the last words of its log. Pure.

Owns the kinds of a crash that the training causes itself. Does not own those that the trainer decides (timeout, stalled, output),
nor a training that ends well and has no number.
"""

from __future__ import annotations

import re
import signal

from autoresearch_tui.journal.text import clean_line

LAST_LINES = 20
"""Where there is no traceback the reason stands here; an "out of memory, trying smaller" of an hour ago is none."""
LENGTH = 300
"""Of a reason, in characters."""
LOOKED_AT = 4 * LENGTH
"""Of a line; what follows is no sentence."""

HEAD = "Traceback (most recent call last):"
PROGRESS = re.compile(r"^step \d+ ")
SIGNS = (
    ("contract", re.compile(r"^contract: \S")),
    ("nan", re.compile(r"^FAIL$")),
    ("disk", re.compile(r"No space left on device|Disk quota exceeded|^no space left for ")),
    (
        "memory",
        re.compile(
            r"^out of memory: |OutOfMemoryError\b|\b(CUDA|HIP|MPS)( backend)? out of memory|^MemoryError\b|not enough memory: you tried"
            r"|\b[Cc]an(no|')t allocate memory"
        ),
    ),
)


def crash_of(code: int, tail: str, oom_kills: int = 0) -> tuple[str, str]:
    """The kind of a crash and one sentence: from the exit code (negative: a signal), the end of the log, the system's kills meanwhile."""
    words = last_words(tail)
    for line in reversed(words):
        for kind, sign in SIGNS:
            if sign.search(line.strip()):
                return kind, "the loss is not a number, or above 100" if kind == "nan" else clean_line(line, LENGTH)
    number = -code if code < 0 else code - 128  # a shell, and what wraps like one, tells of a signal as 128 and its number
    if number == signal.SIGKILL:
        return ("memory", "ended by the system, which ran out of memory") if oom_kills else ("killed", "killed from outside by SIGKILL")
    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        return "killed", f"killed from outside by {signal.Signals(number).name}"
    if number == signal.SIGXFSZ:
        return "error", "it wrote a larger file than a trial may"
    if code < 0:
        return "error", f"ended by {name_of(number)}"
    return "error", exception(words) or f"ended with exit code {code} and no word why"


def last_words(tail: str) -> list[str]:
    """The lines from the last traceback on, or else the last few; the bar of progress says nothing here."""
    lines = [line[:LOOKED_AT] for line in re.split(r"[\r\n]+", tail) if line.strip() and not PROGRESS.match(line)]
    heads = [number for number, line in enumerate(lines) if HEAD in line]
    return lines[heads[-1] :] if heads else lines[-LAST_LINES:]


def exception(words: list[str]) -> str:
    """What the traceback ends with, which may be several lines; without one, the last line."""
    if not words or HEAD not in words[0]:
        return clean_line(words[-1], LENGTH) if words else ""
    after = next((number for number, line in enumerate(words[1:], 1) if not line.startswith((" ", "\t"))), len(words) - 1)
    return clean_line(" ".join(words[after:])[:LOOKED_AT], LENGTH)


def name_of(number: int) -> str:
    return (
        f"{signal.Signals(number).name} ({(signal.strsignal(number) or '').lower()})"
        if number in list(signal.Signals)
        else f"signal {number}"
    )
