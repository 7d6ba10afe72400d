"""`fold(events) -> Run`: how facts change the state. Pure and total: any prefix of any journal gives a state.

A fact that makes no sense where it stands (another engine wrote it, a line is missing) changes nothing; it never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Note, Reject, Stop
from autoresearch_tui.journal.experiment import Experiment, Trial, era_of, is_same_device
from autoresearch_tui.journal.state import Answer, Down, Draft, Engine, Health, Run, Share, Waiting

SHOWN = 50  # warnings and answers that a state remembers; the journal has them all


def fold(recorded: Iterable[e.Recorded], run: Run | None = None) -> Run:
    """The state after these facts. The one given is left as it is."""
    work = _Work(run or Run())
    for one in recorded:
        work.take(one)
    return work.finished()


class _Work:
    """A state while facts are added: dicts of its own, and the plain fields that changed."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.seq, self.at = run.seq, run.at
        self.fields: dict[str, Any] = {}
        self.experiments = dict(run.experiments)
        self.index = run.index.copy()
        self.drafts = dict(run.drafts)
        self.wishes = dict(run.wishes)
        self.notes = dict(run.notes)
        self.health = dict(run.health)
        self.down = dict(run.down)
        self.answers = list(run.answers)
        self.warnings = list(run.warnings)

    def get(self, name: str) -> Any:
        return self.fields[name] if name in self.fields else getattr(self.run, name)

    def take(self, recorded: e.Recorded) -> None:
        self.seq, self.at = recorded.seq, recorded.at
        if step := STEPS.get(type(recorded.event)):
            step(self, recorded.event, recorded.at)

    def finished(self) -> Run:
        run = replace(
            self.run,
            **self.fields,
            seq=self.seq,
            at=self.at,
            experiments=self.experiments,
            drafts=self.drafts,
            wishes=self.wishes,
            notes=self.notes,
            health=self.health,
            down=self.down,
            answers=tuple(self.answers[-SHOWN:]),
            warnings=tuple(self.warnings[-SHOWN:]),
        )
        vars(run)["index"] = self.index
        return run

    def put(self, one: Experiment) -> None:
        self.experiments[one.number] = one
        self.index.put(one)

    def change(self, number: int, **fields: Any) -> None:
        """Change an experiment, if there is one."""
        if number in self.experiments:
            self.put(replace(self.experiments[number], **fields))

    def change_trial(self, number: int, trial: int, **fields: Any) -> None:
        if experiment := self.experiments.get(number):
            trials = tuple(replace(one, **fields) if one.number == trial else one for one in experiment.trials)
            self.put(replace(experiment, trials=trials))

    def change_draft(self, draft: str, **fields: Any) -> None:
        if draft in self.drafts:
            self.drafts[draft] = replace(self.drafts[draft], **fields)

    def count(self, draft: str, **more: float) -> None:
        """Add to the health of the draft's researcher."""
        name = self.drafts[draft].researcher if draft in self.drafts else ""
        if name:
            health = self.health.get(name, Health())
            self.health[name] = replace(health, **{field: getattr(health, field) + amount for field, amount in more.items()})

    def count_dialect(self, draft: str, wrong: str = "", **more: float) -> None:
        """Add to what is known of the form that the draft's reply was asked for in."""
        one = self.drafts.get(draft)
        if one and one.dialect and one.researcher:
            health = self.health.get(one.researcher, Health())
            share = health.dialects.get(one.dialect, Share())
            counted = replace(share, **{field: getattr(share, field) + amount for field, amount in more.items()})
            if wrong:
                counted = replace(counted, wrong=counted.wrong | {wrong: counted.wrong.get(wrong, 0) + 1})
            self.health[one.researcher] = replace(health, dialects=health.dialects | {one.dialect: counted})

    def pay(self, name: str, fact: e.Spent | e.Replied) -> None:
        health = self.health.get(name, Health())
        self.count_one(
            name,
            tokens_in=health.tokens_in + fact.tokens_in,
            tokens_out=health.tokens_out + fact.tokens_out,
            cost=health.cost + (fact.cost or 0.0),
            unpriced=health.unpriced + (fact.cost is None),
        )

    def count_one(self, name: str, **fields: Any) -> None:
        """Set fields of a researcher's health."""
        if name:
            self.health[name] = replace(self.health.get(name, Health()), **fields)

    def answer(self, command: int, **fields: Any) -> None:
        self.answers = [replace(one, **fields) if one.command == command else one for one in self.answers]


