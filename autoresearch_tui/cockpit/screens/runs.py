"""Every night of a workspace: to open, to go on with, to delete.

Each is read in a thread and shown as soon as it is read: a shelf of long nights takes seconds, and the screen does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, cast

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autoresearch_tui.cockpit import starting
from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.moment import VIEW, Moment
from autoresearch_tui.cockpit.parts import runs
from autoresearch_tui.cockpit.parts.question import Choice, Question
from autoresearch_tui.cockpit.parts.runs import Known, Runs
from autoresearch_tui.cockpit.screens.go_on import Going, GoOnScreen
from autoresearch_tui.cockpit.widgets.listing import Listing
from autoresearch_tui.cockpit.widgets.question import QuestionScreen
from autoresearch_tui.journal.store import Journal, JournalError
from autoresearch_tui.settings import SettingsError, load
from autoresearch_tui.terminal import works
from autoresearch_tui.workspace import RunFolder, Workspace, WorkspaceError, open_workspace
from autoresearch_tui.worth import Severity


class Opens(Protocol):
    """What the app does with a run."""

    async def open_run(self, tag: str) -> None:
        """Show it instead of the one that is shown."""

    async def start(self, tag: str, *arguments: str) -> None:
        """An engine in the background, on this run; and show it."""

    def say(self, text: str, severity: Severity) -> None:
        """A toast, which stands among the notices too."""


class RunsPane(Listing[Runs]):
    def head(self, part: Runs, width: int) -> Sequence[Row]:
        return runs.head(part, width)

    def entries(self, part: Runs, width: int) -> Sequence[Sequence[Row]]:
        return [runs.entry(one, width, one.tag == part.here, index == self.cursor) for index, one in enumerate(part.runs)]

    def title(self, part: Runs) -> str:
        return f"runs of {part.folder}"

    def subtitle(self, part: Runs) -> str:
        return "enter open · c continue · D delete · r read again · escape back"


class RunsScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,R", "dismiss", "back", id="back"),
        Binding("c", "go_on", "go on with it, or begin a new night from its best", id="go-on"),
        Binding("D", "delete", "delete it, after saying what goes and what stays", id="delete"),
        Binding("r", "read", "read them again", id="read"),
    ]

    def __init__(self, folder: Path, command: Sequence[str] = starting.COMMAND) -> None:
        super().__init__()
        self._folder, self._command = folder, command
        self._part = Runs(str(folder), said="They are read, the newest first.")
        self._workspace: Workspace | None = None

    def compose(self) -> ComposeResult:
        yield RunsPane(id="runs")

    def on_mount(self) -> None:
        self._tell(self._part)
        self.action_read()

    def action_read(self) -> None:
        self.run_worker(self._read(), exclusive=True)

    async def _read(self) -> None:
        try:
            self._workspace, folders = await asyncio.to_thread(_folders, self._folder)
        except (SettingsError, WorkspaceError, OSError) as error:
            self._tell(msgspec.structs.replace(self._part, runs=(), said=str(error)))
            return
        known: list[Known] = []
        for folder in folders:
            known.append(await asyncio.to_thread(look, folder))
            left = len(folders) - len(known)
            self._tell(msgspec.structs.replace(self._part, runs=tuple(known), said=f"{left} more are read." if left else ""))
        if not folders:
            self._tell(msgspec.structs.replace(self._part, runs=(), said=""))

    def show(self, moment: Moment) -> None:
        """The one on the screen below goes on meanwhile."""
        tag = moment.run.tag
        now = (
            msgspec.structs.replace(one, run=moment.run, alive=moment.alive) if one.tag == tag and not one.wrong else one
            for one in self._part.runs
        )
        self._tell(msgspec.structs.replace(self._part, here=tag, runs=tuple(now)))

    def _tell(self, part: Runs) -> None:
        self._part = part
        for pane in self.query(RunsPane):  # it may have gone, while somebody read
            pane.show(part)

    @property
    def _chosen(self) -> Known | None:
        cursor = self.query_one(RunsPane).cursor
        return self._part.runs[cursor] if cursor < len(self._part.runs) else None

    @property
    def _app(self) -> Opens:
        return cast(Opens, self.app)

    @on(Listing.Chosen)
    def _open(self) -> None:
        one = self._chosen
        if one is None:
            return
        if one.wrong:
            self._app.say(f"{one.tag} cannot be opened: {one.wrong}", "error")
        else:
            self.app.run_worker(self._app.open_run(one.tag))  # the app's: this screen goes away with it

    def _chosen_to_act_on(self) -> Known | None:
        """Nothing in a view, which says so."""
        if self._command:
            return self._chosen
        self._app.say(VIEW, "warning")
        return None

    def action_go_on(self) -> None:
        one = self._chosen_to_act_on()
        if one is None:
            return
        if one.wrong or one.alive:
            self._app.say(f"{one.tag} cannot go on: {one.wrong or 'an engine works on it already.'}", "warning")
        else:
            run = msgspec.structs.replace(one.run, tag=one.tag)  # the folder's name is what the command line knows
            self.app.push_screen(GoOnScreen(run, [other.tag for other in self._part.runs]), self._go)

    def _go(self, going: Going | None) -> None:
        if going is not None:
            self.app.run_worker(self._app.start(going.tag, *going.arguments))

    def action_delete(self) -> None:
        one = self._chosen_to_act_on()
        if one is None or self._workspace is None:
            return
        if one.alive or one.tag == self._part.here:
            why = "an engine works on it: stop it first." if one.alive else "it is the one on the screen: open another first."
            self._app.say(f"{one.tag} cannot be deleted: {why}", "warning")
            return
        facts = runs.goes_and_stays(one, str(self._workspace.run(one.tag).folder))
        self.app.push_screen(DeleteScreen(one.tag, facts), lambda sure: self._delete(one.tag) if sure else None)

    def _delete(self, tag: str) -> None:
        self.run_worker(self._deleted(tag))

    async def _deleted(self, tag: str) -> None:
        try:
            await starting.ask("runs", "--delete", tag, "--yes", "--dir", str(self._folder), command=self._command)
        except (starting.NotStarted, OSError) as error:
            self._app.say(f"{tag} was not deleted: {error}", "error")
        else:
            self._app.say(f"{tag} is gone; its branch stays.", "information")
        self.action_read()


class DeleteScreen(QuestionScreen[bool | None]):
    """Whoever says nothing says no."""

    def __init__(self, tag: str, facts: tuple[str, str]) -> None:
        super().__init__()
        self._tag, self._facts = tag, facts

    def question(self) -> Question:
        yes = Choice("yes", f"yes, delete {self._tag}", "It does not come back.", "y")
        return Question(f"delete {self._tag}?", self._facts, (Choice("no", "no, keep it", "", "n"), yes))

    def chosen(self, answer: str) -> None:
        self.dismiss(answer == "yes")


def _folders(folder: Path) -> tuple[Workspace, list[RunFolder]]:
    workspace = open_workspace(folder, load(folder, {}).settings)
    return workspace, workspace.runs()[::-1]


def look(folder: RunFolder) -> Known:
    """One run; a journal that is damaged hides no other."""
    try:
        with Journal(folder.journal) as journal:
            run = journal.refresh()
    except (JournalError, OSError) as error:
        return Known(folder.tag, size=folder.size, wrong=str(error))
    return Known(folder.tag, run, works(run), folder.size)
