"""Several slots search at once: whatever is kept meanwhile, nobody tries what somebody else is trying."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.judge import judge, noticed
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.search import drawn
from autoresearch_tui.engine.steps import (
    Apply,
    Ask,
    Begin,
    Busy,
    Commit,
    Conclude,
    Draw,
    End,
    GiveUp,
    Judge,
    Notice,
    Propose,
    Rest,
    Step,
    Train,
)
from autoresearch_tui.engine.undecided import undecided
from autoresearch_tui.journal import events as e
from autoresearch_tui.proposals.checks import turns_of
from autoresearch_tui.proposals.knobs import read_knobs
from autoresearch_tui.researchers import NothingLeft
from autoresearch_tui.researchers.sweep import Sweep
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.histories import TRIAL_S, History
from tests.engine.nights import TRAIN, make_checkout

IDLE = "".join(f"{name}_LR = 0.1\n" for name in ("SCALAR", "HEAD", "GATE", "VALUE", "QUERY", "SKIP", "MIXER", "OUTER"))
HEAD = TRAIN.partition("SECONDS =")[0] + IDLE  # more knobs than slots and drafts can hold
BEST = {"DEPTH": 8, "WIDTH": 512, "MATRIX_LR": 0.04, "EMBEDDING_LR": 0.6, "WEIGHT_DECAY": 0.2, "WARMUP_RATIO": 0.05, "SOFTCAP": 15.0}


class Texts:
    """What a repository would hold, in memory."""

    def __init__(self) -> None:
        self.kept = {"c0": HEAD}

    def write_blob(self, text: str) -> str:
        name = f"b{hash(text)}"
        self.kept[name] = text
        return name

    def read_blob(self, name: str) -> str:
        return self.kept[name]

    def read(self, commit: str, path: str) -> bytes:
        return self.kept[commit].encode()


class Slots(History):
    """A night of several slots, whose trainings end in any order and whose numbers lie on a bowl."""

    def __init__(self, folder: Path, slots: int, seed: int) -> None:
        super().__init__()
        self.texts = Texts()  # git, for all that a search knows of it
        workspace = open_workspace(make_checkout(folder, HEAD), Settings())
        workspace.run("night").folder.mkdir(parents=True)
        self.drafter = Drafter(workspace, workspace.run("night"), cast("Lineage", self.texts))
        self.chance = random.Random(seed)
        self.slots, self.busy, self.nothing_left = ("",) * slots, set[int](), ""
        self.together: list[int] = []
        self.begin(e.Limits(experiments=8 * slots))

    @property
    def moment(self) -> Moment:
        free = self.slots[len(self.busy) :]
        return Moment(self.now, trial_s=TRIAL_S, nothing_left=self.nothing_left, slots=self.slots, free=free, busy=frozenset(self.busy))

    def night(self) -> None:
        """Until nothing is left to do; what comes next is looked at each time somebody gets a number."""
        for _ in range(5000):
            step = plan.next_step(self.run, self.moment)
            if isinstance(step, Busy):
                step = (plan.ahead(self.run, self.moment) if self.moment.free else None) or step
            if isinstance(step, End):
                return
            self.do(step)
            self.together.append(len(undecided(self.run)))
        raise AssertionError("it never ends")

    def do(self, step: Step) -> None:
        match step:
            case Begin():
                self.add(e.Proposed(0))
            case Commit(number):
                self.texts.kept[f"c{number}"] = HEAD if number == 0 else self.texts.kept[self.run.experiments[number].blob]
                self.add(e.Committed(number, f"c{number}"))
            case Train(number, trial):
                self.add(e.Launched(number, trial, 42, 1, 1, "boot", step.purpose))
                self.busy.add(number)
            case Busy() | Rest():
                self.now += timedelta(seconds=TRIAL_S)
                if self.busy:
                    self.ends(self.chance.choice(sorted(self.busy)))
            case Notice(number):
                self.add(*noticed(self.run, number))
            case Judge(number):
                self.add(*judge(self.run, number))
                self.nothing_left = ""
            case Apply(number):
                self.add(e.Applied(number))
            case Draw():
                self.add(drawn(self.run, "sweep", Sweep.operators))
            case Ask(draft):
                self.ask(draft)
            case GiveUp(draft, why):
                self.add(*self.drafter.given_up(self.run, draft, why))
            case Propose(draft):
                self.add(*self.drafter.proposed(self.run, draft))
            case Conclude():
                self.add(e.Concluded(0, 0))
            case _:
                raise AssertionError(f"nobody knows how to do {step}")

    def ends(self, number: int) -> None:
        self.busy.remove(number)
        values = {name: knob.value for name, knob in read_knobs(self.texts.kept[f"c{number}"]).items()}
        bowl = (math.log2(max(float(str(values[name])), 1e-6) / best) ** 2 for name, best in BEST.items())
        self.end(number, 1.0 + 0.01 * math.fsum(bowl) + self.chance.gauss(0, 0.002))

    def ask(self, name: str) -> None:
        async def surely(facts: Callable[[], list[e.Event]]) -> None:
            self.add(*facts())

        try:
            asyncio.run(self.drafter.ask(self.run, name, self.add, surely, Sweep()))
        except NothingLeft as nothing:
            self.add(*self.drafter.given_up(self.run, name, str(nothing)))
            self.nothing_left = str(nothing)

    def add(self, *facts: e.Event) -> None:
        super().add(*facts)
        for fact in facts:
            if isinstance(fact, e.Proposed) and fact.number:
                self.is_its_own(fact)

    def is_its_own(self, new: e.Proposed) -> None:
        for other in undecided(self.run):
            if other.number != new.number:
                assert other.fingerprint != new.fingerprint, f"#{new.number} is #{other.number} again"
                assert other.parent != new.parent or turns_of(other.changes) != turns_of(new.changes)
                if new.operator != "keep" and other.operator != "keep":  # what is measured goes to the new trunk as it is
                    assert not other.changes.keys() & new.changes.keys(), f"#{new.number} turns what #{other.number} turns"


@pytest.mark.parametrize(("slots", "seed"), [(3, 1), (4, 2)])
def test_no_two_experiments_under_way_are_the_same_or_turn_the_same_knob(tmp_path: Path, slots: int, seed: int) -> None:
    night = Slots(tmp_path / "lab", slots, seed)
    night.night()
    assert len(night.run.experiments) == 8 * slots
    assert max(night.together) >= slots
    operators = [one.operator for one in night.run.experiments.values()]
    assert "keep" in operators, "some winner was outrun, and tried again on the new trunk"
    for one in night.run.experiments.values():
        assert one.idea.count("again #") <= 1
    turned = [(one.parent, turns_of(one.changes)) for one in night.run.experiments.values()]
    assert len(turned) == len(set(turned)), "and nothing is tried twice"
