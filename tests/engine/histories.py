"""Runs made of facts alone: a history to add to, and a world that answers the plan's steps with the facts that follow.

There is no process, no disk and no git here. What only they could say (how a trial ends, what a reply is worth, whether a change still
fits) is luck: a sequence of numbers, in which 0 is the friendly answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.answers import Refusal, answer, row_decided
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.executors.local import Local
from autoresearch_tui.engine.judge import judge, next_draft
from autoresearch_tui.engine.search import next_move
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run, Waiting
from autoresearch_tui.journal.store import Sent

EVENING = datetime(2026, 1, 10, 22, 0, tzinfo=UTC)
TRIAL_S = 300.0
ELSEWHERE: Any = None  # the disk, git and the researcher, which nothing here may touch
EXECUTOR = Local(ELSEWHERE, ELSEWHERE, ELSEWHERE, "boot", 0)
DRAFTER = Drafter(ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE)


class History:
    """The facts of a run, and the state that they add up to."""

    def __init__(self, run: Run | None = None) -> None:
        self.run = run or Run()
        self.now = EVENING
        self.transactions: list[tuple[e.Recorded, ...]] = []
        self.sent = itertools.count(self.run.heard + 1)

    def add(self, *facts: e.Event) -> None:
        """Written down as one."""
        at = self.now.timestamp()
        recorded = tuple(e.Recorded(self.run.seq + 1 + place, at, at, fact) for place, fact in enumerate(facts))
        self.transactions.append(recorded)
        self.run = fold(recorded, self.run)

    def send(self, wish: c.Command, by: str = "ann") -> list[e.Event]:
        """What the engine says to a command that it hears now."""
        sent = Sent(next(self.sent), self.now.timestamp(), by, type(wish).__name__.lower(), wish)
        facts = answer(self.run, sent, self.now)
        self.add(*facts)
        return facts

    def begin(self, limits: e.Limits | None = None, *, review: bool = False, goal: str = "lower") -> None:
        """A new run, and its first session."""
        self.add(e.RunStarted("night", "c0", goal=goal))
        self.start(limits or e.Limits(), review=review)

    def start(self, limits: e.Limits | None = None, *, review: bool | None = None, after: str = "") -> None:
        """An engine takes the run up: by a person, or by a keeper after the one before it died."""
        self.now += timedelta(seconds=1)
        stale = () if after else (c.Pause, c.Resume, c.Stop)
        lapsed = [e.Lapsed(wish.command, "the engine that it was meant for has ended") for wish in plan.waiting(self.run, *stale)]
        review = self.run.review if review is None else review
        self.add(*lapsed, e.EngineStarted(1, 1, "boot", "1", "sweep", limits or self.run.limits, review, after=after))
        self.now += timedelta(seconds=1)

    def launch(self, number: int, parent: int | None = None, **intent: Any) -> None:
        """An experiment, up to its running trial."""
        self.add(e.Proposed(number, parent=parent, **intent))
        self.add(e.Committed(number, f"c{number}"))
        self.again(number)

    def again(self, number: int) -> None:
        trial = len(self.run.experiments[number].trials) + 1
        self.add(e.Launched(number, trial, 42 + trial, 1, 1, "boot"))
        self.now += timedelta(seconds=TRIAL_S)

    def end(self, number: int, value: float | None = None, outcome: str = "finished", by: str = "") -> None:
        """The running trial's end, and its number."""
        trial = len(self.run.experiments[number].trials)
        self.add(e.Ended(number, trial, outcome, by=by, seconds=TRIAL_S))
        if outcome == "finished":
            self.add(e.Measured(number, trial, value, memory_gb=1.0))

    def judge(self, number: int) -> list[e.Event]:
        """Its verdict by the engine's own judge, settled; the facts of the verdict."""
        facts = judge(self.run, number)
        self.add(*facts)
        self.add(e.Applied(number))
        return facts

    def settle(self, number: int, parent: int | None, value: float | None, outcome: str = "finished", by: str = "") -> None:
        """An experiment from its number to its verdict."""
        self.launch(number, parent)
        self.end(number, value, outcome, by)
        self.judge(number)


class Killed(Exception):
    """The engine died; whether a keeper starts the next one."""

    def __init__(self, kept: bool) -> None:
        super().__init__()
        self.kept = kept


