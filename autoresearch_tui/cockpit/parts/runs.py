"""The nights of a workspace, a line each: date, experiments, gain, state, size."""

from __future__ import annotations

import msgspec

from autoresearch_tui.cockpit.drawing import Row, Span, fitted, row, shown, wrapped
from autoresearch_tui.cockpit.parts.times import written
from autoresearch_tui.journal.noise import gain_of_best
from autoresearch_tui.journal.state import Run

WIDE = 92  # columns, from which on a run is one row
NAME = 16
GOOD, GONE = "● ", "○ "
HERE = Span("  here", "accent")


class Known(msgspec.Struct, frozen=True):
    """A run, as far as it could be read."""

    tag: str
    run: Run = Run()
    alive: bool = False
    size: int = 0
    """Bytes."""
    wrong: str = ""
    """Why its journal cannot be read."""

    @property
    def state(self) -> str:
        return self.run.phase if self.alive else "ended" if self.run.ended else "died" if self.run.engine else "not begun"

    @property
    def gain(self) -> str:
        found = gain_of_best(self.run, self.run.best)
        return f"{found.value:+.6f}" if found else "-"

    @property
    def began(self) -> str:
        return written(self.run.started_at, "%Y-%m-%d %H:%M") if self.run.started_at else "-"


class Runs(msgspec.Struct, frozen=True):
    folder: str = ""
    runs: tuple[Known, ...] = ()
    """The newest first."""
    here: str = ""
    """The tag of the one that is on the screen."""
    said: str = ""
    """While they are read, or why they cannot be."""


def head(part: Runs, width: int) -> list[Row]:
    said = [row(Span(line, "dim")) for line in wrapped(part.said or _nothing(part), width)] if part.said or not part.runs else []
    if width < WIDE or not part.runs:
        return said
    return [*said, row(Span(f"  {'run':{NAME}}  {'began':16}  {'experiments':>11}  {'gain':>9}  {'state':12}{'size':>9}", "dim"))]


def _nothing(part: Runs) -> str:
    return f"{part.folder} has no run yet: the first night begins with `autoresearch-tui run`, or from the welcome."


def entry(one: Known, width: int, here: bool, cursor: bool) -> list[Row]:
    sign = "▸ " if cursor else "  "
    role = "strong" if here else ""
    name = Span(fitted(shown(one.tag), NAME), role)
    if one.wrong:
        why = [row("    ", Span(line, "bad")) for line in wrapped(one.wrong, width - 4)]
        return [row(sign, name, "  ", Span("✗ damaged", "bad")), *why]
    state = Span(f"{GOOD if one.alive else GONE}{one.state:10}", "good" if one.alive else "dim")
    count, size = len(one.run.experiments), f"{one.size / 1e6:,.1f} MB"
    if width >= WIDE:
        return [row(sign, name, f"  {one.began:16}  {count:11}  {one.gain:>9}  ", state, f"{size:>9}", HERE if here else "")]
    first = row(sign, Span(fitted(shown(one.tag), width - 25), role), f" {one.gain:>9} ", state)
    return [first, row(Span(f"    {one.began[5:] or '-'}  {count} experiments  {size}", "dim"), HERE if here else "")]


def goes_and_stays(one: Known, folder: str) -> tuple[str, str]:
    """What a deletion takes away, and what it leaves."""
    goes = f"This goes: {folder} ({one.size / 1e6:.1f} MB: journal, logs, replies, checkpoints)."
    return goes, f"This stays: the branch autoresearch/{one.tag}, refs/autoresearch/{one.tag}/ and their notes, in git."
