"""Sweep and random search on real trainings of the demo, side by side, a core for each.

    python -m tests.simulation.demos --experiments 30

Sweep works through the engine, with its second looks and all. Random search has the other core for the same time, changes the number of
knobs that did best on the stand-in, trains each once and keeps the lowest. Then what each ended with, and the baseline, are trained
again in turns, for a number that was chosen for being low claims too much. Takes twenty minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from autoresearch_tui.proposals.knobs import set_knobs
from tests.simulation.disturbed import state
from tests.simulation.searchers import Made, Night, RandomSearch
from tests.simulation.surface import values_of

NUMBER = re.compile(r"^val_bpb: +([0-9.]+)", re.MULTILINE)
AGAIN = 3  # trainings of what each ended with


def train(folder: Path, source: str, seed: int) -> float | None:
    """A training by hand, its number as the harness's own judge says it."""
    (folder / "train.py").write_text(source)
    environment = os.environ | {"AUTORESEARCH_SEED": str(seed), "AUTORESEARCH_DEVICE": "cpu"}
    done = subprocess.run([sys.executable, "train.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    found = NUMBER.search(done.stdout)
    return float(found[1]) if found else None


def search_by_chance(folder: Path, knobs: int, while_running: subprocess.Popen[bytes]) -> tuple[list[float], str]:
    """As long as the other one takes: every number, and the source of the lowest."""
    own = (folder / "train.py").read_text()
    numbers, best, lowest = [], own, train(folder, own, 42) or float("inf")
    night = Night(1, 0.0, [Made(0, 0, values_of(own), lowest, 1, "keep", None)], [0])
    searcher = RandomSearch(knobs)
    while while_running.poll() is None:
        drawn = {name: repr(value) for name, value in searcher.ask(night).items() if values_of(own)[name] != value}
        source = set_knobs(own, drawn)
        number = train(folder, source, 42)
        night.made.append(Made(night.number, 0, values_of(source), number, 1, "discard" if number else "crash", None))
        numbers.append(number or float("inf"))
        if number and number < lowest:
            lowest, best = number, source
    return numbers, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=30)
    parser.add_argument("--knobs", type=int, default=3, help="how many random search changes at once")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = Path(name) / "sweep", Path(name) / "chance"
        made = [sys.executable, "-m", "autoresearch_tui", "demo", "--headless", "--dir"]
        subprocess.run([*made, str(theirs), "--experiments", "1"], stdout=subprocess.DEVNULL, check=True)
        shutil.rmtree(theirs / ".autoresearch")
        own = (theirs / "train.py").read_text()
        night = subprocess.Popen([*made, str(ours), "--experiments", str(asked.experiments + 1)], stdout=subprocess.DEVNULL)
        numbers, chosen = search_by_chance(theirs, asked.knobs, night)
        run = state(ours)
        trials = sum(len(one.trials) for one in run.experiments.values())
        assert run.tip is not None
        commit = run.experiments[run.tip].commit
        swept = subprocess.run(["git", "show", f"{commit}:train.py"], cwd=ours, capture_output=True, text=True, check=True).stdout
        print(f"sweep: {len(run.experiments) - 1} experiments, {trials} trainings, {len(run.trunk) - 1} kept")
        for one in (run.experiments[number] for number in run.trunk[1:]):
            print(f"  #{one.number} {one.value or 0:.6f} {one.reason}: {one.idea}")
        print(f"random search, {asked.knobs} knobs at once: {len(numbers)} experiments, best {min(numbers):.6f}")
        sources = {"baseline": own, "sweep": swept, "random search": chosen}
        again: dict[str, list[float]] = {who: [] for who in sources}
        for seed in range(100, 100 + AGAIN):
            for who, source in sources.items():
                if (number := train(theirs, source, seed)) is not None:
                    again[who].append(number)
        before = statistics.mean(again["baseline"])
        for who, values in again.items():
            print(f"  {who:14} trained again: {' '.join(f'{value:.6f}' for value in values)}, gain {before - statistics.mean(values):+.6f}")


if __name__ == "__main__":
    main()
