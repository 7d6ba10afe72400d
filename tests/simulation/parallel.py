"""A night of several slots without a single training: a clock of events, the real plan and judge, and trials whose numbers are drawn.

The ideas are those of `nights.py`; what they are worth beside one another is `together.py`'s, what many such nights come to `slots.py`'s.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.judge import judge, next_draft
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Ask, Busy, Commit, Draw, End, Judge, Propose, Rest, Step, Train
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from tests.simulation.nights import BASELINE, EVENING, GUESS, TRIAL_S, Simulated
from tests.simulation.together import OVERLAP, Idea, Mixture

CARD = "card"  # the class of all slots
SPREAD = 0.05  # of a trial's length, as a share

Promotes = Callable[[Run, Experiment], bool]
"""Whether a change that was better than its own parent, from which the trunk moved on, is made again on the trunk."""


class Way(NamedTuple):
    """How a night is spent."""

    slots: int = 1
    hours: float | None = None
    experiments: int | None = None
    draft_s: float = 0.0
    """Writing one takes so long, one after the other, beside the trainings; nothing: it is there as soon as a slot is free."""
    spread: float = SPREAD
    overlap: float = OVERLAP

    @property
    def limits(self) -> e.Limits:
        deadline = None if self.hours is None else EVENING + 3600 * self.hours + 1
        return e.Limits(deadline=deadline, experiments=None if self.experiments is None else self.experiments + 1)


class Parallel(Simulated):
    """A night as the engine spends it on several slots. With one slot, and trials of one length, it is the night of `nights.py`."""

    def __init__(self, way: Way, sigma: float, seed: int, promotes: Promotes | None = None, guess: float | None = GUESS) -> None:
        super().__init__(sigma, seed, guess, way.limits)
        self.way, self.promotes = way, promotes
        self.mixture = Mixture(seed, way.overlap)
        self.length = partial(random.Random(f"{seed} lengths").gauss, 1.0, way.spread)
        self.devices = ("",) if way.slots == 1 else (CARD,) * way.slots
        self.of_draft: dict[str, Idea] = {}
        self.of: dict[int, Idea] = {}
        self.held: dict[int, frozenset[int]] = {0: frozenset()}
        """The ideas in the code of each experiment."""
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.turn = itertools.count()
        self.training: dict[int, str] = {}
        """The purpose of each experiment's trial."""
        self.writing = ""
        self.promoted: list[int] = []
        self.path: list[tuple[float, float]] = []
        """When the trunk moved, and what it is really worth since."""
        self.idle: defaultdict[str, float] = defaultdict(float)
        """Seconds of slots, by what they waited for."""
        if way.slots > 1:
            self.add(e.Equipped(tuple(e.Slot(f"gpu{place}", CARD) for place in range(way.slots))))

    # ---------------------------------------------------------------------------------------------------------------------------
    # The clock
    # ---------------------------------------------------------------------------------------------------------------------------

    def spend(self) -> None:
        while not isinstance(step := plan.next_step(self.run, self.moment), End):
            if isinstance(step, Busy | Rest) or (isinstance(step, Ask) and self.writing == step.draft):
                more = self.ahead()
                self.do(more) if more else self.wait(step.until if isinstance(step, Rest) else None)
            else:
                self.do(step)

    @property
    def moment(self) -> Moment:
        free = self.devices[len(self.training) :]
        busy = frozenset(self.training)
        return Moment(datetime.fromtimestamp(self.now, UTC), trial_s=TRIAL_S, slots=self.devices, free=free, busy=busy)

    def ahead(self) -> Step | None:
        """A draft that takes time is written while trials run; one that does not waits for a free slot, to know how the others end."""
        early = self.way.draft_s > 0 or (self.training and len(self.training) < self.way.slots)
        return plan.ahead(self.run, self.moment) if early and not self.writing else None

    def wait(self, until: float | None) -> None:
        """For what happens next."""
        moment = min(until or float("inf"), self.agenda[0][0] if self.agenda else float("inf"))
        assert moment < float("inf"), "nothing will ever happen again"
        self.idle[self._cause] += (moment - self.now) * (self.way.slots - len(self.training))
        self.now = max(self.now, moment)
        if self.agenda and self.agenda[0][0] <= self.now:
            heapq.heappop(self.agenda)[2]()

    def later(self, seconds: float, then: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.now + seconds, next(self.turn), then))

    @property
    def _cause(self) -> str:
        if not self.run.experiments[0].verdict:
            return "baseline"
        if "closing" in self.training.values():
            return "closing"
        return "trunk" if self.run.tip in self.training else "drafts"

    # ---------------------------------------------------------------------------------------------------------------------------
    # The steps
    # ---------------------------------------------------------------------------------------------------------------------------

    def do(self, step: Step) -> None:
        match step:
            case Commit(number):
                self.add(e.Committed(number, f"c{number}"))
            case Train(number, trial):
                self.train(number, trial, step.purpose)
            case Judge(number):
                self.judge(number)
            case Draw():
                draft = next_draft(self.run)
                self.add(e.Drafting(draft, "tune", self.tip, "model"))
                self.of_draft[draft] = self.mixture.add(next(self.ideas), self.held[self.tip])
            case Ask(draft):
                self.ask(draft)
            case Propose(draft):
                self.propose(draft)
            case _:
                super().do(step)

    @property
    def tip(self) -> int:
        return self.run.tip or 0

    def train(self, number: int, trial: int, purpose: str) -> None:
        slot = f"gpu{len(self.training)}" if self.way.slots > 1 else ""
        self.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose, slot=slot, device=self.devices[0]))
        self.training[number] = purpose
        seconds, value = TRIAL_S * self.length(), BASELINE - self.true[number] + self.luck()

        def over() -> None:
            del self.training[number]
            self.add(e.Ended(number, trial, "finished", seconds=seconds), e.Measured(number, trial, value))

        self.later(seconds, over)

    def judge(self, number: int) -> None:
        facts, one, before = judge(self.run, number), self.run.experiments[number], self.run.tip
        if promoted := [fact for fact in facts if isinstance(fact, e.Drafting)]:
            if self.promotes and not self.promotes(self.run, one):
                facts.remove(promoted[0])
            else:
                self.promoted.append(number)
                self.of_draft[promoted[0].draft] = self.of[number]
        self.add(*facts, e.Applied(number))
        if self.run.tip != before:
            self.path.append((self.now, self.true[self.tip]))

    def ask(self, draft: str) -> None:
        """What is only made again needs no researcher, and no time."""
        if not self.way.draft_s or not self.run.drafts[draft].needs_reply:
            self.written(draft)
        else:
            self.writing = draft
            self.later(self.way.draft_s, partial(self.written, draft))

    def written(self, draft: str) -> None:
        self.writing = "" if self.writing == draft else self.writing
        one = self.run.drafts[draft]
        if one.of is not None and not self.mixture.fits(self.of_draft[draft], self.held[one.parent]):
            self.add(e.Abandoned(draft, "it does not fit the trunk any more"))
        else:
            self.add(e.Drafted(draft, "b", "an idea"))

    def propose(self, draft: str) -> None:
        """On a trunk that moved meanwhile the edit is made again there first."""
        one, idea = self.run.drafts[draft], self.of_draft[draft]
        if one.parent != self.run.tip:
            moved = e.Drafted(draft, "b", "an idea", parent=self.tip)
            self.add(
                moved if self.mixture.fits(idea, self.held[self.tip]) else e.Abandoned(draft, "it does not fit any more", outdated=True)
            )
            return
        number, tip = len(self.run.experiments), self.tip
        self.of[number], self.held[number] = idea, self.held[tip] | {idea.number}
        self.worth[number] = self.mixture.worth(idea, self.held[tip])
        self.true[number] = self.true[tip] + self.worth[number]
        self.add(e.Proposed(number, draft, one.operator, tip, of=one.of))
