"""What several slots bring, and what they cost: `python -m tests.benchmarks.slots`

First whole nights, with real processes, git and journal: a training that sleeps for five seconds and a researcher that answers at once,
in one slot and in more. Then the engine alone (`instant.py`): trainings that are over when they begin, with the real plan, loop and
journal, at the beginning of a night and after ten thousand experiments. That many are written down in one go, for nobody waits for them;
git is left out there, and what it costs beside so many is measured apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import msgspec

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from tests.benchmarks.instant import night
from tests.engine.nights import TRAIN, check_whole, engine, git, journal_of, make_checkout

COUNTS = (1, 2, 4, 8)
TRAINS_S = 5.0
EACH = 6  # trainings of every slot that count
IDLE = "".join(f"KNOB_{number} = {number}.0\n" for number in range(1, 61))
"""Nothing depends on these: a change of them is as good as the trunk, which stays where it is."""
MANY = 10_000
LATER = 60  # experiments of the engine alone that count, at each end


class Speed(msgspec.Struct, frozen=True):
    """Of a night with so many slots, once it is known how far equal trainings differ."""

    slots: int
    an_hour: float
    """Trainings, which are experiments where nothing disturbs them."""
    between_s: float
    """From the end of a training in a slot to the beginning of the next one there, in the middle."""


class Cost(msgspec.Struct, frozen=True):
    """Of the engine, for an experiment: milliseconds of a processor, which are the same on a machine that has much else to do."""

    slots: int
    first_ms: float
    last_ms: float
    """After ten thousand."""


# ------------------------------------------------------------------------------------------------------------------------------
# Whole nights
# ------------------------------------------------------------------------------------------------------------------------------


def speed(folder: Path, slots: int) -> Speed:
    make_checkout(folder, IDLE + TRAIN)
    (folder / "autoresearch.toml").write_text("[judging]\ndrift_every = 0\n")  # looks at the machine are trainings too, of nothing new
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Settings")
    warm = 3 + slots
    arguments = ("run", "--tag", "night", "--researcher", "sweep", "--experiments", str(warm + (EACH + 1) * slots))
    running = engine(folder, *arguments, seconds=TRAINS_S, wrapped=("-m", "tests.engine.places", str(slots)))
    said, _ = running.communicate(timeout=900)
    assert running.returncode == 0, said
    check_whole(folder)
    return told(folder, slots, warm)


def told(folder: Path, slots: int, warm: int) -> Speed:
    """By its journal, from this experiment on. A training that the machine disturbed is made again: each counts."""
    trials: dict[str, list[tuple[float, float]]] = {}
    begun: dict[int, tuple[str, float]] = {}
    counting = False
    with Journal(journal_of(folder)) as journal:
        for recorded in journal.events():
            match recorded.event:
                case e.Launched(number=number, slot=slot):
                    counting |= number >= warm
                    begun[number] = slot, recorded.at
                case e.Ended(number=number):
                    slot, at = begun.pop(number)
                    if counting:
                        trials.setdefault(slot, []).append((at, recorded.at))
    cycles = [later - earlier for one in trials.values() for (earlier, _), (later, _) in pairwise(one)]
    between = [later - ended for one in trials.values() for (_, ended), (later, _) in pairwise(one)]
    return Speed(slots, slots * 3600 * len(cycles) / sum(cycles), median(between))


def speeds(folder: Path) -> Iterator[Speed]:
    for slots in COUNTS:
        yield speed(folder / f"slots-{slots}", slots)


# ------------------------------------------------------------------------------------------------------------------------------
# The engine alone
# ------------------------------------------------------------------------------------------------------------------------------


def cost(folder: Path, slots: int, experiments: int = LATER, before: int = MANY) -> Cost:
    return Cost(slots, *(_used_ms(folder / f"{slots}-{past}", slots, experiments, past) for past in (0, before)))


def _used_ms(folder: Path, slots: int, experiments: int, before: int) -> float:
    """What it used from the first verdict after a whole round of the slots to the last one, for each of them."""
    times: list[float] = []

    def tell(recorded: Recorded, run: Run) -> None:
        if isinstance(recorded.event, e.Applied):
            times.append(time.process_time())

    folder.mkdir(parents=True)
    night(folder / "lab", slots, slots + experiments, tell, before)
    counted = times[-experiments:]
    return 1000 * (counted[-1] - counted[0]) / (len(counted) - 1)


# ------------------------------------------------------------------------------------------------------------------------------
# Git beside so many
# ------------------------------------------------------------------------------------------------------------------------------


def git_ms(folder: Path) -> tuple[float, float]:
    """Milliseconds, by the clock, of all that an experiment asks of git: in a fresh repository, and beside so many experiments."""
    return _git_ms(folder / "fresh", 0), _git_ms(folder / "full", MANY)


def _git_ms(folder: Path, before: int, times: int = 15) -> float:
    lab = make_checkout(folder)
    start = git(lab, "rev-parse", "HEAD")
    _import(lab, start, before)
    lineage = Lineage(lab, "night")
    took = []
    for number in range(before + 1, before + 1 + times):
        began = time.perf_counter()
        commit = lineage.commit(start, lineage.write_blob(f"{TRAIN}# {number}\n"), f"the change {number}\n", number)
        lineage.point(number, commit)
        lineage.annotate(commit, f"{lineage.note(commit)}night #{number} discard: worse\n")
        lineage.branch()
        took.append(time.perf_counter() - began)
    return 1000 * median(took)


def _import(lab: Path, start: str, experiments: int) -> None:
    """So many experiments, as they stand in a repository: a commit and its ref, a text and its ref, a note."""
    who = "committer Somebody <somebody@example.org> 1700000000 +0000"
    lines: list[str] = []
    for number in range(1, experiments + 1):
        text, said = f"{TRAIN}# past {number}\n", f"the change {number}\n"
        lines += [f"blob\nmark :{2 * number}\ndata {len(text)}\n{text}"]
        lines += [f"commit refs/autoresearch/night/{number}\nmark :{2 * number + 1}\n{who}\ndata {len(said)}\n{said}from {start}"]
        lines += [f"M 100644 :{2 * number} train.py\n"]
    lines += [f"commit refs/notes/autoresearch\n{who}\ndata 4\nnote"]
    for number in range(1, experiments + 1):
        note = f"night #{number} discard: worse\n"
        lines += [f"N inline :{2 * number + 1}\ndata {len(note)}\n{note}"]
    marks = lab.with_suffix(".marks")
    _fed(lab, "\n".join([*lines, ""]), "fast-import", "--quiet", f"--export-marks={marks}")
    named = dict(line.split() for line in marks.read_text().splitlines())
    texts = [named[f":{2 * number}"] for number in range(1, experiments + 1)]
    _fed(lab, "".join(f"update refs/autoresearch/night/blobs/{blob} {blob}\n" for blob in texts), "update-ref", "--stdin")


def _fed(lab: Path, text: str, *words: str) -> None:
    subprocess.run(["git", *words], cwd=lab, input=text, text=True, check=True)


# ------------------------------------------------------------------------------------------------------------------------------
# Printed
# ------------------------------------------------------------------------------------------------------------------------------


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder, alone = Path(name), 0.0
        print(f"trainings of {TRAINS_S:g} s, a researcher that answers at once, {os.cpu_count()} cores")
        print("slots     trainings/h   of linear   s between two trainings", flush=True)
        missed = 0
        for one in speeds(folder):
            alone = alone or one.an_hour
            share = one.an_hour / (alone * one.slots)
            missed += share < 0.9
            print(f"{one.slots:5} {one.an_hour:15.0f} {share:11.0%} {one.between_s:25.2f}", flush=True)
        print(f"\nthe engine alone, ms of a processor for an experiment\nslots   at first   after {MANY:,}", flush=True)
        for slots in (1, 8, 64):
            spent = cost(folder / "alone", slots)
            print(f"{slots:5} {spent.first_ms:10.1f} {spent.last_ms:14.1f}", flush=True)
        fresh, full = git_ms(folder)
        print(f"\ngit, ms by the clock for an experiment: {fresh:.0f} at first, {full:.0f} beside {MANY:,}")
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
