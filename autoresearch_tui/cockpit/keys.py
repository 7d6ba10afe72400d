"""What a key would do now, and to what. Pure: the footer says it before it is done, and the same aim is sent.

Owns which command a key stands for. Does not own whether it is obeyed: the engine answers.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from autoresearch_tui.cockpit import slots
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.state import Run


class Aim(msgspec.Struct, frozen=True):
    """A command with its target, as whoever presses the key sees it."""

    action: str
    key: str
    says: str
    """Such as `keep #12`."""
    wish: c.Command
    short: str = ""
    """The same without the slot."""


COMMANDS = {
    "pause": "p",
    "skip": "s",
    "keep": "K",
    "discard": "X",
    "again": "A",
    "approve": "y",
    "review": "v",
}
"""What one key does by itself."""
TEXTS: dict[str, tuple[str, str, Callable[[str], c.Command]]] = {
    "note": ("a note for the researcher, with its next draft", "such as: leave the depth alone", c.Note),
    "idea": ("an idea, tried next", "in words, or SET NAME = value", c.Idea),
}
"""What is asked for a line of text: its title, a hint, and the command that it becomes."""


def aim(action: str, run: Run, row: int | None, alive: bool = True, slot: str = "") -> Aim | None:
    """What this action means now, with the experiment that the cursor is on, and the slot that is looked at.

    None where it means nothing. `alive`: an engine works.
    """
    wish = _wish(action, run, row, alive, slot)
    if wish is None:
        return None
    says = said(wish, run)
    return Aim(action, COMMANDS[action], says, wish, says.partition(" in ")[0] if isinstance(wish, c.Skip) else "")


def aims(run: Run, row: int | None, alive: bool = True, slot: str = "") -> list[Aim]:
    """Of every key, in the order of the footer."""
    return [found for action in COMMANDS if (found := aim(action, run, row, alive, slot)) is not None]


def _wish(action: str, run: Run, row: int | None, alive: bool, slot: str) -> c.Command | None:
    held = next((draft for draft in run.drafts.values() if draft.waits), None)
    over = bool(run.ended) or run.engine is None or not alive
    running = slots.at_work(run, slot) if not over else None
    on = run.experiments.get(row) if row is not None else running
    match action:
        case "pause" if not over:
            pausing = run.paused or any(isinstance(one.wish, c.Pause) for one in run.wishes.values())
            return c.Resume(run.session) if pausing else c.Pause(run.session)
        case "skip" if running is not None:
            return c.Skip(running.number, running.trials[-1].number)
        case "skip" if run.drafts and not over and not run.under_way:
            return c.Skip(draft=next(iter(run.drafts)))
        case "approve" if held:
            return c.Approve(held.draft)
        case "discard" if held and row is None:  # a row that somebody chose is what they mean
            return c.Reject(held.draft)
        case "keep" if on is not None and on.verdict != "crash":
            return c.Keep(on.number)
        case "discard" if on is not None and on.number != 0 and on.verdict != "crash":
            return c.Discard(on.number)
        case "again" if on is not None:
            return c.Again(on.number)
        case "review" if not over:
            return c.Review(not run.review)
    return None


def nothing(action: str, run: Run, alive: bool = True, slot: str = "") -> str:
    """Why this action means nothing now."""
    if (run.ended or not alive) and action in ("pause", "skip", "review"):
        return f"no engine works on {run.tag}: there is nothing to {action}."
    if action == "skip" and run.under_way:
        return f"nothing trains in {slot}: choose a row that is training."
    return {
        "skip": "nothing to skip: neither a trial nor a draft is in flight.",
        "approve": "nothing to approve: no draft waits for a person.",
        "discard": "nothing to discard: choose a row that did not crash and is not the baseline.",
        "keep": "nothing to keep: choose a row that did not crash.",
        "again": "nothing to train again: choose a row.",
    }.get(action, f"nothing to {action} now.")


def said(wish: c.Command, run: Run) -> str:
    """A command in words, with its target."""
    match wish:
        case c.Skip(draft=draft) if draft:
            return f"skip draft {draft}"
        case c.Skip():
            one = run.experiments.get(wish.experiment) if wish.experiment is not None else None
            return f"skip #{wish.experiment}" + (slots.where(run, one) if one else "")
        case c.Keep() | c.Discard() | c.Again():
            return f"{_name(wish)} #{wish.experiment}"
        case c.Rewind():
            return f"rewind to #{wish.experiment}"
        case c.Review():
            return f"review {'on' if wish.on else 'off'}"
        case c.Approve() | c.Reject():
            return f"{_name(wish)} draft {wish.draft}" + (f": {wish.note}" if wish.note else "")
        case c.Note() | c.Idea():
            return f"{_name(wish)}: {wish.text}"
        case c.Limit():
            return f"limit {wish.what} {wish.value}"
        case c.Stop():
            return "stop now" if wish.now else "stop after this trial"
        case c.Withdraw():
            other = run.wishes.get(wish.command)
            return f"withdraw {said(other.wish, run)}" if other else f"withdraw command {wish.command}"
    return _name(wish)


def _name(wish: c.Command) -> str:
    return type(wish).__name__.lower()
