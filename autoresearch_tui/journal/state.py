"""What the facts of a run add up to: a `Run`, an immutable snapshot with questions that everybody asks.

How facts change it is `fold.py`'s. Nothing here looks at a clock, a disk or a process: whether an engine lives is not a fact of the
journal, and what comes next is the engine's to plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import replace

from autoresearch_tui.journal import commands, events
from autoresearch_tui.journal.experiment import Experiment, Trial, era_of
from autoresearch_tui.journal.index import Index
from autoresearch_tui.journal.results import Row

LATELY = 1000  # experiments; what was tried before that was tried on another trunk, and says little of this one


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
