"""One thing that is told, and what the facts say of it. Pure. What only time tells is `lasting.py`'s."""

from __future__ import annotations

import msgspec

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.account import Result
from autoresearch_tui.morning.parts.result import better, result_of
from autoresearch_tui.morning.wording import duration, number, several
from autoresearch_tui.worth import Severity, worth

DEFAULT = ("best", "ended", "died", "down", "card", "disk")
"""What a person is told who did not say what."""
AT_ONCE = ("best", "kept", "crashes", "review", "restarted")
LONGEST_TITLE, LONGEST = 120, 600  # a phone shows no more of either


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened. Its text is one line without controls."""

    at: float
    """Seconds of UTC."""
    kind: str
    title: str
    text: str = ""
    severity: Severity = "information"


def news(at: float, kind: str, title: str, text: str = "", severity: Severity = "information") -> News:
    """Much of it was written by others: cut, and cleaned of what a terminal would obey."""
    return News(at, kind, clean_line(title, LONGEST_TITLE), clean_line(text, LONGEST), severity)


def news_of(recorded: e.Recorded, run: Run) -> News | None:
    """What is told of a fact as it comes, with the state after it."""
    if isinstance(recorded.event, e.EngineEnded):
        return ended(run, recorded.event.why, recorded.at)
    found = worth(recorded.event, run, recorded.at)
    if found is None or found.kind not in AT_ONCE:
        return None
    return news(recorded.at, found.kind, found.title, found.text, found.severity)


def ended(run: Run, why: str, at: float) -> News:
    """The sentence for seven o'clock: what it came to, why it is over, and what there was."""
    found, counts = result_of(run, noise_of(run), "run"), run.counts
    tally = f"{several(sum(counts.values()), 'experiment')}{_lasted(run, at)}"
    tally += f": {counts['keep']} kept, {counts['discard']} discarded, {counts['crash']} crashed"
    idea = f" Its last change: {run.best.idea}." if run.best is not None and run.best.number else ""
    severity: Severity = "information" if found.value is not None else "error"
    return news(
        at, "ended", f"ended: {_in_short(run, found)}", f"{found.sentence}{idea} {tally}. Why it ended: {why.rstrip('.')}.", severity
    )


def _in_short(run: Run, found: Result) -> str:
    if found.value is None:
        return "no number at all"
    if found.gain is None:
        return f"{run.metric} {number(found.value)}{'' if found.best else ', nothing gained'}"
    sure = f", {found.word}" if found.word else ""
    return f"{run.metric} {number(found.value)}, {better(found.gain)}{sure}"


def _lasted(run: Run, at: float) -> str:
    return f" in {duration(at - run.session_at)}" if run.session_at and run.session == 1 else ""
