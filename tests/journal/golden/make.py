"""Write the golden journal of this release: `python -m tests.journal.golden.make v2`, once, when it is released.

It has every kind of fact and of command in it, and every field with another value than its default somewhere. Beside it, in JSON, is
what this release reads in it: every fact with all of its fields, and `status --json`. A golden journal is never written again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Row
from autoresearch_tui.journal.store import Journal, Writer
from tests.journal.golden import HERE, reading

COMMANDS: tuple[c.Command, ...] = (
    c.Pause(1),
    c.Resume(1),
    c.Skip(1, 2),
    c.Skip(draft="d0003"),
    c.Keep(2),
    c.Discard(1),
    c.Again(1),
    c.Note("try smaller steps"),
    c.Idea("SET DEPTH = 6"),
    c.Rewind(1),
    c.Review(True),
    c.Approve("d0002", "go on"),
    c.Reject("d0004", "too wide"),
    c.Limit("cost", "5"),
    c.Stop(1, now=True),
    c.Withdraw(6),
)
WHO = "ada@lab"
LIMITS = e.Limits(experiments=100, deadline=1.8e9, between="22:00-07:00", cost=5.0, declined=7)
MODEL = "ollama:qwen3.5:9b"
CHANGES = {"MATRIX_LR": ("0.04", "0.05")}
BLOB, FINGERPRINT = "b10b" * 10, "f19e" * 16

CARD = e.Card(60.0, 98.5, 66.0, 44.5, 20.1, 612.0, 71.0, 1750.0, {"heat": 0.05}, ("python (pid 7, ada)",), 0.02)

OPENING: tuple[e.Event, ...] = (
    e.RunStarted(
        "nov20",
        "c0ffee" * 6 + "0000",
        origin="mar8",
        key={"prepare.py": "abc", "budget_s": "60.0"},
        trust="verified",
        seed=7,
        edit="model.py",
        metric="accuracy",
        goal="higher",
        budget_s=60.0,
        sigma=0.0005,
        confirms="mar8",
        chosen=57,
        blob=BLOB,
        repeats=3,
    ),
    e.Remembered("results.tsv", (Row("a1b2c3d", 0.9979, 44.0, "keep", "baseline", {"note": "by hand"}),)),
    e.EngineStarted(
        4711,
        123,
        "boot",
        "0.1.0",
        MODEL,
        LIMITS,
        True,
        300.0,
        device="NVIDIA H200",
        rules=e.Rules(70.0, 3.0, 30),
        chain=("sweep",),
        chosen="it fits the 30 GB that are free",
        local_only=True,
        rates=e.Rates(2.5, 0.3, "EUR"),
        sandbox="landlock",
        sandbox_why="bwrap is not installed",
        card="GPU-0000",
    ),
    e.Proposed(0),
    e.Committed(0, "c0ffee" * 6 + "0000"),
    e.Equipped((e.Slot("gpu0", "NVIDIA H200 700 W", "GPU-5", "bubblewrap"), e.Slot("lab7/gpu0")), "lab7 has come"),
    e.Launched(0, 1, 7, 5000, 456, "boot", slot="gpu0", device="NVIDIA H200 700 W"),
    e.Shared("swap", "20.1 GB and 44.0 GB do not fit", guess=True),
    e.Unloaded(MODEL, 1.5, 20.1),
    e.Ended(0, 1, "finished", code=0, seconds=61.5, kwh=0.01, card=CARD),
    e.Measured(
        0, 1, 0.9979, trust="verified", memory_gb=44.0, steps=953, tokens_m=499.6, training_s=60.1, recorded={"mfu_percent": "39.8"}
    ),
    e.Judged(0, "keep", "baseline", 0),
    e.Applied(0),
    e.ProgramChanged("9f06a3", "+ higher is better"),
)
LIFE: tuple[e.Event, ...] = (
    e.Drafting("d0001", "explore", 0, "sweep", idea=9, notes=(8,), program="9f06a3"),
    e.Asked("d0001", MODEL, "blocks", 11000),
    e.Replied("d0001", 2.5, 12000, 300, None, "the limit of 300 tokens", {"tokens_per_s": 40.5}),
    e.Refused("d0001", "SEARCH matches no place", "edit", "It was:\nLR = 1"),
    e.Asked("d0001", MODEL, "set", 11000),
    e.Spent("d0001", MODEL, 11000, 20, 0.125),
    e.ResearcherDown(MODEL, "no answer", 1.8e9, True),
    e.ResearcherUp(MODEL),
    e.Declined("d0001", MODEL, "frontier_llm"),
    e.Passed("d0001", "sweep", "it understands SET alone"),
    e.Blocked("a connection to 192.0.2.1:443"),
    e.Replied("d0001", 1.5, 12400, 280, 0.25),
    e.Drafted("d0001", BLOB, "matrix LR 0.04 -> 0.05", "the loss falls slowly", CHANGES, FINGERPRINT, parent=0, added=12),
    e.Held("d0001", 1.8e9),
    e.Approved("d0001", WHO, "go on"),
    e.Proposed(
        1, "d0001", "explore", 0, "matrix LR 0.04 -> 0.05", "the loss falls slowly", BLOB, CHANGES, FINGERPRINT, "sweep", 0, WHO, 12
    ),
    e.Fulfilled(9, "experiment 1"),
    e.Committed(1, "1" * 40),
    e.Launched(1, 1, 7, 5001, 457, "boot"),
    e.Ended(1, 1, "interrupted", why="the engine died", seconds=12.0, gap_s=3600.0),
    e.EngineStarted(4712, 789, "boot", "0.1.0", "sweep", LIMITS, after="signal 9", device="NVIDIA H200"),
    e.Launched(1, 2, 7, 5002, 458, "boot"),
    e.Ended(1, 2, "hopeless", why="too slow", seconds=6.0, slow=True, shrank=True),
    e.Launched(1, 3, 7, 5002, 459, "boot", "closing"),
    e.Ended(1, 3, "finished", seconds=61.0),
    e.Measured(1, 3, 0.9991, trust="reported", memory_gb=45.5, audit=1.01, evidence=("its log shrank",)),
    e.Tainted(1, 3, "at 70% of its pace"),
    e.Judged(1, "keep", "kept by hand", 1, by=WHO),
    e.Applied(1),
    e.Drafting("d0002", "keep", 1, "", of=1, by=WHO),
    e.Abandoned("d0002", "the trunk is so already", WHO),
    e.Drafting("d0003", "tune", 1, MODEL),
    e.Abandoned("d0003", "the trunk moved to #1", outdated=True),
    e.Proposed(2, operator="simplify", parent=1),
    e.Launched(2, 1, 7, 5003, 459, "boot"),
    e.Ended(2, 1, "crash", "memory", "CUDA out of memory", WHO, 1, 3.5),
    e.Measured(2, 1, None, refused="it printed no summary"),
    e.Judged(2, "crash", "memory: CUDA out of memory", 1),
)
END: tuple[e.Event, ...] = (
    e.Lapsed(6, "withdrawn"),
    e.SettingsChanged(LIMITS, True, WHO),
    e.Paused(WHO, "lunch"),
    e.Resumed(WHO),
    e.Waiting("outside 22:00-07:00"),
    e.ResearcherDown("sweep", "every knob was tried"),
    e.ResearcherUp("sweep"),
    e.Rewound(1, WHO),
    e.Drifted(1, 3, 0.99, 1.02, 1),
    e.Concluded(1, 0.01, -0.002, 0.022, 0.04, 0.011, -0.001, 0.023, 0.05, 3, 2),
    e.Warned("the disk is nearly full"),
    e.EngineEnded(f"stopped by {WHO}"),
)


def write(path: Path) -> None:
    """The journal, and what this code reads in it; nothing if a kind or a field is not in it."""
    with TemporaryDirectory() as folder, Writer(Path(folder) / "journal.sqlite") as writer:
        for wish in COMMANDS:
            writer.send(wish, WHO)
        answers = [e.Commanded(sent.id, sent.wish, WHO, sent.id != 3, "" if sent.id != 3 else "it is over") for sent in writer.commands()]
        for part in (OPENING, answers, LIFE, END):
            writer.append(*part)
        missing = sorted(every_field() - used_fields(list(writer.events())))
        if missing:
            raise SystemExit(f"{', '.join(missing)}: give each a value, other than its default, in a fact of {Path(__file__).name}.")
        writer.save_snapshot()
        writer.back_up(path)
    with Journal(path) as journal:
        path.with_suffix(".json").write_text(msgspec.json.format(msgspec.json.encode(reading(journal))).decode() + "\n")


def every_field() -> set[str]:
    structs: list[type[msgspec.Struct]] = [*e.kinds().values(), *c.Wish.__subclasses__(), e.Limits, e.Rules, e.Rates, e.Card, Row]
    return {f"{struct.__name__}.{name}" for struct in structs for name in struct.__struct_fields__}


def used_fields(value: Any) -> set[str]:
    """The fields with another value than their default, however deep."""
    if isinstance(value, msgspec.Struct):
        fields = [(field, getattr(value, field.name)) for field in msgspec.structs.fields(value)]
        here = {f"{type(value).__name__}.{field.name}" for field, content in fields if content not in (field.default, {}, ())}
        return here.union(*(used_fields(content) for _, content in fields))
    return set().union(*map(used_fields, value)) if isinstance(value, tuple | list) else set()


if __name__ == "__main__":
    target = HERE / f"{sys.argv[1]}.sqlite"
    if target.exists():
        raise SystemExit(f"{target} was written by a release, and stays as it is.")
    write(target)
