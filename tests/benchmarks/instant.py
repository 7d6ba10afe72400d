"""An engine without anything that takes its time: what is left is the plan, the loop, the researcher's request and the journal.

Its slots end each training at once, its researcher answers at once, its commits are kept in memory. One change of a hundred helps, so
that the trunk grows; the others are worse.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from autoresearch_tui.engine.chain import Chain
from autoresearch_tui.engine.controller import Controller
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.jobs import Job, Jobs
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.engine.upkeep import Upkeep
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.researchers import Part, Request
from autoresearch_tui.settings import load
from autoresearch_tui.workspace import open_workspace
from tests.engine.nights import make_checkout

HELPS = 500  # every so manieth change does
TRAIN = "".join(f"{name}_{number} = {number}.0\n" for name, count in (("KNOB", 10), ("GAIN", 20)) for number in range(1, count + 1))


class Instant:
    """A researcher whose every idea is a new one."""

    name = "instant"
    operators = ("tune", "explore")
    dialects: tuple[str, ...] = ()
    window = answer = 0
    remote = metered = shares = False

    async def propose(self, request: Request) -> AsyncIterator[Part]:
        draft = int(request.draft[1:])
        place = draft // HELPS
        knob, value = (f"GAIN_{place}", 0) if draft % HELPS == 0 else (f"KNOB_{1 + draft % 10}", 1000 + draft)
        yield Part("text", f"<idea>{knob} {value}</idea>\n<why>It is another one.</why>\n<edit>\nSET {knob} = {value}.0\n</edit>\n")

    async def check(self) -> str | None:
        return None

    async def release(self) -> None:
        """It holds nothing."""


def worth(source: str, seed: int) -> float:
    """Of a train.py: what was gained and what was spoilt, and a little luck."""
    numbers: list[tuple[str, str, str]] = re.findall(r"^(GAIN|KNOB)_(\d+) = (\S+)", source, re.MULTILINE)
    gained = sum(name == "GAIN" and float(value) == 0 for name, _, value in numbers)
    spoilt = sum(name == "KNOB" and float(value) != int(number) for name, number, value in numbers)
    return 2.0 - 0.001 * gained + 0.01 * spoilt + 0.00003 * (seed % 5)


class InMemory:
    """Stands in for a `Lineage`: the same words, without git."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.pointed: dict[int, str] = {}
        self.tip: str | None = None

    def write_blob(self, source: str) -> str:
        name = hashlib.sha1(source.encode()).hexdigest()
        self.sources[name] = source
        return name

    def read_blob(self, name: str) -> str:
        return self.sources[name]

    def commit(self, parent: str, blob: str, message: str, at: float) -> str:
        name = hashlib.sha1(f"{parent} {blob} {message} {at}".encode()).hexdigest()
        self.sources[name] = self.sources[blob]
        return name

    def read(self, commit: str, path: str) -> bytes:
        return self.sources[commit].encode()

    def point(self, number: int, commit: str) -> None:
        self.pointed[number] = commit

    def refs(self) -> dict[int, str]:
        return self.pointed

    def branch(self) -> str | None:
        return self.tip

    def move_branch(self, commit: str, expected: str | None) -> None:
        self.tip = commit

    def note(self, commit: str) -> str:
        return self.notes.get(commit, "")

    def annotate(self, commit: str, text: str) -> None:
        self.notes[commit] = text

    def checked_out(self) -> str:
        return ""


class Over:
    """A training that is over when it begins."""

    pid, born, boot = 1, 1, "boot"

    def release(self) -> None:
        """It needs no word."""

    def spare(self) -> None:
        """It hopes for nothing."""

    def end(self, outcome: str = "skipped", why: str = "skipped by hand", crash: str = "") -> None:
        """It has ended."""

    async def wait(self) -> Outcome:
        await asyncio.sleep(0)
        return Outcome("finished", code=0, seconds=1.0)


class Unwatched:
    """Nothing is seen of a slot that is nowhere."""

    in_line = ""
    llm_said: int | None = None
    card = None
    stranger = ""
    others_memory = 0
    holds_model: bool | None = None
    fault = ""
    ours: frozenset[int] | None = None
    peak: int | None = None

    def hurry(self) -> None:
        """There is nothing to see."""

    def look(self) -> None:
        """There is nothing to see."""

    def launched(self, pid: int) -> None:
        return None

    def ended(self) -> tuple[None, None]:
        return None, None

    async def asked_anew(self) -> None:
        """There is nothing to see."""


