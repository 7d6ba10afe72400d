"""A stand-in for an engine at work, for what a real one cannot be made to do on time: `python -m tests.e2e.engine FOLDER WHAT`

It writes facts into a journal, samples of a card once a second, and a log with four lines of progress a second. It answers commands as the
engine does, and acts on none of them. WHAT is `quiet`, `stream` (a reply at 50 tokens a second beside the training), or `flood` (10,000
lines of log a second).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine.answers import answer
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.telemetry.owners import Seen, owned
from autoresearch_tui.workspace import RunFolder
from tests.cards.night import read_night
from tests.engine.nights import TRAIN, make_checkout

TAG = "night"
BUDGET_S = 300.0
TICK_S = 0.02
TOKENS_PER_S, LINES_PER_S = 50, 10_000
THOUGHT = (
    "a smaller learning rate for the matrices should keep the late loss from bouncing"
    " while the embedding may still move fast enough to follow"
)
WORDS = THOUGHT.split()
WHAT = ("quiet", "stream", "flood")


class Stand:
    """A night of so many experiments, and the next one in training."""

    def __init__(self, folder: Path, experiments: int) -> None:
        self.folder = RunFolder(folder / ".autoresearch" / TAG)
        for name in ("logs", "replies"):
            (self.folder.folder / name).mkdir(parents=True, exist_ok=True)
        self.git = folder
        self.writer = Writer(self.folder.journal)
        self.chance = random.Random(7)
        self.samples = read_night()
        self.began = time.time()
        self.number = experiments
        self._past()
        self._launch()

    def _past(self) -> None:
        """All experiments but the last, as one transaction."""
        me = os.getpid()
        facts: list[e.Event] = [
            e.RunStarted(TAG, "c0ffee0", budget_s=BUDGET_S, sigma=0.0008, trust="verified"),
            e.EngineStarted(me, born(me), boot_id(), "0", "ollama:qwen3.5:9b", e.Limits(), device="NVIDIA GeForce RTX 4090"),
            e.Shared("share", "both fit: 6.0 of 22.4 GiB for the model, 11.2 for the training"),
        ]
        tip, best = 0, 1.1
        for number in range(self.number):
            value = best + self.chance.gauss(0.003, 0.004) if number else best
            kept = value < best or number == 0
            tip, best = (number, value) if kept else (tip, best)
            facts += self._experiment(number, tip, value, "keep" if kept else "discard")
        self.tip = tip
        self.writer.append(*facts)

    def _experiment(self, number: int, tip: int, value: float, verdict: str) -> list[e.Event]:
        draft, change = f"d{number:04}", {"MATRIX_LR": ("0.04", f"{0.04 + number / 1000:.3f}")}
        asked: list[e.Event] = [e.Drafting(draft, "tune", max(0, tip - 1), "ollama:qwen3.5:9b"), e.Asked(draft, "ollama:qwen3.5:9b")]
        asked += [e.Replied(draft, 12.0, 6000, 700), e.Drafted(draft, "", f"matrix LR to {change['MATRIX_LR'][1]}", changes=change)]
        idea = {"draft": draft, "operator": "tune", "parent": 0, "idea": f"matrix LR to {change['MATRIX_LR'][1]}", "changes": change}
        return [
            *(asked if number else []),
            e.Proposed(number, **idea) if number else e.Proposed(number),  # type: ignore[arg-type]
            e.Committed(number, f"{number:07x}{'0' * 33}"),
            e.Launched(number, 1, 42, 1, 1, "boot"),
            e.Ended(number, 1, "finished", seconds=BUDGET_S),
            e.Measured(number, 1, value, trust="verified", memory_gb=11.2, steps=900, training_s=BUDGET_S),
            e.Judged(number, verdict, "better" if verdict == "keep" else "worse", tip),
            e.Applied(number),
        ]

    def _launch(self) -> None:
        """The experiment that trains now, with a real change that git knows."""
        source = TRAIN.replace("MATRIX_LR = 0.01", "MATRIX_LR = 0.05")
        git = ["git", "hash-object", "-w", "--stdin"]
        blob = subprocess.run(git, cwd=self.git, input=source, capture_output=True, text=True, check=True).stdout.strip()
        change = {"MATRIX_LR": ("0.01", "0.05")}
        number, draft = self.number, f"d{self.number:04}"
        why = "The loss of the last runs still falls at the end; the matrices can take larger steps."
        self.writer.append(
            e.Drafting(draft, "tune", self.tip, "ollama:qwen3.5:9b"),
            e.Asked(draft, "ollama:qwen3.5:9b"),
            e.Replied(draft, 12.0, 6000, 700),
            e.Drafted(draft, blob, "matrix LR 0.01 -> 0.05", why, change),
            e.Proposed(number, draft, "tune", self.tip, "matrix LR 0.01 -> 0.05", why, blob, change, researcher="ollama:qwen3.5:9b"),
            e.Committed(number, f"{number:07x}{'0' * 33}"),
            e.Launched(number, 1, 42, 1, 1, "boot"),
        )
        self.log = self.folder.log(number, 1)

    def ask(self) -> None:
        """The next draft is being written."""
        self.draft = f"d{self.number + 1:04}"
        self.writer.append(e.Drafting(self.draft, "explore", self.tip, "ollama:qwen3.5:9b"), e.Asked(self.draft, "ollama:qwen3.5:9b"))

    # ---- while it goes on ----

    def progress(self) -> str:
        gone = time.time() - self.began
        remaining, step = max(0.0, BUDGET_S - gone), int(gone * 3.2)
        parts = [f"step {step:05} ({min(100.0, 100 * gone / BUDGET_S):.1f}%)", f"loss: {3.2 + self.chance.gauss(0, 0.01):.6f}", "lrm: 1.00"]
        parts += [f"dt: {312 + self.chance.randrange(9)}ms", f"tok/sec: {1_680_000 + self.chance.randrange(9_000):,}", "mfu: 40.1%"]
        return " | ".join([*parts, "epoch: 1", f"remaining: {remaining:.0f}s"])

    def sample(self, count: int) -> None:
        card = replace(self.samples[60 + count % 20], at=time.time())
        trains = {one.pid for one in card.processes or () if one.name == "python"}
        serves = {one.pid for one in card.processes or () if one.name == "ollama"}
        self.writer.sample((card.at, msgspec.json.encode(Seen(card, owned(card, trains, serves))).decode()))

    def answer(self) -> None:
        for sent in self.writer.commands(self.writer.run.heard):
            self.writer.append(*answer(self.writer.run, sent, datetime.now(UTC)))

    def work(self, what: str) -> None:
        """Until it is ended."""
        if what == "stream":
            self.ask()
        beginning = time.monotonic()
        wrote = {"progress": 0, "sample": 0, "token": 0, "line": 0}

        def due(name: str, per_s: float) -> range:
            """Those that should have been written by now and were not."""
            before, wrote[name] = wrote[name], int((time.monotonic() - beginning) * per_s)
            return range(before, wrote[name])

        with (
            self.log.open("a", buffering=1 << 20) as log,
            self.folder.reply(f"d{self.number + 1:04}").open("a", buffering=1 << 20) as reply,
        ):
            while True:
                if self.writer.changed():
                    self.answer()
                if what == "flood":
                    log.write(
                        "".join(
                            f"line {number:08} {self.chance.random():.12f} of a training that prints\n"
                            for number in due("line", LINES_PER_S)
                        )
                    )
                elif due("progress", 4):
                    log.write("\r" + self.progress())
                if what == "stream":
                    reply.write("".join(_token(number) for number in due("token", TOKENS_PER_S)))
                for count in due("sample", 1):
                    self.sample(count)
                log.flush()
                reply.flush()
                time.sleep(TICK_S)


def _token(number: int) -> str:
    end = ".\n" if number % 40 == 39 else " "
    return msgspec.json.encode({"kind": "thinking" if number < 500 else "text", "text": WORDS[number % len(WORDS)] + end}).decode() + "\n"


def start(folder: Path, what: str, experiments: int = 12) -> subprocess.Popen[bytes]:
    """A workspace at this folder, and a stand-in at work in it; its log and journal are there when this returns."""
    make_checkout(folder)
    words = [sys.executable, "-m", "tests.e2e.engine", str(folder), what, str(experiments)]
    stand = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
    assert stand.stdout is not None
    assert stand.stdout.readline() == b"works\n"
    return stand


if __name__ == "__main__":
    stand = Stand(Path(sys.argv[1]), int(sys.argv[3]))
    print("works", flush=True)
    stand.work(sys.argv[2])
