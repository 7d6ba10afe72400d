"""The commands that were sent from this screen, and what became of them.

Owns the words for it. Does not own the answer: the engine gives it, and every screen hears it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.moment import Night, Told
from autoresearch_tui.cockpit.parts.said import Word
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import BadCommand, Command, Withdraw, parse
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import JournalError

STAYS_S = 10.0  # that an answer is shown


class Asked(NamedTuple):
    """A command that was sent, and what it was called then: what it names may be gone when it is answered."""

    wish: Command
    says: str


class Wishes:
    """What whoever sits here asked of a night."""

    def __init__(self, night: Night, clock: Callable[[], float] = time.monotonic) -> None:
        self._night, self._clock = night, clock
        self._mine: dict[int, Asked] = {}
        self._word: Word | None = None

    # ---- asking ----

    def act(self, action: str, run: Run, row: int | None, alive: bool = True, slot: str = "") -> None:
        """Send what this key means; where it means nothing, say why."""
        found = keys.aim(action, run, row, alive, slot)
        if found is None:
            self.say(keys.nothing(action, run, alive, slot), "warn")
        else:
            self.send(found.wish, run)

    def speak(self, text: str, run: Run) -> None:
        """Any command in the words of the command line."""
        try:
            self.send(parse(text.split(), run), run)
        except BadCommand as error:
            self.say(str(error), "bad")

    def withdraw(self, run: Run) -> None:
        """The last command that waits."""
        if run.wishes:
            self.send(Withdraw(list(run.wishes)[-1]), run)
        else:
            self.say("nothing waits that could be withdrawn.", "warn")

    def send(self, wish: Command, run: Run) -> bool:
        """Whether it is in the journal, where whoever works on the run hears it."""
        try:
            self._mine[self._night.send(wish)] = Asked(wish, keys.said(wish, run))
        except (BadCommand, JournalError, OSError) as error:
            self.say(f"not sent: {error}", "bad")
            return False
        return True

    # ---- hearing ----

    def hear(self, told: Told) -> None:
        self._word = word_of(told, self._mine, self._clock()) or self._word

    def say(self, text: str, role: str = "") -> None:
        self._word = Word(self._clock(), text, role)

    @property
    def word(self) -> Word | None:
        """The newest thing that was said to them, until it was shown for long enough."""
        return self._word if self._word and self._clock() - self._word.at < STAYS_S else None


def word_of(told: Told, mine: dict[int, Asked], now: float) -> Word | None:
    """What this fact says to whoever sent the command that it is about; None where it is about none of theirs."""
    fact = told.recorded.event
    if not isinstance(fact, e.Commanded | e.Fulfilled | e.Lapsed) or fact.command not in mine:
        return None
    wish, what = mine[fact.command]
    match fact:
        case e.Commanded(accepted=False, why=why):
            return Word(now, f"refused: {what}: {why}", "bad")
        case e.Commanded():
            return Word(now, f"accepted: {what}{_when(wish, told.run)}", "good")
        case e.Fulfilled(how=how):
            return Word(now, f"done: {what}" + (f": {how}" if how else ""), "good")
        case e.Lapsed(why=why):
            return Word(now, f"came to nothing: {what}: {why}", "warn")
    return None


def _when(wish: Command, run: Run) -> str:
    """When it acts, where that is not at once."""
    kind = type(wish).__name__
    trains = [one.number for one in run.under_way]
    if kind in ("Pause", "Stop") and trains and not getattr(wish, "now", False):
        return f", after #{trains[0]}" if len(trains) == 1 else f", after the {len(trains)} that train"
    if kind in ("Keep", "Discard") and getattr(wish, "experiment", None) in trains:
        return ", when it ends"
    return ", with the next draft" if kind == "Note" else ""
