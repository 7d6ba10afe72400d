"""Every key, pressed in a real terminal before a real engine: what the screen says, and what the journal says.

The trainings take two seconds; one demo with real ones runs where time is no matter. The same tour is made at each size that is promised.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.e2e.night import Night, cockpit
from tests.e2e.ptys import wait_until
from tests.e2e.tmux import Terminal

pytestmark = pytest.mark.needs("tmux")

SIZES = [(120, 40), (100, 30), (80, 24), (45, 30)]
PHONE = (40, 12)
PANES = {"1": "CPU x", "2": "sweep, on #|No draft yet", "3": "─ run.log", "4": "─ results", "5": "─ progress"}
"""By its key, what stands in a pane and nowhere else."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """One engine for all the sizes that this worker tours."""
    with Night(tmp_path_factory.mktemp("tour") / "lab", seconds=2.0) as night:
        wait_until(lambda: len(night.run.rows) > 0, 30)
        yield night


class Tour:
    """Somebody at a terminal, who knows what the journal says."""

    def __init__(self, terminal: Terminal, night: Night) -> None:
        self.terminal, self.night = terminal, night
        self.edited = night.folder.parent / f"edited-at-{terminal.columns}"
        self.open()

    def open(self) -> None:
        self.terminal.start(cockpit(self.night.folder), environment={"EDITOR": f"touch {self.edited}", "VISUAL": ""})
        self.terminal.wait_for("autoresearch night", "? help")

    def sees(self, *texts: str, after: str = "") -> str:
        """On the screen, after these keys."""
        if after:
            self.terminal.keys(*after.split())
        return self.terminal.wait_for(*texts)

    def finds(self, pattern: str, after: str = "") -> None:
        """Something like this on the screen, after these keys."""
        if after:
            self.terminal.keys(*after.split())
        self.terminal.until(lambda: re.search(pattern, self.terminal.text()) is not None, f"no {pattern} after {after}")

    def shows(self, panes: set[str], after: str) -> None:
        """These panes and no other, after these keys."""
        self.terminal.keys(*after.split())
        self.terminal.until(lambda: self._panes() == panes, f"the panes are not {panes}")

    def _panes(self) -> set[str]:
        screen = self.terminal.text()
        return {key for key, pattern in PANES.items() if re.search(pattern, screen)}

    def asks(self, key: str, text: str = "") -> e.Commanded:
        """What the engine heard after this key and this text, and accepted; the screen says so."""
        before = len(self.night.answers())
        self.terminal.keys(key)
        if text:
            self.terminal.wait_for(HINTS[key])
            self.terminal.type(text)
            self.terminal.keys("Enter")
        self.terminal.until(lambda: len(self.night.answers()) > before, f"nothing was heard after {key}")
        answer = self.night.answers()[before]
        assert answer.accepted, answer
        self.finds(f"(accepted|done): {type(answer.wish).__name__.lower()}")
        return answer

    def waits_for_a_draft(self, other_than: str = "") -> str:
        """One that is held for a person, and has been on the screen for as long as it takes to see it."""
        wait_until(lambda: self._held() not in ("", other_than))
        time.sleep(0.6)
        return self._held()

    def _held(self) -> str:
        return next((draft.draft for draft in self.night.run.drafts.values() if draft.waits), "")

    def back(self) -> None:
        """To the main screen."""
        self.terminal.keys("Escape")
        self.terminal.wait_for("autoresearch night", "? help")


HINTS = {"n": "leave the depth", "i": "SET NAME", ":": "such as: limit"}
"""What stands in the line that a text is written into, as long as there is none."""
WAYS_TO_LOOK = {
    "o": ("best val_bpb first", "largest gain first", "most memory first"),
    "F": ("keep only", "discard only", "crash only", "running only"),
}
"""What the title of the results says after each press of the key; one more, and all is as before."""


@pytest.fixture(
    params=[
        pytest.param(size, id="x".join(map(str, size)), marks=[pytest.mark.slow] if size != SIZES[-1] else []) for size in SIZES
    ]  # the narrowest, where each line is another, is the one that everybody waits for
)
def tour(request: pytest.FixtureRequest, night: Night) -> Iterator[Tour]:
    with Terminal(*request.param) as terminal:
        yield Tour(terminal, night)


def test_a_tour(tour: Tour) -> None:
    look_at_the_panes(tour)
    review(tour)
    look_at_the_other_screens(tour)
    decide_about_rows(tour)
    steer(tour)
    resize(tour)
    kill_the_screen(tour)
    leave(tour)


def look_at_the_panes(tour: Tour) -> None:
    alone = tour.terminal.columns < 100 or tour.terminal.rows < 30
    for key in PANES:
        tour.shows({key} if alone else set(PANES), after=key)
    tour.shows({"3"}, after="3 f")
    tour.sees("─ results", after="f 4")
    for key, titles in WAYS_TO_LOOK.items():
        for title in (*titles, "results · [0-9]+ keep"):
            tour.finds(title, after=key)


def look_at_the_other_screens(tour: Tour) -> None:
    for keys, text in {
        "?": "discard",
        "F1": "discard",
        "R": "night",
        "S": "experiments",
        "N": "notices",
        "C-p": "Search for commands",
    }.items():
        tour.sees(text, after=keys)
        tour.back()
    tour.terminal.keys("e")
    wait_until(tour.edited.exists)
    tour.sees("autoresearch night")
    tour.terminal.until(lambda: not tour.terminal.is_plain, "the editor has ended, and the screen is not back")
    tour.sees("1 what", after="4 g Enter")
    tour.sees("seed", after="6")
    tour.back()
    tour.sees("find in results", after="4 /")
    tour.terminal.type("embedding")
    tour.sees('holds "embedding"', after="Enter")
    tour.finds("results · [0-9]+ keep", after="Escape")


def decide_about_rows(tour: Tour) -> None:
    """While it is paused nothing moves, and every row can be decided about."""
    wait_until(lambda: len(tour.night.run.rows) > 1, 30)
    assert isinstance(tour.asks("p").wish, c.Pause)
    tour.sees("paused")
    tour.terminal.keys("4", "g", "j")
    assert tour.asks("X").wish == c.Discard(1)
    assert tour.asks("K").wish == c.Keep(1)
    again = tour.asks("A")
    assert again.wish == c.Again(1)
    assert tour.asks("w").wish == c.Withdraw(again.command)
    tour.terminal.keys("Escape")


def steer(tour: Tour) -> None:
    note = tour.asks("n", "leave the depth alone")
    assert note.wish == c.Note("leave the depth alone")
    assert tour.asks("w").wish == c.Withdraw(note.command)
    idea = tour.asks("i", "SET SOFTCAP = 14.5")
    assert idea.wish == c.Idea("SET SOFTCAP = 14.5")
    assert tour.asks("w").wish == c.Withdraw(idea.command)
    assert tour.asks(":", "limit experiments 300").wish == c.Limit("experiments", "300")
    assert isinstance(tour.asks("p").wish, c.Resume)


def review(tour: Tour) -> None:
    """As long as no row is chosen, X is for the draft that waits."""
    assert tour.asks("v").wish == c.Review(True)
    first = tour.waits_for_a_draft()
    assert tour.asks("y").wish == c.Approve(first)
    second = tour.waits_for_a_draft(first)
    assert tour.asks("X").wish == c.Reject(second)
    assert tour.asks("v").wish == c.Review(False)
    wait_until(lambda: 0.5 < time.time() - begun(tour.night) < 0.7, 30)  # sooner it would ask to be pressed again
    running = tour.night.run.running
    assert running is not None
    assert tour.asks("s").wish == c.Skip(running.number, running.trials[-1].number)


def resize(tour: Tour) -> None:
    own = tour.terminal.columns, tour.terminal.rows
    for size in (*SIZES, PHONE):
        tour.terminal.resize(*size)
        screen = tour.sees("autoresearch night", "? help")
        assert max(map(len, screen.splitlines())) <= size[0]
    tour.terminal.resize(39, 11)
    tour.sees("40 columns")
    tour.terminal.resize(*own)
    tour.sees("autoresearch night", "? help")
    with tour.terminal.attach() as client:
        client.when("autoresearch night")
        tour.terminal.detach()
        assert client.ended() == 0
    tour.sees("autoresearch night", "? help")


def kill_the_screen(tour: Tour) -> None:
    """The training does not notice, and the next screen shows how it ended."""
    wait_until(lambda: begun(tour.night) > time.time() - 0.4)
    running = tour.night.run.running
    assert running is not None
    os.kill(tour.terminal.pid, signal.SIGKILL)
    killed = time.time()
    tour.terminal.until(lambda: tour.terminal.exit_code == -signal.SIGKILL, "it lives")
    wait_until(lambda: tour.night.run.experiments[running.number].settled)
    assert ended(tour.night, running.number) > killed, "it was killed before the training was over"
    trial = tour.night.run.experiments[running.number].trials[-1]
    assert (trial.outcome, trial.by) == ("finished", "")
    tour.terminal.close()
    tour.open()
    tour.finds(rf"[ #]{running.number} .*(keep|discard)")


def begun(night: Night) -> float:
    """When the running trial began, which is not the baseline's."""
    running = night.run.running
    return running.trials[-1].at if running and running.number else 0.0


