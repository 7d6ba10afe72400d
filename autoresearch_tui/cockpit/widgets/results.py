"""The list of experiments: its cursor, its order, and what it is filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import results
from autoresearch_tui.cockpit.parts.columns import is_headed
from autoresearch_tui.cockpit.parts.ranking import EVERYTHING, ORDERS, VERDICTS, Filter
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.journal.experiment import Experiment


class Selected(Message):
    """Keys mean this experiment from now on; None: the one that runs."""

    def __init__(self, number: int | None) -> None:
        super().__init__()
        self.number = number


class Opened(Message):
    """Somebody wants to see all of this experiment."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class ResultsPane(Pane[results.Results]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "all about this experiment", show=False, id="open"),
        Binding("o", "order", "order by number, value, change or memory", show=False, id="order"),
        Binding("F", "filter", "all, or only kept, discarded, crashed or running ones", show=False, id="filter"),
        Binding("m", "mark", "mark it: other diffs are made against it", show=False, id="mark"),
        Binding("escape", "clear", "show all again", show=False, id="clear"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.order = ORDERS[0]
        self.filter = EVERYTHING
        self.selected: int | None = None
        """The experiment that a person chose; None: nobody did, and keys mean the one that runs."""
        self.marked: int | None = None
        self._place: int | None = None
        """Of the row that stays in sight, unless somebody scrolled away from it."""
        self._in_sight = True

    # ---- drawing ----

    def rows(self, part: results.Results, width: int, height: int) -> Sequence[Row]:
        return results.rows(part, width, height, results.aimed(part, self.selected), self.marked)

    def title(self, part: results.Results) -> str:
        return results.title(part)

    def subtitle(self, part: results.Results) -> str:
        return results.subtitle(part, self.top, self.size.width, self.size.height)

    def _top_now(self, part: results.Results) -> int:
        """An experiment that was in sight stays there, whatever comes or is sorted."""
        self._place = results.place(part, self.selected)
        return self._top_with(self._place, self._top_with(results.end(part, self.selected), self.top)) if self._in_sight else self.top

    def scroll_rows(self, top: int) -> None:
        if self.part is not None:
            super().scroll_rows(top)
            self._in_sight = self._top_with(self._place, self.top) == self.top

    def _row(self, number: int) -> Row:
        """The header, where there is one, stays at the top."""
        return super()._row(0 if self._head and number == self.top else number)

    def _top_with(self, place: int | None, top: int) -> int:
        """Where the rows begin so that this one is among them, moved no further from there than that takes."""
        room = self.size.height - self._head
        return top if place is None else max(min(top, place), place - room + 1)

    @property
    def _head(self) -> int:
        return int(is_headed(self.size.width))

    # ---- the cursor ----

    def select(self, number: int | None) -> None:
        """Put the cursor there, in sight; None: it is where the work is again."""
        if self.part is None:
            return
        changed, self.selected = number != self.selected, number
        self._in_sight = True
        self.redraw()
        if changed:
            self.post_message(Selected(number))

    def action_move(self, rows: int) -> None:
        if self.part is not None:
            before = self.selected
            self.select(results.moved(self.part, self.selected, rows))
            if self.selected == before:  # what stands before the first, or behind the last, is none that keys could mean
                self.scroll_rows(self.top + rows)

    def action_top(self) -> None:
        self.action_move(-len(self._rows))
        self.scroll_rows(0)

    def action_bottom(self) -> None:
        """Where what runs is the last, the cursor goes with the work from now on."""
        if self.part is not None:
            last = results.moved(self.part, self.selected, len(self._rows))
            self.select(None if last == results.aimed(self.part, None) else last)
            self.scroll_rows(len(self._rows))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.prevent_default().stop()
        self.scroll_rows(self.top - 3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.prevent_default().stop()
        self.scroll_rows(self.top + 3)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        place = -1 if at is None else self.top + at.y - self._head
        entries = results.table(self.part).entries if self.part is not None else ()
        if 0 <= place < len(entries) and at is not None and at.y >= self._head and isinstance(one := entries[place], Experiment):
            self.select(one.number)
            if event.chain == 2:
                self.action_open()

    def action_open(self) -> None:
        if self.part is not None and (number := results.followed(self.part, self.selected)) is not None:
            self.post_message(Opened(number))

    def action_mark(self) -> None:
        if self.part is not None:
            number = results.followed(self.part, self.selected)
            self.marked = None if self.marked == number else number
            self.redraw()

    # ---- which rows, in which order ----

    def action_order(self) -> None:
        self._look(_next(ORDERS, self.order), self.filter)

    def action_filter(self) -> None:
        self._look(self.order, replace(self.filter, verdict=_next(VERDICTS, self.filter.verdict)))

    def find(self, text: str) -> None:
        """Only rows that hold this; nothing shows all of them again."""
        self._look(self.order, replace(self.filter, text=text.strip()))

    def action_clear(self) -> None:
        self._look(self.order, EVERYTHING)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.filter != EVERYTHING if action == "clear" else True

    def _look(self, order: str, filter: Filter) -> None:
        """A chosen experiment that is filtered away gives the cursor to the nearest one that is not."""
        self.order, self.filter = order, filter
        if self.part is not None:
            self.show(replace(self.part, order=order, filter=filter))
            hidden = self.selected is not None and results.place(self.part, self.selected) is None
            self.select(results.nearest(self.part, self.selected) if hidden else self.selected)


def _next(names: Sequence[str], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]
