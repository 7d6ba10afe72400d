"""What nobody can know from here, in sentences: a report that leaves something out says so. Pure."""

from __future__ import annotations

from autoresearch_tui.journal.noise import Noise
from autoresearch_tui.morning.reading import Reading
from autoresearch_tui.morning.wording import number, several


def unknown_of(reading: Reading, noise: Noise) -> list[str]:
    return _of_a_table(reading) if reading.source == "table" else _of_a_run(reading, noise)


def _of_a_table(reading: Reading) -> list[str]:
    said = [
        "A table has no times: where the hours went and what it cost is not known.",
        "A table does not say who proposed, nor how many replies came to nothing.",
        "A table holds no code and no logs: there is no diff, and no reason of a crash but what its row says.",
    ]
    if reading.run.sigma is None:
        said.insert(
            0,
            "Each row was measured once, and how far equal trainings differ there is not known:"
            " which gains are luck cannot be told. `--sigma` takes a number for it.",
        )
    return said


def _of_a_run(reading: Reading, noise: Noise) -> list[str]:
    run = reading.run
    said: list[str] = []
    if not run.experiments:
        return said
    if noise.sigma is None:
        said.append("How far equal trainings differ is not known here: no gain can be called sure.")
    elif noise.assumed:
        said.append(
            f"Sigma {number(noise.sigma)} is a guess: no code was measured three times in fair conditions, and every word rests on it."
        )
    if unpriced := sum(one.unpriced for one in run.health.values()):
        said.append(f"{several(unpriced, 'reply', 'replies')} have no price that is known: the cost is at least what stands here.")
    if run.trust == "reported":
        said.append("The numbers are what the training said of itself: nobody else measured them.")
    if (
        run.engine is not None
        and run.engine.card
        and not any(trial.kwh is not None for one in run.experiments.values() for trial in one.trials)
    ):
        said.append("The card did not say what energy it took.")
    lost = [number for number, tail in reading.tails.items() if not tail]
    if lost:
        said.append(
            f"The log of #{lost[0]}{f' and of {len(lost) - 1} others' if lost[1:] else ''} is gone or empty: its last lines are missing."
        )
    return said
