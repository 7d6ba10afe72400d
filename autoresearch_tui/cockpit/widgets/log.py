"""A log as it grows. It follows the end until somebody scrolls up; then it holds still and counts."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.worker import Worker

from autoresearch_tui.cockpit.drawing import Row, shown
from autoresearch_tui.cockpit.parts import log
from autoresearch_tui.cockpit.parts.log import Log, Look, Place
from autoresearch_tui.cockpit.searching import Search
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.telemetry.tail import Tail, Window

CONTEXT = 3  # a line that was found stands below a third of the pane


class Held(NamedTuple):
    """Where somebody scrolled to, and what came since."""

    top: Place
    file: int
    counted: int
    """The byte up to which new lines are counted."""
    new: int = 0


class LogPane(Pane[Log]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "find_again", "the found text, the time before", id="find-again"),
        Binding("l", "wrap", "long lines whole, or cut", id="wrap"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._newest = Log()
        self._tail: Tail | None = None
        self._seen = Window()
        self._held: Held | None = None
        self._places: list[Place] = []
        self._wraps = False
        self._search: Search | None = None
        self._looking: Worker[None] | None = None

    # ---- what is shown ----

    def show(self, part: Log) -> None:
        """A log that somebody reads stays, though another training has begun; under another title it goes."""
        self._newest = part
        before = self.part or Log(title=part.title)
        if self._held and part.path != before.path:
            if part.title == before.title:
                part = replace(before, live=False, end=None)
            else:
                self._held = None
        if part.path != before.path or self.part is None:
            self._tail = Tail(part.path) if part.path else None
            self._search = None
        elif part == self.part == self._newest and not (self._tail and self._tail.changed()):
            return
        self.part = part
        if self._held and self._still(self._tail, part, self._held):
            self._entitle()
        else:
            self._held = None
            self.redraw()

    def _still(self, tail: Tail | None, part: Log, held: Held) -> bool:
        """Whether what is held is there, with the lines counted that came."""
        now = tail.window(0, part.end) if tail else Window()
        if tail is None or now.file != held.file or now.size < held.counted:
            return False
        try:
            self._held = held._replace(counted=now.size, new=held.new + tail.count(held.counted, now.size))
        except OSError:
            return False
        return True

    def rows(self, part: Log, width: int, height: int) -> Sequence[Row]:
        held = self._held
        self._seen = self._tail.window(height, part.end, held.top.line if held else None) if self._tail else Window()
        placed = self._drawn(self._seen)
        first = placed_at(placed, held.top) if held else max(0, len(placed) - height)
        if held and self._seen.at_end and len(placed) - first <= height:
            self._held = None  # there is nothing below: it follows again
            return self.rows(part, width, height)
        self._places = [place for place, _ in placed[first : first + height]]
        return [drawn for _, drawn in placed[first : first + height]] or log.empty(part, self._seen, width)

    def _drawn(self, window: Window) -> list[tuple[Place, Row]]:
        look = Look(self._wraps, self._search.text, self._search.found) if self._search else Look(self._wraps)
        return list(log.drawn(window.lines, self.size.width, look, bool(self.part and self.part.live)))

    def title(self, part: Log) -> str:
        return log.title(part)

    def subtitle(self, part: Log) -> str:
        search = self._search.said if self._search else ""
        return log.below(part, self._newest, self._seen, self._held.new if self._held else None, search)

    # ---- moving ----

    def action_move(self, rows: int) -> None:
        """From one row to another, wherever in the file they are."""
        if not (self._tail and self.part and self._places):
            return
        top = self._places[0]
        try:
            start = self._tail.up(top.line, max(0, -rows))
        except OSError:
            return self.action_bottom()  # which says what is wrong
        placed = self._drawn(self._tail.window(abs(rows) + 1, self.part.end, start))
        if placed:
            self._hold(placed[max(0, min(placed_at(placed, top) + rows, len(placed) - 1))][0])

    def action_top(self) -> None:
        self._hold(Place(0, 0))

    def action_bottom(self) -> None:
        self._held = None
        self.show(self._newest)
        self.redraw()

    def action_wrap(self) -> None:
        self._wraps = not self._wraps
        if self._held:
            self._held = self._held._replace(top=Place(self._held.top.line, 0))
        self.redraw()

    def _hold(self, top: Place) -> None:
        self._held = self._held._replace(top=top) if self._held else Held(top, self._seen.file, self._seen.size)
        self.redraw()

    # ---- searching ----

    def find(self, text: str) -> None:
        """Go back to where this text stands, from what is shown on; with no text, nothing is sought any more."""
        shows = self._seen.lines[-1].end if self._seen.lines else None
        self._search = Search(self._tail, shown(text), shows) if text and self._tail else None
        self.action_find_again()
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing is sought, its key is left to others."""
        return self._search is not None if action == "find_again" else True

    def action_find_again(self) -> None:
        if self._looking:
            self._looking.cancel()
        if self._search and self.part:
            self._search.begin()
            self._entitle()
            self._looking = self.run_worker(self._go_back)

    async def _go_back(self) -> None:
        """In its own time; where another log is shown meanwhile, that stays."""
        if (search := self._search) is None:
            return
        await search.back(self.part.end if self.part else None)
        found = search.found
        if search is self._search and self._tail and found is not None and found not in {place.line for place in self._places}:
            with contextlib.suppress(OSError):  # gone: then the pane says so
                self._hold(Place(self._tail.up(found, self.size.height // CONTEXT), 0))
        self.redraw()


def placed_at(placed: list[tuple[Place, Row]], top: Place) -> int:
    """The number of this row among those that are drawn, or of the next one that is there."""
    return next((number for number, (place, _) in enumerate(placed) if place >= top), 0)