def run_started(work: _Work, fact: e.RunStarted, at: float) -> None:
    of_the_run = ("tag", "start", "origin", "key", "trust", "seed", "edit", "metric", "goal", "budget_s", "sigma")
    of_a_confirmation = ("confirms", "chosen", "blob", "repeats")
    work.fields |= {name: getattr(fact, name) for name in (*of_the_run, *of_a_confirmation)} | {"started_at": at}


def remembered(work: _Work, fact: e.Remembered, at: float) -> None:
    work.fields["elsewhere"] = (*work.get("elsewhere"), *fact.rows)


def engine_started(work: _Work, fact: e.EngineStarted, at: float) -> None:
    kept = bool(fact.after)
    if not kept:
        work.down.clear()  # whoever starts it may have mended what was wrong
        for name in list(work.health):
            work.count_one(name, failures=0, declined=0, fruitless=0)
    work.fields |= {
        "engine": Engine(
            fact.pid,
            fact.born,
            fact.boot,
            at,
            fact.version,
            fact.researcher,
            fact.device,
            chain=fact.chain,
            chosen=fact.chosen,
            local_only=fact.local_only,
            rates=fact.rates,
            sandbox=fact.sandbox,
            sandbox_why=fact.sandbox_why,
            card=fact.card,
        ),
        "session": work.get("session") + (not kept),
        "restarts": work.get("restarts") + 1 if kept else 0,
        "limits": fact.limits,
        "review": fact.review,
        "review_timeout_s": fact.review_timeout_s,
        "rules": fact.rules,
        "ended": "",
        "waiting": "",
        "slots": (),
    }
    if not kept:  # a person who starts the engine wants it to work
        work.fields |= {"paused": False, "paused_by": "", "paused_why": "", "stopping": False}
        work.fields |= {"conclusion": None, "session_at": at}


def equipped(work: _Work, fact: e.Equipped, at: float) -> None:
    work.fields["slots"] = fact.slots


def engine_ended(work: _Work, fact: e.EngineEnded, at: float) -> None:
    work.fields |= {"ended": fact.why or "nobody said why", "waiting": "", "stopping": False}


def program_changed(work: _Work, fact: e.ProgramChanged, at: float) -> None:
    work.fields["program"] = fact.sha


def settings_changed(work: _Work, fact: e.SettingsChanged, at: float) -> None:
    work.fields |= {"limits": fact.limits, "review": fact.review}


def commanded(work: _Work, fact: e.Commanded, at: float) -> None:
    work.fields["heard"] = max(work.get("heard"), fact.command)
    work.answers = [*work.answers[-SHOWN:], Answer(fact.command, fact.wish, fact.by, fact.accepted, fact.why)]
    if fact.accepted and fact.wish:
        work.wishes[fact.command] = Waiting(fact.command, fact.wish, fact.by, at)
        if isinstance(fact.wish, Note):
            work.notes[fact.command] = fact.wish.text
        if isinstance(fact.wish, Reject) and fact.wish.note:
            work.notes[fact.command] = fact.wish.note
        if isinstance(fact.wish, Stop):
            work.fields["stopping"] = True


def fulfilled(work: _Work, fact: e.Fulfilled, at: float) -> None:
    work.wishes.pop(fact.command, None)
    work.answer(fact.command, done=True, why=fact.how)


