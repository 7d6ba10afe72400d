"""One experiment, in sections: what it was, what it changed, what was answered, printed, measured, seen and asked of it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.breakage import write_down
from autoresearch_tui.cockpit.moment import Moment, Night, Told
from autoresearch_tui.cockpit.parts import experiment, log, said, trials
from autoresearch_tui.cockpit.parts.experiment import SECTIONS, Sheet
from autoresearch_tui.cockpit.parts.keys import Key, Keys
from autoresearch_tui.cockpit.parts.page import Page, Prose
from autoresearch_tui.cockpit.parts.story import Story, story_of
from autoresearch_tui.cockpit.replies import Replies
from autoresearch_tui.cockpit.screens.ask import Ask
from autoresearch_tui.cockpit.versions import Versions, name_of
from autoresearch_tui.cockpit.widgets.keys import KeysLine
from autoresearch_tui.cockpit.widgets.log import LogPane
from autoresearch_tui.cockpit.widgets.said import SaidLine
from autoresearch_tui.cockpit.widgets.sheet import SheetPane
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import JournalError

if TYPE_CHECKING:
    from autoresearch_tui.cockpit.app import Cockpit

ACTIONS = ("keep", "discard", "again")
HERE = {
    "diff": (("t", "trunk", "against('trunk')"), ("b", "baseline", "against('baseline')"), ("m", "marked row", "against('marked')")),
    "log": (("5", "the trial before", "section('log')"), ("/", "find", "find")),
}
"""What else a key does in one section."""
Said = tuple[int, tuple[int, ...], int]
"""What a story depends on: the commands that were heard and those that wait, and how many experiments there are."""


class ExperimentScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(at), f"section('{name}')", f"this experiment: {name}", id=f"section-{name}") for at, name in enumerate(SECTIONS, 1)),
        Binding("left", "step(-1)", "the section before", id="section-before"),
        Binding("right", "step(1)", "the next section", id="section-next"),
        Binding("t", "against('trunk')", "compare with the trunk", id="against-trunk"),
        Binding("b", "against('baseline')", "compare with the baseline", id="against-baseline"),
        Binding("m", "against('marked')", "compare with the row that is marked", id="against-marked"),
        Binding("K", "act('keep')", "keep it whatever the number says", id="keep"),
        Binding("X", "act('discard')", "discard it", id="discard"),
        Binding("A", "act('again')", "one more trial of it", id="again"),
        Binding("left_square_bracket", "neighbour(-1)", "the experiment before", id="experiment-before"),
        Binding("right_square_bracket", "neighbour(1)", "the next experiment", id="experiment-next"),
        Binding("slash", "find", "find in its log", id="find"),
        Binding("escape,q", "close", "back", id="close"),
    ]

    def __init__(self, night: Night, number: int, marked: int | None = None) -> None:
        super().__init__()
        self.night, self.number, self.marked = night, number, marked
        self.moment = Moment()
        self._section, self._against = "what", "parent"
        self._trial = 0
        """Whose log is shown, counted from the last."""
        self._replies, self._versions = Replies(night.folder), Versions(night.git)
        self._story: Story | None = None
        self._told: tuple[int, Said] | None = None
        """What the story is of."""
        self._past: tuple[Said, Sequence[Told]] | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def cockpit(self) -> Cockpit:
        return cast("Cockpit", self.app)

    def compose(self) -> ComposeResult:
        yield KeysLine(id="sections")
        yield SheetPane(id="sheet")
        yield LogPane(id="sheet-log")
        yield SaidLine(id="said")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.show(self.night.moment())
        self._turn()

    # ---- what is shown ----

    def show(self, moment: Moment) -> None:
        """It goes on while it is looked at."""
        self.moment = moment
        one = moment.run.experiments.get(self.number)
        self._read_story(moment.run)
        self.query_one("#sections", KeysLine).tell(lambda: experiment.bar(self._section, self.size.width - 2))
        self.query_one(SheetPane).tell(lambda: self._sheet(moment, one))
        self.query_one(LogPane).tell(lambda: self._log(one))
        self.query_one(SaidLine).tell(lambda: said.part_of(moment, *self.cockpit.words()))
        self.query_one("#keys", KeysLine).tell(lambda: self._keys(moment))

    def _sheet(self, moment: Moment, one: Experiment | None) -> Sheet:
        what = f"{self.number} {self._section} {self._against}"
        if one is None:
            sentence = f"There is no experiment #{self.number} at this moment of the night."
            return Sheet(f"#{self.number}", what, (Prose(sentence, "dim"),))
        return Sheet(experiment.title_of(moment.run, one), what, self._page(moment, one))

    def _page(self, moment: Moment, one: Experiment) -> Page:
        match self._section:
            case "diff":
                return self._difference(moment.run, one)
            case "reply" | "thinking":
                reply = self._replies.read(one.draft, self.night.visible(self.night.folder.reply(one.draft)))
                return experiment.replied(one, reply, self._story, "text" if self._section == "reply" else "thinking")
            case "trials":
                return trials.trials(moment.run, one)
            case "telemetry":
                return trials.telemetry(one)
            case "commands":
                return experiment.commands(self._story)
        return experiment.what(moment, one, self._story)

    def _difference(self, run: Run, one: Experiment) -> Page:
        other = experiment.other_of(run, one, self._against, self.marked)
        found = self._versions.difference(name_of(run, other), name_of(run, one)) if other and other is not one else None
        return experiment.difference(one, other, self._against, found)

    def _log(self, one: Experiment | None) -> log.Log:
        if one is None or not one.trials:
            return log.Log(f"#{self.number}", said="No log yet: it begins with the first trial.")
        trial = one.trials[-1 - self._trial % len(one.trials)]
        path = self.night.folder.log(one.number, trial.number)
        return log.Log(f"#{one.number} trial {trial.number}", "", path, self.night.visible(path), live=not trial.outcome)

    def _keys(self, moment: Moment) -> Keys:
        aims = keys.aims(moment.run, self.number, moment.alive) if moment.takes_wishes else []
        acting = [Key(aim.key, aim.says, f"act('{aim.action}')") for aim in aims if aim.action in ACTIONS]
        there = [Key(key, says, action, strong=False) for key, says, action in HERE.get(self._section, ())]
        moving = [Key("]", "next", "neighbour(1)", strong=False), Key("[", "before", "neighbour(-1)", strong=False)]
        return Keys((*acting, *there, *moving, Key("q", "back", "close", strong=False)))

    def _read_story(self, run: Run) -> None:
        """The whole journal is read for it, in a thread: once for all that somebody walks over, and again when something was said."""
        wanted = (self.number, (run.heard, tuple(run.wishes), len(run.experiments)))
        if wanted != self._told and (self._reading is None or self._reading.done()):
            self._story = self._story if self._told and self._told[0] == self.number else None
            self._told = wanted
            self._reading = asyncio.create_task(self._tell_story(*wanted))

    async def _tell_story(self, number: int, now: Said) -> None:
        try:
            if self._past is None or self._past[0] != now:
                self._past = now, await asyncio.to_thread(self.night.past)
            story = await asyncio.to_thread(story_of, self._past[1], number)
        except (JournalError, OSError) as error:
            story = Story(said=str(error))
        except Exception as error:  # a bug of ours: the other sections go on
            story = Story(said=f"What was said of it cannot be told ({type(error).__name__}); {write_down(traceback.format_exc())}.")
        if number == self.number:
            self._story = story

    # ---- moving ----

    def action_section(self, name: str) -> None:
        self._trial = self._trial + 1 if name == self._section else 0
        self._section = name
        self._turn()

    def action_step(self, by: int) -> None:
        self.action_section(SECTIONS[(SECTIONS.index(self._section) + by) % len(SECTIONS)])

    def _turn(self) -> None:
        """Show what was chosen; keys that scroll are for it."""
        on_log = self._section == "log"
        self.query_one(SheetPane).display, self.query_one(LogPane).display = not on_log, on_log
        self.query_one(LogPane if on_log else SheetPane).focus()
        self.show(self.moment)

    def action_against(self, what: str) -> None:
        self._section, self._against = "diff", "parent" if what == self._against else what
        self._turn()

    def action_neighbour(self, by: int) -> None:
        found = sorted(self.moment.run.experiments)
        beyond = [number for number in found if (number > self.number if by > 0 else number < self.number)]
        if beyond:
            self.number, self._trial = beyond[0] if by > 0 else beyond[-1], 0
            self.show(self.moment)

    def action_close(self) -> None:
        self.dismiss()

    # ---- commands ----

    def action_act(self, action: str) -> None:
        self.cockpit.act(action, self.number)

    def action_find(self) -> None:
        if self._section == "log":
            self.app.push_screen(
                Ask("find in the log", "some text; nothing ends it"), lambda text: self.query_one(LogPane).find(text or "")
            )
