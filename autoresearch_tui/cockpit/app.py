"""Wires a night to the screens, and the keys to the night; does nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType

from autoresearch_tui.cockpit import editing, keys, starting, themes
from autoresearch_tui.cockpit.breakage import write_down
from autoresearch_tui.cockpit.following import Following
from autoresearch_tui.cockpit.live import LiveNight
from autoresearch_tui.cockpit.moment import VIEW, Moment, Night
from autoresearch_tui.cockpit.notices import Notice
from autoresearch_tui.cockpit.parts.said import Word
from autoresearch_tui.cockpit.screens.main import MainScreen
from autoresearch_tui.cockpit.widgets.pane import Broken
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.store import JournalError
from autoresearch_tui.settings import SettingsError, load
from autoresearch_tui.workspace import WorkspaceError, open_workspace
from autoresearch_tui.worth import Severity

if TYPE_CHECKING:
    from textual.command import Provider

    from autoresearch_tui.cockpit.screens.go_on import Going

IN_A_WORKSPACE = ("runs", "settings", "edit")
OF_A_NIGHT = ("notices", "command", "report")
"""Actions that mean nothing elsewhere."""


def palette() -> type[Provider]:
    """Imported when somebody opens it: so are screens, for a first paint waits for every import."""
    from autoresearch_tui.cockpit.palette import Actions

    return Actions


@runtime_checkable
class Shows(Protocol):
    """A screen that follows the night while it is open."""

    def show(self, moment: Moment) -> None: ...


class Cockpit(App[int]):
    """`folder` is the workspace, None where a night has none here; without a night the welcome comes first. A `view` only shows."""

    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Callable[[], type[Provider]]]] = {palette}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q,ctrl+c", "leave", "quit: leave it running, or stop it", id="quit"),
        Binding("question_mark,f1", "help", "help: the keys and the words", id="help"),
        Binding("R", "runs", "runs: every night of this workspace", id="runs"),
        Binding("S", "settings", "settings in effect, and where each comes from", id="settings"),
        Binding("M", "report", "the morning: the report of this night", id="report"),
        Binding("N", "notices", "notices: what happened, with its time", id="notices"),
        Binding("e", "edit", "edit program.md", id="edit"),
        Binding("colon", "command", "any command, in words", id="command"),
        Binding("ctrl+z", "suspend_process", "back to the shell; fg returns", id="suspend"),
    ]

    def __init__(self, folder: Path | None, night: Night | None, theme: str = "", view: bool = False) -> None:
        super().__init__()
        self.folder = folder
        self._view, self._command = view, () if view else starting.COMMAND
        self.following: Following | None = None
        self._first_night = night
        self._at_work: asyncio.Task[None] | None = None
        self._colours = themes.Watch(themes.folders())
        self._first_words = themes.begin(self, self._colours, theme)

    async def on_mount(self) -> None:
        self.set_interval(1.0, self._follow_colours)
        if self._first_night is None:
            await self._welcome()
        else:
            await self.open_night(self._first_night)
        for sentence in self._first_words:
            self.say(sentence, "warning")

    def on_unmount(self) -> None:
        self._let_go()

    # ---- the night ----

    async def open_night(self, night: Night) -> None:
        """Show this night from now on, and nothing of the one before."""
        self._let_go()
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.push_screen(MainScreen(night))
        self.following = Following(night, self._show, self._toast, self._ring)
        self.following.show()
        self._at_work = asyncio.create_task(self.following.follow())
        if self.following.moment.run.ended and not self._view:
            self.go_on()

    def _let_go(self) -> None:
        if self._at_work is not None:
            self._at_work.cancel()
        if self.following is not None:
            self.following.night.close()
            self.following = None

    def _show(self, moment: Moment) -> None:
        """On the main screen, and on whatever lies over it."""
        for screen in self.screen_stack:
            if screen.is_mounted and (isinstance(screen, MainScreen) or (screen is self.screen and isinstance(screen, Shows))):
                screen.show(moment)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action in IN_A_WORKSPACE and self.folder is None) and not (action in OF_A_NIGHT and self.following is None)

    def words(self) -> tuple[Word | None, Word | None]:
        """What the engine said to this screen, and what happened last."""
        return self.following.words if self.following else (None, None)

    # ---- commands ----

    def act(self, action: str, row: int | None) -> None:
        """What this key means, with the experiment that the cursor is on."""
        if self.following and not self.only_shows():
            self.following.act(action, row)

    def look_at(self, row: int | None) -> None:
        """Somebody chose this experiment; where it trains, its log and its card are shown."""
        if self.following:
            self.following.choose(row)

    def send(self, wish: c.Command) -> bool:
        return self.following is not None and self.following.send(wish)

    def write(self, what: str) -> None:
        """A command that is made of a line of text."""
        if self.only_shows():
            return
        from autoresearch_tui.cockpit.screens.ask import Ask

        title, hint, wish_of = keys.TEXTS[what]
        self.push_screen(Ask(title, hint), lambda text: self._written(wish_of, text))

    def _written(self, wish_of: Callable[[str], c.Command], text: str | None) -> None:
        if text and text.strip():
            self.send(wish_of(text.strip()))

    def withdraw(self) -> None:
        if self.following and not self.only_shows():
            self.following.withdraw()

    def action_command(self) -> None:
        if self.only_shows():
            return
        from autoresearch_tui.cockpit.screens.ask import Ask

        self.push_screen(Ask("command", "such as: limit hours 8, rewind 12, stop; the words of `autoresearch-tui send`"), self._spoken)

    def _spoken(self, text: str | None) -> None:
        if text and self.following:
            self.following.speak(text)

    def only_shows(self) -> bool:
        """Whether this is a view; then whoever pressed a key that would do something hears that it does not."""
        if self._view and self.following:
            self.following.refuse(VIEW)
        return self._view

    def replay(self, how: str) -> None:
        if self.following:
            self.following.steer(how)

    # ---- other nights ----

    async def open_run(self, tag: str = "") -> None:
        """Another night of this workspace from now on; without a tag the newest."""
        if self.folder is None:
            return
        try:
            workspace = open_workspace(self.folder, load(self.folder, {}).settings)
            folder = workspace.run(tag) if tag else next(reversed(workspace.runs()), None)
            if folder is None:
                raise WorkspaceError(f"{self.folder} has no run yet.")
            night = LiveNight(folder, workspace.folder, view=self._view)
        except (SettingsError, WorkspaceError, JournalError, OSError) as error:
            self.say(str(error), "error")
        else:
            await self.open_night(night)

    def go_on(self) -> None:
        """Offer what can be done with a night on which no engine works."""
        if self.only_shows():
            return
        from autoresearch_tui.cockpit.screens.go_on import GoOnScreen

        now = self.following
        if now is None or self.folder is None or not now.moment.live:
            self.say("this night cannot go on here: it is shown again, or has no workspace.", "warning")
        elif now.moment.alive:
            self.say("an engine works on it already.", "warning")
        else:
            tags = [journal.parent.name for journal in now.night.folder.folder.parent.glob("*/journal.sqlite")]
            self.push_screen(GoOnScreen(now.moment.run, tags), self._going)

    def _going(self, going: Going | None) -> None:
        if going is not None and self.following is not None:
            self.following.wishes.say("an engine is being started..", "warn")
            self.run_worker(self.start(going.tag, *going.arguments))

    async def start(self, tag: str, *arguments: str) -> None:
        """Have an engine go on with a run, or begin it, and show that."""
        if self.folder is None:
            return
        try:
            said = await starting.start(self.folder, "--tag", tag, *arguments, command=self._command)
        except starting.NotStarted as error:
            self.say(str(error), "error")
        else:
            await self.open_run(tag)
            self.say(said)

    # ---- screens: who opens none waits for none ----

    async def _welcome(self) -> None:
        from autoresearch_tui.cockpit.screens.welcome import WelcomeScreen

        await self.push_screen(WelcomeScreen(self.folder or Path()), self._welcomed)

    async def _welcomed(self, workspace: Path | None) -> None:
        """A night has begun there; or nothing was wanted."""
        if workspace is None:
            self.exit(0)
        else:
            self.folder = workspace
            await self.open_run()

    def action_leave(self) -> None:
        from autoresearch_tui.cockpit.screens.quit import QuitScreen, asks

        if self.following is None or not asks(self.following.moment):
            self.exit(0)
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(self.following.moment), self._left)

    def _left(self, how: str | None) -> None:
        """A wish to stop is in the journal, and heard when the screen is gone; one that could not be written keeps it open."""
        session = self.following.moment.run.session if self.following else 0
        if how == "leave" or (how is not None and self.send(c.Stop(session, how == "stop now"))):
            self.exit(0)

    def action_help(self) -> None:
        from autoresearch_tui.cockpit.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen, self.following.night.folder if self.following else None))

    def action_runs(self) -> None:
        from autoresearch_tui.cockpit.screens.runs import RunsScreen

        if self.folder is not None:
            self.push_screen(RunsScreen(self.folder, self._command))

    def action_settings(self) -> None:
        from autoresearch_tui.cockpit.screens.settings import SettingsScreen

        if self.folder is not None:
            self.push_screen(SettingsScreen(self.folder))

    def action_notices(self) -> None:
        from autoresearch_tui.cockpit.screens.notices import NoticesScreen

        if self.following is not None:
            self.push_screen(NoticesScreen(self.following.night, self.following.heard))

    def action_report(self) -> None:
        from autoresearch_tui.cockpit.screens.report import ReportScreen

        if self.following is not None:
            self.push_screen(ReportScreen(self.following.night.folder.folder))

    def open_experiment(self, number: int, marked: int | None) -> None:
        from autoresearch_tui.cockpit.screens.experiment import ExperimentScreen

        if self.following is not None:
            self.push_screen(ExperimentScreen(self.following.night, number, marked))

    def action_edit(self) -> None:
        if self.folder is not None and not self.only_shows() and (sentence := editing.edit(self, self.folder / "program.md")):
            self.say(sentence, "warning")

    # ---- what the screen itself says ----

    def say(self, text: str, severity: Severity = "information") -> None:
        notice = Notice(time.time(), severity, "the screen", text)
        self._toast(self.following.heard.say(notice) if self.following else [notice])

    def _toast(self, notices: list[Notice]) -> None:
        for one in notices:
            self.notify(one.text, title=one.title, severity=one.severity, markup=False)

    def _ring(self) -> None:
        """For those who asked for it; the settings are read anew, so that nobody has to open the screen again."""
        with contextlib.suppress(SettingsError):  # the settings screen says it
            if load(self.folder or Path(), {}).settings.screen.bell:
                self.bell()

    def _follow_colours(self) -> None:
        for sentence in themes.follow(self, self._colours):
            self.say(sentence, "warning")

    @on(Broken)
    def _broke(self, event: Broken) -> None:
        self.say(f"the pane {event.pane} broke; {write_down(event.why)}.", "error")

    def _fatal_error(self) -> None:
        """Textual would print a traceback with everything that stood in its variables."""
        said = f"autoresearch-tui: the screen broke, and {write_down(traceback.format_exc())}."
        self._exit_renderables.append(f"{said} The night goes on: `autoresearch-tui` opens it again.")
        self._close_messages_no_wait()
