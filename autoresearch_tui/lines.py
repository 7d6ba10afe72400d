"""A run as plain lines, one per event: for `run`, for `--headless`, for a log file. It reads facts and prints nothing itself."""

from __future__ import annotations

from datetime import datetime

import msgspec

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Stop
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import gain_of
from autoresearch_tui.journal.state import Run

SLOTS = 8  # that are named in a line
WHY_AGAIN: dict[str, str] = {
    "again": "a person wants to know",
    "doubt": "the difference may be noise",
    "noise": "how far do equal trainings differ?",
    "pace": "is it the code that is slower, or was it the machine?",
    "disturbed": "the last one was disturbed",
    "suspect": "does that repeat?",
    "drift": "is the machine still the same?",
    "crashes": "does the trunk still train?",
    "device": "it has no number yet on this kind of device",
    "closing": "the closing measurement",
}
"""What is said of each `Purpose`."""


def line(fact: e.Event, run: Run, at: float) -> str | None:
    """What to say about this fact, with the state after it; None if it is of no interest by itself."""
    text = sentence(fact, run, at)
    if text is None:
        return None
    moment = datetime.fromtimestamp(at).strftime("%H:%M:%S") if at else "        "
    return printable(f"{moment}  {text}")


def printable(text: str) -> str:
    """On one line, and without what a terminal would obey: much of it was written by others."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)


def sentence(fact: e.Event, run: Run, at: float) -> str | None:
    """The line without its time, in the words of whoever wrote them: what a terminal would obey is still in it."""
    match fact:
        case e.RunStarted():
            return f"run {fact.tag} begins at {fact.start[:7]}, {fact.budget_s:g} s a trial, numbers {fact.trust}"
        case e.Remembered():
            return f"{len(fact.rows)} rows of {fact.source} are remembered; they were measured elsewhere and are never compared"
        case e.EngineStarted():
            again = f" again after {fact.after}" if fact.after else ""
            who = ", else ".join((fact.researcher, *fact.chain)) + (f" ({fact.chosen})" if fact.chosen else "")
            held = f", {contained(fact.sandbox, fact.sandbox_why)}" if fact.sandbox else ""
            return f"engine {fact.pid} starts{again}: {who} on {fact.device}{', this machine only' if fact.local_only else ''}{held}"
        case e.Equipped():
            return equipment(fact)
        case e.EngineEnded():
            return f"the engine ends: {fact.why}"
        case e.Commanded(accepted=False):
            return f"refused: {refusal(fact)}"
        case e.Commanded(wish=Stop(now=False)):
            after = "what trains now" if len(run.under_way) > 1 else "this trial"
            return f"heard: stop by {fact.by}: it ends after {after}; Ctrl+C again or `stop now` ends it at once"
        case e.Commanded():
            return f"heard: {_command(fact)} by {fact.by}"
        case e.Lapsed():
            return f"command {fact.command} came to nothing: {fact.why}"
        case e.Paused():
            return f"paused by {fact.by}"
        case e.Resumed():
            return f"resumed by {fact.by}"
        case e.Waiting() | e.Warned():
            return f"{'waiting' if isinstance(fact, e.Waiting) else 'warning'}: {fact.why}"
        case e.Shared():
            return fact.why
        case e.Unloaded():
            return f"{fact.researcher} gave {fact.freed_gb:.1f} GB back in {fact.seconds:.1f} s"
        case e.ResearcherDown():
            return f"{fact.researcher} is down: {why_down(fact, at)}"
        case e.ResearcherUp():
            return f"{fact.researcher} is back"
        case e.Declined():
            return f"{fact.researcher} will not answer draft {fact.draft}: {fact.category}"
        case e.Passed():
            return f"{fact.researcher} passes draft {fact.draft} on: {fact.why}"
        case e.Blocked():
            return f"blocked: {fact.what}"
        case e.Spent() if fact.cost is None:
            return f"draft {fact.draft} broke off, and what it cost is not known"
        case e.Rewound():
            return f"the trunk went back to #{fact.to}, by {fact.by}"
        case e.Launched(purpose=purpose) if purpose:
            where = f" in {fact.slot}" if fact.slot else ""
            return f"#{fact.number} again, trial {fact.trial}{where}: {WHY_AGAIN.get(purpose, purpose)}"
        case e.Launched() if fact.slot:
            return f"#{fact.number} trains in {fact.slot}"
        case e.Ended(outcome="hopeless"):
            return f"#{fact.number} ended early: {fact.why}"
        case e.Tainted():
            return f"#{fact.number} trial {fact.trial} is not compared: {fact.why}"
        case e.Drifted():
            return f"the machine drifted: {drift(fact)}"
        case e.Concluded():
            return closing(fact)
        case e.ProgramChanged(diff=diff) if diff:
            return "program.md was changed: the next draft reads it"
        case e.SettingsChanged(by=by) if by:
            return f"settings changed by {by}"
        case e.Refused():
            return f"draft {fact.draft} refused: {fact.reason}"
        case e.Abandoned():
            return f"draft {fact.draft} given up: {fact.why}"
        case e.Held():
            idea = run.drafts[fact.draft].idea if fact.draft in run.drafts else ""
            return f"draft {fact.draft} waits for a person: {idea}"
        case e.Proposed():
            return f"#{fact.number} {fact.operator}: {fact.idea}"
        case e.Ended(outcome="interrupted"):
            return f"#{fact.number} interrupted: {fact.why}"
        case e.Judged() if fact.number in run.experiments:
            return verdict(run.experiments[fact.number], run)
        case e.Unknown():
            return f"{fact.name} (of a later version): {fact.body[:100]}"
    return None


def equipment(fact: e.Equipped) -> str:
    """What came or went, and the slots that there are now."""
    names = [slot.name for slot in fact.slots]
    shown = ", ".join(names[:SLOTS]) + (f" and {len(names) - SLOTS} more" if len(names) > SLOTS else "")
    there = f"{len(names)} slot{'s' * (len(names) != 1)}: {shown}" if names else "no slot is left"
    return f"{fact.why.rstrip('.')}; {there}" if fact.why else there


def refusal(fact: e.Commanded) -> str:
    """A command that was refused, and why."""
    return f"{_command(fact)} by {fact.by}: {fact.why}"


def why_down(fact: e.ResearcherDown, at: float) -> str:
    """And when it is asked again, or by whom."""
    again = "" if fact.until is None else f"; asked again in {max(0.0, fact.until - at):.3g} s"
    return f"{fact.why.rstrip('.')}{'; that takes a person' if fact.for_good else ''}{again}"


def drift(fact: e.Drifted) -> str:
    """What was measured again, and what that puts in doubt."""
    return f"#{fact.number} was {fact.was:.6f} and is {fact.now:.6f}; comparisons since #{fact.since} are in doubt"


def contained(sandbox: str, why: str) -> str:
    """What holds the trainings, and why nothing stronger does."""
    held = "UNSANDBOXED" if sandbox == "unsandboxed" else f"contained by {sandbox}"
    return f"{held} ({why})" if why else held


def closing(fact: e.Concluded) -> str:
    """What the night came to, in a sentence."""
    better = "better than the baseline" if fact.gain > 0 else "no better than the baseline"
    said = f"measured afresh, #{fact.tip} is {better}: gain {_between(fact.gain, fact.low, fact.high, fact.p)}"
    if fact.audit_gain is None:
        return said
    return f"{said}; on text that decided nothing: gain {_between(fact.audit_gain, fact.audit_low, fact.audit_high, fact.audit_p)}"


def _between(gain: float, low: float | None, high: float | None, p: float | None) -> str:
    interval = f"{low:+.6f} to {high:+.6f}" if low is not None and high is not None else "the noise is not known"
    chance = "" if p is None else f", chance p {p:.3f}" if p >= 0.001 else ", chance p < 0.001"
    return f"{gain:+.6f} ({interval}{chance})"


def verdict(one: Experiment, run: Run) -> str:
    number = f"{one.value:.6f}" if one.value is not None and one.verdict != "crash" else "-"
    by = "" if one.by == "policy" else f", decided by {one.by}"
    count = len(one.numbers)
    trials = f" (mean of {count})" if count > 1 else ""
    remeasured = any(trial.purpose in ("noise", "drift", "crashes", "closing") for trial in one.trials)
    if remeasured and one.number in run.trunk and one.by == "policy":
        return f"#{one.number} measured again: {number}{trials}"
    gain = gain_of(run, one) if one.verdict == "keep" and one.by == "policy" else None
    word = f", {gain.word}" if gain else ""
    return f"#{one.number} {one.verdict.upper():8}{number}{trials}  {one.reason}{word}{by}"


def _command(fact: e.Commanded) -> str:
    if fact.wish is None:
        return "a command"
    fields = msgspec.to_builtins(fact.wish)
    kind = fields.pop("kind")
    words = [f"#{fields['experiment']}"] if fields.get("experiment") is not None else []
    words += [str(fields[name]) for name in ("draft", "what", "value", "text", "note", "command") if fields.get(name)]
    words += ["now"] if fields.get("now") else []
    words += ["on" if fields["on"] else "off"] if "on" in fields else []
    return " ".join([kind, *words])
