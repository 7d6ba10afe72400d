"""The life of an experiment, one step after the other, and the commands that arrive meanwhile.

The plan says what comes next, the journal what was; this does it, and writes down that it is done. An intent is written before its
effect and every effect may be repeated, so this may be killed between any two of its lines. A training and its measurement are done
beside the others, one in each slot.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.engine import patience, plan
from autoresearch_tui.engine.answers import Refusal, answer, row_decided
from autoresearch_tui.engine.beside import Beside
from autoresearch_tui.engine.chain import FIRST_S, Chain
from autoresearch_tui.engine.closing import conclusion
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.executors.protocol import Executor, Slot
from autoresearch_tui.engine.faulty import set_aside
from autoresearch_tui.engine.jobs import Jobs
from autoresearch_tui.engine.judge import judge, next_draft, noticed
from autoresearch_tui.engine.lineage import Lineage, LineageError
from autoresearch_tui.engine.lives import Lives
from autoresearch_tui.engine.moment import Moment, waiting
from autoresearch_tui.engine.patience import PATIENCE_S
from autoresearch_tui.engine.processes import Unended
from autoresearch_tui.engine.search import drawn
from autoresearch_tui.engine.settling import restore_refs, settle
from autoresearch_tui.engine.sharing import Wedged
from autoresearch_tui.engine.steps import (
    Apply,
    Ask,
    Begin,
    Bury,
    Busy,
    ByHand,
    Commit,
    Conclude,
    Confirm,
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
    Restore,
    Rewinding,
    SetAside,
    Step,
    StepBack,
    Train,
)
from autoresearch_tui.engine.trials import Trials
from autoresearch_tui.engine.upkeep import Upkeep
from autoresearch_tui.engine.writing import Writing
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run, Waiting
from autoresearch_tui.journal.store import POLL_S, JournalBusy, JournalError, Writer
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import RunFolder

NO_SLOT = "no slot is there"


class Controller:
    """One night, in one task; another one listens, and more go on beside (`beside.py`)."""

    def __init__(
        self,
        journal: Writer,
        folder: RunFolder,
        lineage: Lineage,
        drafter: Drafter,
        chain: Chain,
        executor: Executor,
        jobs: Jobs,
        upkeep: Upkeep,
        tell: Callable[[Recorded, Run], None],
        settings: Settings,
        attempts: list[str] | None = None,
    ) -> None:
        self.journal = journal
        self.folder = folder
        self.lineage = lineage
        self.drafter = drafter
        self.chain = chain
        self.overlap = settings.run.overlap
        self.attempts = attempts if attempts is not None else []
        """To speak to another machine, refused and not written down yet; any thread may add one."""
        self.executor = executor
        self.jobs = jobs
        self.upkeep = upkeep
        self.tell = tell
        self.ending: End | None = None
        self.restored = False
        self.failures: Counter[int | None] = Counter()
        """In a row: of the steps of an experiment that are done beside the others, and of the loop's."""
        self.nudge = asyncio.Event()
        self.news = asyncio.Event()
        """Something was written down."""
        self.stirred = asyncio.Event()
        """Something happened that a loop with its hands full waits for."""
        self.settling = asyncio.Lock()
        self.writer = Writing(journal, drafter, chain, self.record, self._record_at_last)
        self.sharing, self.yields = settings.gpu.sharing, settings.gpu.stranger == "pause"
        self.beside = Beside(self)
        self.lives = Lives(self.stir)

    @property
    def run(self) -> Run:
        return self.journal.run

    def record(self, *facts: e.Event) -> None:
        for recorded in self.journal.append(*facts):
            self.tell(recorded, self.run)
        self.news.set()
        self.stirred.set()

    def stir(self) -> None:
        """Somebody said something, or something is over: whoever rests looks again."""
        self.nudge.set()
        self.stirred.set()
        self.lives.ring()

    def equip(self, why: str = "") -> None:
        """Use the slots that there are from now on."""
        aside = set_aside(self.run)
        told = self.lives.equip({name: slot for name, slot in self.executor.slots.items() if name not in aside}, self._trials)
        named = any(slot.name for slot in told)  # a single slot without a name is the machine itself, and no news
        if why or (told != self.run.slots and (named or self.run.slots)):
            self.record(e.Equipped(told, clean_line(why, 300)))
        self.stir()

    def _trials(self, slot: Slot) -> Trials:
        write = (lambda: self.run, self.record, self._record_at_last)
        return Trials(slot, self.jobs, self.chain, self.sharing, *write, self.writer.idle, self.yields)

    async def _record_at_last(self, facts: Callable[[], list[e.Event]]) -> None:
        """Facts that took minutes to come about: a full disk is waited out with them in hand."""
        while True:
            try:
                return self.record(*facts())
            except (OSError, JournalBusy) as error:
                if not patience.only_time_mends(error) or self.ending:
                    raise
                self.warn_aside(f"{patience.said(error, self.folder.folder)}: waiting.")
                self.nudge.clear()
                await self._rest(PATIENCE_S)

    async def work(self) -> End:
        """Until there is a reason to end."""
        self.equip()
        tasks = [asyncio.create_task(task) for task in (self._listen(), *self.beside.tasks())]
        for task in tasks:
            task.add_done_callback(lambda _: self._stop_waiting())
        try:
            while True:
                self.nudge.clear()
                self.stirred.clear()
                step = self.ending or (plan.next_step(self.run, self.moment()) if self.restored else Restore())
                if isinstance(step, End):
                    return step
                for task in tasks:
                    if task.done():
                        task.result()
                self.lives.raise_failed()
                await self._do_patiently(step)
        finally:
            for task in tasks:
                task.cancel()
            await self.lives.end(self.ending.why if self.ending else "interrupted")
            await self.writer.stop()

    async def begin_session(self, started: e.EngineStarted, down: Mapping[str, str] | None = None, said: Sequence[str] = ()) -> None:
        """The first facts of a session, and why some of its researchers are down. What was meant for an engine of before lapses."""
        stale = (c.Pause, c.Resume, c.Stop) if not started.after else ()
        lapsed = [e.Lapsed(wish.command, "the engine that it was meant for has ended") for wish in waiting(self.run, *stale)]
        back = datetime.now().timestamp() + FIRST_S
        missing = [e.ResearcherDown(name, clean_line(why, 500), back) for name, why in (down or {}).items()]
        warnings = [e.Warned(clean_line(warning, 500)) for warning in (*said, *self.chain.warnings)]
        await self._record_at_last(lambda: [*lapsed, started, *missing, *warnings])

    def write_down_attempts(self) -> None:
        while self.attempts:
            self.record(e.Blocked(clean_line(self.attempts[0], 300)))
            del self.attempts[0]

    def finish(self, why: str) -> None:
        """The last fact of a session."""
        stops = [e.Fulfilled(wish.command) for wish in waiting(self.run, c.Stop)]
        try:
            self.write_down_attempts()
            self.record(*stops, e.EngineEnded(why))
            self.journal.save_snapshot()
            self.upkeep.copy()
        except (OSError, JournalBusy) as error:
            self.warn_aside(f"{patience.said(error, self.folder.folder)}: that the engine ended could not be written down.")

    def leave(self, why: str) -> None:
        """End now: what trains is interrupted, and trained again by the next start."""
        self.ending = self.ending or End(why)
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        for trials in self.lives.every():
            trials.interrupt(self.ending.why if self.ending else "interrupted")
        self.writer.interrupt()
        self.stir()

    def moment(self) -> Moment:
        run, devices, free = self.run, self.lives.devices, self.lives.free
        return Moment(
            datetime.now(LOCAL),
            shutil.disk_usage(self.folder.folder).free / 1e9,
            self.upkeep.floor_gb,
            self.jobs.expected_s(run, devices or ("",)),
            self.writer.nothing_left,
            able=tuple(name for name in self.chain.names if name not in run.down),
            back_at=self.chain.back_at(run),
            taken=NO_SLOT if not devices else "" if free or self.lives.numbers else self.lives.taken,
            slots=devices,
            free=tuple(trials.slot.about.device for trials in free),
            free_slots=tuple(trials.slot.about.name for trials in free),
            busy=self.lives.numbers,
            crowded=all(device.startswith("cpu") for device in devices),
            in_turn=len(devices) > 1 and self.beside.in_turn(),
        )

    async def _do_patiently(self, step: Step) -> None:
        await self._patiently(None, lambda: self.do(step))

    async def _patiently(self, whose: int | None, done: Callable[[], Awaitable[None]]) -> None:
        """What fails is tried again: with patience (`patience.py`) where only time mends it."""
        try:
            await done()
            self.failures.pop(whose, None)
        except (OSError, LineageError, Unended, Wedged, JournalBusy) as error:
            self.failures[whose] += 1
            failures, said = self.failures[whose], patience.said(error, self.folder.folder)
            if patience.spent(error, failures):
                self.ending = End(said, failed=True)
                return
            if patience.may_not_be_written(error):
                self.warn_aside(f"{said}: waiting.")
            elif self.run.waiting != said:
                self.record(e.Waiting(said))
            bell = self.lives.bell(whose) or self.nudge
            bell.clear()
            await self._rest(patience.wait_s(error, failures), bell)

    def warn_aside(self, why: str) -> None:
        """Said, but not written down: the journal may be what has no space."""
        self.tell(Recorded(self.run.seq, datetime.now().timestamp(), 0.0, e.Warned(why)), self.run)

    async def do(self, step: Step) -> None:
        match step:
            case Restore():
                await self._restore()
            case Begin():
                self.record(e.Proposed(0))
            case Confirm():
                idea = f"the best of {self.run.confirms}, #{self.run.chosen}"
                self.record(e.Proposed(1, operator="keep", parent=0, idea=idea, blob=self.run.blob))
            case Commit(number):
                self.record(e.Committed(number, await asyncio.to_thread(self._commit, self.run.experiments[number])))
            case Train():
                trials = self.lives.free_for(step.device, step.slot)
                self.lives.begin(step.number, trials, self._live(step, trials))
            case Bury(number, trial):
                await self.lives.of(self.run, number, trial).bury(number, trial)
            case Measure(number, trial):
                trials = self.lives.of(self.run, number, trial)
                if trials in self.lives.idle:
                    self.lives.begin(number, trials, self._live(step, trials))
                else:  # two were trained where there are fewer slots now
                    await self._rest(PATIENCE_S, self.stirred)
            case Busy():
                await self._rest(PATIENCE_S, self.stirred)
            case Notice(number):
                self.record(*noticed(self.run, number))
            case Judge(number):
                self.record(*judge(self.run, number))
            case Apply(number):
                await self._apply(number)
            case Rewinding(wish, to):
                self.record(e.Rewound(to, wish.by), e.Fulfilled(wish.command))
                await self._settle(None)
            case ByHand(wish):
                self._by_hand(wish)
            case StepBack(to):
                why = f"#{self._tip} does not train any more, and #{to} does: three experiments in a row crashed, and then it did too."
                self.record(e.Warned(why), e.Rewound(to, "policy"))
                await self._settle(None)
            case SetAside(slot, other):
                self.equip(f"{slot} is left alone until the next start: not even the trunk trains there, and {other} trains")
            case Conclude():
                self.record(conclusion(self.run))
            case Draw(idea):
                self._draw(idea.command if idea else None)
            case Refit(number):
                self.record(e.Drafting(next_draft(self.run), "refit", self._tip, "", of=number))
            case Ask(draft):
                await self.writer.reply(draft)
            case Hold(draft):
                self.record(e.Held(draft, datetime.now().timestamp() + self.run.review_timeout_s))
            case Propose(draft):
                run = self.run
                facts = await asyncio.to_thread(self.drafter.proposed, run, draft)
                if self.run is run:  # nobody rejected it meanwhile, moved the trunk, or took a note back; else it is planned anew
                    self.record(*facts)
            case GiveUp(draft, why):
                self.writer.give_up(draft, why)
            case Rest():
                await self._wait(step)

    @property
    def _tip(self) -> int:
        assert self.run.tip is not None, "the baseline comes first"
        return self.run.tip

    # ---------------------------------------------------------------------------------------------------------------------------
    # Drafts
    # ---------------------------------------------------------------------------------------------------------------------------

    def _draw(self, idea: int | None) -> None:
        if (changed := self.drafter.program_changed(self.run)) is not None:
            self.record(changed)
        researcher = self.chain.speaker(self.run) or self.chain.first
        self.record(drawn(self.run, researcher.name, researcher.operators, idea))

    def _by_hand(self, waiting: Waiting) -> None:
        """Keep or discard a row: at once where the resulting code is measured, else as an experiment on the trunk as it is now."""
        wish = waiting.wish
        assert isinstance(wish, c.Keep | c.Discard)
        try:
            facts = row_decided(self.run, wish, waiting.command, waiting.by)
        except Refusal as refusal:
            facts = [e.Lapsed(waiting.command, str(refusal))]
        if facts is None:
            operator = "keep" if isinstance(wish, c.Keep) else "revert"
            draft = next_draft(self.run)
            facts = [e.Drafting(draft, operator, self._tip, "", of=wish.experiment, idea=waiting.command, by=waiting.by)]
        self.record(*facts)

    # ---------------------------------------------------------------------------------------------------------------------------
    # Experiments
    # ---------------------------------------------------------------------------------------------------------------------------

    async def _live(self, step: Train | Measure, trials: Trials) -> None:
        """A training, and what is measured right after it where it was made."""
        if isinstance(step, Train):
            training = step
            await self._patiently(step.number, lambda: trials.train(training, lambda: self._is_wanted(training), self._react))
            following = plan.piece(self.run, step.number)
            if self.ending or not isinstance(following, Measure):
                return
            step = following
        measured = step
        await self._patiently(step.number, lambda: trials.measure(measured.number, measured.trial))

    def _is_wanted(self, step: Train) -> bool:
        return not self.ending and plan.still_wanted(self.run, self.moment(), step)

    def _commit(self, one: Experiment) -> str:
        if one.parent is None:
            commit = self.run.start
        else:
            message = self.drafter.message(self.run, one)
            commit = self.lineage.commit(self.run.experiments[one.parent].commit, one.blob, message, one.at)
        self.lineage.point(one.number, commit)
        return commit

    async def _apply(self, number: int) -> None:
        await self._settle(number)
        try:
            await asyncio.to_thread(self.upkeep.tidy, self.run)
        except (OSError, JournalError) as error:
            self.warn_aside(f"tidying up failed: {error}")

    async def _restore(self) -> None:
        """The first step of a session: the world says what the journal says, whatever happened to either."""
        await self.drafter.clear(self.run)
        await asyncio.to_thread(restore_refs, self.run, self.lineage)
        await self._settle(None)
        if warning := await asyncio.to_thread(self.lineage.checked_out):
            self.record(e.Warned(warning))
        await asyncio.to_thread(self.upkeep.copy)
        self.restored = True

    async def _settle(self, number: int | None) -> None:
        """Branch, refs, note, checkpoint and results.tsv follow the state. The listener does this too, so one at a time."""
        async with self.settling:
            one = self.run.experiments[number] if number is not None else None
            if one is not None and (one.settled or one.due):
                return
            warning = await asyncio.to_thread(settle, self.run, self.folder, self.lineage, one)
            if warning and warning not in self.run.warnings:
                self.record(e.Warned(warning))
            if one is not None:
                self.record(e.Applied(one.number))

    # ---------------------------------------------------------------------------------------------------------------------------
    # Waiting and listening
    # ---------------------------------------------------------------------------------------------------------------------------

    async def _wait(self, rest: Rest) -> None:
        if rest.pause:
            if not self.run.paused:
                pauses = waiting(self.run, c.Pause)
                self.record(e.Paused(pauses[0].by), *[e.Fulfilled(wish.command) for wish in pauses])
                await self.writer.idle()
                await self.chain.release()
        elif self.run.waiting != rest.why:
            self.record(e.Waiting(rest.why))
        now = datetime.now().timestamp()
        await self._rest(PATIENCE_S if rest.until is None else min(PATIENCE_S, max(POLL_S, rest.until - now)))

    async def _rest(self, seconds: float, bell: asyncio.Event | None = None) -> None:
        """Until somebody says something, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for of 3.11 forgets that it was cancelled, if the bell rings just then
                await (bell or self.nudge).wait()

    async def _listen(self) -> None:
        due = True
        while True:
            try:
                due |= self.journal.changed()
                if due and self.hear():
                    for one in self.run.unsettled:
                        if one.verdict and not one.due:
                            await self._settle(one.number)
                    self.stir()
                due = False
                await asyncio.sleep(POLL_S)
            except (OSError, LineageError, JournalBusy) as error:
                self.warn_aside(f"a command has to wait: {error}")  # it is heard again, or settled by the loop
                await asyncio.sleep(PATIENCE_S)

    def hear(self) -> bool:
        """Answer what was sent, each in a transaction of its own, and let what is under way feel it; whether there was anything."""
        new = self.journal.commands(after=self.run.heard)
        for sent in new:
            self.record(*answer(self.run, sent, datetime.now(LOCAL)))
        self._react()
        if new:
            self.stir()
        return bool(new)

    def _react(self) -> None:
        """Let what is under way feel the wishes that cannot wait."""
        for wish in waiting(self.run, c.Stop):
            if isinstance(wish.wish, c.Stop) and wish.wish.now:
                self.leave(f"stopped by {wish.by}")
        if self.ending:
            self._stop_waiting()
        for trials in self.lives.every():
            if not self.ending and waiting(self.run, c.Stop):
                trials.give_way()
            trials.heed(self.run)
        if self.writer.draft not in self.run.drafts or (waiting(self.run, c.Stop) and not self.run.unsettled):
            self.writer.interrupt()
