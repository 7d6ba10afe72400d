"""The exact commands to look at a night and to take its result home: those that work where it lies. Pure.

Owns which commands there are. What a person should do first is `advice.py`'s.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import msgspec

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Look

TUI = "autoresearch-tui"


class Place(msgspec.Struct, frozen=True):
    """Where a night lies, as somebody who types commands has to name it."""

    tag: str
    """In git's names; plain letters, whatever a journal says."""
    named: str
    """RUN, as a shell reads it, with `--dir` where that is needed."""
    git: str = ""
    """`git`, or `git -C FOLDER`; empty where its commits are nowhere."""
    log: Path | None = None
    """Of the best experiment's last trial."""
    checkpoint: Path | None = None
    packed: bool = False
    alive: bool = False


def looks_of(run: Run, best: Experiment | None, place: Place) -> tuple[Look, ...]:
    found: list[Look] = []
    if place.git and run.experiments:
        found += _by_git(run, best, place)
    found.append(Look("the night again, on the screen", f"{TUI} replay {place.named}"))
    found.append(Look("this report as a page", f"{TUI} report {place.named} -o {place.tag}.html"))
    gained = best is not None and best.number != 0 and not run.confirms
    if place.packed:
        if gained:
            found.append(Look("does the gain hold? both codes again, trained longer", f"{TUI} confirm {place.named}"))
            found.append(Look("a new night from its best", f"{TUI} run --tag {place.tag}-2 --from {place.named}"))
        found.append(Look("its logs and replies, as files", f"python3 -m zipfile -e {place.named} {place.tag}"))
        return tuple(found)
    if place.git and gained:
        if not place.alive:
            found.append(Look("does the gain hold? both codes again, trained longer", f"{TUI} confirm {place.named}"))
        found.append(Look("all kept changes as one branch to merge", f"{TUI} finish {place.named}"))
    if place.checkpoint:
        found.append(Look("the best model, copied here", f"cp {_quoted(place.checkpoint)} {place.tag}-best.pt"))
    return tuple(found)


def _by_git(run: Run, best: Experiment | None, place: Place) -> list[Look]:
    git, refs = place.git, f"refs/autoresearch/{place.tag}"
    found = [Look("the story of what was kept", f"{git} log --notes=autoresearch autoresearch/{place.tag}")]
    if best is None:
        return found
    found.append(Look("any experiment, by its number", f"{git} show --notes=autoresearch {refs}/{best.number}"))
    if place.log:
        found.append(Look(f"the log of #{best.number}", f"tail -n 40 {_quoted(place.log)}"))
    if best.number == 0:
        return found
    found.append(Look("everything that changed, baseline to best", f"{git} diff {refs}/0 {refs}/{best.number}"))
    kept = f"best-{Path(run.edit).name}"
    code = shlex.quote(f"{refs}/{best.number}:./{run.edit}")
    found.append(Look("the best code, as a file here", f"{git} show {code} > {shlex.quote(kept)}"))
    return found


def _quoted(path: Path) -> str:
    return shlex.quote(os.fsencode(path).decode("utf-8", "replace"))