class World(History):
    """Does what the plan says, as the controller does, in a world that is made of luck."""

    def __init__(self, luck: Sequence[int] = (0,), run: Run | None = None) -> None:
        super().__init__(run)
        self._luck = itertools.cycle(luck)
        self.ending: plan.End | None = None

    def listen(self) -> None:
        """A moment at which commands may be heard. Those who send some say here which."""

    def moment(self) -> plan.Moment:
        return plan.Moment(self.now, trial_s=TRIAL_S)

    def next_step(self) -> plan.Step:
        return self.ending or plan.next_step(self.run, self.moment())

    def lucky(self, answers: int) -> int:
        return next(self._luck) % answers

    def hear(self) -> None:
        self.listen()
        if stops := [wish for wish in plan.waiting(self.run, c.Stop) if isinstance(wish.wish, c.Stop) and wish.wish.now]:
            self.ending = self.ending or plan.End(f"stopped by {stops[0].by}")

    def do(self, step: plan.Step) -> None:
        """The facts that follow from a step."""
        run = self.run
        match step:
            case plan.Begin():
                self.add(e.Proposed(0))
            case plan.Commit(number):
                self.add(e.Committed(number, f"c{number}"))
            case plan.Train():
                self._train(step)
            case plan.Settle(number, trial):
                self.add(*EXECUTOR.buried(run, number, trial, "the engine died"))
            case plan.Measure(number, trial):
                self.hear()
                if not self.ending:
                    value = None if self.lucky(5) == 4 else 1.0 - 0.001 * self.lucky(20)
                    self.add(e.Measured(number, trial, value, memory_gb=1.0))
            case plan.Judge(number):
                self.add(*judge(run, number))
            case plan.Apply(number):
                self.add(e.Applied(number))
            case plan.Rewinding(wish, to):
                self.add(e.Rewound(to, wish.by), e.Fulfilled(wish.command))
            case plan.ByHand(wish):
                self._by_hand(wish)
            case plan.Draw(idea):
                move = next_move(run)
                self.add(
                    e.Drafting(next_draft(run), move.operator, move.parent, "sweep", idea=idea and idea.command, notes=tuple(run.notes))
                )
            case plan.Ask(draft):
                self._ask(draft)
            case plan.Hold(draft):
                self.add(e.Held(draft, self.now.timestamp() + run.review_timeout_s))
            case plan.Propose(draft):
                self._propose(draft)
            case plan.Give(draft, why):
                self.add(*DRAFTER.given_up(run, draft, why))
            case plan.Rest():
                self._rest(step)
            case _:
                raise AssertionError(f"nobody knows how to do {step}")

    def finish(self, end: plan.End) -> None:
        self.add(*(e.Fulfilled(wish.command) for wish in plan.waiting(self.run, c.Stop)), e.EngineEnded(end.why))
        self.ending = None

    def _train(self, step: plan.Train) -> None:
        number, trial = step.number, step.trial
        fulfilled = [e.Fulfilled(step.again.command, f"trial {trial}")] if step.again else []
        self.add(e.Launched(number, trial, 42, 1, 1, "boot"), *fulfilled)
        self.hear()
        skipped = any(wish.wish == c.Skip(number, trial) for wish in self.run.wishes.values())
        self.now += timedelta(seconds=1 if skipped or self.ending else TRIAL_S)
        self.add(*EXECUTOR.ended(self.run, number, trial, self._outcome(skipped)))

    def _outcome(self, skipped: bool) -> Outcome:
        if skipped:
            return Outcome("skipped", why="skipped by hand")
        if self.ending:
            return Outcome("interrupted", why=self.ending.why)
        kinds = (Outcome("finished"), Outcome("finished"), Outcome("crash", "nan"), Outcome("crash", "disk"))
        return kinds[self.lucky(len(kinds))]

    def _by_hand(self, waiting: Waiting) -> None:
        wish = waiting.wish
        assert isinstance(wish, c.Keep | c.Discard)
        try:
            facts = row_decided(self.run, wish, waiting.command, waiting.by)
        except Refusal as refusal:
            facts = [e.Lapsed(waiting.command, str(refusal))]
        if facts is None:
            operator, tip = "keep" if isinstance(wish, c.Keep) else "revert", self.run.tip
            assert tip is not None
            facts = [e.Drafting(next_draft(self.run), operator, tip, "", of=wish.experiment, idea=waiting.command, by=waiting.by)]
        self.add(*facts)

    def _ask(self, name: str) -> None:
        draft = self.run.drafts[name]
        if draft.of is None:
            self.hear()
            if self.ending or name not in self.run.drafts:
                return
            self.add(e.Replied(name, 1.0, cost=0.1))
            if self.lucky(3) == 2:
                self.add(e.Refused(name, "it changes nothing"))
                return
        elif self.lucky(3) == 2:
            self.add(*DRAFTER.given_up(self.run, name, f"the change of #{draft.of} does not fit the trunk any more"))
            return
        self.add(e.Drafted(name, f"b{name}", f"idea {name}", fingerprint=name))

    def _propose(self, name: str) -> None:
        draft, tip = self.run.drafts[name], self.run.tip
        if draft.parent == tip:
            self.add(*DRAFTER.proposed(self.run, name))
        elif self.lucky(3) == 2:
            self.add(e.Abandoned(name, f"the trunk moved to #{tip}, where the edit does not fit any more"))
        else:
            self.add(e.Drafted(name, draft.blob, draft.idea, parent=tip))

    def _rest(self, rest: plan.Rest) -> None:
        if rest.pause and not self.run.paused:
            pauses = plan.waiting(self.run, c.Pause)
            self.add(e.Paused(pauses[0].by), *[e.Fulfilled(wish.command) for wish in pauses])
        elif not rest.pause and self.run.waiting != rest.why:
            self.add(e.Waiting(rest.why))
        self.now = max(self.now, datetime.fromtimestamp(rest.until, UTC)) if rest.until is not None else self.now + timedelta(seconds=10)
