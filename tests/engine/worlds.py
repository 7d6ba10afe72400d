"""A world that answers the plan's steps with the facts that the controller would write down, and people who send commands meanwhile.

What only processes, git and a researcher could say (how a trial ends, what a reply is worth, whether a change still fits) is luck: a
sequence of numbers, in which 0 is the friendly answer.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from autoresearch_tui.engine import ends, plan
from autoresearch_tui.engine.answers import Refusal, row_decided
from autoresearch_tui.engine.closing import conclusion
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.judge import judge, next_draft, noticed
from autoresearch_tui.engine.moment import Moment, waiting
from autoresearch_tui.engine.search import drawn
from autoresearch_tui.engine.steps import (
    Apply,
    Ask,
    Begin,
    Bury,
    ByHand,
    Commit,
    Conclude,
    Draw,
    End,
    GiveUp,
    Hold,
    Judge,
    Measure,
    Notice,
    Propose,
    Refit,
    Rest,
    Rewinding,
    Step,
    StepBack,
    Train,
)
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import BadCommand, parse
from autoresearch_tui.journal.state import Waiting
from autoresearch_tui.researchers.sweep import Sweep
from tests.engine.histories import TRIAL_S, History

ELSEWHERE: Any = None  # the disk, git and the researcher, which nothing here touches

Answer = TypeVar("Answer")
ENDINGS = (Outcome("finished"), Outcome("finished"), Outcome("crash", "nan"), Outcome("crash", "disk"))


class World(History):
    """Does what the plan says, as the controller does."""

    def __init__(self, luck: Sequence[int] = (0,)) -> None:
        super().__init__()
        self._luck = itertools.cycle(luck)
        self.ending: End | None = None
        self.drafter = Drafter(ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE)  # of this run: it remembers what was trained in it

    def listen(self) -> None:
        """A moment at which a command may come."""

    def next_step(self) -> Step:
        return self.ending or plan.next_step(self.run, Moment(self.now, trial_s=TRIAL_S))

    def do(self, step: Step) -> None:
        """The facts that follow from a step."""
        run = self.run
        match step:
            case Begin():
                self.add(e.Proposed(0))
            case Commit(number):
                self.add(e.Committed(number, f"c{number}"))
            case Train():
                self._train(step)
            case Bury(number, trial):
                self.add(*ends.buried(run, number, trial, "the engine died"))
            case Measure(number, trial):
                self._measure(number, trial)
            case Notice(number):
                self.add(*noticed(run, number))
            case Judge(number):
                self.add(*judge(run, number))
            case Apply(number):
                self.add(e.Applied(number))
            case Rewinding(wish, to):
                self.add(e.Rewound(to, wish.by), e.Fulfilled(wish.command))
            case StepBack(to):
                self.add(e.Warned("the trunk does not train any more"), e.Rewound(to, "policy"))
            case Conclude():
                self.add(conclusion(run))
            case ByHand(wish):
                self._by_hand(wish)
            case Draw(idea):
                self.add(drawn(run, "sweep", Sweep.operators, idea.command if idea else None))
            case Refit(number):
                assert run.tip is not None
                self.add(e.Drafting(next_draft(run), "refit", run.tip, "", of=number))
            case Ask(draft):
                self._ask(draft)
            case Hold(draft):
                self.add(e.Held(draft, self.now.timestamp() + run.review_timeout_s))
            case Propose(draft):
                self._propose(draft)
            case GiveUp(draft, why):
                self.add(*self.drafter.given_up(run, draft, why))
            case Rest():
                self._rest(step)
            case _:
                raise AssertionError(f"nobody knows how to do {step}")

    def finish(self, end: End) -> None:
        self.add(*(e.Fulfilled(wish.command) for wish in waiting(self.run, c.Stop)), e.EngineEnded(end.why))
        self.ending = None

    def hear(self) -> None:
        self.listen()
        if stops := [wish for wish in waiting(self.run, c.Stop) if isinstance(wish.wish, c.Stop) and wish.wish.now]:
            self.ending = End(f"stopped by {stops[0].by}")

    def end_trial(self, number: int, trial: int) -> None:
        """The trial that runs ends: by itself, or because somebody wants it so."""
        if any(wish.wish == c.Skip(number, trial) for wish in self.run.wishes.values()):
            outcome = Outcome("skipped", why="skipped by hand")
        elif self.ending:
            outcome = Outcome("interrupted", why=self.ending.why)
        else:
            outcome = self._lucky(*ENDINGS)
        self.now += timedelta(seconds=TRIAL_S if outcome in ENDINGS else 1)
        self.add(*ends.ended(self.run, number, trial, outcome))

    def _lucky(self, *answers: Answer) -> Answer:
        return answers[next(self._luck) % len(answers)]

    def _train(self, step: Train) -> None:
        fulfilled = [e.Fulfilled(step.again.command, f"trial {step.trial}")] if step.again else []
        self.add(e.Launched(step.number, step.trial, 42, 1, 1, "boot", step.purpose), *fulfilled)
        self.hear()
        self.end_trial(step.number, step.trial)

    def _measure(self, number: int, trial: int) -> None:
        self.hear()
        if not self.ending:
            value = self._lucky(0.99, 0.98, 0.97, 0.96, None)
            self.add(e.Measured(number, trial, value and value - self._lucky(0, 0.001, 0.002, 0.003), memory_gb=1.0))

    def _by_hand(self, waiting: Waiting) -> None:
        wish, tip = waiting.wish, self.run.tip
        assert isinstance(wish, c.Keep | c.Discard) and tip is not None
        try:
            facts = row_decided(self.run, wish, waiting.command, waiting.by)
        except Refusal as refusal:
            facts = [e.Lapsed(waiting.command, str(refusal))]
        if facts is None:
            operator = "keep" if isinstance(wish, c.Keep) else "revert"
            facts = [e.Drafting(next_draft(self.run), operator, tip, "", of=wish.experiment, idea=waiting.command, by=waiting.by)]
        self.add(*facts)

    def _ask(self, name: str) -> None:
        draft = self.run.drafts[name]
        if draft.of is None:
            self.hear()
            if self.ending or name not in self.run.drafts:
                return
            self.add(e.Replied(name, 1.0, cost=0.1))
            if not self._lucky(True, True, False):
                self.add(e.Refused(name, "it changes nothing"))
                return
        elif not self._lucky(True, True, False):
            self.add(*self.drafter.given_up(self.run, name, f"the change of #{draft.of} does not fit the trunk any more"))
            return
        self.add(e.Drafted(name, f"b{name}", f"idea {name}", fingerprint=name))

    def _propose(self, name: str) -> None:
        draft, tip = self.run.drafts[name], self.run.tip
        if draft.parent == tip:
            self.add(*self.drafter.proposed(self.run, name))
        elif self._lucky(True, True, False):
            self.add(e.Drafted(name, draft.blob, draft.idea, parent=tip))
        else:
            self.add(e.Abandoned(name, f"the trunk moved to #{tip}, where the edit does not fit any more"))

    def _rest(self, rest: Rest) -> None:
        if rest.pause and not self.run.paused:
            pauses = waiting(self.run, c.Pause)
            self.add(e.Paused(pauses[0].by), *[e.Fulfilled(wish.command) for wish in pauses])
        elif not rest.pause and self.run.waiting != rest.why:
            self.add(e.Waiting(rest.why))
        self.now = max(self.now, datetime.fromtimestamp(rest.until, UTC)) if rest.until else self.now + timedelta(seconds=10)


class Sending(NamedTuple):
    """Words that somebody says, seeing the run as it is at one moment, and that arrive some moments later."""

    seen: int
    words: tuple[str, ...]
    by: str
    late: int


class Killed(Exception):
    """The engine died; whether a keeper starts the next one, or a person."""

    def __init__(self, kept: bool) -> None:
        super().__init__()
        self.kept = kept


class Night(World):
    """A world in which people send commands and engines die."""

    def __init__(self, luck: Sequence[int] = (0,), sendings: Sequence[Sending] = (), kills: Mapping[int, bool] | None = None) -> None:
        super().__init__(luck)
        self.told = f"Night({[*luck]}, {[*sendings]}, {kills})"
        self.moments = 0
        self.said: defaultdict[int, list[Sending]] = defaultdict(list)
        for one in sendings:
            self.said[one.seen].append(one)
        self.post: defaultdict[int, list[tuple[c.Command, str]]] = defaultdict(list)
        self.kills = dict(kills or {})
        self.silent = max([one.seen + one.late for one in sendings], default=0)

    def __repr__(self) -> str:
        return self.told

    def listen(self) -> None:
        self.moments += 1
        for one in self.said[self.moments]:
            try:
                self.post[self.moments + one.late].append((parse(list(one.words), self.run), one.by))
            except BadCommand:
                continue  # there was nothing to say it of
        for wish, by in self.post.pop(self.moments, ()):
            self.send(wish, by)
        if self.moments in self.kills:
            raise Killed(self.kills[self.moments])

    def session(self) -> Iterator[Step]:
        """Until the engine ends in good order. Each step is shown before it is done."""
        step: Step | None = None
        while not isinstance(step, End):
            try:
                self.hear()
                yield (step := self.next_step())
                if not isinstance(step, End):
                    self.do(step)
            except Killed as killed:
                step = self.ending = None
                self.start(after="it was killed" if killed.kept else "")
        self.finish(step)

    def _rest(self, rest: Rest) -> None:
        super()._rest(rest)
        if rest.pause and self.moments > self.silent:
            self.send(c.Resume(self.run.session), "the one who wakes up")
