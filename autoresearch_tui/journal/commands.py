"""Wishes: what anybody may ask of a run. A command names its target as its sender saw it.

`parse` makes one from the words of a person; whether it is accepted is for the engine to say, when it hears it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autoresearch_tui.journal.text import clean_line

if TYPE_CHECKING:
    from autoresearch_tui.journal.state import Run


class Wish(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag=str.lower):
    """Base of all commands. A session is one start of the engine by a person; a keeper's restarts belong to it."""


class Pause(Wish, frozen=True):
    session: int


class Resume(Wish, frozen=True):
    session: int


class Skip(Wish, frozen=True):
    """Ends one trial, or one draft."""

    experiment: int | None = None
    trial: int | None = None
    draft: str = ""


class Keep(Wish, frozen=True):
    experiment: int


class Discard(Wish, frozen=True):
    experiment: int


class Again(Wish, frozen=True):
    experiment: int


class Note(Wish, frozen=True):
    text: str


class Idea(Wish, frozen=True):
    text: str


class Rewind(Wish, frozen=True):
    experiment: int


class Review(Wish, frozen=True):
    on: bool


class Approve(Wish, frozen=True):
    draft: str
    note: str = ""


class Reject(Wish, frozen=True):
    draft: str
    note: str = ""


class Limit(Wish, frozen=True):
    what: str
    """`experiments`, `hours`, `until`, `cost` or `between`."""
    value: str
    """As it was said; `none` takes the limit away."""


class Stop(Wish, frozen=True):
    session: int
    now: bool = False


class Withdraw(Wish, frozen=True):
    command: int


Command = (
    Pause | Resume | Skip | Keep | Discard | Again | Note | Idea | Rewind | Review | Approve | Reject | Limit | Stop | Withdraw
)  # fmt: skip


class BadCommand(Exception):
    """It cannot be sent: one sentence."""


ARGUMENTS = {
    "pause": "",
    "resume": "",
    "skip": "[NUMBER]",
    "keep": "[NUMBER]",
    "discard": "[NUMBER]",
    "again": "[NUMBER]",
    "note": "TEXT",
    "idea": "TEXT",
    "rewind": "NUMBER",
    "review": "on|off",
    "approve": "[NOTE]",
    "reject": "[NOTE]",
    "limit": "experiments|hours|until|cost|between VALUE|none",
    "stop": "[now]",
    "withdraw": "NUMBER",
}
"""What each command takes, for the help and for a sentence."""

LIMITS = ("experiments", "hours", "until", "cost", "between")


def parse(words: list[str], run: Run) -> Command:
    """The command that these words mean now, with the target that the sender sees."""
    if not words or words[0] not in ARGUMENTS:
        known = f"one of {', '.join(ARGUMENTS)}."
        raise BadCommand(f"there is no command {words[0]!r}: it is {known}" if words else f"which command? It is {known}")
    name, rest = words[0], words[1:]
    text = clean_line(" ".join(rest), None)
    usage = BadCommand(f"use `{name}{' ' if ARGUMENTS[name] else ''}{ARGUMENTS[name]}`.")
    match name:
        case "pause" | "resume" if not rest:
            return (Pause if name == "pause" else Resume)(run.session)
        case "stop" if rest in ([], ["now"]):
            return Stop(run.session, bool(rest))
        case "skip" if len(rest) < 2:
            return _skip_of(run, _number(rest[0], usage)) if rest else _skip(run)
        case "keep" | "discard" | "again" if len(rest) < 2:
            number = _number(rest[0], usage) if rest else _running(run, name)
            return Keep(number) if name == "keep" else Discard(number) if name == "discard" else Again(number)
        case "rewind" if len(rest) == 1:
            return Rewind(_number(rest[0], usage))
        case "withdraw" if len(rest) == 1:
            return Withdraw(_number(rest[0], usage))
        case "note" | "idea" if text:
            return (Note if name == "note" else Idea)(text)
        case "review" if rest in (["on"], ["off"]):
            return Review(rest == ["on"])
        case "approve" | "reject":
            return (Approve if name == "approve" else Reject)(_held(run, name), text)
        case "limit" if len(rest) == 2 and rest[0] in LIMITS:
            return Limit(rest[0], rest[1])
    raise usage


def _number(word: str, usage: BadCommand) -> int:
    if not (word.lstrip("#").isascii() and word.lstrip("#").isdigit() and len(word) < 10):
        raise usage
    return int(word.lstrip("#"))


def _skip(run: Run) -> Skip:
    if run.under_way:
        return _skip_of(run, _running(run, "skip"))
    for draft in run.drafts.values():
        return Skip(draft=draft.draft)
    raise BadCommand("nothing to skip: neither a trial nor a draft is in flight.")


def _skip_of(run: Run, number: int) -> Skip:
    """The trial of this experiment that runs."""
    for one in run.under_way:
        if one.number == number:
            return Skip(number, one.trials[-1].number)
    trains = f"what trains is {_numbers(run)}" if run.under_way else "nothing trains now"
    raise BadCommand(f"nothing to skip: #{number} is not training; {trains}.")


def _running(run: Run, name: str) -> int:
    """What trains, where there is no doubt which one is meant."""
    if not run.under_way:
        raise BadCommand(f"nothing is training: say which, as in `{name} {max(run.experiments, default=0)}`.")
    if len(run.under_way) > 1:
        raise BadCommand(f"{name} which: {_numbers(run)}? Say it, as in `{name} {run.under_way[-1].number}`.")
    return run.under_way[0].number


def _numbers(run: Run) -> str:
    """Of what trains."""
    *others, last = (str(one.number) for one in run.under_way)
    return f"{', '.join(others)} or {last}" if others else last


def _held(run: Run, name: str) -> str:
    for draft in run.drafts.values():
        if draft.waits:
            return draft.draft
    raise BadCommand(f"nothing to {name}: no draft waits for a person.")
