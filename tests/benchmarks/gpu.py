"""What the harness does on one GPU, as a table; docs/gpu.md says what stands in it.

It needs a machine with the package's `harness` extra and no network: the text is this Python's own library. Every command has a
timeout, a part that fails leaves its reason in the table, and the table is written anew after every part.

  python tests/benchmarks/gpu.py --output gpu.md [--profile h100] [--seeds 5] [--seconds 60] [--fit] [--deadline 540]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HARNESS = Path(__file__).resolve().parents[2] / "harness"
EVAL_TOKENS = 131072  # the library's held-out text is small


class Failed(Exception):
    """A part has no figure; the sentence says why."""


@dataclass
class Table:
    output: Path
    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, what: str, value: str) -> None:
        self.rows.append((what, value))
        print(f"{what}: {value}", flush=True)
        lines = ["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in self.rows)]
        self.output.write_text("\n".join(lines) + "\n")


def run(*command: str | Path, folder: Path, timeout: float, **environment: str) -> str:
    """What a command printed. It and its children end with the timeout."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=max(1.0, timeout))
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {timeout:.0f} s: {' '.join(map(str, command))}") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        last = printed.replace("\r", "\n").strip().splitlines()[-1:] or ["no output"]
        raise Failed(f"exit {process.returncode}: {last[0]}".replace("|", "/"))
    return printed


def summary_of(printed: str) -> dict[str, str]:
    """The lines after the last `---`: name, colon, value."""
    _, found, tail = ("\n" + printed).rpartition("\n---\n")
    if not found:
        raise Failed("the training printed no summary")
    return dict(re.findall(r"(?m)^(\w+):\s+(.+?)\s*$", tail))


def steps_of(printed: str) -> list[tuple[float, int]]:
    """Seconds and tokens a second of every step, from the progress line."""
    found = re.findall(r"step \d+ \([^)]*\).*?dt: (\d+)ms \| tok/sec: ([\d,]+)", printed)
    if not found:
        raise Failed("the training printed no progress")
    return [(int(milliseconds) / 1000, int(rate.replace(",", ""))) for milliseconds, rate in found]


def set_value(file: Path, name: str, value: str) -> None:
    text, count = re.subn(
        rf"(?m)^{name} = [^#\n]*?(\s*#.*)?$", lambda found: f"{name} = {value}{found[1] or ''}", file.read_text(), count=1
    )
    if not count:
        raise Failed(f"{file.name} has no line `{name} = ..`")
    file.write_text(text)


def value_of(file: Path, name: str) -> int:
    found = re.search(rf"(?m)^{name} = ([\d*]+)", file.read_text())
    if not found:
        raise Failed(f"{file.name} has no line `{name} = ..`")
    base, _, power = found[1].partition("**")
    return int(int(base) ** int(power or 1))


