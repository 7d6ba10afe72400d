"""What a training prints: the end of its log, or what of it a person scrolled to.

Owns which log is shown, and how its lines become rows. Does not own the reading of a log (`telemetry/tail.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from autoresearch_tui.cockpit import slots
from autoresearch_tui.cockpit.drawing import MORE, Row, Span, cells, fitted, row, shown, wrapped
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.marking import marked, sought
from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.state import Run
from autoresearch_tui.telemetry.tail import UNPACKED, Line, Window
from autoresearch_tui.workspace import RunFolder

LIVE_ROWS = 4  # that the line which is being written takes at most
WRONG = re.compile(r"(\[rank\d+\]: *)?(Traceback \(most recent call last\)|([A-Za-z_]\w*\.)*\w*(Error|Exception|Interrupt)(:|$))")


class Log(msgspec.Struct, frozen=True):
    """A log to be shown."""

    title: str = "run.log"
    """Of the view: under one title another log may follow, and whoever reads the one before is left in peace."""
    trial: str = ""
    """Such as `#12`, or `#12 trial 2`."""
    path: Path | None = None
    end: int | None = None
    """How many bytes there are of it at this moment; None: all."""
    live: bool = False
    """Its training runs."""
    said: str = ""
    """What will be here, where no log is."""


class Look(NamedTuple):
    """How a person wants to see it."""

    wraps: bool = False
    """Long lines go on below, else they are cut."""
    sought: str = ""
    found: int | None = None
    """Where the line begins that a search came to."""


class Place(NamedTuple):
    """A row of the pane: of the line that begins at this byte, this row."""

    line: int
    row: int


def part_of(moment: Moment, folder: RunFolder, visible: Callable[[Path], int | None]) -> Log:
    """The log of the trial that runs where somebody looks; between two, of the one before."""
    run, found = moment.run, slots.newest(moment.run, moment.slot)
    title = f"log of {moment.slot}" if moment.slot else "run.log"
    if found is None:
        return Log(title, said=_nothing(run, moment.alive))
    one, trial = found
    path = folder.log(one.number, trial.number)
    return Log(title, name_of(one, trial), path, visible(path), live=not trial.outcome)


def name_of(one: Experiment, trial: Trial) -> str:
    return f"#{one.number}" + (f" trial {trial.number}" if len(one.trials) > 1 else "")


def _nothing(run: Run, alive: bool) -> str:
    if run.ended:
        return "Nothing was trained: the run ended before its baseline started."
    if not alive:
        return "No training yet: no engine works on this run. Its log will be here when one does."
    if run.paused:
        return "No training yet: the run is paused. The baseline starts as soon as it goes on."
    if run.under_way:
        return f"Nothing was trained here yet: {slots.idle(run)}."
    if run.waiting:
        return f"No training yet, the baseline waits: {run.waiting}"
    return "No training yet: the baseline starts as soon as the engine is ready, and what it prints will be here."


def empty(part: Log, window: Window, width: int) -> list[Row]:
    """Why there are no lines."""
    if window.said:
        return [row(Span(line, "warn")) for line in wrapped(f"{window.said} The log of {part.trial or part.title} cannot be shown.", width)]
    said = part.said or ("It printed nothing yet: what it prints will be here." if part.live else "It printed nothing.")
    return [row(Span(line, "dim")) for line in wrapped(said, width)]


# ---- lines as rows ----


def drawn(lines: Sequence[Line], width: int, look: Look, live: bool) -> Iterator[tuple[Place, Row]]:
    """Each row with its place."""
    for line in lines:
        writing = live and line.unfinished
        role = "strong" if writing else "bad" if WRONG.match(line.text) else ""
        found = "found strong" if line.begin == look.found else "found"
        for number, text in enumerate(_rows(line, width, look, writing)):
            yield Place(line.begin, number), marked(text, look.sought, role, found)


def _rows(line: Line, width: int, look: Look, writing: bool) -> list[str]:
    """A line of progress is whole even so: its last words are what one looks for."""
    whole = wrapped((MORE if line.cut else "") + line.text, width) if look.wraps or writing else []
    if look.wraps or 0 < len(whole) <= LIVE_ROWS:
        return whole
    text = shown(line.text)
    if cells(text) <= width:
        return [text]
    match = sought(look.sought).search(text) if look.sought else None
    if match and cells(text[: match.end()]) >= width:
        return [fitted(_ending(text[: match.end()], width - 1) + text[match.end() :], width)]
    return [_ending(text, width) if line.cut else fitted(text, width)]


def _ending(text: str, width: int) -> str:
    """At most so many columns of its end."""
    size = min(len(text), max(0, width - 1))
    while size and cells(text[-size:]) > width - 1:
        size -= 1
    return MORE + text[len(text) - size :]


# ---- the frame ----


def title(part: Log) -> str:
    state = ", over" if part.path and not part.live else ""
    return " ".join(filter(None, (part.title, part.trial))) + state


def below(part: Log, newest: Log, window: Window, new: int | None, search: str) -> str:
    """What is said of a log that was scrolled (`new`: the lines that came since), and of a search."""
    said = [search] if search else []
    if new is not None and part.path != newest.path:
        said += [f"held · {newest.trial} {'runs' if newest.live else 'is over'} · G shows it"]
    elif new is not None and part.live:
        said += [f"held · {new:,} new line{'' if new == 1 else 's'} · G follows"]
    elif new is not None and window.lines:
        said += [f"at {window.lines[0].begin / window.size:.0%} · G goes to the end"]
    if window.capped:
        said += [f"the first {UNPACKED / 2**20:.0f} MB of a packed log"]
    return " · ".join(said)
