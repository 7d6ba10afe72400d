"""What is written down when the processes of a trial are gone. Pure, but for a glance at the disk by whoever asks.

Owns which ends are the experiment's own doing, and what becomes of a wish to skip it. What it ended as is `trainer.py`'s to say.
"""

from __future__ import annotations

from autoresearch_tui.engine.executors.protocol import Training
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Keep, Skip
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.state import Run, Waiting

ENGINE_DEATHS = 3  # while one experiment trains, before that is called its own doing
LOST = "lost"  # a place that left in the middle of a trial, whatever is said of it
LOST_IN_A_ROW = 3  # of them by one experiment, before that is said
DISK_TRIES = 3  # trainings that may die of a full disk before that is called the experiment's own fault


def ended(
    run: Run, number: int, trial: int, outcome: Outcome, kwh: float | None = None, card: e.Card | None = None, full: bool = False
) -> list[e.Event]:
    """The end of a trial, with the energy that it took and its conditions. `full`: its disk has no space."""
    kind, crash = outcome.outcome, outcome.crash
    if crash == "error" and full:
        crash = "disk"  # a training that cannot even print says nothing
    before = [one for one in run.experiments[number].trials if one.crash == "disk"]
    if crash == "disk" and len(before) < DISK_TRIES - 1:
        kind = "interrupted"
    skip = skip_of(run, number, trial)
    if skip and kind == "interrupted" and crash in ("", LOST):
        kind = "skipped"  # said after `stop now`, and it still holds
    fact = e.Ended(
        number,
        trial,
        kind,
        crash=crash,
        why=outcome.why,
        by=skip.by if skip and kind == "skipped" else "",
        code=outcome.code,
        seconds=round(outcome.seconds, 3),
        gap_s=round(outcome.gap_s, 3),
        kwh=kwh,
        card=card,
        slow=outcome.slow,
        shrank=outcome.shrank,
    )
    if skip is None:
        return [fact, *_unlucky(run, number, fact)]
    return [fact, e.Fulfilled(skip.command) if kind == "skipped" else e.Lapsed(skip.command, "it ended by itself before")]


def _unlucky(run: Run, number: int, fact: e.Ended) -> list[e.Event]:
    """Whose places are lost again and again may be what loses them; it is no crash all the same, and a person decides."""
    if not _is_lost(fact):
        return []
    before = [one for one in run.experiments[number].trials if one.number != fact.trial][1 - LOST_IN_A_ROW :]
    if len(before) < LOST_IN_A_ROW - 1 or not all(map(_is_lost, before)):
        return []
    return [e.Warned(f"{LOST_IN_A_ROW} places in a row were lost while #{number} trained: it is trained again, unless somebody skips it.")]


def lost(run: Run, number: int, trial: Trial, why: str) -> list[e.Event]:
    """Its place left before its number was known: it is trained again."""
    fact = e.Ended(number, trial.number, "interrupted", crash=LOST, why=why, seconds=trial.seconds, kwh=trial.kwh, card=trial.card)
    return [fact, *_unlucky(run, number, fact)]


def _is_lost(trial: Trial | e.Ended) -> bool:
    return (trial.outcome, trial.crash) == ("interrupted", LOST)


def buried(run: Run, number: int, trial: int, why: str) -> list[e.Event]:
    """An interrupted trial; a skip that was heard before the engine died still holds."""
    if skip := skip_of(run, number, trial):
        return [e.Ended(number, trial, "skipped", why="skipped by hand", by=skip.by), e.Fulfilled(skip.command)]
    before = [one for one in run.experiments[number].trials if one.why.startswith(why[:15])]
    if len(before) + 1 >= ENGINE_DEATHS * max(1, len(run.slots)):  # any of those that trained beside it may be what kills it
        return [e.Ended(number, trial, "crash", crash="killed", why=f"{why}, {len(before) + 1} times while it trained")]
    return [e.Ended(number, trial, "interrupted", why=why)]


def skip_of(run: Run, number: int, trial: int) -> Waiting | None:
    for wish in run.wishes.values():
        if isinstance(wish.wish, Skip) and (wish.wish.experiment, wish.wish.trial) == (number, trial):
            return wish
    return None


def heed(run: Run, number: int, trial: int, training: Training) -> None:
    """End the trial that somebody skipped; let the one that somebody wants kept come to its number."""
    if skip_of(run, number, trial):
        training.end("skipped", "skipped by hand")
    if any(isinstance(wish.wish, Keep) and wish.wish.experiment == number for wish in run.wishes.values()):
        training.spare()
