"""Every screen and state that is worth a picture, over the night that was really recorded and comes along.

A state that this night did not have is made of its facts and a few more. Owns which states there are. Does not own how a picture is
drawn (`pictures.py`), nor what is compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.cockpit.moment import HISTORY_S, Moment, Told
from autoresearch_tui.cockpit.replay import ReplayedNight
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import BadCommand, Command
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.packed import opened
from autoresearch_tui.telemetry.owners import Seen, owned
from autoresearch_tui.telemetry.progress import Progress
from autoresearch_tui.workspace import RunFolder
from tests.cards.night import BEGINS, read_night

Change = Callable[[Moment], Moment]
MOVES = ("matrix LR 0.04 -> 0.05", "depth 4 -> 5 at the same width", "a warmup of 2 %", "weight decay 0.1 -> 0.05", "no bias in the head")


class Still(ReplayedNight):
    """The recorded night, standing at one moment that was changed."""

    def __init__(self, folder: RunFolder, git: Path, change: Change, until: Callable[[Run], bool], seconds: float) -> None:
        self._at = 0.0
        super().__init__(folder, git, 1.0, lambda: self._at)
        while not (until(self._run) or self.over):
            self._tick()
        for _ in range(int(seconds * 4)):
            self._tick()
        self._changed = change

    def _tick(self) -> None:
        self._at += 0.25
        super().poll()

    def poll(self) -> list[Told]:
        return []

    def moment(self) -> Moment:
        return self._changed(replace(super().moment(), live=True, speed=1.0, alive=True))

    def send(self, wish: Command) -> int:
        raise BadCommand("a picture hears no commands.")


def also(*facts: e.Event, alive: bool = True) -> Change:
    """With these facts on top."""

    def changed(moment: Moment) -> Moment:
        seq = moment.run.seq
        recorded = [e.Recorded(seq + place, moment.now, moment.now, fact) for place, fact in enumerate(facts, 1)]
        return replace(moment, run=fold(recorded, moment.run), alive=alive)

    return changed


def as_it_was(moment: Moment) -> Moment:
    return moment


def on_a_card(old: float = 0.0) -> Change:
    """With the made hour of a card in place of the processor's samples, the newest so many seconds old."""
    samples = [one for one in read_night() if 1200 <= one.at - BEGINS <= 1200 + HISTORY_S]

    def changed(moment: Moment) -> Moment:
        shift = moment.now - old - samples[-1].at
        seen = tuple(_owned(replace(one, at=one.at + shift)) for one in samples)
        shared = e.Shared("share", "both fit: the LLM 6.4 GB, the training 3.9 GB, of 24.0 GB")
        return replace(also(shared)(moment), seen=seen)

    return changed


def _owned(sample: msgspec.Struct) -> Seen:
    names = {one.pid: one.name for one in getattr(sample, "processes", ())}
    training = {pid for pid, name in names.items() if name == "python"}
    return Seen(sample, owned(sample, training, {pid for pid, name in names.items() if name == "ollama"}))  # type: ignore[arg-type]


def training(number: int) -> Callable[[Run], bool]:
    return lambda run: run.running is not None and run.running.number == number


def judged(number: int) -> Callable[[Run], bool]:
    return lambda run: number in run.experiments and bool(run.experiments[number].verdict)


def waiting_for_a_person(run: Run) -> bool:
    return any(draft.waits for draft in run.drafts.values())


def never(run: Run) -> bool:
    return False


def ended(moment: Moment) -> Moment:
    """As it was at its end."""
    return replace(moment, alive=False)


def crashed(moment: Moment) -> Moment:
    """The training that runs, with a slip in its code."""
    running = moment.run.running
    assert running is not None
    why = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x192 and 256x64)"
    facts = [e.Ended(running.number, 1, "crash", "code", why, seconds=3.1), e.Judged(running.number, "crash", why, moment.run.tip or 0)]
    return also(*facts, e.Applied(running.number))(moment)


def suspect(moment: Moment) -> Moment:
    running = moment.run.running
    assert running is not None
    number, trial = running.number, running.trials[-1].number
    why = "tokens are not steps times batch: 9,216,000, not 12,345,000"
    return also(
        e.Ended(number, trial, "finished", seconds=14.2),
        e.Measured(number, trial, 1.204211, trust="suspect", memory_gb=0.5, evidence=(why,)),
        e.Judged(number, "discard", f"suspect: {why}", moment.run.tip or 0),
        e.Applied(number),
    )(moment)


