"""What the engine says to a command: the facts that follow from it at once. Pure.

A command acts on the target that it names or not at all. Those that act later stay among the wishes of the state, and `plan.py` finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import asdict, replace

from autoresearch_tui.clock import inside, next_time
from autoresearch_tui.engine.judge import by_hand, lost_rewinds
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Sent
from autoresearch_tui.journal.text import clean_line

LONGEST = 1000  # characters of a text in a command


class Refusal(Exception):
    """Why a command cannot be obeyed."""


def answer(run: Run, sent: Sent, now: datetime) -> list[e.Event]:
    """The command's answer, and with it whatever it changes at once."""
    sent = replace(sent, by=clean_line(sent.by), wish=_cleaned(sent.wish))
    wish = sent.wish
    if wish is None:
        return [e.Commanded(sent.id, None, sent.by, False, f"this version does not know the command {clean_line(sent.kind)!r}")]
    try:
        facts = ANSWERS[type(wish)](run, wish, sent, now)
    except Refusal as refusal:
        return [e.Commanded(sent.id, wish, sent.by, False, str(refusal))]
    return [e.Commanded(sent.id, wish, sent.by, True), *facts]


def _cleaned(wish: c.Command | None) -> c.Command | None:
    """What becomes a fact shows what it says."""
    if wish is None:
        return None
    return replace(wish, **{name: clean_line(text, LONGEST) for name, text in asdict(wish).items() if isinstance(text, str)})


def _done(sent: Sent, how: str = "") -> e.Fulfilled:
    return e.Fulfilled(sent.id, how)


def pause(run: Run, wish: c.Pause, sent: Sent, now: datetime) -> list[e.Event]:
    _same_session(run, wish.session)
    if run.paused:
        return [_done(sent, "it is paused already")]
    return []


def resume(run: Run, wish: c.Resume, sent: Sent, now: datetime) -> list[e.Event]:
    _same_session(run, wish.session)
    pauses = [e.Lapsed(one.command, f"resumed by {sent.by}") for one in run.wishes.values() if isinstance(one.wish, c.Pause)]
    if run.paused:
        return [e.Resumed(sent.by), *pauses, _done(sent)]
    return [*pauses, _done(sent, "" if pauses else "it was not paused")]


def stop(run: Run, wish: c.Stop, sent: Sent, now: datetime) -> list[e.Event]:
    _same_session(run, wish.session)
    return []


def skip(run: Run, wish: c.Skip, sent: Sent, now: datetime) -> list[e.Event]:
    if wish.draft:
        if wish.draft not in run.drafts:
            raise Refusal(f"draft {wish.draft} is not in flight any more")
        lapsed = _lapsed_with(run, wish.draft, f"skipped by {sent.by}")
        return [e.Abandoned(wish.draft, "skipped by hand", sent.by), *lapsed, _done(sent)]
    if wish.experiment is None:
        raise Refusal("it names neither a trial nor a draft")
    running = next((one for one in run.under_way if (one.number, one.trials[-1].number) == (wish.experiment, wish.trial)), None)
    if running is None:
        raise Refusal(f"#{wish.experiment} is not training any more")
    if running.number == 0 and running.value is None:
        raise Refusal("everything is compared with the baseline, so it cannot be skipped")
    if any(other.wish == wish for other in run.wishes.values()):
        return [_done(sent, "it is being skipped already")]
    return []


def keep_or_discard(run: Run, wish: c.Keep | c.Discard, sent: Sent, now: datetime) -> list[e.Event]:
    one = _experiment(run, wish.experiment)
    if isinstance(wish, c.Discard) and one.number == 0:
        raise Refusal("everything is compared with the baseline, so it cannot be discarded")
    said = [other for other in run.wishes.values() if isinstance(other.wish, c.Keep | c.Discard) and other.wish.experiment == one.number]
    if said and said[-1].wish == wish:
        return [_done(sent, f"command {said[-1].command} says so already")]
    facts = row_decided(run, wish, sent.id, sent.by) or []
    return [*(fact for other in said for fact in _taken_back(run, other.command, f"overruled by {sent.by}", sent.by)), *facts]


def row_decided(run: Run, wish: c.Keep | c.Discard, command: int, by: str) -> list[e.Event] | None:
    """A person's word on a settled row, where the resulting code is already measured; None where it is to be trained, or to end, first."""
    one = run.experiments[wish.experiment]
    if not one.settled:
        return None
    if one.verdict == "crash":
        raise Refusal(f"#{one.number} crashed: it cannot be kept, and is not")
    if isinstance(wish, c.Keep) and one.verdict == "keep" and one.number in run.trunk:
        return [e.Fulfilled(command, f"#{one.number} is kept already")]
    if isinstance(wish, c.Discard) and one.verdict == "discard" and one.number not in run.trunk:
        return [e.Fulfilled(command, f"#{one.number} is discarded already")]
    decided = by_hand(run, one, wish, by)
    return [decided, e.Fulfilled(command), *lost_rewinds(run, decided)] if decided else None


def again(run: Run, wish: c.Again, sent: Sent, now: datetime) -> list[e.Event]:
    _experiment(run, wish.experiment)
    return []


def note(run: Run, wish: c.Note, sent: Sent, now: datetime) -> list[e.Event]:
    if not wish.text:
        raise Refusal("the note is empty")
    return []


