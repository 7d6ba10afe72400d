"""The card and the cores, watched once a second: kept in the journal for whoever shows them, and summed up for each trial.

Owns the observer of each slot, and who was on its card when the session began. Where no card trains it is the processor that is kept in
the journal, by one of its slots for all, and nothing is judged by that. Does not own how a card is read (`telemetry/`), whether conditions
were fair (`fairness.py`), nor who gets the memory (`sharing.py`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from autoresearch_tui.engine import launcher
from autoresearch_tui.engine.caps import below
from autoresearch_tui.engine.fairness import summary
from autoresearch_tui.engine.sharing import named_process
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import JournalBusy
from autoresearch_tui.telemetry.cores import Cores
from autoresearch_tui.telemetry.gpu import Sample, Sampler
from autoresearch_tui.telemetry.owners import Owned, Seen, owned, strangers
from autoresearch_tui.telemetry.sample import Reader

FIRST_S = 3.0  # that is waited for the first word of a driver, or its next
LOOK_S = 0.02  # between two looks whether it came
SEARCH_S = 30.0  # between two searches for language models among all processes, of which there may be thousands
TELLING_S = 5.0  # a trial that was watched for less tells nothing of the cores
SERVERS = ("ollama", "llama-server", "llama_server", "vllm", "sglang", "lms", "lm-studio", "koboldcpp", "mlx_lm")
"""Programs whose memory on a card is a language model's, by the beginning of their names."""
JOULES = 3.6e6  # of a kilowatt-hour


class Neighbours:
    """The slots on the cores of one machine. The first of them observes it, and what any of them trains is training there."""

    def __init__(self) -> None:
        self._all: list[Conditions] = []

    def join(self, one: Conditions) -> bool:
        """Whether it is the one that observes."""
        self._all.append(one)
        return len(self._all) == 1

    def trees(self) -> set[int]:
        return set().union(*(one.tree for one in self._all))

    def training(self) -> set[int]:
        return set().union(*(one.training for one in self._all))