def lapsed(work: _Work, fact: e.Lapsed, at: float) -> None:
    wish = work.wishes.pop(fact.command, None)
    work.notes.pop(fact.command, None)
    work.answer(fact.command, accepted=False, done=True, why=fact.why)
    if wish and isinstance(wish.wish, Stop):
        work.fields["stopping"] = any(isinstance(other.wish, Stop) for other in work.wishes.values())


def paused(work: _Work, fact: e.Paused, at: float) -> None:
    work.fields |= {"paused": True, "paused_by": fact.by, "paused_why": fact.why}


def resumed(work: _Work, fact: e.Resumed, at: float) -> None:
    work.fields |= {"paused": False, "paused_by": "", "paused_why": ""}


def waiting(work: _Work, fact: e.Waiting, at: float) -> None:
    work.fields["waiting"] = fact.why


def shared(work: _Work, fact: e.Shared, at: float) -> None:
    work.fields["sharing"] = fact


def unloaded(work: _Work, fact: e.Unloaded, at: float) -> None:
    work.fields["unloaded"] = fact


def researcher_down(work: _Work, fact: e.ResearcherDown, at: float) -> None:
    work.down[fact.researcher] = Down(fact.why, fact.until)
    work.count_one(fact.researcher, failures=work.health.get(fact.researcher, Health()).failures + 1)
    work.fields["fruitless"] = 0  # somebody else's drafts begin anew
    for draft in work.drafts.values():
        if draft.asked == fact.researcher:
            work.change_draft(draft.draft, asked="")


def researcher_up(work: _Work, fact: e.ResearcherUp, at: float) -> None:
    work.down.pop(fact.researcher, None)


def declined(work: _Work, fact: e.Declined, at: float) -> None:
    if draft := work.drafts.get(fact.draft):
        work.change_draft(fact.draft, asked="", declined=(*draft.declined, fact.researcher))
    work.count_one(fact.researcher, declined=work.health.get(fact.researcher, Health()).declined + 1)


def passed(work: _Work, fact: e.Passed, at: float) -> None:
    if draft := work.drafts.get(fact.draft):
        work.change_draft(fact.draft, asked="", declined=(*draft.declined, fact.researcher))


def blocked(work: _Work, fact: e.Blocked, at: float) -> None:
    work.fields["blocked"] = (*work.get("blocked"), fact.what)[-SHOWN:]


def rewound(work: _Work, fact: e.Rewound, at: float) -> None:
    if fact.to in work.experiments:
        work.fields |= {"tip": fact.to, "moved_at": at}


def drifted(work: _Work, fact: e.Drifted, at: float) -> None:
    experiment = work.experiments.get(fact.number)
    looks = [trial for trial in experiment.trials if trial.number >= fact.trial] if experiment else []
    device = looks[0].device if looks else ""
    drifts = work.fields["drifts"] = (*work.get("drifts"), device)
    for trial in looks:
        if is_same_device(trial.device, device):
            work.change_trial(fact.number, trial.number, era=era_of(drifts, device))
    for one in list(work.experiments.values()):
        if one.number >= fact.since and one.verdict and is_same_device(one.device, device):
            work.change(one.number, adrift=True)


def concluded(work: _Work, fact: e.Concluded, at: float) -> None:
    work.fields["conclusion"] = fact


def warned(work: _Work, fact: e.Warned, at: float) -> None:
    work.warnings = [*work.warnings[-SHOWN:], fact.why]


def drafting(work: _Work, fact: e.Drafting, at: float) -> None:
    work.drafts[fact.draft] = Draft(
        fact.draft, fact.operator, fact.parent, fact.researcher, at, of=fact.of, idea_of=fact.idea, notes=fact.notes, kept_by=fact.by
    )
    work.fields |= {"drafted": work.get("drafted") + 1, "waiting": ""}
    if fact.operator == "refit":
        work.fields["refitted"] = True
    if fact.researcher:  # a change that is only made again asks nobody
        work.count(fact.draft, asked=1)


