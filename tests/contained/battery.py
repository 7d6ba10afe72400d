"""All attempts, and how one is let loose: as an experiment of a run, followed by another that means no harm.

The executor of the run is the real one, and so are its processes, its git and its sandbox; only what a trial may take is small.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from autoresearch_tui.engine.settling import settle
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.machine import boot_id
from tests.contained import exhausting, leaving, reaching, reading, writing
from tests.contained.attempts import OPEN, STOPPED, UNDONE, Attempt
from tests.contained.exhausting import CAPS
from tests.contained.ground import Ground
from tests.engine.beds import Bed

CHAPTERS = {
    "Reads what is not its own": reading.ATTEMPTS,
    "Writes what is not its own, or makes its number look better": writing.ATTEMPTS,
    "Reaches for the network, other processes, the machine": reaching.ATTEMPTS,
    "Takes more than its share": exhausting.ATTEMPTS,
    "Leaves something behind": leaving.ATTEMPTS,
}
LOG_BYTES = 2**24
BUDGET_S = 2.0


@contextlib.contextmanager
def bedded(folder: Path, mode: str) -> Iterator[tuple[Ground, Bed]]:
    """A run with a baseline, which shows what time a trial takes here."""
    with Ground(folder) as ground:
        (ground.lab / "prepare.py").write_text(f"TIME_BUDGET = {BUDGET_S}\n")
        bed = Bed(ground.lab, sandbox=mode, caps=CAPS, log_bytes=LOG_BYTES)
        bed.add(e.EngineStarted(2, 1, boot_id(), "1", "sweep", device="cpu"))
        bed.launched(0, 1)
        bed.add(e.Ended(0, 1, "finished", seconds=BUDGET_S), e.Measured(0, 1, 1.7), e.Judged(0, "keep", "the baseline", 0))
        ground.prepared(bed.folder)
        yield ground, bed


def play(attempt: Attempt, ground: Ground, bed: Bed) -> str:
    """Let it loose, and then an honest training; what came of the attempt."""
    ground.number = max(bed.run.experiments) + 1
    ground.ended, ground.measured = experiment(bed, ground.number, commit_of(bed, ground.train(attempt.source)))
    assert not settle(bed.run, bed.folder, bed.lineage, bed.run.experiments[ground.number])
    log = ground.log()
    assert "it begins" in log, log

    later = commit_of(bed, ground.train(attempt.later)) if attempt.later else bed.start
    _, honest = experiment(bed, ground.number + 1, later)
    assert honest.value == 1.5 and not honest.evidence, (honest, ground.log(1))
    assert not ground.ran.exists(), "a command that was planted in the repository ran"
    if attempt.harm(ground):
        return OPEN
    return STOPPED if "\nstopped: " in log else UNDONE


def commit_of(bed: Bed, source: str) -> str:
    lineage = bed.lineage
    return lineage.commit(bed.start, lineage.write_blob(source), "an edit", 0.0)


def experiment(bed: Bed, number: int, commit: str) -> tuple[Outcome, e.Measured]:
    """Its one trial, and its verdict, which is to discard it."""
    bed.add(e.Proposed(number, parent=0, operator="tune"), e.Committed(number, commit))
    ended = bed.train(number, 1)
    measured = bed.measure(number, 1) if ended.outcome == "finished" else e.Measured(number, 1, None, refused="it did not finish")
    bed.add(measured, e.Judged(number, "crash" if measured.value is None else "discard", "it is no better", 0))
    return ended, measured
