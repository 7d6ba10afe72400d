"""A stand-in for a card: NVML's library without a driver, which the real bindings load, and which answers from a scenario.

A scenario is a file of lines, read again at every call; who changes it renames a new one over it. Before the first card:

    library N            the kernel's module wants the library of version N: any other is a mismatch
    init CODE            what nvmlInit answers, when it is not 0
    driver VERSION       what it calls itself
    answer FUNCTION CODE   and   block FUNCTION SECONDS, of any card; below a card, of that card

then for each card, and each slice below its card, the lines that `Card.lines` writes; a line that is missing is a thing that the card
does not tell. `whose WORD BYTES` is the newest process of this machine whose command has that word: its memory counts as used.

`python -m tests.cards --scenario FILE -- COMMAND ..` runs any command beside it, a whole night too.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec

GB = 10**9
NEWEST = 3  # the version of the list of processes that today's drivers know
SOURCE = Path(__file__).with_name("nvml.c")
LOST, RESET, MISMATCH, UNKNOWN, NOT_SUPPORTED, NO_PERMISSION, NOT_LOADED = 15, 16, 18, 999, 3, 4, 9


class OnCard(msgspec.Struct, frozen=True):
    pid: int
    bytes: int | None = None
    draws: bool = False


class Card(msgspec.Struct, frozen=True):
    """What it tells, in NVML's own units; None is what it does not tell."""

    uuid: str = "GPU-11111111-0000-0000-0000-000000000000"
    name: str = "NVIDIA GeForce RTX 4090"
    total: int | None = 24 * GB
    used: int = GB // 2
    util: int | None = 0
    power: int | None = 25_000
    limit: int | None = 450_000
    temperature: int | None = 38
    clock: int | None = 210
    fastest: int | None = 3105
    energy: int | None = 3_600_000
    reasons: int | None = 1
    processes: tuple[OnCard, ...] = ()
    whose: dict[str, int] = {}
    slices: tuple[Card, ...] = ()
    answers: dict[str, int] = {}
    blocks: dict[str, float] = {}

    def lines(self, word: str = "card") -> list[str]:
        numbers = ("total", "used", "util", "power", "limit", "temperature", "clock", "fastest", "energy", "reasons")
        told = [f"{name} {getattr(self, name)}" for name in numbers if getattr(self, name) is not None]
        listed = [f"process {one.pid} {'-' if one.bytes is None else one.bytes}{' draws' * one.draws}" for one in self.processes]
        sought = [f"whose {text} {amount}" for text, amount in self.whose.items()]
        cut = [line for part in self.slices for line in part.lines("slice")]
        return [f"{word} {self.uuid} {self.name}", *told, *listed, *sought, *_rules(self.answers, self.blocks), *cut]


def write(
    scenario: Path,
    *cards: Card,
    library: int | None = None,
    init: int = 0,
    driver: str = "",
    answers: dict[str, int] | None = None,
    blocks: dict[str, float] | None = None,
) -> None:
    """At once, whoever reads it meanwhile."""
    lines = [] if library is None else [f"library {library}"]
    lines += [f"driver {driver}"] if driver else []
    lines += [f"init {init}", *_rules(answers or {}, blocks or {}), *(line for card in cards for line in card.lines())]
    aside = scenario.with_suffix(".new")
    aside.write_text("\n".join(lines) + "\n")
    aside.replace(scenario)


def build(folder: Path, newest: int = NEWEST) -> Path:
    """The library, by the C compiler, in this folder."""
    library = folder / "libnvidia-ml.so.1"
    folder.mkdir(parents=True, exist_ok=True)
    made_aside = f"{library}.new"
    words = ["gcc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-DNEWEST={newest}"]
    words += ["-Wl,-soname,libnvidia-ml.so.1", "-o", made_aside, str(SOURCE)]
    made = subprocess.run(words, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(made.stderr)
    os.replace(made_aside, library)
    return library


def environment(scenario: Path, library: Path) -> dict[str, str]:
    """For a command that is to see these cards."""
    folders = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {"AUTORESEARCH_CARDS": str(scenario.resolve()), "LD_LIBRARY_PATH": ":".join(folders)}


def _rules(answers: dict[str, int], blocks: dict[str, float]) -> list[str]:
    return [
        *(f"answer {function} {code}" for function, code in answers.items()),
        *(f"block {function} {seconds}" for function, seconds in blocks.items()),
    ]
