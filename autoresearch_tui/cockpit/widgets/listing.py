"""A pane of things of which one is under the cursor; Enter or a second click chooses it. And one that is only read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from autoresearch_tui.cockpit.drawing import Row, Span
from autoresearch_tui.cockpit.widgets.pane import Pane

Part = TypeVar("Part")


class Page(Pane[Part]):
    """Rows that are read and scrolled, made by a function that is given."""

    def __init__(self, drawn: Callable[[Part, int, int], Sequence[Row]], *, id: str | None = None, title: str = "") -> None:
        super().__init__(id=id)
        self._drawn = drawn
        self.border_title = title

    def rows(self, part: Part, width: int, height: int) -> Sequence[Row]:
        return self._drawn(part, width, height)


class Listing(Pane[Part]):
    """A kind of listing says what stands above its entries, and of which rows each is made."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "choose what the cursor is on", id="choose")]

    class Chosen(Message):
        """Somebody wants this entry."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self._begins: list[int] = []
        """The row of each entry; the last number is where all ends."""

    def head(self, part: Part, width: int) -> Sequence[Row]:
        return ()

    def entries(self, part: Part, width: int) -> Sequence[Sequence[Row]]:
        raise NotImplementedError

    def rows(self, part: Part, width: int, height: int) -> Sequence[Row]:
        out = list(self.head(part, width))
        entries = self.entries(part, width)
        self.cursor = max(0, min(self.cursor, len(entries) - 1))
        self._begins = [len(out)]
        for index, entry in enumerate(entries):
            out += [under_cursor(line) for line in entry] if index == self.cursor else entry
            self._begins.append(len(out))
        return out

    @property
    def count(self) -> int:
        return max(0, len(self._begins) - 1)

    def put(self, index: int) -> None:
        """The cursor on this entry, and the entry in sight."""
        self.cursor = max(0, min(index, self.count - 1))
        self.redraw()
        if self.count:
            begins, ends = self._begins[self.cursor : self.cursor + 2]
            top = min(self.top, begins if self.cursor else 0)
            self.scroll_rows(max(top, ends - self.size.height))

    def action_move(self, rows: int) -> None:
        self.put(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        tallest = max(1, (self._begins[-1] - self._begins[0]) // max(1, self.count)) if self._begins else 1
        self.put(self.cursor + pages * max(1, self.size.height // tallest - 1))

    def action_top(self) -> None:
        self.put(0)

    def action_bottom(self) -> None:
        self.put(self.count - 1)

    def action_choose(self) -> None:
        if self.count:
            self.post_message(self.Chosen(self.cursor))

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        at = self.top + place.y
        hit = next((index for index in range(self.count) if self._begins[index] <= at < self._begins[index + 1]), None)
        if hit is None:
            return
        if hit == self.cursor:
            self.action_choose()
        else:
            self.put(hit)


def under_cursor(line: Row) -> Row:
    return tuple(Span(span.text, f"{span.role} cursor".strip()) for span in line) or (Span(" ", "cursor"),)
