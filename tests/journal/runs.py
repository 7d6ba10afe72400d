"""Runs as an engine could have written them, driven by chance: several drafts and experiments at once, crashes, restarts, people.

Each piece of work is a generator that writes one transaction a turn; who gets the next turn is chance. Hypothesis may be the chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Row

PHASES = ["starting", "preparing", "drafting", "reviewing", "training", "evaluating", "judging", "waiting", "paused", "closing", "ended"]
"""The words that `status --json` has for what a run does."""
CRASHES = ("memory", "nan", "timeout", "error")
AT = 1_760_000_000.0


def numbered(facts: Iterable[e.Event], after: int = 0) -> list[e.Recorded]:
    """Facts in their places in a journal, ten seconds apart."""
    return [e.Recorded(seq, AT + 10 * seq, 10.0 * seq, fact) for seq, fact in enumerate(facts, start=after + 1)]


class Night:
    """A run in the making. `transactions` is what its engine appended."""

    def __init__(self, chance: Random, calm: int = 40) -> None:
        self.chance = chance
        self.calm = calm  # how many turns pass between two things that no engine begins by itself
        self.transactions: list[tuple[e.Event, ...]] = []
        self.works: list[Iterator[None]] = []
        self.verdicts: dict[int, str] = {}
        self.parents: dict[int, int | None] = {}
        self.trials: dict[int, int] = {}
        self.settled: set[int] = set()
        self.tip = 0
        self.drafts = 0
        self.commands = 0
        self.starts = 0
        self.notes: list[int] = []
        self.paused = False
        self.write(e.RunStarted("nov20", f"{0:040x}", key={"train.py": "abc"}, sigma=0.0005))
        if self.rarely():
            self.write(
                e.Remembered("an earlier night", (Row("a1b2c3d", 0.99, 44.0, "keep", "baseline"), Row("b", None, None, "crash", "x")))
            )
        self.start()
        self.works.append(self.experiment(e.Proposed(0)))

    @property
    def facts(self) -> list[e.Event]:
        return [fact for transaction in self.transactions for fact in transaction]

    def write(self, *facts: e.Event) -> None:
        self.transactions.append(facts)

    def rarely(self, one_in: int = 8) -> bool:
        return self.chance.randrange(one_in) == one_in - 1  # the last, so that what Hypothesis shrinks to is the plain night

    def go_on(self, turns: int) -> Night:
        for _ in range(turns):
            self.turn()
        return self

    def turn(self) -> None:
        if self.rarely(self.calm):
            self.chance.choice(EVENTUALITIES)(self)
        elif not self.works or (self.settled and len(self.works) < 3 and self.rarely(4)):
            self.works.append(self.draft())
        else:
            work = self.works[self.chance.randrange(len(self.works))]
            if next(work, self) is self:
                self.works.remove(work)

    # ---------------------------------------------------------------------------------------------------------------------------
    # What an engine does
    # ---------------------------------------------------------------------------------------------------------------------------

    def start(self, after: str = "") -> None:
        self.starts += 1
        self.paused = self.paused and bool(after)
        limits = e.Limits(experiments=100, deadline=AT + 1e5) if self.rarely() else e.Limits()
        self.write(e.EngineStarted(1000 + self.starts, self.starts, "boot", "0.1.0", "sweep", limits, after=after, device="cpu"))

    def draft(self, operator: str = "tune", of: int | None = None, by: str = "", wish: int | None = None) -> Iterator[None]:
        self.drafts += 1
        name = f"d{self.drafts:04}"
        researcher = "" if of is not None else "sweep"
        parent = self.tip
        notes, self.notes = tuple(self.notes), []
        self.write(e.Drafting(name, operator, parent, researcher, of, wish, notes, "abc", by))
        yield
        refused = 0
        while researcher and self.rarely(4):
            self.write(e.Replied(name, 1.5, 1000, 200, None if self.rarely() else 0.01))
            self.write(e.Refused(name, "it does not parse"))
            yield
            if (refused := refused + 1) == 3:
                lapsed = [e.Lapsed(wish, "refused")] if wish else []
                return self.write(e.Abandoned(name, "refused 3 times"), *lapsed)
        if researcher:
            self.write(e.Replied(name, 1.5, 1000, 200, 0.01))
            yield
        changes = {"MATRIX_LR": ("0.04", "0.05")}
        self.write(e.Drafted(name, f"{self.drafts:040x}", "matrix LR 0.04 -> 0.05", "because", changes, f"{self.drafts:064x}"))
        yield
        if self.rarely():
            self.write(e.Held(name, AT + 600))
            yield
            if self.rarely(3):
                return self.write(e.Abandoned(name, "rejected", "ada@lab"))
            if self.rarely(3):
                self.write(e.Approved(name, "ada@lab", "try it"))
        if parent != self.tip:
            if self.rarely(3):
                return self.write(e.Abandoned(name, "the trunk moved"))
            self.write(e.Drafted(name, f"{self.drafts:040x}", "matrix LR 0.04 -> 0.05", "because", changes, "moved", self.tip))
            parent = self.tip
            yield
            if parent != self.tip:
                return self.write(e.Abandoned(name, "the trunk moved again"))
        number = len(self.parents)
        proposed = e.Proposed(
            number, name, operator, parent, "matrix LR 0.04 -> 0.05", "because", f"{self.drafts:040x}", changes, "f", researcher, of, by
        )
        yield from self.experiment(proposed, *[e.Fulfilled(one, f"experiment {number}") for one in (*notes, *([wish] if wish else []))])

    def experiment(self, proposed: e.Proposed, *also: e.Event) -> Iterator[None]:
        number = proposed.number
        self.parents[number], self.trials[number] = proposed.parent, 0
        self.write(proposed, *also)
        yield
        self.write(e.Committed(number, f"{number:040x}"))
        yield
        yield from self.trial(number, proposed.by)

    def trial(self, number: int, by: str = "") -> Iterator[None]:
        """Another one, and again until it is not interrupted; then the verdict."""
        self.settled.discard(number)
        outcome = "interrupted"
        while outcome == "interrupted":
            self.trials[number] += 1
            trial, starts = self.trials[number], self.starts
            self.write(e.Launched(number, trial, 41 + trial, 2000 + number, number, "boot"))
            yield
            outcome = "finished"
            if starts != self.starts:
                outcome = "interrupted"
            elif self.rarely():
                outcome = self.chance.choice(("crash", "skipped"))
            crash = self.chance.choice(CRASHES) if outcome == "crash" else ""
            why = {"interrupted": "the engine died", "crash": "CUDA out of memory", "skipped": "skipped by hand"}.get(outcome, "")
            self.write(e.Ended(number, trial, outcome, crash, why, "ada@lab" if outcome == "skipped" else "", 0, 300.0))
            yield
        value = None
        if outcome == "finished":
            value = None if self.rarely(20) else 1.0 - self.chance.randrange(1000) / 1e5
            refused = "" if value is not None else "its summary has no val_bpb"
            self.write(e.Measured(number, trial, value, refused, "verified", 44.0, 953, 499.6, 300.1, {"mfu_percent": "39.8"}))
            yield
        crashed = value is None and outcome != "skipped"
        kept = number == 0 or bool(by) or (outcome == "finished" and self.parents[number] == self.tip and self.rarely(4))
        self.judge(number, "crash" if crashed else "keep" if kept else "discard", by or "policy")
        yield
        self.write(e.Applied(number))
        self.settled.add(number)

    def judge(self, number: int, verdict: str, by: str) -> None:
        self.verdicts[number] = verdict
        parent = self.parents[number]
        if verdict == "keep" and parent == self.tip:
            self.tip = number
        elif verdict != "keep" and number == self.tip and parent is not None:
            self.tip = parent
        self.write(e.Judged(number, verdict, "better by 0.001", self.tip, by))

    # ---------------------------------------------------------------------------------------------------------------------------
    # What happens besides
    # ---------------------------------------------------------------------------------------------------------------------------

    def command(self, wish: c.Command, *facts: e.Event, accepted: bool = True) -> int:
        self.commands += 1
        self.write(e.Commanded(self.commands, wish, "ada@lab", accepted, "" if accepted else "too late"), *facts)
        return self.commands

    def fulfilled(self) -> e.Fulfilled:
        return e.Fulfilled(self.commands + 1)

    def pause_or_resume(self) -> None:
        if self.paused:
            self.command(c.Resume(1), e.Resumed("ada@lab"), self.fulfilled())
        else:
            number = self.command(c.Pause(1))
            self.write(e.Paused("ada@lab", "lunch"), e.Fulfilled(number))
        self.paused = not self.paused

    def restart(self) -> None:
        """By a keeper, or by a person after a good end."""
        if self.rarely(2):
            self.start(after="signal 9")
        else:
            self.write(e.EngineEnded("stopped by ada@lab"))
            self.start()

    def again(self) -> None:
        if self.settled:
            number = self.chance.choice(sorted(self.settled))
            wish = self.command(c.Again(number))
            self.write(e.Fulfilled(wish))
            self.works.append(self.trial(number))
            next(self.works[-1])

    def rewind(self) -> None:
        kept = [number for number in sorted(self.settled) if self.verdicts[number] == "keep"]
        if kept:
            self.tip = self.chance.choice(kept)
            self.command(c.Rewind(self.tip), e.Rewound(self.tip, "ada@lab"), self.fulfilled())

    def override(self) -> None:
        """A person's word on a row: at once, or as another experiment."""
        row = [number for number in sorted(self.settled) if number and self.verdicts[number] != "crash"]
        if not row:
            return
        number = self.chance.choice(row)
        keep = self.verdicts[number] == "discard"
        wish = self.command(c.Keep(number) if keep else c.Discard(number))
        if self.parents[number] == self.tip or number == self.tip:
            self.judge(number, "keep" if keep else "discard", "ada@lab")
            self.write(e.Fulfilled(wish))
            self.write(e.Applied(number))
        else:
            self.works.append(self.draft("keep" if keep else "revert", number, "ada@lab", wish))

    def say(self) -> None:
        if self.rarely(2):
            self.notes.append(self.command(c.Note("try smaller steps")))
        else:
            wish = self.command(c.Idea("SET DEPTH = 6"))
            self.works.append(self.draft("explore", wish=wish))

    def be_refused(self) -> None:
        self.command(self.chance.choice((c.Skip(1, 1), c.Skip(draft="d0001"), c.Approve("d0001"), c.Reject("d0001", "no"))), accepted=False)

    def withdraw(self) -> None:
        wish = self.command(c.Stop(self.starts))
        self.command(c.Withdraw(wish), e.Lapsed(wish, "withdrawn by ada@lab"), self.fulfilled())

    def change_settings(self) -> None:
        if self.rarely(2):
            self.command(c.Review(True), e.SettingsChanged(e.Limits(), True, "ada@lab"), self.fulfilled())
        else:
            self.command(c.Limit("cost", "5"), e.SettingsChanged(e.Limits(cost=5.0), False, "ada@lab"), self.fulfilled())

    def be_told(self) -> None:
        """What an engine writes down of the world."""
        self.write(
            self.chance.choice(
                (
                    e.Waiting("outside 22:00-07:00"),
                    e.ResearcherDown("sweep", "it does not answer"),
                    e.ResearcherUp("sweep"),
                    e.Warned("the disk is nearly full"),
                    e.ProgramChanged("def", "+ lower is better"),
                )
            )
        )


EVENTUALITIES = (
    Night.be_told,
    Night.say,
    Night.pause_or_resume,
    Night.again,
    Night.override,
    Night.rewind,
    Night.restart,
    Night.be_refused,
    Night.withdraw,
    Night.change_settings,
)
