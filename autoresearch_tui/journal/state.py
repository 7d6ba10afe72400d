"""What the facts of a run add up to: a `Run`, an immutable snapshot with questions that everybody asks.

How facts change it is `fold.py`'s. Nothing here looks at a clock, a disk or a process: whether an engine lives is not a fact of the
journal, and what comes next is the engine's to plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from autoresearch_tui.journal import commands, events
from autoresearch_tui.journal.index import Index
from autoresearch_tui.journal.results import Row

LATELY = 1000  # experiments; what was tried before that was tried on another trunk, and says little of this one
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
        if (known := self._worth.get(device)) is None:
            there = self.trials_on(device)
            fair = [trial for trial in there if trial.counts]
            newest = max((trial.era for trial in fair), default=0)
            numbers = tuple(sorted(trial.value for trial in fair if trial.value is not None and trial.era == newest))
            values = numbers or [trial.value for trial in there if trial.value is not None]
            known = self._worth[device] = Worth(newest, numbers, mean(values) if values else None)
        return known

    @cached_property
    def _worth(self) -> dict[str, Worth]:
        return {}

    def trials_on(self, device: str) -> list[Trial]:
        """Those on one class; what nobody wrote down of older trials speaks against none. Asked about no class: about its own."""
        device = device or self.device
        return [trial for trial in self.trials if is_same_device(trial.device, device)]

    @property
    def memory_gb(self) -> float:
        return max([trial.memory_gb for trial in self.trials if trial.value is not None], default=0.0)

    @cached_property
    def trust(self) -> str:
        """Of the least checked of its numbers."""
        measured = [trial for trial in self.trials if trial.value is not None]
        if self.reason.startswith("suspect:") or any(trial.evidence and trial.counts for trial in measured):
            return "suspect"
        return min([trial.trust for trial in measured], key=_trust_rank, default="")

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


class Draft(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reply on its way to being an experiment."""

    draft: str
    operator: str
    parent: int
    researcher: str
    at: float
    of: int | None = None
    idea_of: int | None = None
    notes: tuple[int, ...] = ()
    asked: str = ""
    """Who writes the reply that is awaited; `researcher` is who wrote last."""
    asked_at: float = 0.0
    dialect: str = ""
    """The form of an edit that was taught last."""
    tokens: int = 0
    """Of the last prompt, as estimated."""
    dialects: tuple[str, ...] = ()
    """Of each reply that was refused, oldest first."""
    declined: tuple[str, ...] = ()
    """Who will not answer it, or cannot make anything of it."""
    replied: bool = False
    cut: str = ""
    refusals: tuple[str, ...] = ()
    detail: str = ""
    """Of the last refusal."""
    blob: str = ""
    idea: str = ""
    why: str = ""
    changes: dict[str, tuple[str, str]] = {}
    fingerprint: str = ""
    added: int = 0
    held_until: float | None = None
    approved_by: str = ""
    kept_by: str = ""

    @property
    def needs_reply(self) -> bool:
        """A researcher writes it; what is only made again is merged, and nobody is asked."""
        return self.of is None or self.operator == "repair"

    @property
    def waits(self) -> bool:
        """For a person's word."""
        return self.held_until is not None and not self.approved_by


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """An accepted command whose moment has not come."""

    command: int
    wish: commands.Command
    by: str
    at: float


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the engine said to a command."""

    command: int
    wish: commands.Command | None
    by: str
    accepted: bool
    why: str
    done: bool = False


class Share(msgspec.Struct, frozen=True, omit_defaults=True):
    """How replies in one form of an edit do."""

    asked: int = 0
    usable: int = 0
    wrong: dict[str, int] = {}
    """Refused replies by the kind of mistake."""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: float = 0.0


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a researcher does."""

    asked: int = 0
    """Drafts that it was asked for; of each it may have written several replies."""
    usable: int = 0
    refused: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    unpriced: int = 0
    """Replies whose cost nobody knows."""
    seconds: float = 0.0
    """It was waited for, all replies together."""
    estimated: int = 0
    """Tokens of the prompts whose tokens it counted, as estimated before."""
    counted: int = 0
    """Those tokens, as it counted them."""
    wrong: dict[str, int] = {}
    """Refused replies by the kind of mistake."""
    dialects: dict[str, Share] = {}
    failures: int = 0
    """How often in a row it could not answer."""
    declined: int = 0
    """How often in a row it would not."""
    fruitless: int = 0
    """Drafts in a row that came to nothing."""
    seen: dict[str, float] = {}
    """What its server told last."""

    @property
    def factor(self) -> float:
        """Tokens that it counts for each one that is estimated. Some servers do not count what they have read before."""
        return min(3.0, max(0.7, self.counted / self.estimated)) if self.estimated else 1.0


