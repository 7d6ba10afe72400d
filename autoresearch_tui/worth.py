"""What of a night is worth a word to whoever does something else meanwhile: on the screen, or on a phone. Pure.

Owns which facts those are, what kind each is, how it is said, and when a dead engine stays dead. Does not own who hears it
(`cockpit/notices.py`, `morning/notices/`), nor what else only time tells.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from autoresearch_tui import lines
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import gain_of
from autoresearch_tui.journal.state import Health, Run

Severity = Literal["information", "warning", "error"]
"""As Textual's toasts have it, the worst last."""
Kind = Literal["best", "kept", "crashes", "review", "restarted", "ended", "down", "card", "disk", "other"]
DEAD_S = 150.0
"""How long an engine is dead before it stays so: a keeper waits up to a minute before it starts the next one, which takes its time."""
IN_A_ROW = 3  # crashes: then it is no longer about one idea
WEDGED = ("looked at again by itself", "of the trial cannot be ended")
FULL = ("of disk are free", "no space is left")
"""Words of the engine's sentences for why it waits; a test holds them together."""


class Worth(msgspec.Struct, frozen=True):
    """One thing that happened, in the words of whoever wrote them: what a terminal would obey is still in it."""

    kind: Kind
    severity: Severity
    title: str
    text: str


def worth(fact: e.Event, run: Run, at: float) -> Worth | None:
    """With the state after it; None where it is worth no word."""
    match fact:
        case e.Judged() if fact.number in run.experiments:
            return _verdict(run, run.experiments[fact.number])
        case e.Warned():
            return Worth("other", "warning", "the engine warns", fact.why)
        case e.Waiting():
            return Worth(_why_waiting(fact.why), "warning", "the engine waits", fact.why)
        case e.Paused() if fact.why:
            return Worth("other", "warning", "paused by the engine", fact.why)
        case e.ResearcherDown() if fact.for_good or run.health.get(fact.researcher, Health()).failures <= 1:  # said once, not at each look
            severity: Severity = "error" if fact.for_good else "warning"
            return Worth("down", severity, f"{fact.researcher} is down", lines.why_down(fact, at))
        case e.ResearcherUp():
            return Worth("down", "information", f"{fact.researcher} is back", "it proposes again")
        case e.Blocked():
            return Worth("other", "warning", "a connection was refused", fact.what)
        case e.Drifted():
            return Worth("other", "warning", "the machine drifted", lines.drift(fact))
        case e.Held():
            return Worth("review", "warning", "a draft waits for you", lines.sentence(fact, run, at) or "")
        case e.Commanded(accepted=False):
            return Worth("other", "warning", "command refused", lines.refusal(fact))
        case e.Lapsed() if not fact.why.startswith("withdrawn by "):  # that is what they wanted
            return Worth("other", "warning", f"command {fact.command} came to nothing", fact.why)
        case e.Concluded():
            return Worth("other", "information", "the closing measurement", lines.closing(fact))
        case e.EngineStarted(after=after) if after:
            return Worth("restarted", "warning", "the engine was started again", f"it died before: {after}")
        case e.EngineEnded():
            return Worth("ended", "information", "the engine ended", fact.why)
    return None


def _why_waiting(why: str) -> Kind:
    if any(words in why for words in FULL):
        return "disk"
    return "card" if any(words in why for words in WEDGED) else "other"


def _verdict(run: Run, one: Experiment) -> Worth | None:
    if one.reason.startswith("suspect:"):
        return Worth("other", "warning", f"#{one.number} is suspect", f"{one.idea}: {one.reason}")
    if one.verdict == "crash":
        crashes = _crashes_in_a_row(run)
        if not crashes or crashes % IN_A_ROW:
            return None
        return Worth("crashes", "error", f"{crashes} crashes in a row", f"the last is #{one.number}: {one.reason}")
    measured_again = any(trial.purpose in ("noise", "drift", "crashes", "closing") for trial in one.trials) and one.by == "policy"
    if one.verdict != "keep" or one.number == 0 or measured_again:
        return None
    best = run.best is not None and run.best.number == one.number
    title = f"#{one.number} {'is the best so far' if best else 'is kept'}"
    return Worth("best" if best else "kept", "information", title, _kept(run, one))


def _kept(run: Run, one: Experiment) -> str:
    gain = gain_of(run, one)
    change = f" ({gain.change(run.goal):+.6f} {gain.word})" if gain else ""
    value = f"{run.metric} {one.value:.6f}{change}" if one.value is not None else one.reason
    by = "" if one.by == "policy" else f", kept by {one.by}"
    return f"{value}{by}: {one.idea}"


def _crashes_in_a_row(run: Run) -> int:
    """At the end of what was judged."""
    count = 0
    for number in sorted(run.experiments, reverse=True):
        verdict = run.experiments[number].verdict
        if verdict and verdict != "crash":
            break
        count += verdict == "crash"
    return count
