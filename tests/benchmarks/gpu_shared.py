"""Containment and sharing on one real GPU, as a table; docs/gpu.md says what stands in it.

A training of the bundled harness inside each sandbox, twice, the second with the compile cache of the first; a process that holds twelve
gigabytes under the name of a model's server, as the card's segments show it; and how long the driver takes to report memory free.

  python -m tests.benchmarks.gpu_shared --output gpu-shared.md [--profile h100] [--seconds 20]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.engine import caches
from autoresearch_tui.engine.conditions import Conditions
from autoresearch_tui.engine.sharing import GB, said
from autoresearch_tui.telemetry.gpu import Sample, look
from autoresearch_tui.workspace import commit_all
from tests.benchmarks.gpu import HARNESS, Table
from tests.engine.beds import Bed

SERVER = """
import sys, time, torch
held = torch.empty({size}, dtype=torch.uint8, device="cuda")
print("held", flush=True)
time.sleep(600)
"""
HELD = 12 * GB
LEVEL = GB // 4
BOUND_S = 60.0


def workspace(folder: Path, profile: str, seconds: float) -> Path:
    """The harness on this Python's own library, with a short budget."""
    new = [sys.executable, str(HARNESS / "prepare.py"), "new", str(folder), "--profile", profile]
    subprocess.run(new, check=True)
    text = (folder / "profile.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("dataset", "budget_seconds", "eval_tokens"))]
    (folder / "profile.toml").write_text(
        "\n".join(['dataset = "python"', f"budget_seconds = {seconds:g}", "eval_tokens = 131072", *lines]) + "\n"
    )
    subprocess.run([sys.executable, "prepare.py"], cwd=folder, check=True)
    commit_all(folder)
    return folder


def card() -> Sample:
    sample = look()
    if sample is None or sample.memory_used is None:
        raise SystemExit("there is no card here whose memory can be read: this is for a machine with one.")
    return sample


def until(reached: Callable[[Sample], bool]) -> float:
    """Seconds until the driver says so."""
    began = time.perf_counter()
    while not reached(card()):
        if time.perf_counter() - began > BOUND_S:
            raise TimeoutError(f"not within {BOUND_S:g} s")
        time.sleep(0.02)
    return time.perf_counter() - began


def trainings(table: Table, kind: str, lab: Path) -> None:
    """A cold and a warm training in this sandbox."""
    before = card().memory_used or 0
    bed = Bed(lab, sandbox=kind)
    for trial, words in enumerate(("cold", "warm"), 1):
        outcome = bed.train(0, trial)
        back = until(lambda sample: (sample.memory_used or 0) <= before + LEVEL)
        fact = bed.measure(0, trial)
        caches.adopt(bed.folder, 0)
        beside = outcome.seconds - (fact.training_s or 0.0)
        said_ = f"{outcome.outcome}, {outcome.seconds:.1f} s, {beside:.1f} s of them beside the budget; val_bpb {fact.value}, {fact.trust}"
        table.add(
            f"{kind}, {words} compile cache", f"{said_}; memory back after {back:.2f} s" + (f"; {outcome.why}" if outcome.why else "")
        )


def segment(table: Table, folder: Path) -> None:
    """What the bar shows of a process that calls itself a model's server."""
    before = card().memory_used or 0
    server = folder / "ollama"
    server.write_text(SERVER.format(size=HELD))
    process = subprocess.Popen([sys.executable, str(server)], stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout is not None
    process.stdout.readline()
    owned = Conditions(lambda *rows: None).owned(card())
    parts = ", ".join(f"{who} {said(size)}" for who, size in (("LLM", owned.llm), ("others", owned.others), ("free", owned.free)) if size)
    table.add("a process that holds 12.0 GB, by name a model's server", f"{parts} ({owned.source})")
    process.kill()
    process.wait()
    table.add("its memory is free after its end", f"{until(lambda sample: (sample.memory_used or 0) <= before + LEVEL):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="file for the table")
    parser.add_argument("--profile", default="h100")
    parser.add_argument("--seconds", type=float, default=20, help="budget of a training")
    given = parser.parse_args()
    table = Table(given.output.resolve())
    table.add("card", card().name)
    with tempfile.TemporaryDirectory(prefix="autoresearch-gpu-") as name:
        for kind in ("bubblewrap", "landlock", "off"):
            try:
                trainings(table, kind, workspace(Path(name, kind), given.profile, given.seconds))
            except Exception as error:  # whatever it is, the other parts have their chance
                table.add(kind, f"not measured: {error or type(error).__name__}")
        segment(table, Path(name))


if __name__ == "__main__":
    main()
