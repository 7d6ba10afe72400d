"""An examination as text for a terminal: groups of lines, each with a sign and a word, and at the end whether a run could start."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from itertools import groupby

from autoresearch_tui.doctor.findings import Examination, Finding
from autoresearch_tui.lines import printable

SIGNS = {"ok": "✓", "warning": "!", "missing": "✗"}
COLOURS = {"ok": "32", "warning": "33;1", "missing": "31;1", "command": "36", "group": "1"}
NARROW = 64
"""Below it what was found stands under its name instead of beside it."""
WIDEST = 110

Paint = Callable[[str, str], str]


def as_text(examined: Examination, width: int, coloured: bool = False) -> str:
    """For so many columns. Commands are never broken: who copies one wants it whole."""
    paint = _painted if coloured else _plain
    out: list[str] = [paint(line, "group") for line in _wrapped(f"{examined.folder} on this machine", width)]
    for group, findings in groupby(examined.findings, lambda one: one.group):
        out += ["", paint(printable(group), "group")]
        for one in findings:
            out += _finding(one, min(width, WIDEST), paint)
    return "\n".join([*out, "", *(paint(line, _tone(examined)) for line in _wrapped(conclusion(examined), width))])


def conclusion(examined: Examination) -> str:
    """The last line."""
    lacking = [one.check for one in examined.findings if one.state == "missing"]
    warned = sum(one.state == "warning" for one in examined.findings)
    warnings = f"{warned} warning{'s' * (warned != 1)}" if warned else "no warnings"
    if lacking:
        return f"{SIGNS['missing']} No run can start yet: {', '.join(dict.fromkeys(lacking))} missing; {warnings}."
    return f"{SIGNS['warning' if warned else 'ok']} A run can start; {warnings}."


def _tone(examined: Examination) -> str:
    if not examined.could_start:
        return "missing"
    return "warning" if any(one.state == "warning" for one in examined.findings) else "ok"


def _finding(one: Finding, width: int, paint: Paint) -> Iterator[str]:
    """`✗ missing  torch          what was found`, and below that the command."""
    head = f"  {SIGNS[one.state]} {one.state:7}  "
    beside = f"{printable(one.check):14} "
    indent = len(head) + len(beside) if width >= NARROW else 4
    found = textwrap.wrap(printable(one.found), max(16, width - indent), break_on_hyphens=False) or [""]
    if width >= NARROW:
        yield f"{paint(head, one.state)}{beside}{found[0]}"
        found = found[1:]
    else:
        yield f"{paint(head, one.state)}{beside}".rstrip()
    yield from (f"{' ' * indent}{line}" for line in found)
    if one.mend:
        yield f"{' ' * indent}{paint(f'→ {printable(one.mend)}', 'command')}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(text), max(16, min(width, WIDEST)), break_on_hyphens=False)


def _plain(text: str, tone: str) -> str:
    return text


def _painted(text: str, tone: str) -> str:
    return f"\x1b[{COLOURS[tone]}m{text}\x1b[0m"
