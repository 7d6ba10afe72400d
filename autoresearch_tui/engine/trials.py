"""One slot's trials, one after the other: room for it on the card, its processes, what its conditions were, its number.

Owns the order of these and the facts that follow. Does not own when a trial is due (`plan.py`), what it is told (`jobs.py`), how its
processes begin and end (`executors/`), who has the card's memory (`sharing.py`), nor what was fair (`fairness.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from msgspec.structs import replace

from autoresearch_tui.engine import ends
from autoresearch_tui.engine.chain import Chain
from autoresearch_tui.engine.executors.protocol import Lost, Slot, Training
from autoresearch_tui.engine.jobs import Jobs
from autoresearch_tui.engine.sharing import GB, Decision, Mode, Room, Sharing, Wanted, decide
from autoresearch_tui.engine.steps import Train
from autoresearch_tui.engine.taint import unfair_trial
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run

BESIDE = "out of memory beside the language model: trained again with the card to itself"
CARD_TRIES = 3  # trainings of one experiment that may die with the card before that is called its own doing
Found = TypeVar("Found")
VRAM = "size_vram_gb"  # as researchers tell it, in 10**9 bytes


class Trials:
    """The trials of a slot, one at a time."""

    def __init__(
        self,
        slot: Slot,
        jobs: Jobs,
        chain: Chain,
        wanted: Wanted,
        run: Callable[[], Run],
        record: Callable[..., None],
        record_at_last: Callable[[Callable[[], list[e.Event]]], Awaitable[None]],
        idle: Callable[[], Awaitable[None]],
        yields: bool = False,
    ) -> None:
        self.slot = slot
        self.jobs = jobs
        self.chain = chain
        self.conditions = conditions = slot.conditions
        self.sharing = Sharing(chain.release, lambda: conditions.card, conditions.hurry)
        self._wanted = wanted
        self._run = run
        self._record = record
        self._record_at_last = record_at_last
        self.yields = yields
        """To a stranger on the card."""
        self._idle = idle
        """Until no reply is awaited."""
        self._gone_after: int | None = None
        """The replies that there had been when the model was unloaded."""
        self._end: Callable[[str], object] = lambda why: None
        self._training: tuple[int, int, Training] | None = None
        """The experiment and the trial that train here."""
        self._waiting: asyncio.Task[Any] | None = None
        """For the card's memory."""

    def interrupt(self, why: str) -> None:
        """End whatever is waited for here."""
        self._end(why)
        self.give_way()

    def give_way(self) -> None:
        """Wait for the card's memory no longer: the night ends, and nothing is launched that would need it."""
        if self._waiting:
            self._waiting.cancel()

    @property
    def taken(self) -> str:
        """Who has the card, where that is to be waited for."""
        return self.conditions.in_line or (self.conditions.stranger if self.yields else "")

    def heed(self, run: Run) -> None:
        """Let what trains here feel what was wished."""
        if self._training:
            ends.heed(run, *self._training)

    async def train(self, step: Train, still_wanted: Callable[[], bool], react: Callable[[], None]) -> None:
        """Launch, wait, write down. `react` lets it feel what was wished while its processes were made."""
        mode = await self._waited(self._make_room(), react)
        if mode is None:
            return
        one = self._run().experiments[step.number]
        used = {earlier.seed for earlier in one.trials if earlier.counts}
        seed = next(new for new in itertools.count(self._run().seed) if new not in used)
        about = self.slot.about
        job = self.jobs.job(self._run(), step.number, step.trial, seed, step.purpose, about.device)
        await asyncio.to_thread(self.jobs.fresh_log, job)
        training = await self.slot.spawn(job)
        if not still_wanted():  # somebody said something while the processes were made
            training.end("interrupted", "not wanted any more")
            await training.wait()
            return
        fulfilled = [e.Fulfilled(step.again.command, f"trial {step.trial}")] if step.again else []
        try:
            launched = e.Launched(
                step.number, step.trial, seed, training.pid, training.born, training.boot, step.purpose, about.name, about.device
            )
            self._record(launched, *fulfilled)
        except BaseException:
            training.end("interrupted", "its launch could not be written down")
            await training.wait()
            raise
        self._end = lambda why: training.end("interrupted", why)
        self._training = step.number, step.trial, training
        react()
        await self._through(step, training, mode, react)

    async def _through(self, step: Train, training: Training, mode: Mode, react: Callable[[], None]) -> None:
        """From the word to the facts of its end; then its memory has to come back."""
        before = self.conditions.launched(training.pid)
        training.release()
        outcome = await training.wait()
        self._end, self._training = lambda why: None, None
        self.slot.ended(outcome)
        await asyncio.to_thread(self.slot.sweep)
        if outcome.outcome == "crash":
            await self.conditions.asked_anew()
        card, kwh = self.conditions.ended()
        outcome = self._forgiven(step.number, outcome, mode, card)

        def facts() -> list[e.Event]:
            full = shutil.disk_usage(self.jobs.folder.folder).free < 2**20
            ended = ends.ended(self._run(), step.number, step.trial, outcome, kwh, card, full)
            unfair = unfair_trial(self._run(), step.number, step.trial, step.purpose, card) if outcome.outcome == "finished" else None
            return [*ended, *([unfair] if unfair else [])]

        await self._record_at_last(facts)
        await self._waited(self.sharing.returned(before, self.conditions.peak, self.conditions.ours), react)

    async def _waited(self, memory: Coroutine[Any, Any, Found], react: Callable[[], None]) -> Found | None:
        """What is waited for, or None if the night is to end before: nobody who says so waits for a driver."""
        self._waiting = waiting = asyncio.create_task(memory)
        react()
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():
                raise
            return None
        finally:
            self._waiting = None

    def _forgiven(self, number: int, outcome: Outcome, mode: Mode, card: e.Card | None) -> Outcome:
        """What was the card's fault is no crash of the idea, unless the card fails whenever the idea is trained."""
        if outcome.outcome != "crash":
            return outcome
        if fault := self.conditions.fault:
            before = sum(trial.outcome == "interrupted" and trial.why == fault for trial in self._run().experiments[number].trials)
            return replace(outcome, outcome="interrupted", why=fault) if before < CARD_TRIES - 1 else outcome
        if outcome.crash == "memory" and card and card.strangers:
            before = sum(trial.outcome == "interrupted" and trial.crash == "memory" for trial in self._run().experiments[number].trials)
            why = f"out of memory, and {card.strangers[0]}"
            return replace(outcome, outcome="interrupted", why=why) if before < CARD_TRIES - 1 else outcome
        if outcome.crash == "memory" and mode == "share" and self._wanted == "auto" and self.chain.unloads and card and card.llm_gb:
            return replace(outcome, outcome="interrupted", why=BESIDE)
        return outcome

    async def _make_room(self) -> Mode:
        """The card as the next trial needs it. Raises Wedged where it cannot be had now."""
        run, several = self._run(), bool(self.slot.about.name)
        if several and any(one.shares for one in self.chain.researchers):
            await self.conditions.asked_anew()  # a model may have come to this card, or gone to another one
        room = self._room(run)
        if several and not room.local:
            return "apart"
        decision = decide(self._wanted, room)
        if room.local and not self.chain.unloads:
            decision = Decision("share", "share: its server cannot be asked to give the memory back")
        before = run.sharing or e.Shared("apart", "")
        if decision.mode != before.mode or (before.guess and not decision.guess):
            self._record(e.Shared(decision.mode, decision.why, decision.guess))
        if decision.mode == "swap":
            await self._idle()  # what is asked already is answered first
        left = await self.sharing.before_trial(decision.mode, room)
        if left:
            self._gone_after = self._replies(run)
        if left and left.memory:
            name = next((one.name for one in self.chain.researchers if one.shares), "")
            self._record(e.Unloaded(name, round(left.seconds, 3), round(left.memory / GB, 2)))
        return decision.mode

    def _room(self, run: Run) -> Room:
        """What is known of the card and of those who want it."""
        card = self.conditions.card
        here = not self.slot.about.name or self.conditions.holds_model is not False
        seen_lately = tuple(run.lately())
        trials = [trial for one in seen_lately for trial in one.trials]
        said = [run.health[one.name].seen.get(VRAM) for one in self.chain.researchers if one.shares and one.name in run.health]
        taken_now = int(max(filter(None, said), default=0.0) * 1e9) or None
        self.conditions.llm_said = taken_now if here and self._replies(run) != self._gone_after else None
        seen = max((trial.card.llm_gb or 0.0 for trial in trials if trial.card), default=0.0)
        tip = run.experiments[run.tip].trials if run.tip is not None else ()
        taken = [max(trial.memory_gb, (trial.card.training_gb or 0.0) if trial.card else 0.0) for trial in tip]
        return Room(
            local=here and card is not None and not card.fault and any(one.shares for one in self.chain.researchers),
            total=card.memory_total if card else None,
            used_before=self.conditions.others_memory,
            llm=int(seen * GB) or taken_now,
            training=int(max(taken, default=0.0) * GB) or None,
            mode=_mode(run),
            died_beside=any(map(_died_beside, seen_lately)),
        )

    def _replies(self, run: Run) -> int:
        """Of those that compute on the card: each loads its model."""
        health = [run.health[one.name] for one in self.chain.researchers if one.shares and one.name in run.health]
        return sum(one.usable + one.refused + one.declined for one in health)

    async def bury(self, number: int, trial: int) -> None:
        """A trial of an engine that died: what is left of it ends, and it counts for nothing."""
        one = next(known for known in self._run().experiments[number].trials if known.number == trial)
        left = await self.slot.clear(number, one)
        why = "the engine died" + (f"; {left} processes of it were ended" if left else "")
        self._record(*ends.buried(self._run(), number, trial, why))

    async def measure(self, number: int, trial: int) -> None:
        """Its number. On a card that cannot be used none is asked for, and that there is none is no fact."""
        self.sharing.fault(self.conditions.card)
        this = next(known for known in self._run().experiments[number].trials if known.number == trial)
        job = self.jobs.job(self._run(), number, trial, this.seed, this.purpose, this.device)
        measuring = asyncio.create_task(self.slot.measure(job, this))
        self._end = lambda why: measuring.cancel()
        try:
            fact = await measuring
            if fact.value is None:
                await self.conditions.asked_anew()
                self.sharing.fault(self.conditions.card)
            await self._record_at_last(lambda: [fact])
        except Lost as lost:
            why = str(lost)
            await self._record_at_last(lambda: ends.lost(self._run(), number, this, why))
        except asyncio.CancelledError:
            if not measuring.cancelled():
                raise
        finally:
            self._end = lambda why: None


def _died_beside(one: Experiment) -> bool:
    """Of memory beside the model, and did not without it, or was not tried without it yet."""
    beside = [trial for trial in one.trials if trial.why == BESIDE]
    return bool(beside) and (one.trials[-1] is beside[-1] or one.trials[-1].crash != "memory")


def _mode(run: Run) -> Mode | None:
    """How it was until now; what was only a guess binds nobody."""
    match run.sharing:
        case e.Shared(mode="share", guess=False):
            return "share"
        case e.Shared(mode="swap", guess=False):
            return "swap"
    return None