def down(moment: Moment) -> Moment:
    """The model gone, and who stands in for it."""
    assert moment.run.engine is not None
    name = moment.run.engine.researcher
    why = f"{name} at http://127.0.0.1:8000/v1 cannot be reached (connection refused): is the server running, and the address right?"
    return also(e.ResearcherDown(name, why, moment.now + 60))(moment)


def on_slots(count: int, idle: int = 0, measured: int = 0) -> Change:
    """The training that runs in the first of so many slots, each with a card, and others beside it that began later."""
    device = "NVIDIA H200 700 W, driver 570.86, torch 2.9.1"
    places = [e.Slot(f"gpu{place}", device, f"GPU-{place:08}", "bubblewrap") for place in range(count)]

    def changed(moment: Moment) -> Moment:
        running = moment.run.running
        assert running is not None
        first = replace(running, trials=(replace(running.trials[-1], slot="gpu0", device=device),))
        run = replace(moment.run, experiments=moment.run.experiments | {first.number: first})
        facts: list[e.Event] = [e.Equipped(tuple(places))]
        lines = dict(moment.lines)
        for place in range(1, count - idle):
            number = running.number + place
            idea = f"{MOVES[place % len(MOVES)]} ({number})"
            facts += [e.Proposed(number, parent=run.tip, operator="explore" if place % 3 else "tune", idea=idea)]
            facts += [e.Committed(number, f"{number:07x}"), e.Launched(number, 1, 42, 1, 1, "boot", slot=f"gpu{place}", device=device)]
            if place <= measured:
                facts.append(e.Ended(number, 1, "finished", seconds=15))
            lines[number] = Progress(1000 - 10 * place, max(0.02, 0.95 - 0.055 * place), 1.9 + 0.03 * place)
        seen = [replace(one, card=replace(one.card, uuid=places[0].card)) for one in on_a_card()(moment).seen]
        for place in range(1, count):
            busy = {"util": 98 - place % 7, "memory_used": (14 + place % 5) * 2**30, "temperature_c": 61 + place % 9}
            seen.append(Seen(replace(seen[0].card, uuid=places[place].card, at=moment.now, **busy), seen[0].owned))
        return also(*facts)(replace(moment, run=run, lines=lines, seen=tuple(sorted(seen, key=lambda one: one.card.at))))

    return changed


class State:
    """A moment of the recorded night, what is changed of it, and the keys that lead to the screen."""

    def __init__(self, until: Callable[[Run], bool], seconds: float = 0.0, change: Change = as_it_was, keys: tuple[str, ...] = ()) -> None:
        self.until, self.seconds, self.change, self.keys = until, seconds, change, keys

    @contextmanager
    def night(self) -> Iterator[Still]:
        """In a workspace that had two nights before."""
        with opened() as (folder, git):
            for tag in ("nov19", "nov20"):
                earlier = Path("lab") / ".autoresearch" / tag
                earlier.mkdir(parents=True)
                shutil.copy(folder.journal, earlier)
            (earlier.parent.parent / "train.py").touch()
            night = Still(folder, git, self.change, self.until, self.seconds)
            yield night
            night.close()


STATES = {
    "empty": State(training(0), 2),
    "running": State(training(10), 6),
    "card": State(training(4), 7, on_a_card()),
    "card-stale": State(training(4), 7, on_a_card(old=14)),
    "paused": State(judged(4), 0, also(e.Paused("ann@lab"))),
    "researcher-down": State(training(4), 7, down),
    "crash": State(training(4), 3, crashed),
    "suspect": State(training(4), 7, suspect),
    "review": State(waiting_for_a_person, 0),
    "engine-dead": State(training(4), 7, also(alive=False)),
    "finished": State(never, 0, ended, ("escape",)),
    "experiment": State(never, 0, ended, ("escape", "home", "down", "enter")),
}

SLOTS = {
    "slots-2": State(training(10), 6, on_slots(2)),
    "slots-16": State(training(10), 6, on_slots(16, idle=2, measured=2)),
}
"""Several trials at a time."""
STATES |= SLOTS

SCREENS = {
    "help": "question_mark",
    "settings": "S",
    "notices": "N",
    "runs": "R",
    "quit": "q",
    "palette": "ctrl+p",
}
"""Screens that are a key away, by that key."""
STATES |= {name: State(training(10), 6, keys=(key,)) for name, key in SCREENS.items()}
