"""The card and the cores, watched once a second: kept in the journal for whoever shows them, and summed up for each trial.

Owns the one observer of a session, and who was on the card when it began. Does not own how a card is read (`telemetry/`), whether
conditions were fair (`fairness.py`), nor who gets the memory (`sharing.py`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
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
from autoresearch_tui.telemetry.owners import Owned, owned, strangers

FIRST_S = 3.0  # that is waited for the first word of a driver, or its next
LOOK_S = 0.02  # between two looks whether it came
TELLING_S = 5.0  # a trial that was watched for less tells nothing of the cores
SERVERS = ("ollama", "llama-server", "llama_server", "vllm", "sglang", "lms", "lm-studio", "koboldcpp", "mlx_lm")
"""Programs whose memory on a card is a language model's, by the beginning of their names."""
JOULES = 3.6e6  # of a kilowatt-hour


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of the journal's samples."""

    card: Sample
    owned: Owned


class Conditions:
    """One session's observer. `keep` writes rows to the journal: their time, and what was seen."""

    def __init__(self, keep: Callable[..., None], trains_on_card: bool = True) -> None:
        self._keep = keep
        self._trains_on_card = trains_on_card
        self._sampler = Sampler()
        self.in_line = ""
        """For whom the card is waited for, while another run has it."""
        self.llm_said: int | None = None
        """Bytes that the model has on the card by its server's word, for drivers that do not tell whose memory is whose."""
        self._met: frozenset[int] | None = None
        """Who was on the card first; None: it has not said yet."""
        self._models: dict[int, bool] = {}
        """Of each process on the card, whether a language model's server started it."""
        self._trial = 0
        """The launcher of the trial that runs."""
        self._ours: set[int] = set()
        self._samples: list[Sample] = []
        self._before: Sample | None = None
        self._cores = Cores()
        self._began = 0.0

    # ---------------------------------------------------------------------------------------------------------------------------
    # The session
    # ---------------------------------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Look for a card, and at who is there already."""
        self._sampler.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                while self._sampler.latest() is None:
                    await asyncio.sleep(LOOK_S)
        self._meet()

    def end(self) -> None:
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
            tree = below(self._trial)
            self._ours |= tree
            self._cores.look(tree)
        self._meet()
        samples = self._sampler.drain()
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
        self._trial, self._ours, self._samples, self._cores = pid, set(), [], Cores()
        self._before, self._began = self.card, time.monotonic()
        return self._before

    def ended(self) -> tuple[e.Card | None, float | None]:
        """What is kept of the trial's conditions, and the kilowatt-hours that the card took meanwhile."""
        self.look()
        samples, self._trial = self._samples, 0
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
        return owned(
            sample, self._ours if self._trial else frozenset(), models, llm_said=self.llm_said, before=before, residents=self._residents
        )

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
    told = [one.energy_j for one in samples if one.energy_j is not None]
    return (told[-1] - told[0]) / JOULES if len(told) > 1 and told[-1] >= told[0] else None
