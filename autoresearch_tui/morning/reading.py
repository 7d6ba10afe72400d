"""Reads what an account is told of: the facts of a night wherever it lies, the ends of a few logs, one diff; or a table of results.

Everything that looks at a disk, a process or git for a report is here and in `difference.py`. What follows from it is pure
(`accounting.py`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from autoresearch_tui.finding import Found
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import read_file
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, JournalError
from autoresearch_tui.journal.text import clean_text
from autoresearch_tui.morning.parts.difference import difference
from autoresearch_tui.morning.parts.gains import root_of
from autoresearch_tui.morning.parts.looks import Place
from autoresearch_tui.morning.parts.rows import metric_of, run_of
from autoresearch_tui.morning.parts.troubles import crashes_by_kind
from autoresearch_tui.telemetry.machine import is_alive
from autoresearch_tui.telemetry.tail import Tail
from autoresearch_tui.workspace import HIDDEN, RunFolder, is_tag

LINES = 8  # of the end of a log
LOOKED = 24  # of its lines, for many are blank
WIDE = 240  # characters of each
MANY = 5000  # samples that are read at a time


class Reading(msgspec.Struct, frozen=True):
    """All that is known of a night."""

    name: str
    source: str
    """`run`, `packed` or `table`."""
    run: Run
    place: Place
    facts: Sequence[e.Recorded] = ()
    seen: dict[int, float] = {}
    """When something was last seen of an engine that died, by the number of the fact with which the next one began."""
    tails: dict[int, tuple[str, ...]] = {}
    """The last lines of an experiment's log, for the last crash of each kind."""
    confirmed: tuple[Run, ...] = ()
    """Runs that trained its baseline and its best code again."""
    diff: str = ""
    unknown: tuple[str, ...] = ()


def read(found: Found, named: str | None = None) -> Reading:
    """A night. `named` is what a person called it by; a packed one has no other name that a command could take."""
    with Journal(found.folder.journal) as journal:
        facts = list(journal.events())
        seen = _last_seen(journal, facts)
    run = fold(facts)
    alive = not found.packed and run.engine is not None and not run.ended and is_alive(run.engine.pid, run.engine.born, run.engine.boot)
    diff, why = _diff(found, run)
    return Reading(
        name=found.folder.tag,
        source="packed" if found.packed else "run",
        run=run,
        place=_place(found, run, named, alive),
        facts=facts,
        seen=seen,
        tails=_tails(found.folder, run),
        confirmed=tuple(_confirmations(found.folder)),
        diff=diff,
        unknown=(why,) if why else (),
    )


def read_table(path: Path, sigma: float | None = None) -> Reading:
    """Any results.tsv. `sigma`: how far equal trainings differ, where somebody knows it."""
    table = read_file(path)
    missed = table.passed_over
    said = f"{len(missed)} lines of the file are no rows, and were passed over; the first is line {missed[0][0]}." if missed else ""
    return Reading(
        name=os.fsencode(path.name).decode("utf-8", "replace"),
        source="table",
        run=run_of(table.rows, sigma, metric_of(table.columns)),
        place=Place("", _real(path)),
        unknown=(said,) if said else (),
    )


def _place(found: Found, run: Run, named: str | None, alive: bool) -> Place:
    best, tag = run.best, run.tag if is_tag(run.tag) else found.folder.tag  # others may have written the journal
    log = found.folder.log(best.number, best.trials[-1].number) if best is not None and best.trials else None
    if found.packed:
        return Place(tag, _real(Path(named), named) if named else f"{tag}.night", packed=True)
    here = found.workspace is not None and found.workspace.resolve() == Path.cwd()
    if found.workspace is None:
        folder = _real(Path(named).expanduser()) if named else str(found.folder.folder)
        return Place(tag, folder, log=_there(log), checkpoint=_there(found.folder.best), alive=alive)
    folder = _real(found.workspace)
    return Place(
        tag,
        tag if here else f"{tag} --dir {folder}",
        git="git" if here else f"git -C {folder}",
        log=_there(log),
        checkpoint=_there(found.folder.best),
        alive=alive,
    )


def _real(path: Path, named: str = "") -> str:
    """As a shell reads it; bytes that are no letters cannot be told."""
    return shlex.quote(os.fsencode(named or str(path.resolve())).decode("utf-8", "replace"))


def _there(file: Path | None) -> Path | None:
    """Where it really is: of a run that nobody may write in, all that is read here are links."""
    return file.resolve() if file is not None and file.is_file() else None


def _diff(found: Found, run: Run) -> tuple[str, str]:
    """From the baseline to the best, or why there is none; where the baseline is the best nothing is missing."""
    base, best = root_of(run), run.best
    if base is None or best is None or best is base:
        return "", ""
    return difference(found.git, base.commit, best.commit)


def _confirmations(folder: RunFolder) -> Iterator[Run]:
    """Those that can be read: none of them is what the report is about."""
    for path in sorted(folder.folder.glob(f"confirm-*/{HIDDEN}/*/journal.sqlite")):
        with suppress(JournalError, OSError), Journal(path) as journal:
            yield fold(journal.events())


def _tails(folder: RunFolder, run: Run) -> dict[int, tuple[str, ...]]:
    last = [crashed[-1] for crashed in crashes_by_kind(run).values()]
    return {one.number: _tail(folder.log(one.number, one.trials[-1].number)) for one in last if one.trials}


def _tail(log: Path) -> tuple[str, ...]:
    lines = (clean_text(line.text, WIDE) for line in Tail(log).window(LOOKED).lines)
    return tuple([line for line in lines if line.strip()][-LINES:])


def _last_seen(journal: Journal, facts: Sequence[e.Recorded]) -> dict[int, float]:
    """An engine that dies writes no fact of it, but it looked at the machine every second until then."""
    seen: dict[int, float] = {}
    works = False
    for place, recorded in enumerate(facts):
        if isinstance(recorded.event, e.EngineStarted):
            if works and (at := _last_sample(journal, facts[place - 1].at, recorded.at)):
                seen[recorded.seq] = at
            works = True
        elif isinstance(recorded.event, e.EngineEnded):
            works = False
    return seen


def _last_sample(journal: Journal, since: float, until: float) -> float | None:
    last, after = None, 0
    while samples := journal.samples(after, since, MANY):
        times = [at for _, at, _ in samples if at < until]
        last = times[-1] if times else last
        if len(times) < len(samples):
            break
        after = samples[-1][0]
    return last
