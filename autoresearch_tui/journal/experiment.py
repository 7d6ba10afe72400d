"""An experiment and its trials, as the facts tell them, and what its numbers are: on one class of device, since that last drifted.

Numbers of two classes, and of two eras, do not compare. What a change is worth beside another one is `noise.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from autoresearch_tui.journal import events
from autoresearch_tui.journal.results import Row

SHORT_S = 2.0  # of training: times are printed in tenths of a second
OWN = ("", "again")  # purposes of a trial that is about its own code, and no other's
TRUST = ("suspect", "reported", "verified, uncontained", "verified")


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """One training of an experiment's code."""

    number: int
    seed: int
    pid: int
    born: int
    boot: str
    at: float
    outcome: str = ""
    """Empty while it runs."""
    crash: str = ""
    why: str = ""
    by: str = ""
    seconds: float = 0.0
    gap_s: float = 0.0
    measured: bool = False
    value: float | None = None
    trust: str = ""
    memory_gb: float = 0.0
    steps: int | None = None
    tokens_m: float | None = None
    training_s: float | None = None
    recorded: dict[str, str] = {}
    audit: float | None = None
    evidence: tuple[str, ...] = ()
    purpose: str = ""
    """Why it was trained again."""
    slow: bool = False
    """Ended early for its pace."""
    shrank: bool = False
    """Its log was longer once."""
    kwh: float | None = None
    card: events.Card | None = None
    taint: str = ""
    """Why its number is not compared."""
    era: int = 0
    """How often the machine had drifted before it; numbers of two eras do not compare."""
    slot: str = ""
    device: str = ""
    """The class of device that it was trained on; numbers of two classes do not compare. Empty: nobody wrote it down."""

    @property
    def counts(self) -> bool:
        """It has a number that a verdict may rest on."""
        return self.value is not None and not self.taint

    @property
    def steps_per_s(self) -> float | None:
        """Its pace beside other trainings of the same code; None where it does not say, or was too short to tell."""
        return self._per_s(self.steps)

    @property
    def tokens_per_s(self) -> float | None:
        """Its pace beside trainings of other code, in millions, for a step may be larger there."""
        return self._per_s(self.tokens_m)

    def _per_s(self, made: float | None) -> float | None:
        return made / self.training_s if made and self.training_s and self.training_s >= SHORT_S else None


class Worth(NamedTuple):
    """Of an experiment's code, on one class of device."""

    era: int
    numbers: tuple[float, ...]
    value: float | None


class Experiment(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """One change that is trained. What everybody asks is worked out once."""

    number: int
    operator: str
    parent: int | None
    idea: str
    at: float
    why: str = ""
    draft: str = ""
    blob: str = ""
    changes: dict[str, tuple[str, str]] = {}
    fingerprint: str = ""
    added: int = 0
    researcher: str = ""
    of: int | None = None
    kept_by: str = ""
    """The person who decided beforehand that it is kept."""
    commit: str = ""
    trials: tuple[Trial, ...] = ()
    verdict: str = ""
    reason: str = ""
    by: str = ""
    judged: int = 0
    """How many trials it had when it was judged."""
    settled: bool = False
    """Judged and applied, with no trial since."""
    adrift: bool = False
    """It was compared while the machine drifted and nobody knew."""

    @cached_property
    def device(self) -> str:
        """The class that its number belongs to: where it was last trained for its own sake. What is compared with it is trained there."""
        if len(self.trials) == 1:
            return self.trials[0].device
        fair = [trial for trial in self.trials if trial.counts]
        if not fair:
            return self.trials[-1].device if self.trials else ""
        own = [trial.device for trial in fair if trial.purpose in OWN and trial.device]
        return own[-1] if own else next((trial.device for trial in fair if trial.device), "")

    @property
    def devices(self) -> tuple[str, ...]:
        """The classes that it has fair numbers on, the oldest first; one that nobody wrote down only where there is no other."""
        found = dict.fromkeys(trial.device for trial in self.trials if trial.counts)
        return tuple(filter(None, found)) or tuple(found)

    @property
    def era(self) -> int:
        return self.era_on(self.device)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What a verdict rests on, in order of size."""
        return self.numbers_on(self.device)

    @property
    def value(self) -> float | None:
        return self.value_on(self.device)

    def era_on(self, device: str) -> int:
        """The newest that it was fairly measured in."""
        return self.worth_on(device).era

    def numbers_on(self, device: str) -> tuple[float, ...]:
        """Its fair numbers of the newest era, in order of size."""
        return self.worth_on(device).numbers

    def value_on(self, device: str) -> float | None:
        """The mean of its numbers; where every trial was disturbed, of those."""
        return self.worth_on(device).value

    def worth_on(self, device: str) -> Worth:
        """What the three before say, in one."""
        device = device or self.device
        found: dict[str, Worth] = vars(self).setdefault("worth", {})  # a cached property has a lock, which costs more
        if (known := found.get(device)) is None:
            known = found[device] = _worth(self.trials, device)
        return known

    def trials_on(self, device: str) -> list[Trial]:
        """Those on one class; what nobody wrote down of older trials speaks against none. Asked about no class: about its own."""
        device = device or self.device
        return [trial for trial in self.trials if is_same_device(trial.device, device)]

    @property
    def memory_gb(self) -> float:
        return max([trial.memory_gb for trial in self.trials if trial.value is not None], default=0.0)

    @property
    def trust(self) -> str:
        """Of the least checked of its numbers."""
        if self.reason.startswith("suspect:") or any(trial.evidence and trial.counts for trial in self.trials):
            return "suspect"
        found = {trial.trust for trial in self.trials if trial.value is not None}
        return min(found, key=_trust_rank) if len(found) > 1 else found.pop() if found else ""

    @cached_property
    def row(self) -> Row:
        """Of results.tsv, once it is judged."""
        value, memory = (None, None) if self.verdict == "crash" else (self.value, self.memory_gb)
        return Row(self.commit, value, memory, self.verdict, self.idea)

    @property
    def training(self) -> bool:
        return bool(self.trials) and not self.trials[-1].outcome

    @property
    def between_trials(self) -> bool:
        """It cannot go on before another trial starts."""
        return not self.trials or self.trials[-1].outcome == "interrupted"

    @property
    def due(self) -> bool:
        """No verdict yet on all of its trials."""
        return not self.verdict or self.judged < len(self.trials)


def _worth(trials: Sequence[Trial], device: str) -> Worth:
    """In one walk: it is asked of each of ten thousand."""
    newest, fair, disturbed = 0, [], []
    for trial in trials:
        if trial.value is None or not is_same_device(trial.device, device):
            continue
        if trial.taint:
            disturbed.append(trial.value)
        elif trial.era > newest:
            newest, fair = trial.era, [trial.value]
        elif trial.era == newest:
            fair.append(trial.value)
    values = fair or disturbed
    return Worth(newest, tuple(sorted(fair)), mean(values) if values else None)


def is_same_device(one: str, other: str) -> bool:
    return one == other or not (one and other)


def era_of(drifts: Sequence[str], device: str) -> int:
    """How many of these drifts were seen on one class of device."""
    return sum(is_same_device(other, device) for other in drifts)


def mean(numbers: Sequence[float]) -> float:
    """The same in whatever order they come."""
    return math.fsum(numbers) / len(numbers)


def _trust_rank(trust: str) -> int:
    return TRUST.index(trust) if trust in TRUST else -1