def asked(work: _Work, fact: e.Asked, at: float) -> None:
    if draft := work.drafts.get(fact.draft):
        who = {"asked": fact.researcher, "asked_at": at, "researcher": fact.researcher}
        work.change_draft(fact.draft, **who, dialect=fact.dialect, tokens=fact.tokens)
        if draft.researcher != fact.researcher:  # another of the chain takes it over
            work.count(fact.draft, asked=1)
    work.fields["waiting"] = ""


def replied(work: _Work, fact: e.Replied, at: float) -> None:
    draft = work.drafts.get(fact.draft)
    if draft and fact.tokens_in and draft.tokens and draft.asked:
        work.count(fact.draft, estimated=draft.tokens, counted=fact.tokens_in)
    cost = fact.cost or 0.0
    work.count_dialect(fact.draft, asked=1, tokens_in=fact.tokens_in, tokens_out=fact.tokens_out, seconds=fact.seconds, cost=cost)
    work.change_draft(fact.draft, replied=True, asked="", cut=fact.cut)
    work.fields["waiting"] = ""
    work.count(fact.draft, seconds=fact.seconds)
    if draft:
        work.pay(draft.researcher, fact)
        work.count_one(draft.researcher, failures=0, declined=0, **({"seen": fact.seen} if fact.seen else {}))


def spent(work: _Work, fact: e.Spent, at: float) -> None:
    work.pay(fact.researcher, fact)  # its draft may be gone: somebody skipped it


def refused(work: _Work, fact: e.Refused, at: float) -> None:
    if draft := work.drafts.get(fact.draft):
        work.drafts[fact.draft] = replace(
            draft,
            replied=False,
            refusals=(*draft.refusals, fact.reason),
            dialects=(*draft.dialects, draft.dialect),
            detail=fact.detail,
        )
        work.count(fact.draft, refused=1)
        work.count_dialect(fact.draft, wrong=fact.wrong or "reply")
        if fact.wrong == "same":  # it was understood: no other form would have helped
            work.count_dialect(fact.draft, usable=1)
        wrong = work.health[draft.researcher].wrong if draft.researcher in work.health else {}
        work.count_one(draft.researcher, wrong=wrong | {fact.wrong or "reply": wrong.get(fact.wrong or "reply", 0) + 1})


def drafted(work: _Work, fact: e.Drafted, at: float) -> None:
    names = ("blob", "idea", "why", "changes", "fingerprint", "added")
    fields = {name: getattr(fact, name) for name in names}
    if fact.parent is None:
        work.count(fact.draft, usable=1)
        work.count_dialect(fact.draft, usable=1)
    else:
        fields["parent"] = fact.parent
    work.change_draft(fact.draft, **fields)


def held(work: _Work, fact: e.Held, at: float) -> None:
    work.change_draft(fact.draft, held_until=fact.until)


def approved(work: _Work, fact: e.Approved, at: float) -> None:
    work.change_draft(fact.draft, approved_by=fact.by)


def abandoned(work: _Work, fact: e.Abandoned, at: float) -> None:
    draft = work.drafts.pop(fact.draft, None)
    if not fact.by and not fact.outdated:
        work.fields["given_up"] = (*work.get("given_up"), *([draft] if draft else []))[-SHOWN:]
        work.fields |= {"fruitless": work.get("fruitless") + 1, "fruitless_at": at}
        if draft and draft.researcher in work.health:
            work.count_one(draft.researcher, fruitless=work.health[draft.researcher].fruitless + 1)


