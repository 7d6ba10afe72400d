"""What several slots come to, beside one: `python -m tests.simulation.slots --nights 20`.

The same ideas each time: nights of as many hours, and nights of as many experiments. Then, for sixteen slots, what to do with a change
that helped the code it was made from, when that is the trunk no more. How a night is simulated is `parallel.py`'s.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import fmean, median, stdev
from typing import NamedTuple

from autoresearch_tui.engine.doubt import case_of
from autoresearch_tui.journal.experiment import Experiment, mean
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from tests.simulation.nights import EVENING
from tests.simulation.parallel import Parallel, Promotes, Way

SIGMAS = (3e-4, 3e-3)
WAYS = (
    *(Way(slots, hours=8.0) for slots in (1, 4, 16)),
    *(Way(slots, experiments=96) for slots in (1, 4, 16)),
    *(Way(slots, experiments=384) for slots in (1, 4, 16)),
)
CROWD = Way(16, hours=2.0)


# ------------------------------------------------------------------------------------------------------------------------------
# When a change that helped its parent is made again on the trunk of now
# ------------------------------------------------------------------------------------------------------------------------------


def beside_the_trunk(sigmas: float, run: Run, one: Experiment) -> bool:
    """Its number is no more than that much worse than that of the trunk of now."""
    assert run.tip is not None
    return mean(one.numbers) <= mean(run.experiments[run.tip].numbers) + sigmas * (noise_of(run).sigma or 0.0)


def clearly(sigmas: float, run: Run, one: Experiment) -> bool:
    """It is so much better than its own parent."""
    case = case_of(run, one, noise_of(run))
    return mean(case.trunk) - mean(case.numbers) >= sigmas * case.sigma


def never(run: Run, one: Experiment) -> bool:
    return False


RULES: dict[str, Promotes | None] = {
    "the engine's": None,
    "better by a sigma": partial(clearly, 1.0),
    "better by two sigma": partial(clearly, 2.0),
    "and near the trunk": partial(beside_the_trunk, 1.0),
    "and better than the trunk": partial(beside_the_trunk, 0.0),
    "never": never,
}


# ------------------------------------------------------------------------------------------------------------------------------
# What a night came to
# ------------------------------------------------------------------------------------------------------------------------------


class Spent(NamedTuple):
    """A night, in val_bpb and in hours."""

    gain: float
    """What the last trunk is really better than the baseline."""
    keeps: int
    false: int
    """Keeps that are no better than what they were made from."""
    experiments: int
    trials: int
    again: int
    """Experiments that make a winner again on a trunk that moved on."""
    again_trials: int
    again_kept: int
    again_better: int
    """Those of them that are really better than their trunk."""
    spoiled: int
    """Those whose change really helped where it was found, and does not here."""
    believed: float
    """What they were better by where they were found, as measured there, all together."""
    came_to: float
    """What they really are on the trunk."""
    hours: float
    path: tuple[tuple[float, float], ...]
    """Hours, and what the trunk was really worth from then on."""

    def reached(self, gain: float) -> float:
        """Hours until the trunk was really that much better."""
        return next((at for at, worth in self.path if worth >= gain), math.inf)


def spend(way: Way, sigma: float, rule: str, seed: int) -> Spent:
    night = Parallel(way, sigma, seed, RULES[rule])
    night.spend()
    run = night.run
    again = [one for one in run.experiments.values() if one.operator == "keep"]
    found = [(one.number, run.experiments[one.of or 0]) for one in again if one.numbers]
    return Spent(
        night.true[night.tip],
        len(run.trunk) - 1,
        sum(night.worth[number] <= 0 for number in run.trunk[1:]),
        len(run.experiments) - 1,
        sum(len(one.trials) for one in run.experiments.values()),
        len(again),
        sum(len(one.trials) for one in again),
        sum(one.verdict == "keep" for one in again),
        sum(night.worth[number] > 0 for number, _ in found),
        sum(night.worth[number] <= 0 < night.worth[before.number] for number, before in found),
        sum(_measured_gain(run, before) for _, before in found),
        sum(night.worth[number] for number, _ in found),
        (night.now - EVENING) / 3600,
        tuple(((at - EVENING) / 3600, worth) for at, worth in night.path),
    )


def _measured_gain(run: Run, one: Experiment) -> float:
    return (run.experiments[one.parent or 0].value or 0.0) - (one.value or 0.0)


def nights(way: Way, sigma: float, count: int, rule: str = "the engine's", workers: int = 1) -> list[Spent]:
    if workers == 1:
        return [spend(way, sigma, rule, seed) for seed in range(count)]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(spend, way, sigma, rule), range(count)))


# ------------------------------------------------------------------------------------------------------------------------------
# Tables
# ------------------------------------------------------------------------------------------------------------------------------


def told(values: Sequence[float]) -> str:
    """The mean, and how far nineteen of twenty such means are off, in thousandths."""
    reach = 1.96 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{1e3 * fmean(values):.2f} ({1e3 * reach:.2f})"


def difference(ours: Sequence[Spent], theirs: Sequence[Spent]) -> list[float]:
    """Night by night, for the ideas are the same."""
    return [our.gain - their.gain for our, their in zip(ours, theirs, strict=True)]


COLUMNS = ("true gain", "beside the first", "false keeps", "experiments", "trials", "made again", "kept", "better", "spoiled")


def _cells(ours: Sequence[Spent], first: Sequence[Spent]) -> list[str]:
    def usual(name: str) -> float:
        return fmean(getattr(night, name) for night in ours)

    again = f"{usual('again'):.1f} ({usual('again_trials'):.1f})"
    counts = [f"{usual('experiments'):.0f}", f"{usual('trials'):.0f}", again]
    counts += [f"{usual(name):.1f}" for name in ("again_kept", "again_better", "spoiled")]
    beside = "-" if ours is first else told(difference(ours, first))
    return [told([night.gain for night in ours]), beside, f"{usual('false'):.1f} of {usual('keeps'):.1f}", *counts]


def of_slots(sigma: float, count: int, workers: int) -> Iterator[str]:
    yield f"| sigma | a night of | slots | {' | '.join(COLUMNS)} | believed, came to | hours | as one slot after |"
    yield "|---" * (len(COLUMNS) + 6) + "|"
    first: list[Spent] = []
    for way in WAYS:
        ours = nights(way, sigma, count, workers=workers)
        first = ours if way.slots == 1 else first
        much = "8 hours" if way.hours else f"{way.experiments} experiments"
        share = 1e3 / max(1, sum(night.again for night in ours))
        worth = f"{share * sum(night.believed for night in ours):.2f}, {share * sum(night.came_to for night in ours):.2f}"
        enough = "-" if ours is first else _usually_reached(ours, fmean(night.gain for night in first))
        spent = [worth, f"{fmean(night.hours for night in ours):.1f}", enough]
        yield f"| {sigma:.0e} | {much} | {way.slots} | {' | '.join([*_cells(ours, first), *spent])} |"


def _usually_reached(ours: Sequence[Spent], gain: float) -> str:
    """Hours until most nights are as good as that."""
    hours = median(night.reached(gain) for night in ours)
    return f"{hours:.1f} h" if math.isfinite(hours) else "most never"


def of_rules(sigma: float, count: int, workers: int) -> Iterator[str]:
    yield f"| sigma | made again where it is | {' | '.join(COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 2) + "|"
    first: list[Spent] = []
    for rule in RULES:
        ours = nights(CROWD, sigma, count, rule, workers)
        first = first or ours
        yield f"| {sigma:.0e} | {rule} | {' | '.join(_cells(ours, first))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", choices=("slots", "rules"), help="only this one")
    asked = parser.parse_args()
    for name, table in (("slots", of_slots), ("rules", of_rules)):
        for sigma in SIGMAS if asked.table in (None, name) else ():
            for line in table(sigma, asked.nights, asked.workers):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
