"""Which searcher finds more in a night, on a stand-in for training: `python -m tests.simulation.contest --seeds 50 --experiments 30`.

The gain is that of what each ends with, without noise: what it really found, not what it was lucky to measure. Nobody is told of the
surface; the perturbed ones have their optima elsewhere, so what is tuned to the one that was measured falls behind on them.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterable

import msgspec

from autoresearch_tui.engine.rule import LOUD, Case, Ruling, rule
from autoresearch_tui.journal.experiment import mean
from tests.simulation.searchers import HillClimb, Made, Night, Optuna, OurSweep, RandomSearch, Searcher, ranges
from tests.simulation.surface import Surface, fit_quality, profile_source, surface, values_of

RANDOM = (1, 2, 3, 4, 6)  # knobs at once; and all of them

Maker = Callable[[int], Searcher]


class Score(msgspec.Struct, frozen=True):
    """One night of one searcher."""

    gain: float
    trainings: int


def play(searcher: Searcher, on: Surface, seed: int, experiments: int, most: int = 0) -> Score:
    """A night: the baseline, and then the experiments; or as many as there are trainings for."""
    own = values_of(profile_source())
    first = on.measure(own, seed, 1)
    assert first is not None, "the profile trains"
    night = Night(seed, on.sigma, [Made(0, 0, own, first, 1, "keep", None)], [0])
    numbers = {0: [first]}
    trainings = number = 0
    while trainings < most if most else number < experiments:
        number += 1
        values = searcher.ask(night)
        made = _made(night, on, number, values, numbers)
        trainings += made.trials
        night.made.append(made)
        if made.verdict == "keep":
            night.trunk.append(number)
        searcher.tell(made)
    before, after = on.true(own), on.true(night.tip.values)
    assert before is not None and after is not None
    return Score(before - after, trainings)


def _made(night: Night, on: Surface, number: int, values: dict[str, object], numbers: dict[int, list[float]]) -> Made:
    """One experiment, trained as often as the engine's rule wants."""
    trunk, gains = numbers[night.tip.number], [-one.delta for one in night.made if one.verdict == "keep" and one.delta]
    loud = not gains or statistics.median(gains) < LOUD * night.sigma
    results = numbers[number] = []
    ruling = Ruling(False, "", again=True)
    while ruling.again:
        result = on.measure(values, night.seed, len(results) + 1)
        if result is None:
            return Made(number, night.tip.number, values, None, 1, "crash", None)
        results.append(result)
        ruling = rule(Case(results, trunk, night.sigma, best=math.inf, loud=loud))
    delta = mean(results) - mean(trunk)
    return Made(number, night.tip.number, values, mean(results), len(results), "keep" if ruling.keep else "discard", delta)


def searchers(optuna: bool) -> list[Maker]:
    fixed: list[Maker] = [lambda seed: OurSweep(), *(_random(knobs) for knobs in (*RANDOM, len(ranges()))), lambda seed: HillClimb()]
    if optuna:
        Optuna(0)  # or a missing one would only be missed after minutes
    return [*fixed, Optuna] if optuna else fixed


def _random(knobs: int) -> Maker:
    return lambda seed: RandomSearch(knobs)


def contest(on: Surface, makers: Iterable[Maker], seeds: int, experiments: int, most: int = 0) -> dict[str, list[Score]]:
    found: dict[str, list[Score]] = {}
    for make in makers:
        for seed in range(1, seeds + 1):
            searcher = make(seed)
            found.setdefault(searcher.name, []).append(play(searcher, on, seed, experiments, most))
    return found


def median_gain(scores: Iterable[Score]) -> float:
    return statistics.median(score.gain for score in scores)


def table(found: dict[str, list[Score]]) -> str:
    lines = [f"{'':24}{'median gain':>12}{'quartiles':>18}{'trainings':>11}"]
    for name, scores in sorted(found.items(), key=lambda item: -median_gain(item[1])):
        low, _, high = statistics.quantiles([score.gain for score in scores], n=4)
        trainings = statistics.mean(score.trainings for score in scores)
        lines.append(f"{name:24}{median_gain(scores):12.4f}{low:9.4f}{high:9.4f}{trainings:11.1f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--experiments", type=int, default=30)
    parser.add_argument("--perturbed", type=int, default=5, help="how many perturbed surfaces")
    parser.add_argument("--without-optuna", action="store_true")
    given = parser.parse_args()
    makers = searchers(not given.without_optuna)
    squared, ranked = fit_quality()
    print(f"The surface foretells the trainings of several knobs, each left out: R2 {squared:.2f}, rank correlation {ranked:.2f}.")
    print(f"Noise of one training {surface().sigma:.4f}; {given.seeds} seeds, {given.experiments} experiments.\n")
    found = contest(surface(), makers, given.seeds, given.experiments)
    print(table(found), flush=True)
    most = round(statistics.mean(score.trainings for score in found[OurSweep.name]))
    print(f"\nwith {most} trainings each, however many experiments that is")
    print(table(contest(surface(), makers, given.seeds, given.experiments, most)), flush=True)
    for seed in range(1, given.perturbed + 1):
        print(f"\nperturbed surface {seed}")
        print(table(contest(surface().perturbed(seed), makers, given.seeds, given.experiments)), flush=True)


if __name__ == "__main__":
    main()