class Down(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a researcher cannot answer."""

    why: str
    until: float | None = None
    """When it is looked for again; None: not in this session."""


class Engine(msgspec.Struct, frozen=True, omit_defaults=True):
    """The engine that the journal saw last."""

    pid: int
    born: int
    boot: str
    at: float
    version: str
    researcher: str
    device: str = ""
    chain: tuple[str, ...] = ()
    chosen: str = ""
    local_only: bool = False
    rates: events.Rates = events.Rates()
    sandbox: str = ""
    sandbox_why: str = ""
    card: str = ""


class Run(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """A night, as far as the journal tells it."""

    seq: int = 0
    heard: int = 0
    """The last command that was answered."""
    at: float = 0.0
    """When the last fact was written."""
    tag: str = ""
    start: str = ""
    origin: str = ""
    key: dict[str, str] = {}
    trust: str = ""
    seed: int = 42
    edit: str = "train.py"
    metric: str = "val_bpb"
    goal: str = "lower"
    budget_s: float = 300.0
    sigma: float | None = None
    confirms: str = ""
    """The night whose gain is measured again here."""
    chosen: int | None = None
    """The experiment of it whose code that is."""
    blob: str = ""
    repeats: int = 0
    """Trainings of that and of the baseline; 0: this run is a search."""
    started_at: float = 0.0
    engine: Engine | None = None
    slots: tuple[events.Slot, ...] = ()
    """Where trials run; none: in a single place without a name."""
    session: int = 0
    session_at: float = 0.0
    """When a person started the engine."""
    restarts: int = 0
    """How often a keeper had to start this session's engine again."""
    ended: str = ""
    """Why the last engine ended, if it could say."""
    limits: events.Limits = events.Limits()
    review: bool = False
    review_timeout_s: float = 600.0
    rules: events.Rules = events.Rules()
    drifts: tuple[str, ...] = ()
    """The class of device of each drift that was seen."""
    conclusion: events.Concluded | None = None
    """The closing measurement of this session, once there is one."""
    paused: bool = False
    paused_by: str = ""
    paused_why: str = ""
    waiting: str = ""
    """Why nothing can start just now."""
    stopping: bool = False
    sharing: events.Shared | None = None
    """How model and training have the card's memory."""
    unloaded: events.Unloaded | None = None
    """The last time that the model gave its memory back."""
    refitted: bool = False
    """A trial died of memory, and the trunk's device batch was lowered for it, or could not be."""
    program: str = ""
    tip: int | None = None
    """The experiment at the end of the trunk."""
    moved_at: float = 0.0
    """When the trunk last went back."""
    experiments: dict[int, Experiment] = {}
    drafts: dict[str, Draft] = {}
    drafted: int = 0
    """Drafts ever begun; their ids are made of it."""
    fruitless: int = 0
    """Drafts in a row that came to nothing by themselves."""
    fruitless_at: float = 0.0
    given_up: tuple[Draft, ...] = ()
    """The last drafts that came to nothing by themselves."""
    wishes: dict[int, Waiting] = {}
    notes: dict[int, str] = {}
    """What people said to the researcher, by command."""
    health: dict[str, Health] = {}
    down: dict[str, Down] = {}
    elsewhere: tuple[Row, ...] = ()
    blocked: tuple[str, ...] = ()
    """The last connections that were refused."""
    warnings: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()

    @cached_property
    def index(self) -> Index:
        """Carried on by `fold`; where a run was made otherwise, made of its experiments."""
        return Index(self.experiments.values())

    def with_tip(self, tip: int) -> Run:
        """The same experiments, as they are seen from another one."""
        run = replace(self, tip=tip)
        vars(run)["index"] = self.index
        return run

    @cached_property
    def trunk(self) -> tuple[int, ...]:
        """The experiments that the best code is made of, the baseline first."""
        line: dict[int, None] = {}  # a parent that is its own descendant ends it
        number = self.tip
        while number is not None and number in self.experiments and number not in line:
            line[number] = None
            number = self.experiments[number].parent
        return tuple(reversed(line))

    @property
    def baseline(self) -> Experiment | None:
        return self.experiments.get(0)

    @property
    def era(self) -> int:
        """How often the machine was seen to have drifted."""
        return len(self.drifts)

    def era_of(self, device: str) -> int:
        """The same of one class of device: the others measure as they did."""
        return era_of(self.drifts, device)

    @property
    def yardstick(self) -> str:
        """The class of device that the trunk is compared on: the baseline's, as long as the tip was measured there, else the tip's."""
        if self.tip not in self.experiments or self.baseline is None:
            return ""
        base, tip = self.baseline.device, self.experiments[self.tip]
        return base if tip.numbers_on(base) and tip.era_on(base) == self.baseline.era_on(base) else tip.device

    @property
    def best(self) -> Experiment | None:
        """The best number of the trunk, of those that compare with its tip's."""
        line, device = [self.experiments[number] for number in self.trunk], self.yardstick
        measured = [
            (value, one) for one in line if one.era_on(device) == line[-1].era_on(device) and (value := one.value_on(device)) is not None
        ]
        return min(measured, key=lambda found: self.badness(found[0]), default=(None, None))[1]

    def badness(self, value: float | None) -> float:
        """The lower the better, whatever the goal."""
        if value is None:
            return math.inf
        return value if self.goal == "lower" else -value

    def closing(self, number: int) -> list[Trial]:
        """Its trials for the closing measurement of this session; where nothing is searched, nothing was chosen by any of them."""
        trials = self.experiments[number].trials
        mine = (trial for trial in trials if self.repeats or (trial.purpose == "closing" and trial.at >= self.session_at))
        return [trial for trial in mine if trial.outcome != "interrupted"]

    @property
    def unsettled(self) -> tuple[Experiment, ...]:
        """Experiments with something left to do, the oldest first."""
        return tuple(self.experiments[number] for number in sorted(self.index.unsettled))

    @property
    def kept(self) -> tuple[Experiment, ...]:
        """Every trunk that there was, in order."""
        return tuple(self.experiments[number] for number in sorted(self.index.kept))

    @property
    def repeated(self) -> tuple[Experiment, ...]:
        """Those whose code was trained more than once, in order."""
        return tuple(self.experiments[number] for number in sorted(self.index.repeated))

    @cached_property
    def noises(self) -> dict[str, Any]:
        """What `noise.py` found on each class of device: it is asked for every experiment."""
        return {}

    def lately(self, most: int = LATELY) -> Iterator[Experiment]:
        """The last experiments, the newest first."""
        return islice(reversed(self.experiments.values()), most)

    @property
    def under_way(self) -> tuple[Experiment, ...]:
        """The experiments that train, the oldest first; of each one trial at a time."""
        return tuple(one for one in self.unsettled if one.training)

    @property
    def running(self) -> Experiment | None:
        """The oldest of them: where there is a single slot, the one that trains."""
        return next(iter(self.under_way), None)

    @property
    def devices(self) -> tuple[str, ...]:
        """The classes of device that something was measured on, in order."""
        found = (trial.device for one in self.experiments.values() for trial in one.trials if trial.value is not None)
        return tuple(sorted(filter(None, dict.fromkeys(found))))

    @property
    def cost(self) -> float:
        return sum(one.cost for one in self.health.values())

    @property
    def phase(self) -> str:
        """One of the words of `status --json`."""
        if self.ended or self.engine is None:
            return "ended" if self.ended else "starting"
        unsettled = self.unsettled
        if active := [one for one in unsettled if not one.between_trials]:
            return "training" if any(one.training for one in active) else _phase_of(active[0])
        if self.paused:
            return "paused"
        if not unsettled and any(draft.waits for draft in self.drafts.values()):
            return "reviewing"
        if self.waiting:
            return "waiting"
        return "training" if unsettled else "drafting" if self.drafts or self.experiments else "starting"

    @property
    def counts(self) -> dict[str, int]:
        counts = {"keep": 0, "discard": 0, "crash": 0}
        for one in self.experiments.values():
            if one.verdict in counts:
                counts[one.verdict] += 1
        return counts

    @property
    def rows(self) -> list[Row]:
        """results.tsv: one row per judged experiment."""
        judged = (self.experiments[number] for number in sorted(self.experiments))
        return [one.row for one in judged if one.verdict]


def _phase_of(one: Experiment) -> str:
    last = one.trials[-1]
    return "evaluating" if last.outcome == "finished" and not last.measured else "judging"
