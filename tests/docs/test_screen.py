"""The keys of the page on the screen are those that work: each is there, and none that is not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.palette import shown_key
from autoresearch_tui.cockpit.screens.experiment import ExperimentScreen
from autoresearch_tui.cockpit.screens.main import MainScreen
from autoresearch_tui.cockpit.screens.notices import NoticesScreen
from autoresearch_tui.cockpit.screens.runs import RunsScreen
from autoresearch_tui.cockpit.screens.settings import SettingsScreen
from autoresearch_tui.cockpit.screens.welcome import WelcomeScreen
from autoresearch_tui.cockpit.widgets.listing import Listing
from autoresearch_tui.cockpit.widgets.log import LogPane
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.cockpit.widgets.progress import ProgressPane
from autoresearch_tui.cockpit.widgets.proposal import ProposalPane
from autoresearch_tui.cockpit.widgets.results import ResultsPane
from autoresearch_tui.journal.commands import ARGUMENTS
from tests.docs.pages import page

PAGE = "docs/screen.md"
WHERE: dict[str, tuple[type[Any], ...]] = {
    "Everywhere": (Cockpit,),
    "On the main screen": (MainScreen,),
    "In every pane": (Pane,),
    "In the results": (ResultsPane,),
    "In the log": (LogPane,),
    "In the proposal": (ProposalPane,),
    "In the progress": (ProgressPane,),
    "An experiment": (ExperimentScreen,),
    "All runs": (RunsScreen, Listing),
    "What happened": (NoticesScreen,),
    "Settings": (SettingsScreen,),
    "The welcome": (WelcomeScreen,),
}
PALETTE = "ctrl+p"
CODE = re.compile(r"`([^`]+)`")


@pytest.mark.parametrize("heading", WHERE)
def test_the_keys_of_a_part_of_the_page_are_those_of_its_screen(heading: str) -> None:
    keys = {shown_key(binding.key) for kind in WHERE[heading] for binding in _own(kind)}
    assert _told(PAGE, heading) == keys | ({PALETTE} if heading == "Everywhere" else set())


def test_the_keys_of_the_readme_and_of_the_phone_are_some_of_these() -> None:
    known = {key for heading in WHERE for key in _told(PAGE, heading)} | set("jkgG")
    assert _told("README.md", "The screen") <= known
    assert _told("docs/phone-and-ssh.md", "On a phone") <= known


def test_the_page_has_every_command_in_words() -> None:
    told = {word.split(" ")[0] for word in _told(PAGE, "Commands in words", separator="`, `")}
    assert told == set(ARGUMENTS)


def _own(kind: type[Any]) -> list[Any]:
    from textual.binding import Binding

    return list(Binding.make_bindings(vars(kind)["BINDINGS"]))


def _told(name: str, heading: str, separator: str = " ") -> set[str]:
    """The words of code in the first column of the tables below a heading."""
    part = page(name).text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split(" | ")[0].removeprefix("|") for line in part.splitlines() if line.startswith("| `")]
    words = [word for cell in cells for word in CODE.findall(cell)]
    return {part for word in words for part in (word.split(" ") if word == "j k g G" else [word])}
