"""Help, made from the live bindings: what it says a key does is what the key does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, runtime_checkable

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from autoresearch_tui.cockpit.keys import aims
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.palette import shown_key
from autoresearch_tui.cockpit.parts import help as part
from autoresearch_tui.cockpit.parts.help import Group, Help, Key
from autoresearch_tui.cockpit.widgets.listing import Page
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.workspace import RunFolder


@runtime_checkable
class Selects(Protocol):
    """A screen with a row under its cursor."""

    @property
    def selected(self) -> int | None: ...


class HelpScreen(Screen[None]):
    """About the screen that it was called from, the pane with the focus first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1", "dismiss", "back", id="back")]

    def __init__(self, below: Screen[Any], folder: RunFolder | None = None) -> None:
        super().__init__()
        self._below, self._folder = below, folder
        self._now: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        page: Page[Help] = Page(part.rows, id="help", title="help")
        yield page

    def on_mount(self) -> None:
        self._tell()

    def show(self, moment: Moment) -> None:
        """What the keys would do changes while somebody reads."""
        row = self._below.selected if isinstance(self._below, Selects) else None
        self._now = {one.key: one.says for one in aims(moment.run, row, moment.alive)} if moment.takes_wishes else {}
        self._tell()

    def _tell(self) -> None:
        for pane in self.query(Page):  # it may have gone, while somebody read
            pane.show(Help(tuple(groups_of(self._below, self._now)), _places(self._folder)))


def groups_of(below: Screen[Any], now: dict[str, str]) -> Iterable[Group]:
    """The focused pane, its screen, the app, and then what the other panes understand besides."""
    told: set[tuple[str, str]] = set()
    live: dict[DOMNode, list[Binding]] = {}
    for key, active in below.active_bindings.items():
        live.setdefault(active.node, []).append(active.binding.with_key(key))
    for node, bindings in live.items():
        yield from _group(_title(node, below), bindings, now, told)
    for pane in below.query(Pane):
        if pane is not below.focused and pane.can_focus:
            yield from _group(_title(pane, below), _own(pane), {}, told)


def _group(title: str, bindings: Iterable[Binding], now: dict[str, str], told: set[tuple[str, str]]) -> Iterable[Group]:
    """Keys that do the same stand on one line; what was said already is not said again."""
    keys: dict[tuple[str, str], list[str]] = {}
    for binding in bindings:
        says = binding.description[:1].lower() + binding.description[1:]
        if says and not binding.system and (binding.action, says) not in told and not binding.key.startswith("super+"):
            keys.setdefault((binding.action, says), []).append(shown_key(binding.key))
    told.update(keys)
    lines = [Key(tuple(dict.fromkeys(names)), says, _aimed(names, now)) for (_, says), names in keys.items()]
    if lines:
        yield Group(title, tuple(lines))


def _aimed(names: list[str], now: dict[str, str]) -> str:
    return next((now[name] for name in names if name in now), "")


def _own(pane: Pane[Any]) -> list[Binding]:
    """What a kind of pane adds, as its class says it: those without the focus have no live bindings."""
    kinds = [kind for kind in type(pane).__mro__ if issubclass(kind, Pane) and kind is not Pane]
    return [binding for kind in kinds for binding in Binding.make_bindings(vars(kind).get("BINDINGS", []))]


def _title(node: DOMNode, below: Screen[Any]) -> str:
    if isinstance(node, Pane):
        name = node.id or type(node).__name__
        return f"in {name}" + (", where you are" if node is below.focused else "")
    return "on this screen" if isinstance(node, Screen) else "everywhere"


def _places(folder: RunFolder | None) -> tuple[tuple[str, str], ...]:
    if folder is None:
        return ()
    return (
        ("journal", f"{folder.journal}: everything that is shown is in it"),
        ("results.tsv", f"{folder.results}"),
        ("logs", f"{folder.folder / 'logs'}: one for each trial"),
        ("replies", f"{folder.folder / 'replies'}: what the researcher wrote"),
        ("the model", f"{folder.best}"),
        ("the code", f"git checkout --detach autoresearch/{folder.tag}"),
    )