def ended(night: Night, number: int) -> float:
    """When the last trial of this experiment ended."""
    return max(one.at for one in night.facts() if isinstance(one.event, e.Ended) and one.event.number == number)


def leave(tour: Tour) -> None:
    tour.sees("leave it running", after="q")
    tour.terminal.keys("Enter")
    tour.terminal.until(lambda: tour.terminal.exit_code == 0, "it did not leave")
    assert tour.night.engine.poll() is None


@pytest.mark.parametrize(
    ("keys", "now"),
    [pytest.param("Down Enter", False, id="after this one", marks=pytest.mark.slow), pytest.param("Down Down Enter", True, id="now")],
)
def test_q_can_also_end_the_night(tmp_path: Path, keys: str, now: bool) -> None:
    with Night(tmp_path / "lab", seconds=5.0 if now else 1.5) as night, Terminal(80, 24) as terminal:
        wait_until(lambda: begun(night) > 0, 30)
        tour = Tour(terminal, night)
        tour.sees("stop now", after="q")
        terminal.keys(*keys.split())
        assert night.engine.wait(20) == 0
        assert [wish for wish in night.accepted() if isinstance(wish, c.Stop)] == [c.Stop(1, now)]
        last = night.run.experiments[max(night.run.experiments)].trials[-1]
        assert last.outcome == ("interrupted" if now else "finished")


