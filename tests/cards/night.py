"""An hour of a night on a card of 24 GB, as samples: an LLM that stays, a training every six minutes, a desktop, some minutes too hot.

`python -m tests.cards.night` makes `night.jsonl` anew, each sample read by the package from the stand-in. It is made, not measured, and
its first line says so. `read_night` gives the samples.
"""

from __future__ import annotations

import ctypes
import math
import os
import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.telemetry.gpu import Process, Sample, look
from tests.cards import GB, Card, OnCard, build, write

TABLE = Path(__file__).with_name("night.jsonl")
BEGINS = datetime(2026, 11, 20, 22, 0, tzinfo=UTC).timestamp()
HOUR_S, PERIOD_S = 3600, 10
CYCLE_S, IDLE_S, EVALUATION_S = 345, 15, 330  # of an experiment: the start of its process, then the training, then its evaluation
HOT = range(1930, 2110)  # seconds of the hour
UNSEEN = 2**22  # pids from here on are nobody's, whatever machine this runs on
LLM, TRAINING, DESKTOP = 2107, 48_211, 1420


def read_night() -> list[Sample]:
    return [msgspec.json.decode(line, type=Sample) for line in TABLE.read_bytes().splitlines()[1:]]


def card_at(second: int, energy: int, chance: random.Random) -> Card:
    """The card at a second of the hour, its energy so far given."""
    phase, warm = second % CYCLE_S, 1 - math.exp(-second / 400)
    trains, evaluates, hot = IDLE_S <= phase < EVALUATION_S - 15, phase >= EVALUATION_S - 15, second in HOT
    amount = 11.2 * GB * (0.35 if phase < IDLE_S + 20 else 1.0) if trains else 3.1 * GB * evaluates
    util = chance.choice((97, 98, 98, 99, 100)) if trains else 62 + chance.randrange(20) if evaluates else chance.randrange(4)
    power = (338_000 if hot else 412_000 if trains else 215_000 if evaluates else 74_000) + chance.randrange(-9_000, 9_000)
    clock = 1890 if hot and trains else 2520 if trains else 2610 if evaluates else 2250
    reasons = 0x20 if hot and trains else 0x4 if trains else 0 if evaluates else 0x1
    temperature = 84 if hot else round(41 + warm * (30 if trains else 22)) + chance.randrange(2)
    processes = [OnCard(UNSEEN + LLM, 6_400_000_000), OnCard(UNSEEN + DESKTOP, 610_000_000, draws=True)]
    if amount:
        processes.append(OnCard(UNSEEN + TRAINING + second // CYCLE_S, int(amount)))
    used = sum(one.bytes or 0 for one in processes) + 420_000_000  # the driver's own
    told = {"util": util, "power": power, "temperature": temperature, "clock": clock, "energy": energy, "reasons": reasons}
    return replace(Card(used=used, processes=tuple(processes)), **told)


def _as_there(process: Process) -> Process:
    """With the name that it would have on the machine of that night."""
    pid = process.pid - UNSEEN
    name, user = {LLM: ("ollama", "ollama"), DESKTOP: ("Xorg", "root")}.get(pid, ("python", "ada"))
    return Process(pid, process.memory, name, user)


def make() -> None:
    chance, energy = random.Random(5), 912_000_000
    lines = [msgspec.json.encode({"made": "not measured: read from a stand-in for a card, by python -m tests.cards.night"})]
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario"
        os.environ["AUTORESEARCH_CARDS"] = str(scenario)
        ctypes.CDLL(str(build(Path(folder) / "driver")))  # who asks for its name later gets this one
        for second in range(0, HOUR_S, PERIOD_S):
            card = card_at(second, energy, chance)
            write(scenario, card)
            sample = look()
            assert sample is not None and sample.processes is not None
            there = tuple(sorted(map(_as_there, sample.processes), key=lambda one: one.pid))
            lines.append(msgspec.json.encode(replace(sample, at=BEGINS + second, processes=there)))
            energy += (card.power or 0) * PERIOD_S
    TABLE.write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    make()