def proposed(work: _Work, fact: e.Proposed, at: float) -> None:
    draft = work.drafts.pop(fact.draft, None)
    for note in draft.notes if draft else ():
        work.notes.pop(note, None)
    one = Experiment(
        fact.number,
        fact.operator,
        fact.parent,
        fact.idea,
        at,
        why=fact.why,
        draft=fact.draft,
        blob=fact.blob,
        changes=fact.changes,
        fingerprint=fact.fingerprint,
        added=fact.added,
        researcher=fact.researcher,
        of=fact.of,
        kept_by=fact.by,
    )
    work.put(one)
    if fact.researcher in work.health:
        work.count_one(fact.researcher, fruitless=0)
    work.fields |= {"waiting": "", "fruitless": 0}


def committed(work: _Work, fact: e.Committed, at: float) -> None:
    work.change(fact.number, commit=fact.commit)
    if work.get("tip") is None and fact.number in work.experiments:
        work.fields["tip"] = fact.number  # the baseline


def launched(work: _Work, fact: e.Launched, at: float) -> None:
    if experiment := work.experiments.get(fact.number):
        trial = Trial(fact.trial, fact.seed, fact.pid, fact.born, fact.boot, at, purpose=fact.purpose)
        trial = replace(trial, era=era_of(work.get("drifts"), fact.device), slot=fact.slot, device=fact.device)
        work.change(fact.number, trials=(*experiment.trials, trial), settled=False)
        work.fields["waiting"] = ""


def ended(work: _Work, fact: e.Ended, at: float) -> None:
    names = ("outcome", "crash", "why", "by", "seconds", "gap_s", "slow", "shrank", "kwh", "card")
    work.change_trial(fact.number, fact.trial, **{name: getattr(fact, name) for name in names})


def measured(work: _Work, fact: e.Measured, at: float) -> None:
    names = ("value", "trust", "memory_gb", "steps", "tokens_m", "training_s", "recorded", "audit", "evidence")
    fields = {name: getattr(fact, name) for name in names}
    work.change_trial(fact.number, fact.trial, measured=True, **fields | ({"why": fact.refused} if fact.refused else {}))


def tainted(work: _Work, fact: e.Tainted, at: float) -> None:
    work.change_trial(fact.number, fact.trial, taint=fact.why)


def judged(work: _Work, fact: e.Judged, at: float) -> None:
    if experiment := work.experiments.get(fact.number):
        trials = len(experiment.trials)
        work.change(fact.number, verdict=fact.verdict, reason=fact.reason, by=fact.by, judged=trials, settled=False)
    if fact.tip in work.experiments:
        work.fields["tip"] = fact.tip


def applied(work: _Work, fact: e.Applied, at: float) -> None:
    work.change(fact.number, settled=True)


STEPS: dict[type[e.Event], Callable[[_Work, Any, float], None]] = {
    e.RunStarted: run_started,
    e.Remembered: remembered,
    e.EngineStarted: engine_started,
    e.Equipped: equipped,
    e.EngineEnded: engine_ended,
    e.ProgramChanged: program_changed,
    e.SettingsChanged: settings_changed,
    e.Commanded: commanded,
    e.Fulfilled: fulfilled,
    e.Lapsed: lapsed,
    e.Paused: paused,
    e.Resumed: resumed,
    e.Waiting: waiting,
    e.Shared: shared,
    e.Unloaded: unloaded,
    e.ResearcherDown: researcher_down,
    e.Declined: declined,
    e.Passed: passed,
    e.Blocked: blocked,
    e.Asked: asked,
    e.Spent: spent,
    e.ResearcherUp: researcher_up,
    e.Rewound: rewound,
    e.Drifted: drifted,
    e.Concluded: concluded,
    e.Warned: warned,
    e.Drafting: drafting,
    e.Replied: replied,
    e.Refused: refused,
    e.Drafted: drafted,
    e.Held: held,
    e.Approved: approved,
    e.Abandoned: abandoned,
    e.Proposed: proposed,
    e.Committed: committed,
    e.Launched: launched,
    e.Ended: ended,
    e.Measured: measured,
    e.Tainted: tainted,
    e.Judged: judged,
    e.Applied: applied,
}