class Measurement:
    def __init__(self, scratch: Path, table: Table, given: argparse.Namespace) -> None:
        self.scratch, self.table, self.given = scratch, table, given
        self.lab = scratch / "lab"
        self.ends = time.monotonic() + given.deadline
        os.environ["AUTORESEARCH_DATA"] = str(scratch / "data")
        self.use_cache("compiled")

    def use_cache(self, name: str) -> None:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(self.scratch / name)
        os.environ["TRITON_CACHE_DIR"] = str(self.scratch / name / "triton")

    def left(self, wanted: float) -> float:
        """As many seconds as are wanted, or as there are."""
        left: float = self.ends - time.monotonic()
        if left < 10:
            raise Failed(f"the deadline of {self.given.deadline:.0f} s is reached")
        return min(wanted, left)

    def workspace(self) -> None:
        began = time.monotonic()
        run(HARNESS / "prepare.py", "new", self.lab, "--profile", self.given.profile, folder=self.scratch, timeout=self.left(60))
        profile = self.lab / "profile.toml"
        set_value(profile, "dataset", '"python"')
        set_value(profile, "eval_tokens", str(EVAL_TOKENS))
        set_value(profile, "budget_seconds", str(self.given.seconds))
        printed = run("prepare.py", folder=self.lab, timeout=self.left(180))
        text = printed.strip().splitlines()[-1].split(", in ")[0]
        self.table.add("data and tokenizer", f"{time.monotonic() - began:.0f} s; {text}")

    def startup(self) -> None:
        """Twenty steps without an evaluation, with no compiled graph in the cache and with all of them."""
        for cache in ("cold", "warm"):
            began = time.monotonic()
            printed = run(
                "train.py", folder=self.lab, timeout=self.left(240), AUTORESEARCH_STEPS="20", AUTORESEARCH_TRIAL="startup"
            )  # fmt: skip
            seconds = [seconds for seconds, _ in steps_of(printed)]
            waited = sum(seconds) - len(seconds) * statistics.median(seconds)
            before = float(summary_of(printed)["startup_seconds"])
            self.table.add(
                f"start-up, {cache} compile cache",
                f"{before:.1f} s before the clock, then {waited:.1f} s of compiling in the first steps;"
                f" {time.monotonic() - began:.1f} s for 20 steps in all",
            )

    def spread(self) -> None:
        """Short trainings that differ in the seed alone, each with its evaluation; the first also gives the step's figures."""
        scores: list[float] = []
        reason = ""
        for seed in range(42, 42 + self.given.seeds):
            try:
                printed = run("train.py", folder=self.lab, timeout=self.left(3 * self.given.seconds + 180), AUTORESEARCH_SEED=str(seed))
                summary = summary_of(printed)
                scores.append(float(summary["val_bpb"]))
                if len(scores) == 1:
                    self.step(printed, summary)
            except (Failed, KeyError) as error:
                reason = f"; then: {error}"
                break
        if len(scores) < 2:
            raise Failed(f"{len(scores)} of {self.given.seeds} trainings have a val_bpb{reason}")
        each = ", ".join(f"{score:.6f}" for score in scores)
        self.table.add(
            f"val_bpb of {len(scores)} trainings of {self.given.seconds:g} s",
            f"mean {statistics.mean(scores):.6f}, sd {statistics.stdev(scores):.6f} ({each}){reason}",
        )

    def step(self, printed: str, summary: dict[str, str]) -> None:
        rate = statistics.median([rate for _, rate in steps_of(printed)][10:] or [0])
        self.table.add("device", summary.get("device", "unknown"))
        self.table.add("model", f"{summary['num_params_M']} M parameters, depth {summary['depth']}")
        self.table.add("tokens a second", f"{rate:,.0f}, median of {summary['num_steps']} steps")
        self.table.add("MFU", "no peak is known for this device" if summary["mfu_percent"] == "n/a" else f"{summary['mfu_percent']} %")
        self.table.add("peak memory", f"{float(summary['peak_vram_mb']) / 1024:.1f} GB")
        self.table.add(f"evaluation of {EVAL_TOKENS:,} tokens", f"{summary['eval_seconds']} s")

    def evaluation(self) -> None:
        """As many tokens as the held-out text has: asked for too many, the judge says how many there are."""
        profile = self.lab / "profile.toml"
        if not (self.lab / "checkpoint.pt").exists():
            raise Failed("no training has left a checkpoint to evaluate")
        set_value(profile, "eval_tokens", str(2**30))
        try:
            run("prepare.py", "judge", folder=self.lab, timeout=self.left(60))
            raise Failed("the judge found a thousand million tokens in the library's held-out text")
        except Failed as refusal:
            there = re.search(r"fills (\d+) rows of (\d+) tokens", str(refusal))
            if not there:
                raise
            tokens = int(there[1]) * int(there[2])
            set_value(profile, "eval_tokens", str(tokens))
            printed = run("prepare.py", "judge", folder=self.lab, timeout=self.left(180))
            self.table.add(f"evaluation of {tokens:,} tokens", f"{summary_of(printed)['eval_seconds']} s")
        finally:
            set_value(profile, "eval_tokens", str(EVAL_TOKENS))

    def fit(self) -> None:
        """From eight times the profile's rows; the total batch grows along, for it has to hold them."""
        copy = self.scratch / "fit"
        shutil.copytree(self.lab, copy)
        for name in ("DEVICE_BATCH_SIZE", "TOTAL_BATCH_SIZE"):
            set_value(copy / "train.py", name, str(8 * value_of(copy / "train.py", name)))
        began, rows = time.monotonic(), value_of(copy / "train.py", "DEVICE_BATCH_SIZE")
        printed = run("prepare.py", "fit", folder=copy, timeout=self.left(400))
        self.table.add(f"fit, from {rows} rows", f"{'; '.join(printed.strip().splitlines())}; {time.monotonic() - began:.0f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description="What the harness does on one GPU, as a Markdown table.")
    parser.add_argument("--output", type=Path, required=True, help="file for the table")
    parser.add_argument("--profile", default="h100", help="a profile of the harness (default: h100)")
    parser.add_argument("--seeds", type=int, default=5, help="trainings to measure the spread from (default: 5)")
    parser.add_argument("--seconds", type=float, default=60, help="budget of each (default: 60)")
    parser.add_argument("--fit", action="store_true", help="also let `prepare.py fit` find the batch; each try compiles anew")
    parser.add_argument("--deadline", type=float, default=540, help="seconds after which no part is begun and the last one ends")
    given = parser.parse_args()
    table = Table(given.output.resolve())
    failed = False
    with tempfile.TemporaryDirectory(prefix="autoresearch-gpu-") as scratch:
        measurement = Measurement(Path(scratch), table, given)
        parts: list[Callable[[], None]] = [measurement.workspace, measurement.startup, measurement.spread, measurement.evaluation]
        for part in [*parts, measurement.fit] if given.fit else parts:
            try:
                part()
            except Exception as error:  # whatever it is, the other parts have their chance
                failed = True
                table.add(part.__name__, f"not measured: {error or type(error).__name__}")
                if part == measurement.workspace:
                    break
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