def idea(run: Run, wish: c.Idea, sent: Sent, now: datetime) -> list[e.Event]:
    if not wish.text:
        raise Refusal("the idea is empty")
    return []


def rewind(run: Run, wish: c.Rewind, sent: Sent, now: datetime) -> list[e.Event]:
    one = _experiment(run, wish.experiment)
    if not one.verdict:
        raise Refusal(f"#{one.number} has no verdict yet")
    if one.verdict == "crash":
        raise Refusal(f"#{one.number} crashed: the trunk cannot go there")
    if one.verdict != "keep":
        raise Refusal(f"#{one.number} was not kept: `keep {one.number}` takes its change onto the trunk")
    return []


def review(run: Run, wish: c.Review, sent: Sent, now: datetime) -> list[e.Event]:
    freed = [] if wish.on else [e.Approved(one.draft, sent.by) for one in run.drafts.values() if one.held_until and not one.approved_by]
    return [e.SettingsChanged(run.limits, wish.on, sent.by), *freed, _done(sent)]


def approve(run: Run, wish: c.Approve, sent: Sent, now: datetime) -> list[e.Event]:
    _held(run, wish.draft)
    return [e.Approved(wish.draft, sent.by, wish.note), _done(sent)]


def reject(run: Run, wish: c.Reject, sent: Sent, now: datetime) -> list[e.Event]:
    _held(run, wish.draft)
    why = f"rejected: {wish.note}" if wish.note else "rejected"
    return [e.Abandoned(wish.draft, why, sent.by), *_lapsed_with(run, wish.draft, f"rejected by {sent.by}"), _done(sent)]


def limit(run: Run, wish: c.Limit, sent: Sent, now: datetime) -> list[e.Event]:
    return [e.SettingsChanged(limited(run.limits, wish.what, wish.value, now), run.review, sent.by), _done(sent)]


def withdraw(run: Run, wish: c.Withdraw, sent: Sent, now: datetime) -> list[e.Event]:
    waiting = run.wishes.get(wish.command)
    if waiting is None:
        raise Refusal(f"command {wish.command} does not wait any more")
    if isinstance(waiting.wish, c.Skip) or (isinstance(waiting.wish, c.Stop) and waiting.wish.now):
        raise Refusal(f"command {wish.command} acts already")
    return [*_taken_back(run, wish.command, f"withdrawn by {sent.by}", sent.by), _done(sent)]


def limited(limits: e.Limits, what: str, value: str, now: datetime) -> e.Limits:
    """The limits with one of them changed; until and hours are two ways to say the same moment."""
    if what in c.LIMITS and value == "none":
        return replace(limits, **{"deadline" if what in ("until", "hours") else what: "" if what == "between" else None})
    try:
        if what == "until":
            return replace(limits, deadline=next_time(value, now).timestamp())
        if what == "hours":
            return replace(limits, deadline=now.timestamp() + 3600 * _positive(value))
        if what == "cost":
            return replace(limits, cost=_positive(value))
        if what == "between":
            inside(value, now)
            return replace(limits, between=value)
        if what == "experiments" and value.isascii() and value.isdigit() and 0 < int(value) < 10**9:
            return replace(limits, experiments=int(value))
    except (ValueError, OverflowError) as error:
        raise Refusal(f"{value!r} is no limit of {what}: {error}") from None
    raise Refusal(f"{value!r} is no limit of {what}")


def _positive(value: str) -> float:
    number = float(value)
    if not 0 < number < 1e6:
        raise ValueError("it must be more than nothing and less than a million")
    return number


def _same_session(run: Run, session: int) -> None:
    if session != run.session:
        raise Refusal("it was meant for an engine that has ended")


def _experiment(run: Run, number: int) -> Experiment:
    if number not in run.experiments:
        raise Refusal(f"there is no experiment #{number}")
    return run.experiments[number]


def _held(run: Run, name: str) -> None:
    draft = run.drafts.get(name)
    if draft is None or draft.held_until is None:
        raise Refusal(f"draft {name} does not wait for a person any more")
    if draft.approved_by:
        raise Refusal(f"draft {name} was approved by {draft.approved_by}")


def _taken_back(run: Run, command: int, why: str, by: str) -> list[e.Event]:
    """A wish goes, and what is made for it goes with it."""
    drafts = [draft.draft for draft in run.drafts.values() if draft.idea_of == command]
    return [*(e.Abandoned(draft, why, by) for draft in drafts), e.Lapsed(command, why)]


def _lapsed_with(run: Run, draft: str, why: str) -> list[e.Event]:
    """A wish whose draft goes goes with it."""
    wish = run.drafts[draft].idea_of
    return [e.Lapsed(wish, why)] if wish in run.wishes else []


ANSWERS: dict[type, Callable[[Run, Any, Sent, datetime], list[e.Event]]] = {
    c.Pause: pause,
    c.Resume: resume,
    c.Stop: stop,
    c.Skip: skip,
    c.Keep: keep_or_discard,
    c.Discard: keep_or_discard,
    c.Again: again,
    c.Note: note,
    c.Idea: idea,
    c.Rewind: rewind,
    c.Review: review,
    c.Approve: approve,
    c.Reject: reject,
    c.Limit: limit,
    c.Withdraw: withdraw,
}
