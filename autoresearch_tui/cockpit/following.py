"""One night, as long as it is on the screen: what becomes known of it, what was asked of it, and when that is shown.

Owns the pace: the journal is looked at fifty times a second and shown at once, what streams is shown four times a second. Does not own
any widget: it is given a function that shows a moment, and one for notices.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable

from msgspec.structs import replace

from autoresearch_tui.cockpit import keys, slots
from autoresearch_tui.cockpit.breakage import write_down
from autoresearch_tui.cockpit.moment import Moment, Night, Told
from autoresearch_tui.cockpit.notices import Bell, Heard, Notice
from autoresearch_tui.cockpit.parts.said import Word
from autoresearch_tui.cockpit.replay import ReplayedNight
from autoresearch_tui.cockpit.wishes import Wishes
from autoresearch_tui.journal.commands import Command
from autoresearch_tui.journal.store import JournalError

POLL_S = 0.02
FRAME_S = 0.25
HAND_S = 0.4  # from something on the screen to a finger that knows of it
HASTY = ("skip", "keep", "discard", "again", "approve")
"""Keys whose target is what happens to be at work."""
LOST_S = 2.0  # until a journal that could not be read is looked at again


class Following:
    """`moment` is the last one that could be had."""

    def __init__(
        self,
        night: Night,
        show: Callable[[Moment], None],
        toast: Callable[[list[Notice]], None],
        ring: Callable[[], None] = lambda: None,
    ) -> None:
        self.night = night
        self.wishes, self.heard = Wishes(night), Heard()
        self.row: int | None = None
        """The experiment that somebody chose last: where it trains, that slot is looked at."""
        self.moment = self._looked(night.moment())
        self._show, self._toast, self._ring = show, toast, ring
        self._bell = Bell()
        self._broken = ""
        self._targets: dict[str, tuple[Command | None, float]] = {}

    async def follow(self) -> None:
        """Until it is cancelled. Nothing ends it by itself: a screen that stands still would look alive."""
        clock, frame = asyncio.get_running_loop().time, 0.0
        while True:
            pause = POLL_S
            try:
                told = self.night.poll()
                if told or clock() >= frame:
                    frame = clock() + FRAME_S
                    self.show(told)
                self._broken = ""
            except (JournalError, OSError) as error:
                pause = LOST_S
                self.wishes.say(f"the journal cannot be read now: {error}", "bad")
                self._show_old()
            except Exception as error:  # a bug of ours: whoever looks sees that, and the keys still work
                pause = LOST_S
                self._broke(error)
                self._show_old()
            await asyncio.sleep(pause)

    def show(self, told: list[Told] | None = None) -> None:
        """Everything as it is now, with what became known since."""
        for one in told or ():
            self.wishes.hear(one)
        known = len(self.heard.notices)
        self._toast(self.heard.hear(told or ()))
        self.moment = self._looked(self.night.moment(), self.moment.slot)
        if self._bell.rings(self.heard.notices[known:], self.moment):
            self._ring()
        self._aim()
        self._show(self.moment)

    def _looked(self, moment: Moment, before: str = "") -> Moment:
        """With the slot that is looked at."""
        return replace(moment, slot=slots.looked_at(moment.run, moment.now, self.row, before))

    @property
    def words(self) -> tuple[Word | None, Word | None]:
        """What the engine said to this screen, and what happened last."""
        return self.wishes.word, self.heard.last

    # ---- what is asked, and shown at once ----

    def act(self, action: str, row: int | None) -> None:
        if self._is_at_work(action, row) and time.monotonic() - self._targets.get(action, (None, 0.0))[1] < HAND_S:
            self.wishes.say(f"{action}: what it means changed as you pressed: press again.", "warn")
        else:
            self.wishes.act(action, self.moment.run, row, self.moment.alive, self.moment.slot)
        self.show()

    def _is_at_work(self, action: str, row: int | None) -> bool:
        """The target is not what somebody chose, but what happens to run."""
        running = self.moment.running
        return row is None or (action == "skip" and bool(self.moment.slot) and (running is None or running.number != row))

    def choose(self, row: int | None) -> None:
        """Look at this experiment from now on, where it trains."""
        self.row = row
        if self.moment.run.slots:
            self.show()

    def _aim(self) -> None:
        """Since when each key means what it means: who sees a change needs a moment, and a screen that stood still shows it late."""
        for action in HASTY:
            found = keys.aim(action, self.moment.run, None, self.moment.alive, self.moment.slot)
            wish = found.wish if found else None
            if action not in self._targets:
                self._targets[action] = wish, 0.0
            elif self._targets[action][0] != wish:
                self._targets[action] = wish, time.monotonic()

    def send(self, wish: Command) -> bool:
        sent = self.wishes.send(wish, self.moment.run)
        self.show()
        return sent

    def withdraw(self) -> None:
        self.wishes.withdraw(self.moment.run)
        self.show()

    def speak(self, text: str) -> None:
        self.wishes.speak(text, self.moment.run)
        self.show()

    def refuse(self, why: str) -> None:
        """Say to whoever pressed a key that nothing came of it."""
        self.wishes.say(why, "warn")
        self.show()

    def steer(self, how: str) -> None:
        """Of a replay. Where it goes back, what it told lies ahead again."""
        if isinstance(self.night, ReplayedNight):
            self.night.steer(how)
            self.heard = Heard() if how == "back" else self.heard
            self.show()

    # ---- where that fails ----

    def _show_old(self) -> None:
        """What stands there is old, and the line above the keys says so."""
        try:
            self._show(self.moment)
        except Exception as error:
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        if said != self._broken:  # each is written down once, not every two seconds
            self._broken = said
            self.wishes.say(f"the night cannot be shown now ({said}); {write_down(traceback.format_exc())}", "bad")
