"""One line of text, asked for at the bottom of the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label


class Ask(ModalScreen[str | None]):
    """Answered by the text, or by None where whoever was asked thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # before the line itself hears them, to which ctrl+c means to copy
        Binding("escape,ctrl+c,ctrl+q", "dismiss(None)", "leave it", id="leave-it", priority=True),
    ]

    def __init__(self, title: str, hint: str = "", value: str = "") -> None:
        super().__init__()
        self._title, self._hint, self._value = title, hint, value

    def compose(self) -> ComposeResult:
        with Vertical(id="asked"):
            yield Label(self._title, id="asked-title", markup=False)
            yield Input(self._value, placeholder=self._hint, id="answer")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)
