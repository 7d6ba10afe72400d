"""A question in a box, over whatever is below; and the screen that asks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.parts import question
from autoresearch_tui.cockpit.parts.question import Question
from autoresearch_tui.cockpit.widgets.listing import Listing

Result = TypeVar("Result")


class QuestionPane(Listing[Question]):
    """As tall as what it says. A choice is taken by Enter, by its letter, or by the mouse."""

    def head(self, part: Question, width: int) -> Sequence[Row]:
        return question.head(part, width)

    def entries(self, part: Question, width: int) -> Sequence[Sequence[Row]]:
        return question.entries(part, width, self.cursor)

    def title(self, part: Question) -> str:
        return part.title

    def subtitle(self, part: Question) -> str:
        return part.hint

    def show(self, part: Question) -> None:
        before, self.part = self.part, part
        if before != part:
            self.refresh(layout=True)
            self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Asked while the screen is laid out, where nothing may fail."""
        try:
            return len(self.rows(self.part, width, 0)) if self.part else max(1, len(self._rows))
        except Exception as error:
            self.broke(error)
            return len(self._rows)

    def on_key(self, event: events.Key) -> None:
        for index, choice in enumerate(self.part.choices if self.part else ()):
            if choice.key and event.character == choice.key:
                event.stop()
                self.put(index)
                self.action_choose()


class QuestionScreen(ModalScreen[Result]):
    """Asks; what an answer means is said by each kind."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+c,ctrl+q", "leave", "back, and nothing is done", id="back")]

    def compose(self) -> ComposeResult:
        yield QuestionPane(id="question")

    def on_mount(self) -> None:
        self.ask()

    def question(self) -> Question:
        raise NotImplementedError

    def chosen(self, answer: str) -> None:
        raise NotImplementedError

    def ask(self) -> None:
        """Show the question as it is now."""
        self.query_one(QuestionPane).show(self.question())

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Listing.Chosen)
    def _chosen(self, event: Listing.Chosen) -> None:
        event.stop()
        part = self.query_one(QuestionPane).part
        if part is not None:
            self.chosen(part.choices[event.index].answer)
