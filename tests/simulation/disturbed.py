"""A real night of the demo with strangers on the machine, two busy loops for each core beside every third trial; then a quiet one.

    python -m tests.simulation.disturbed --experiments 15

Takes a quarter of an hour on two cores that are otherwise idle. A trial that was disturbed may not decide anything: it has to be seen by
its pace, and made again. A verdict is called false if it rests on a disturbed number.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoresearch_tui.journal.experiment import Experiment, Trial
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal

EVERY = 3  # trials
LOOPS = 2  # for each core
Named = tuple[int, int]


def busy() -> None:
    os.setsid()  # as another person's: Linux shares the cores between sessions, not between processes
    while True:
        pass


@contextmanager
def strangers() -> Iterator[None]:
    loops = [multiprocessing.get_context("spawn").Process(target=busy, daemon=True) for _ in range(LOOPS * (os.cpu_count() or 1))]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.join()


def spend(folder: Path, experiments: int, disturb: bool) -> tuple[Run, set[Named]]:
    """A night, and which of its trials were disturbed."""
    line = [sys.executable, "-m", "autoresearch_tui", "demo", "--headless", "--experiments", str(experiments + 1), "--dir", str(folder)]
    night = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    disturbed: set[Named] = set()
    while night.poll() is None:
        run = state(folder)
        running = run.running
        if disturb and running and _place(run, running.trials[-1]) % EVERY == 0:
            name = running.number, running.trials[-1].number
            disturbed.add(name)
            with strangers():
                while night.poll() is None and _is_running(state(folder), name):
                    time.sleep(0.1)
        time.sleep(0.1)
    return state(folder), disturbed


def state(folder: Path) -> Run:
    found = sorted(folder.glob(".autoresearch/*/journal.sqlite"))
    if not found:
        return Run()
    with Journal(found[0]) as journal:
        return fold(journal.events())


def _place(run: Run, trial: Trial) -> int:
    """Which training of the night this is, from 1."""
    return sum(other.at <= trial.at for one in run.experiments.values() for other in one.trials)


def _is_running(run: Run, name: Named) -> bool:
    running = run.running
    return running is not None and (running.number, running.trials[-1].number) == name


def false_verdicts(run: Run, disturbed: set[Named]) -> list[str]:
    """Verdicts that rest on a number of a trial that was disturbed."""
    found = []
    for one in run.experiments.values():
        counted = [trial.number for trial in one.trials if trial.counts and (one.number, trial.number) in disturbed]
        if counted and one.number:
            found.append(f"#{one.number} {one.verdict}, by trial {counted[0]}")
    return found


def told(run: Run, disturbed: set[Named]) -> Iterator[str]:
    for one in run.experiments.values():
        trials = "  ".join(_told(one, trial, disturbed) for trial in one.trials)
        yield f"  {one.number:3} {one.verdict:8} {one.reason[:60]:60} {trials}"
    noise = noise_of(run)
    seen = [name for name in disturbed if _trial(run, name).taint]
    count = sum(len(one.trials) for one in run.experiments.values())
    assumed = " (assumed)" if noise.assumed else ""
    yield f"  {count} trials, sigma {noise.sigma or 0:.6f}{assumed}, best #{run.best.number if run.best else '-'}"
    false = "; ".join(false_verdicts(run, disturbed)) or "none"
    yield f"  {len(disturbed)} disturbed, {len(seen)} of them seen as tainted; false verdicts: {false}"


def _told(one: Experiment, trial: Trial, disturbed: set[Named]) -> str:
    marks = ("d" if (one.number, trial.number) in disturbed else "") + ("t" if trial.taint else "")
    number = f"{trial.value:.4f}" if trial.value is not None else trial.outcome
    words = [number, f"at {trial.steps_per_s:.1f}" if trial.steps_per_s else "", f"[{marks}]" if marks else "", trial.purpose]
    return f"{' '.join(filter(None, words))};"


def _trial(run: Run, name: Named) -> Trial:
    return next(trial for trial in run.experiments[name[0]].trials if trial.number == name[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, disturb in (("disturbed", True), ("quiet", False)):
            began = time.monotonic()
            run, disturbed = spend(Path(folder) / name, asked.experiments, disturb)
            print(f"{name}, {(time.monotonic() - began) / 60:.1f} minutes (number at steps a second; d disturbed, t tainted)")
            print("\n".join(told(run, disturbed)), flush=True)


if __name__ == "__main__":
    main()