class Conditions:
    """One slot's observer. `keep` writes rows to the journal: their time, and what was seen. It looks at the first card, or `which`."""

    def __init__(
        self,
        keep: Callable[..., None],
        trains_on_card: bool = True,
        which: str = "",
        cores: Collection[int] = (),
        neighbours: Neighbours | None = None,
    ) -> None:
        self._keep = keep
        self._trains_on_card = trains_on_card
        self._neighbours = neighbours or Neighbours()
        self._observes = self._neighbours.join(self)
        self._sampler = Sampler(which, opened=None if trains_on_card else self._processor)
        self.in_line = ""
        """For whom the card is waited for, while another run has it."""
        self.llm_said: int | None = None
        """Bytes that the model has on the card by its server's word, for drivers that do not tell whose memory is whose."""
        self._met: frozenset[int] | None = None
        """Who was on the card first; None: it has not said yet."""
        self._models: dict[int, bool] = {}
        """Of each process on the card, whether a language model's server started it."""
        self._held_a_model = False
        self._trial = 0
        """The launcher of the trial that runs."""
        self.tree: set[int] = set()
        """Its processes as they were seen last; `_ours` are those that it ever had."""
        self._ours: set[int] = set()
        self._servers: set[int] = set()
        self._searched = -SEARCH_S
        self._samples: list[Sample] = []
        self._before: Sample | None = None
        self._slot_cores = cores or None
        self._cores = Cores(cores=self._slot_cores)
        self._began = 0.0

    # ---------------------------------------------------------------------------------------------------------------------------
    # The session
    # ---------------------------------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Look for a card, and at who is there already."""
        if not self._observes:
            return
        self._sampler.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                while self._sampler.latest() is None:
                    await asyncio.sleep(LOOK_S)
        self._meet()

    def end(self) -> None:
        if self._observes:
            self._sampler.stop()

    def hurry(self) -> None:
        """Somebody waits for the next sample."""
        self._sampler.hurry()

    @property
    def card(self) -> Sample | None:
        """The newest sample of the card that trains; None where there is none."""
        sample = self._sampler.latest()
        return sample if sample and self._trains_on_card and (sample.source or sample.fault) else None

    @property
    def holds_model(self) -> bool | None:
        """Whether a language model has been on this card in this session; None: its driver does not tell who is there."""
        if self._held_a_model:
            return True
        listed = self.card.processes if self.card else ()
        return None if listed is None or any(not one.name for one in listed) else False

    @property
    def others_memory(self) -> int:
        """Bytes that everybody else has: those who were there first, and what the driver keeps for itself."""
        return (self.owned(self.card).others or 0) if self.card else 0

    @property
    def stranger(self) -> str:
        """Who else computes on the card now, in words; empty: nobody."""
        if self.card is None or self._trial:
            return ""
        ours = {pid for pid in self._pids(self.card) if self._is_model(pid)}
        there = strangers(self.card, ours, self._residents)
        mine = below(os.getpid()) if there else set()  # such as the host of an evaluation
        named = [named_process(one) for one in there if one.pid not in mine and not (one.name and _is_gone(one.pid))]
        return f"{named[0]} computes on the card: waiting until it is gone" if named else ""

    def look(self) -> None:
        """Once a second: take what came, for the journal and for the trial that runs."""
        if self._trial:
            self.tree = below(self._trial)
            self._ours |= self.tree
            self._cores.look(self.tree)
        self._meet()
        samples = self._sampler.drain()
        self._held_a_model |= any(self._is_model(pid) for one in samples for pid in self._pids(one))
        if self._trial and self._trains_on_card:
            self._samples += samples
        if rows := [(one.at, msgspec.json.encode(Seen(one, self.owned(one))).decode()) for one in samples if one.source or one.fault]:
            with suppress(OSError, JournalBusy):  # they are only for whoever looks: no training is lost for them
                self._keep(*rows)

    # ---------------------------------------------------------------------------------------------------------------------------
    # A trial
    # ---------------------------------------------------------------------------------------------------------------------------

    def launched(self, pid: int) -> Sample | None:
        """A trial is about to begin below this process; the card before it does."""
        self.look()
        self._trial, self.tree, self._ours, self._samples, self._cores = pid, set(), set(), [], Cores(cores=self._slot_cores)
        self._before, self._began = self.card, time.monotonic()
        return self._before

    def ended(self) -> tuple[e.Card | None, float | None]:
        """What is kept of the trial's conditions, and the kilowatt-hours that the card took meanwhile."""
        self.look()
        samples, self._trial, self.tree = self._samples, 0, set()
        waited = self._cores.waited if time.monotonic() - self._began >= TELLING_S else None
        if not samples and waited is None:
            return None, None
        models = {pid for one in samples for pid in self._pids(one) if self._is_model(pid)}
        before = self._before.memory_used if self._before else None
        card = summary(samples, self._ours, models, self._residents, llm_said=self.llm_said, before=before, waited=waited)
        return card, _kwh([*([self._before] if self._before else []), *samples])

    async def asked_anew(self) -> None:
        """The next sample is one from now on: who dies with the card is dead before the second is over."""
        known = self.card
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                while known is not None and self.card is known:
                    self.hurry()
                    await asyncio.sleep(LOOK_S)

    @property
    def fault(self) -> str:
        """What was wrong with the card at any time since the last trial began; empty: nothing."""
        seen = [*self._samples, *([self.card] if self.card else [])]
        return next((one.said for one in seen if one.fault), "")

    @property
    def training(self) -> set[int]:
        """What the trial that runs has had of processes."""
        return self._ours if self._trial else set()

    @property
    def ours(self) -> frozenset[int] | None:
        """The processes of the last trial; None where the driver numbers processes otherwise than we do."""
        listed = {pid for one in self._samples for pid in self._pids(one)}
        return frozenset(self._ours) if listed & self._ours else None

    @property
    def peak(self) -> int | None:
        """The most of the card that was used while the last trial ran."""
        return max((one.memory_used for one in self._samples if one.memory_used is not None), default=None)

    # ---------------------------------------------------------------------------------------------------------------------------

    @property
    def _residents(self) -> frozenset[int]:
        return self._met or frozenset()

    def _meet(self) -> None:
        """Its first word counts, though a driver may begin later than a session does, and a card be out of use just then."""
        if self._met is None and (sample := self.card) and sample.processes is not None:
            ours = below(os.getpid())
            self._met = frozenset(one.pid for one in sample.processes if one.pid not in ours and not self._is_model(one.pid))

    def owned(self, sample: Sample) -> Owned:
        """Whose its memory is, as far as anybody can tell."""
        models = {pid for pid in self._pids(sample) if self._is_model(pid)}
        before = self._before.memory_used if self._before and self._trial else None
        said = self.llm_said if self._trains_on_card else None  # what is on a card is not in the machine's memory
        return owned(sample, self._neighbours.training(), models, llm_said=said, before=before, residents=self._residents)

    def _processor(self, _: str) -> Reader:
        """Instead of a card, where none trains."""
        from autoresearch_tui.telemetry.cpu import Processor  # most nights have a card

        return Processor(self._watched)

    def _watched(self) -> set[int]:
        """All trials' processes, and those of language models. In the sampler's thread: it may take a while on a large machine."""
        if time.monotonic() - self._searched > SEARCH_S:
            self._searched = time.monotonic()
            self._servers = {pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _name(pid).startswith(SERVERS)}
        return self._neighbours.trees().union(self._servers, *map(below, self._servers))

    @staticmethod
    def _pids(sample: Sample) -> set[int]:
        return {one.pid for one in sample.processes or ()}

    def _is_model(self, pid: int) -> bool:
        """By its name, or that of a process above it: a server starts one for each model."""
        if pid not in self._models:
            self._models[pid] = any(_name(above).startswith(SERVERS) for above in _line(pid))
        return self._models[pid]


def _is_gone(pid: int) -> bool:
    """Since the sample was taken."""
    return not os.path.exists(f"/proc/{pid}")


def _line(pid: int) -> list[int]:
    """A process and those above it."""
    line: list[int] = []
    while pid > 1 and pid not in line and (one := launcher.look(pid)):
        line.append(pid)
        pid = one.parent
    return line


def _name(pid: int) -> str:
    """What it is called, or what it runs where that is a Python."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:3]
        names = [Path(word.decode("utf-8", "replace")).name for word in words]
        return next((name for name in names if not name.startswith(("python", "-", "uv"))), "")
    return ""


def _kwh(samples: list[Sample]) -> float | None:
    """A slice of a card is told what the whole card took, and nobody knows its part of that."""
    told = [one.energy_j for one in samples if one.energy_j is not None and not one.mig]
    return (told[-1] - told[0]) / JOULES if len(told) > 1 and told[-1] >= told[0] else None
