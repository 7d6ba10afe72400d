"""What to do with a run that has ended: look at it, go on with it, or begin another night from its best."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

import msgspec

from autoresearch_tui.clock import LOCAL, TIME, next_time
from autoresearch_tui.cockpit.drawing import Row, Span, row, shown
from autoresearch_tui.cockpit.parts.question import Choice, Question
from autoresearch_tui.cockpit.screens.ask import Ask
from autoresearch_tui.cockpit.widgets.question import QuestionPane, QuestionScreen
from autoresearch_tui.journal.state import Run
from autoresearch_tui.workspace import is_tag

GO_ON = 1  # the place of that answer


class Going(msgspec.Struct, frozen=True):
    """An engine to be started: `run --tag TAG ARGUMENTS`."""

    tag: str
    arguments: tuple[str, ...] = ()


class Until(msgspec.Struct, frozen=True):
    """When it is to end; nothing said: as the settings have it."""

    more: int | None = None
    """Experiments from now on."""
    time: str = ""

    def words(self, done: int) -> tuple[str, ...]:
        """For our command line, which counts the experiments that there are."""
        counted = ("--experiments", str(done + self.more)) if self.more is not None else ()
        return (*counted, *(("--until", self.time) if self.time else ()))


class GoOnScreen(QuestionScreen[Going | None]):
    """Answered by what to start; None: nothing, look only."""

    def __init__(self, run: Run, tags: Collection[str] = ()) -> None:
        super().__init__()
        self._run, self._tags = run, {run.tag, *tags}
        self._until = Until()

    def question(self) -> Question:
        return question_of(self._run, self._until)

    def chosen(self, answer: str) -> None:
        match answer:
            case "go on":
                self.dismiss(Going(self._run.tag, self._until.words(len(self._run.experiments))))
            case "new":
                self._ask_tag(free_tag(self._tags, datetime.now()))
            case "experiments":
                self._ask_experiments()
            case "until":
                self._ask_time()
            case _:
                self.dismiss(None)

    def _end(self, until: Until) -> None:
        """Whoever says when it ends wants it to begin: the cursor goes there."""
        self._until = until
        self.ask()
        self.query_one(QuestionPane).put(GO_ON)

    def _ask_experiments(self, hint: str = "a number; nothing: no limit but that of the settings") -> None:
        def heard(text: str | None) -> None:
            if text is None:
                return
            if text.strip() and not (text.strip().isascii() and text.strip().isdigit() and 0 < int(text) < 10**5):
                self._ask_experiments(f"{shown(text)[:20]!r} is no number of experiments")
                return
            self._end(msgspec.structs.replace(self._until, more=int(text) if text.strip() else None))

        self.app.push_screen(Ask("how many more experiments?", hint), heard)

    def _ask_time(self, hint: str = "such as 07:30; nothing: no limit but that of the settings") -> None:
        def heard(text: str | None) -> None:
            if text is None:
                return
            if text.strip() and not re.search(TIME, text.strip()):
                self._ask_time(f"{shown(text)[:20]!r} is no time of day such as 07:30")
                return
            self._end(msgspec.structs.replace(self._until, time=text.strip()))

        self.app.push_screen(Ask("until when?", hint), heard)

    def _ask_tag(self, suggested: str, title: str = "the name of the new night") -> None:
        def heard(text: str | None) -> None:
            if text is None:
                return
            tag = text.strip()
            if not is_tag(tag) or tag in self._tags:
                why_not = "is taken" if tag in self._tags else "is no name: letters, digits, - _ and ."
                self._ask_tag(suggested, f"{shown(tag)[:20]!r} {why_not}")
                return
            self.dismiss(Going(tag, ("--from", self._run.tag, *self._until.words(1))))  # the baseline comes first

        self.app.push_screen(Ask(title, "", suggested), heard)


def question_of(run: Run, until: Until) -> Question:
    best = run.best
    name = f"#{best.number}" if best else "its first commit"
    number = f", the best is {name} with {run.metric} {best.value:.6f}" if best and best.value is not None else ", and no number"
    because = f"It ended: {run.ended.rstrip('.')}." if run.ended else "Its engine died and could not say why."
    return Question(
        title=f"{run.tag} is over",
        facts=(because, f"{len(run.experiments)} experiments{number}.", _ends(until)),
        choices=(
            Choice("look", "look only", "Nothing is started.", "l"),
            Choice("go on", "go on with it", f"{run.tag} continues where it was; its numbers compare.", "c"),
            Choice("new", "a new night from its best", f"It begins at the code of {name}, with a baseline of its own.", "b"),
            Choice("experiments", "set how many experiments", "", "e"),
            Choice("until", "set until when", "", "u"),
        ),
    )


def _ends(until: Until) -> Row:
    said = [f"{until.more} more experiments"] if until.more is not None else []
    if until.time:
        moment = next_time(until.time, datetime.now(LOCAL))
        said.append(f"until {moment:%H:%M %Z}")
    return row(Span("ends: ", "dim"), ", ".join(said) if said else Span("as the settings say", "dim"))


def free_tag(tags: Collection[str], today: datetime) -> str:
    """`nov20`, or `nov20-2` where that is taken."""
    stem = today.strftime("%b%d").lower()
    number = 1
    while (tag := stem if number == 1 else f"{stem}-{number}") in tags:
        number += 1
    return tag
