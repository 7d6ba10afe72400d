"""Leaving, while an engine works: the night goes on by itself unless somebody says otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.question import Choice, Question
from autoresearch_tui.cockpit.slots import where
from autoresearch_tui.cockpit.widgets.question import QuestionScreen
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run

NOTHING_TRAINS = "It ends when what is in hand is done"


class QuitScreen(QuestionScreen[str | None]):
    """Answered by `leave`, `stop`, `stop now`, or None by whoever stays. Where no engine works there is nothing to ask."""

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self._moment = moment

    def on_mount(self) -> None:
        super().on_mount()
        if not asks(self._moment):
            self.dismiss("leave")

    def show(self, moment: Moment) -> None:
        self._moment = moment
        self.ask()

    def question(self) -> Question:
        return question_of(self._moment)

    def chosen(self, answer: str) -> None:
        self.dismiss(None if answer == "stay" else answer)


def asks(moment: Moment) -> bool:
    """Whether leaving leaves something behind."""
    return moment.alive and moment.takes_wishes


def question_of(moment: Moment) -> Question:
    """The answers are those that there are now: an engine may end while somebody thinks."""
    if not asks(moment):
        return Question(
            title=f"leave {moment.run.tag}?",
            facts=("The engine ended meanwhile: leaving leaves nothing behind.",),
            choices=(Choice("leave", "leave", "", "l"), Choice("stay", "stay", "", "n")),
            hint="enter chooses · escape stays",
        )
    trains = moment.run.under_way
    these = "what trains now" if len(trains) > 1 else "this trial"
    stopping = (f"It was asked to stop already: it ends after {these}.",) if moment.run.stopping else ()
    after = f"It ends after {_named(trains)} {'are' if len(trains) > 1 else 'is'} measured" if trains else NOTHING_TRAINS
    return Question(
        title=f"leave {moment.run.tag}?",
        facts=("The engine works, and needs no screen.", f"{_at_work(moment)}.", *stopping),
        choices=(
            Choice("leave", "leave it running", "The night goes on, and the next screen shows it.", "l"),
            Choice("stop", f"stop after {'these' if len(trains) > 1 else 'this one'}", f"{after}. A later start goes on from there.", "s"),
            Choice("stop now", "stop now", "What trains is ended, and trained again by a later start.", "X"),
            Choice("stay", "stay", "", "n"),
        ),
        hint="enter chooses · escape stays",
    )


def _at_work(moment: Moment) -> str:
    """What trains, and how long the last of it still needs."""
    run, trains = moment.run, moment.run.under_way
    if not trains:
        return f"Nothing trains just now; it is {run.phase}"
    left = max(_remaining(moment, one) for one in trains)
    lasts = f"for another {int(left) // 60}:{int(left) % 60:02}"
    named = _named(trains, run)
    if len(trains) == 1:
        return f"{named} trains {f'{lasts}, then it is measured' if left > 0 else 'and is nearly done'}"
    return f"{named} train, the last of them {f'{lasts}, then it is measured' if left > 0 else 'is nearly done'}"


def _named(trains: Sequence[Experiment], run: Run = Run()) -> str:  # noqa: B008 - it is frozen
    """All of them; with their slots where the run is told."""
    *others, last = (f"#{one.number}{where(run, one)}" for one in trains)
    return f"{', '.join(others)} and {last}" if others else last


def _remaining(moment: Moment, one: Experiment) -> float:
    """Seconds that its trial still needs."""
    line = moment.lines.get(one.number)
    told = line.remaining_s if line else None
    return told if told is not None else one.trials[-1].at + moment.run.budget_s - moment.now
