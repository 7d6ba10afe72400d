"""The main screen: five panes, the status above them, what was said and what the keys do below.

On a small screen one pane is shown at a time; `f` does the same on a large one. Owns which pane is told what. Does not own what a
command means (`keys.py`), nor who hears it (`app.py`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.css.scalar import Scalar
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widgets import Static

from autoresearch_tui.cockpit import keys as aims
from autoresearch_tui.cockpit import slots
from autoresearch_tui.cockpit.moment import Moment, Night
from autoresearch_tui.cockpit.parts import gpu, log, progress, results, said, status
from autoresearch_tui.cockpit.parts.keys import Key, Keys
from autoresearch_tui.cockpit.widgets.gpu import GpuPane
from autoresearch_tui.cockpit.widgets.keys import KeysLine
from autoresearch_tui.cockpit.widgets.log import LogPane
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.cockpit.widgets.progress import ProgressPane
from autoresearch_tui.cockpit.widgets.proposal import ProposalPane
from autoresearch_tui.cockpit.widgets.results import Opened, ResultsPane, Selected
from autoresearch_tui.cockpit.widgets.said import SaidLine
from autoresearch_tui.cockpit.widgets.status import StatusPane

if TYPE_CHECKING:
    from autoresearch_tui.cockpit.app import Cockpit

WHOLE_S = 0.9
LOG_S = 0.4  # between two looks at a log: its live line is most of what a quiet night sends over SSH
PANES = {"gpu": "the card", "proposal": "proposal", "log": "run.log", "results": "results", "progress": "progress"}
"""In the order of the keys 1 to 5."""


class MainScreen(Screen[None]):
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-phone"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 (Textual reads them from the instance)
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (12, "-low"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "act('pause')", "pause, or go on", id="pause"),
        Binding("s", "act('skip')", "end the running trial, or the draft", id="skip"),
        Binding("K", "act('keep')", "keep it whatever the number says", id="keep"),
        Binding("X", "act('discard')", "discard it, or reject the draft that waits", id="discard"),
        Binding("A", "act('again')", "one more trial of it", id="again"),
        Binding("y", "act('approve')", "approve the draft that waits", id="approve"),
        Binding("v", "act('review')", "let drafts wait for a person, or not", id="review"),
        Binding("n", "write('note')", "a note for the researcher", id="note"),
        Binding("i", "write('idea')", "an idea to be tried next", id="idea"),
        Binding("c", "go_on", "go on with a run that is over, or begin a new night from its best", id="go-on"),
        Binding("w", "withdraw", "withdraw the last command that waits", id="withdraw"),
        *(Binding(str(number), f"pane('{name}')", what, id=f"pane-{name}") for number, (name, what) in enumerate(PANES.items(), 1)),
        Binding("tab", "turn(1)", "the next pane", id="next-pane"),
        Binding("shift+tab", "turn(-1)", "the pane before", id="pane-before"),
        Binding("f", "maximise", "give this pane all the room, or not", id="maximise"),
        Binding("slash", "find", "find in the log, else in the results", id="find"),
        Binding("space", "replay('toggle')", "replay: stand still, or go on", id="replay-toggle"),
        Binding("plus,equals_sign", "replay('faster')", "replay: faster", id="replay-faster"),
        Binding("minus", "replay('slower')", "replay: slower", id="replay-slower"),
        Binding("right_square_bracket", "slot(1)", "the row that trains in the next slot", id="slot-next"),
        Binding("right_square_bracket", "replay('next')", "replay: to the next verdict", id="replay-next"),
        Binding("left_square_bracket", "slot(-1)", "the row that trains in the slot before", id="slot-before"),
        Binding("left_square_bracket", "replay('back')", "replay: to the verdict before", id="replay-back"),
    ]

    def __init__(self, night: Night) -> None:
        super().__init__()
        self.night = night
        self.moment = Moment()
        self._whole_at = self._logged_at = 0.0

    @property
    def cockpit(self) -> Cockpit:
        return cast("Cockpit", self.app)

    def compose(self) -> ComposeResult:
        yield StatusPane(id="status")
        with Container(id="panes"):
            yield GpuPane(id="gpu")
            yield ProposalPane(id="proposal")
            yield LogPane(id="log")
            yield ResultsPane(id="results")
            yield ProgressPane(id="progress")
        yield SaidLine(id="said")
        yield KeysLine(id="keys")
        yield Static("Make it at least 40 columns and 12 rows.", id="too-small", markup=False)

    def on_mount(self) -> None:
        self.action_pane("results")

    # ---- what is shown ----

    def show(self, moment: Moment) -> None:
        """What streams each time; everything where something happened, and once a second for the clocks in it."""
        happened = moment.run is not self.moment.run or (moment.alive, moment.speed) != (self.moment.alive, self.moment.speed)
        self.moment, now = moment, time.monotonic()
        if happened or now - self._whole_at > WHOLE_S:
            self._whole_at = now
            self._show_whole(moment)
        if happened or now - self._logged_at > LOG_S:
            self._logged_at = now
            self.query_one(LogPane).tell(lambda: log.part_of(moment, self.night.folder, self.night.visible))
        self.query_one(ProposalPane).follow(self.night, moment)
        self.query_one(SaidLine).tell(lambda: said.part_of(moment, *self.cockpit.words()))
        self.query_one(KeysLine).tell(self._keys)

    def _show_whole(self, moment: Moment) -> None:
        """Tell every other pane; one that breaks says so, and the rest goes on."""
        self.query_one(StatusPane).tell(lambda: self._status(moment))
        self.query_one(GpuPane).tell(lambda: gpu.part_of(moment))
        listed = self.query_one(ResultsPane)
        listed.tell(lambda: results.part_of(moment, listed.order, listed.filter))
        self.query_one(ProgressPane).tell(lambda: progress.part_of(moment, listed.selected))

    def _status(self, moment: Moment) -> status.Status:
        """With as much room as it takes: where there are several slots, each is told of."""
        part, pane = status.part_of(moment), self.query_one(StatusPane)
        tall = status.tall(part, pane.size.width, self.size.height)
        if pane.styles.inline.height != (None if tall is None else Scalar.from_number(tall)):
            pane.styles.height = tall
        return part

    @property
    def selected(self) -> int | None:
        """The experiment that a person chose; None: nobody did, or they look at the proposal. Then keys mean what is at work."""
        return None if isinstance(self.focused, ProposalPane) else self.query_one(ResultsPane).selected

    @property
    def shows_all(self) -> bool:
        """Every pane, not one of them."""
        return self.has_class("-wide") and self.has_class("-tall") and not self.has_class("-maximised")

    @property
    def marked(self) -> int | None:
        """The experiment that others are compared with."""
        return self.query_one(ResultsPane).marked

    def _keys(self) -> Keys:
        run, alive, takes = self.moment.run, self.moment.alive, self.moment.takes_wishes
        found = aims.aims(run, self.selected, alive, self.moment.slot) if takes else []
        acting = [Key(one.key, one.says, f"act('{one.action}')", short=one.short) for one in found]
        stepping = [Key("]", "next slot", "slot(1)", strong=False)] if self.check_action("slot", ()) else []
        again = [Key("c", "go on", "go_on")] if takes and not alive else []
        if stepping:  # before what is seldom changed
            acting.sort(key=lambda key: key.key == aims.COMMANDS["review"])
            acting[-1:-1] = stepping
        panes = [] if self.shows_all else [Key("1-5", "panes", "turn(1)", strong=False)]
        return Keys((*panes, *again, *acting, *(WRITE if takes else VIEW if self.moment.live else REPLAY), *ALWAYS))

    # ---- panes ----

    def action_pane(self, name: str) -> None:
        for pane in self.query("#panes > Pane").results(Pane):
            pane.set_class(pane.id == name, "-shown")
        self.app.stylesheet.update_nodes(list(self.query("#panes > Pane")))  # at once: what is not displayed yet gets no focus
        self.set_focus(self.query_one(f"#{name}", Pane))  # at once: the next key may be there already

    def action_turn(self, by: int) -> None:
        names = list(PANES)
        now = self.query_one("#panes > .-shown").id
        self.action_pane(names[(names.index(str(now)) + by) % len(names)])

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        if event.widget is self.focused and event.widget.id in PANES and not event.widget.has_class("-shown"):
            self.action_pane(event.widget.id)

    def action_maximise(self) -> None:
        self.toggle_class("-maximised")
        self.app.stylesheet.update(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there are no slots to step through, these keys are a replay's."""
        return action != "slot" or (self.moment.live and len(self.moment.run.under_way) > 1 and bool(self.moment.run.slots))

    def action_slot(self, by: int) -> None:
        """The cursor goes to what trains in another slot, and with it the log and the card."""
        found = slots.places(self.moment.run)
        names = [name for name, place in found.items() if place.trains or name == self.moment.slot]
        at = names.index(self.moment.slot) if self.moment.slot in names else -1
        beside = found[names[(at + by) % len(names)]].trains if names else None
        if beside is not None:
            self.query_one(ResultsPane).select(beside.number)

    # ---- commands ----

    def action_act(self, action: str) -> None:
        self.cockpit.act(action, self.selected)

    def action_write(self, what: str) -> None:
        self.cockpit.write(what)

    def action_go_on(self) -> None:
        self.cockpit.go_on()

    def action_withdraw(self) -> None:
        self.cockpit.withdraw()

    def action_open(self) -> None:
        self.query_one(ResultsPane).action_open()

    def action_find(self) -> None:
        from autoresearch_tui.cockpit.screens.ask import Ask

        pane = self.focused if isinstance(self.focused, LogPane | ResultsPane) else self.query_one(ResultsPane)
        self.app.push_screen(
            Ask(f"find in {PANES[str(pane.id)]}", "some text; nothing shows all again"), lambda text: pane.find(text or "")
        )

    def action_replay(self, how: str) -> None:
        self.cockpit.replay(how)

    @on(Opened)
    def _opened(self, event: Opened) -> None:
        self.cockpit.open_experiment(event.number, self.marked)

    @on(Selected)
    def _selected(self, event: Selected) -> None:
        """Chosen in the list, or on the chart."""
        self.query_one(ResultsPane).select(event.number)
        self.cockpit.look_at(event.number)
        self._show_whole(self.moment)
        self.show(self.moment)


WRITE = (Key("n", "note", "write('note')"), Key("i", "idea", "write('idea')"))
VIEW = (Key("watching", "sends nothing", "act('pause')", strong=False),)
REPLAY = (
    Key("space", "stop, go", "replay('toggle')"),
    Key("+", "faster", "replay('faster')"),
    Key("-", "slower", "replay('slower')"),
    Key("]", "next verdict", "replay('next')"),
)
ALWAYS = (
    Key("enter", "details", "open", strong=False),
    Key("/", "find", "find", strong=False),
    Key("q", "quit", "app.leave", strong=False),
    Key("?", "help", "app.help", strong=False),
)
