"""What all panes share: a frame, rows of cells that may be more than fit, and one method.

Only rows that changed are painted again: what a terminal over SSH is sent is what happened. And whatever fails in a pane, in a key, a
click, a resize or a frame, fails there: the pane says so, and the rest of the screen goes on.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from autoresearch_tui.cockpit.drawing import EMPTY, ROLES, Row, Span, changed, cut, row, shown, wrapped

Part = TypeVar("Part")
Kind = TypeVar("Kind", bound="Pane[Any]")
Given = ParamSpec("Given")
CALLED = ("show", "redraw", "scroll_rows", "find")
"""What others call in a pane, besides its actions and what it does on events."""


class Broken(Message):
    """A pane could not show something: a bug of ours."""

    def __init__(self, pane: str, why: str) -> None:
        super().__init__()
        self.pane, self.why = pane, why


def alone(method: Callable[Concatenate[Kind, Given], None]) -> Callable[Concatenate[Kind, Given], None]:
    """A pane that fails in this says so; whoever called it goes on."""

    @functools.wraps(method)
    def tried(pane: Kind, /, *given: Given.args, **named: Given.kwargs) -> None:
        try:
            method(pane, *given, **named)
        except Exception as error:
            pane.broke(error)

    return tried


class Pane(Widget, Generic[Part], can_focus=True):
    """A part of the moment, drawn. A kind of pane says how its rows are made."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"pane--{role}" for role in ROLES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="up"),
        Binding("down,j", "move(1)", "down", show=False, id="down"),
        Binding("pageup", "page(-1)", "a page up", show=False, id="page-up"),
        Binding("pagedown", "page(1)", "a page down", show=False, id="page-down"),
        Binding("home,g", "top", "to the top", show=False, id="top"),
        Binding("end,G", "bottom", "to the end", show=False, id="bottom"),
    ]

    def __init_subclass__(cls, *given: Any, **named: Any) -> None:
        """Whatever a kind of pane does by itself, it fails alone."""
        super().__init_subclass__(*given, **named)
        for name, method in list(vars(cls).items()):
            called = name in CALLED or name.startswith(("action_", "on_"))
            if called and inspect.isfunction(method) and not inspect.iscoroutinefunction(method):
                setattr(cls, name, alone(method))

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.part: Part | None = None
        self.top = 0
        """The first row that is shown."""
        self._rows: Sequence[Row] = ()
        self._painted: list[Row] = []
        self._styles: dict[str, Style] = {}
        self._at_end = True
        self._broken: set[str] = set()
        """Where it broke already: that was said."""
        self._wrong = ""
        """How it is broken now."""
        self._titles = "", ""

    # ---- what a kind of pane says ----

    def rows(self, part: Part, width: int, height: int) -> Sequence[Row]:
        """All rows of the part; they may be drawn only as they are asked for."""
        raise NotImplementedError

    def follows(self, part: Part) -> bool:
        """Whether it stays at its end while it grows, until somebody scrolls up."""
        return False

    def title(self, part: Part) -> str:
        """In the frame; foreign text may be in it."""
        return str(self.border_title or "")

    def subtitle(self, part: Part) -> str:
        """In the frame below: how much there is besides what is shown."""
        below = len(self._rows) - self.top - self.size.height
        if below <= 0 and not self.top:
            return ""
        return f"{self.top + 1}-{min(len(self._rows), self.top + self.size.height)} of {len(self._rows)}"

    # ---- what the screen does ----

    def tell(self, part_of: Callable[[], Part]) -> None:
        """Show what this makes. Where even that fails, the pane says so too."""
        try:
            part = part_of()
        except Exception as error:
            self.broke(error)
        else:
            self.show(part)

    def broke(self, error: Exception) -> None:
        """It says so until it can show something again; each bug is told once, or a file would fill with the last one."""
        where = traceback.extract_tb(error.__traceback__)[-1:]
        bug = f"{type(error).__name__} {[(frame.filename, frame.lineno) for frame in where]}"
        if bug not in self._broken:
            self._broken.add(bug)
            trace = "".join(traceback.format_exception(error))
            self.log.error(trace)
            self.post_message(Broken(self.id or type(self).__name__, trace))
        self.part, self._wrong = None, f"{type(error).__name__}: {error}"
        self._say_wrong()

    def _say_wrong(self) -> None:
        said = f"This pane broke ({self._wrong}). The others go on, and so does the night."
        self._rows = [row(Span(line, "bad")) for line in wrapped(said, max(1, self.size.width))]
        self.top = 0
        self._paint()

    @alone
    def show(self, part: Part) -> None:
        """Show this; nothing happens where it is shown already."""
        if part != self.part:
            self.part = part
            self.redraw()

    # ---- drawing ----

    @alone
    def redraw(self) -> None:
        """Make the rows again, and paint those that differ."""
        if self.part is None or not self.size:
            if self._wrong:
                self._say_wrong()
            return
        self._rows = self.rows(self.part, self.size.width, self.size.height)
        self._wrong = ""
        self.scroll_rows(self._top_now(self.part))

    def _top_now(self, part: Part) -> int:
        """Which row is the first, once the rows were made again."""
        return len(self._rows) if self._at_end and self.follows(part) else self.top

    @alone
    def scroll_rows(self, top: int) -> None:
        """Show the rows from this one on, or as far as there are any."""
        self._at_end = top + self.size.height >= len(self._rows)
        self.top = max(0, min(top, len(self._rows) - self.size.height))
        self._paint()
        self._entitle()

    def _paint(self) -> None:
        """What is on the screen is compared with what should be; the terminal is sent the difference."""
        window = [self._row(self.top + y) for y in range(self.size.height)]
        before, self._painted = self._painted, window
        if len(before) != len(window):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, window, strict=True)):
            if old != new:
                x, wide = changed(old, new, self.size.width)
                self.refresh(Region(x, y, wide, 1))

    def _row(self, number: int) -> Row:
        return self._rows[number] if number < len(self._rows) else EMPTY

    def _entitle(self) -> None:
        if self.part is None:  # it broke, and says so
            return
        titles = shown(self.title(self.part)), shown(self.subtitle(self.part))
        if titles != self._titles:  # what Textual gives back is not what it was given
            self._titles = titles
            self.border_title, self.border_subtitle = (text.replace("[", r"\[") for text in titles)

    def render_line(self, y: int) -> Strip:
        try:
            return self._line(y)
        except Exception as error:
            self.call_later(self.broke, error)  # once the others are painted
            return Strip.blank(self.size.width)

    def _line(self, y: int) -> Strip:
        line = cut(self._painted[y], self.size.width) if y < len(self._painted) else EMPTY
        strip = Strip([Segment(span.text, self._style(span.role)) for span in line])
        return strip.adjust_cell_length(self.size.width, self._style(line[-1].role if line and "cursor" in line[-1].role else ""))

    def _style(self, role: str) -> Style:
        if role not in self._styles:
            style = self.rich_style
            for word in role.split():
                style += self.get_component_rich_style(f"pane--{word}", partial=True)
            self._styles[role] = style
        return self._styles[role]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()

    def on_resize(self, event: events.Resize) -> None:
        self.redraw()

    # ---- moving ----

    def action_move(self, rows: int) -> None:
        self.scroll_rows(self.top + rows)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - 1))

    def action_top(self) -> None:
        self.scroll_rows(0)

    def action_bottom(self) -> None:
        self.scroll_rows(len(self._rows))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(3)