def test_on_a_phone_the_night_can_be_paused(tmp_path: Path) -> None:
    with Night(tmp_path / "lab", seconds=1.0) as night, Terminal(*PHONE) as terminal:
        tour = Tour(terminal, night)
        for key in PANES:
            tour.shows({key}, after=key)
        assert isinstance(tour.asks("p").wish, c.Pause)
        tour.sees("paused")
        tour.sees("1 what", after="4 g Enter")


@pytest.mark.slow
def test_a_real_demo_from_its_first_word_to_its_last(tmp_path: Path) -> None:
    """Nothing is there but an empty folder; the screen opens by itself, and shows real trainings."""
    folder = tmp_path / "lab"
    with Terminal() as terminal:
        terminal.start(
            [sys.executable, "-m", "autoresearch_tui", "demo", "--dir", str(folder), "--researcher", "sweep", "--experiments", "3"]
        )
        terminal.wait_for("autoresearch ", "training #0", seconds=240)
        terminal.wait_for("loss", seconds=60)
        for number, size in enumerate(SIZES):  # close calls are trained again: which number it is by then is chance
            terminal.resize(*size)
            shown = r"training #\d|evaluating|judging|drafting" if number < 3 else "ended"
            status = rf"autoresearch \S+ +\S ({shown})"  # not in a line of the log, where a trial may have ended early
            terminal.until(lambda status=status: re.search(status, terminal.text()) is not None, f"no {status}", 400)  # type: ignore[misc]
        tag = folder / ".autoresearch"
        terminal.keys("q")
        terminal.until(lambda: terminal.exit_code == 0, "it did not leave")
        assert [journal.exists() for journal in tag.glob("*/journal.sqlite")] == [True]