class Place:
    """A slot that is nowhere."""

    shares_its_card = False

    def __init__(self, about: e.Slot, lineage: InMemory) -> None:
        self.about = about
        self.lineage = lineage
        self.conditions = Unwatched()

    async def spawn(self, job: Job) -> Over:
        return Over()

    def sweep(self) -> None:
        """Nothing is left."""

    def ended(self, outcome: Outcome) -> None:
        """Nothing follows."""

    async def clear(self, number: int, trial: Trial) -> int:
        return 0

    async def measure(self, job: Job, trial: Trial) -> e.Measured:
        return e.Measured(job.number, job.trial, worth(self.lineage.sources[job.commit], job.seed), memory_gb=1.0)


class Nowhere:
    """The executor of these slots."""

    def __init__(self, count: int, lineage: InMemory) -> None:
        names = [f"cpu{place}" for place in range(count)] if count > 1 else [""]
        self._slots = {name: Place(e.Slot(name, "no device"), lineage) for name in names}

    @property
    def slots(self) -> Mapping[str, Place]:
        return self._slots

    async def begin(self) -> None:
        """There is nothing to know."""

    async def keep_up(self, changed: Callable[[str], None]) -> None:
        await asyncio.Event().wait()

    async def end(self) -> None:
        """There is nothing to end."""


def past(lineage: InMemory, start: str, experiments: int) -> list[e.Event]:
    """The facts of a night so far, as an engine would have written them, the first of them its baseline."""
    facts: list[e.Event] = []
    tip, source = 0, TRAIN
    for number in range(experiments):
        helps, place = number % HELPS == 0 and number > 0, number // HELPS
        old, new = (f"GAIN_{place} = {place}.0", f"GAIN_{place} = 0.0") if helps else ("KNOB_1 = 1.0", f"KNOB_1 = {1000 + number}.0")
        changed = source.replace(f"{old}\n", f"{new}\n") if number else source
        blob = lineage.write_blob(changed)
        commit = lineage.commit(start, blob, f"{number}", 0.0) if number else start
        lineage.point(number, commit)
        name, value = new.split(" = ")
        changes = {name: (old.split(" = ")[1], value)} if number else {}
        parent, verdict = tip if number else None, "keep" if helps or not number else "discard"
        tip, source = (number, changed) if verdict == "keep" else (tip, source)
        idea, draft = f"{name} {value}" if number else "baseline", f"d{number:04}"
        if number:
            facts += [e.Drafting(draft, "tune", parent or 0, "instant"), e.Drafted(draft, blob, idea, changes=changes)]
        facts += [
            e.Proposed(number, draft, "tune" if number else "baseline", parent, idea, "", blob, changes, f"{number}", "instant"),
            e.Committed(number, commit),
        ]
        for trial in (1, 2, 3) if number == 0 else (1,):  # how far equal code differs is known
            facts += [
                e.Launched(number, trial, 41 + trial, 1, 1, "boot", "noise" if trial > 1 else "", "", "no device"),
                e.Ended(number, trial, "finished", code=0, seconds=1.0),
                e.Measured(number, trial, worth(changed, 41 + trial), memory_gb=1.0),
            ]
        facts += [e.Judged(number, verdict, "as it is here", tip), e.Applied(number)]
    lineage.tip = lineage.pointed.get(tip)
    return facts


def night(where: Path, slots: int, experiments: int, tell: Callable[[Recorded, Run], None], before: int = 0) -> Run:
    """A night with so many experiments, and as many before them; who is told of each fact may look at the clock."""
    folder = make_checkout(where, TRAIN)
    settings = load(folder, {}).settings
    workspace = open_workspace(folder, settings)
    run_folder = workspace.run("night")
    lineage = InMemory()
    start = lineage.write_blob(TRAIN)
    with Writer(run_folder.journal) as journal:
        git: Any = lineage
        researcher: Any = Instant()
        chain = Chain([researcher])
        drafter, jobs = Drafter(workspace, run_folder, git, settings.proposing), Jobs(workspace, run_folder)
        upkeep = Upkeep(run_folder, where.parent / "copy.sqlite", 0.0, float("inf"))
        journal.append(e.RunStarted("night", start, sigma=workspace.sigma), *past(lineage, start, before))

        async def work() -> None:
            executor: Any = Nowhere(slots, lineage)
            controller = Controller(journal, run_folder, git, drafter, chain, executor, jobs, upkeep, tell, settings)
            limits, rules = e.Limits(experiments=before + experiments), e.Rules(drift_every=0)
            await controller.begin_session(e.EngineStarted(os.getpid(), 1, "boot", "1", "instant", limits, rules=rules))
            controller.finish((await controller.work()).why)

        asyncio.run(work())
        return journal.run
