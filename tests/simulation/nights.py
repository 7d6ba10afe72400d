"""Whole nights without a single training: the real plan and the real judge decide, ideas and their worth are drawn by chance.

    python -m tests.simulation.nights --nights 2000

The ideas are shaped like those of a published night (126 rows on one H100): six in ten harm, three do nothing, one helps, and helps
less as the night goes on. A night has time for 96 trials; second looks, looks at the noise, looks for drift and the closing measurement
are paid for out of them. Beside it, the same ideas with the rule that everybody uses: one trial each, lower is kept.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from statistics import fmean
from typing import NamedTuple

from autoresearch_tui.engine import plan
from autoresearch_tui.engine.closing import conclusion
from autoresearch_tui.engine.judge import judge, noticed
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Begin, Conclude, Draw, End, Judge, Notice, Step, Train
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.noise import gain_of
from autoresearch_tui.journal.state import Run

TRIALS = 96
TRIAL_S = 300.0
EVENING = datetime(2026, 1, 10, 22, 0, tzinfo=UTC).timestamp()
NIGHT = e.Limits(deadline=EVENING + TRIALS * TRIAL_S + 1)
BASELINE = 1.0
GUESS = 5e-4
"""The profile's sigma, whatever the true one: a person does not know it either."""
SIGMAS = (3e-4, 5e-4, 1e-3, 3e-3)
# The mix, fitted to what greedy nights of that shape come to (true gain, its tenth percentile, keeps, false keeps, over-claim).
HARM, HARM_SPREAD, NEUTRAL = 7e-4, 0.5, 5e-5
HELP, HELP_LASTS, HELP_AT_LEAST = 2.1e-3, 85, 1e-4


class Night(NamedTuple):
    """What a night came to, in val_bpb."""

    true: float
    """What the last trunk is really better than the baseline."""
    claimed: float
    """What the night says that it is, by the numbers that it was chosen by."""
    closed: float
    """What the closing measurement says."""
    covered: bool
    """Whether its interval holds the truth."""
    keeps: int
    false: int
    """Keeps that are no better."""
    ideas: int
    words: Counter[tuple[str, bool]]
    """Of the keeps: the word at the end of the night, and whether the change is better."""


def worth_of_ideas(chance: random.Random) -> Iterator[float]:
    """What each idea is really worth; below zero it harms."""
    for number in itertools.count():
        kind = chance.random()
        if kind < 0.6:
            yield -HARM * math.exp(HARM_SPREAD * chance.gauss(0, 1))
        elif kind < 0.9:
            yield NEUTRAL * chance.gauss(0, 1)
        else:
            yield HELP * math.exp(-number / HELP_LASTS) * chance.expovariate(1) + HELP_AT_LEAST * chance.expovariate(1)


def greedy(sigma: float, seed: int) -> Night:
    """One trial each, lower is kept."""
    chance = random.Random(seed)
    ideas, luck = worth_of_ideas(random.Random(seed)), partial(chance.gauss, 0, sigma)
    first = best = luck()
    true, keeps, false = 0.0, 0, 0
    for _ in range(TRIALS - 1):
        worth = next(ideas)
        number = luck() - true - worth
        if number < best:
            best, true, keeps, false = number, true + worth, keeps + 1, false + (worth <= 0)
    return Night(true, first - best, first - best, False, keeps, false, TRIALS - 1, Counter())


class Simulated:
    """A night as the engine spends it, up to the processes, whose numbers are drawn."""

    def __init__(self, sigma: float, seed: int, guess: float | None, limits: e.Limits = NIGHT) -> None:
        self.ideas = worth_of_ideas(random.Random(seed))
        chance = random.Random(f"{seed} trials")
        self.luck = partial(chance.gauss, 0, sigma)
        self.now = EVENING
        self.run = Run()
        self.true: dict[int, float] = {0: 0.0}
        self.worth: dict[int, float] = {}
        self.add(e.RunStarted("night", "c0", sigma=guess), e.EngineStarted(1, 1, "boot", "1", "sweep", limits))

    def add(self, *facts: e.Event, passes: float = 0.0) -> None:
        """Written down as one; after the first of them some time passes."""
        first, self.now = self.now, self.now + passes
        times = [first, *[self.now] * (len(facts) - 1)]
        self.run = fold([e.Recorded(self.run.seq + 1, at, at, fact) for at, fact in zip(times, facts, strict=True)], self.run)

    def spend(self) -> None:
        while not isinstance(step := plan.next_step(self.run, self.moment), End):
            self.do(step)

    @property
    def moment(self) -> Moment:
        return Moment(datetime.fromtimestamp(self.now, UTC), trial_s=TRIAL_S)

    def do(self, step: Step) -> None:
        match step:
            case Begin():
                self.add(e.Proposed(0), e.Committed(0, "c0"))
            case Train(number, trial):
                launched = e.Launched(number, trial, 42, 1, 1, "boot", step.purpose)
                ended = e.Ended(number, trial, "finished", seconds=TRIAL_S)
                self.add(launched, ended, e.Measured(number, trial, BASELINE - self.true[number] + self.luck()), passes=TRIAL_S)
            case Notice(number):
                self.add(*noticed(self.run, number))
            case Judge(number):
                self.add(*judge(self.run, number), e.Applied(number))
            case Conclude():
                self.add(conclusion(self.run))
            case Draw():
                number, tip = len(self.run.experiments), self.run.tip or 0
                self.worth[number] = next(self.ideas)
                self.true[number] = self.true[tip] + self.worth[number]
                self.add(e.Proposed(number, operator="tune", parent=tip), e.Committed(number, f"c{number}"))
            case _:
                raise AssertionError(f"nobody knows how to do {step}")


def judged(sigma: float, seed: int, guess: float | None = GUESS) -> Night:
    """The judge's night."""
    night = Simulated(sigma, seed, guess)
    night.spend()
    run = night.run
    assert run.tip is not None
    baseline, tip = run.experiments[0], run.experiments[run.tip]
    chosen = [trial.value for trial in tip.trials if trial.value is not None and trial.purpose != "closing"]
    first = [trial.value for trial in baseline.trials if trial.value is not None and trial.purpose != "closing"]
    true, said = night.true[run.tip], run.conclusion
    words: Counter[tuple[str, bool]] = Counter()
    for number in run.trunk[1:]:
        if found := gain_of(run, run.experiments[number]):
            words[found.word, night.worth[number] > 0] += 1
    false = sum(night.worth[number] <= 0 for number in run.trunk[1:])
    return Night(
        true,
        fmean(first) - fmean(chosen),
        said.gain if said else 0.0,
        (said.low or 0.0) <= true <= (said.high or 0.0) if said else run.tip == 0,
        len(run.trunk) - 1,
        false,
        len(run.experiments) - 1,
        words,
    )


class Comparison(NamedTuple):
    """Many nights of each kind, the same ideas in both."""

    sigma: float
    greedy: Sequence[Night]
    judged: Sequence[Night]

    @property
    def gain(self) -> float:
        """True gain, as a share of greedy's."""
        return fmean(night.true for night in self.judged) / fmean(night.true for night in self.greedy)

    @property
    def over_claim(self) -> float:
        """What a night says too much before it is closed, as a share of what greedy's do."""
        return fmean(night.claimed - night.true for night in self.judged) / fmean(night.claimed - night.true for night in self.greedy)

    @property
    def over_claim_closed(self) -> float:
        """The same for what it says at last."""
        return fmean(night.closed - night.true for night in self.judged) / fmean(night.claimed - night.true for night in self.greedy)

    def honest(self, word: str) -> float:
        """Of the keeps with this word, the share that is better."""
        words = sum((night.words for night in self.judged), Counter())
        return words[word, True] / max(1, words[word, True] + words[word, False])


def compare(sigma: float, nights: int, workers: int = 1) -> Comparison:
    seeds = range(nights)
    if workers == 1:
        return Comparison(sigma, [greedy(sigma, seed) for seed in seeds], [judged(sigma, seed) for seed in seeds])
    with ProcessPoolExecutor(workers) as pool:
        after = list(pool.map(partial(judged, sigma), seeds, chunksize=20))
    return Comparison(sigma, [greedy(sigma, seed) for seed in seeds], after)


def table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    columns = ("sigma", "rule", "true gain x1e-3", "10th pct", "false keeps", "ideas", "over-claim x1e-3", "once closed")
    yield f"| {' | '.join((*columns, 'gain', 'over-claim', 'interval holds'))} |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for one in comparisons:
        for name, nights in (("greedy", one.greedy), ("judge", one.judged)):
            gains = sorted(1e3 * night.true for night in nights)
            claims = [
                1e3 * fmean(night.claimed - night.true for night in nights),
                1e3 * fmean(night.closed - night.true for night in nights),
            ]
            keeps = f"{fmean(night.false for night in nights):.1f} of {fmean(night.keeps for night in nights):.1f}"
            cells = [f"{one.sigma:.0e}", name, f"{fmean(gains):.2f}", f"{gains[len(gains) // 10]:.2f}", keeps]
            cells += [f"{fmean(night.ideas for night in nights):.0f}", f"{claims[0]:.2f}", f"{claims[1]:.2f}" if name == "judge" else "-"]
            cells += (
                [f"{one.gain:.2f}", f"{one.over_claim:.2f}", f"{fmean(night.covered for night in nights):.0%}"]
                if name == "judge"
                else ["1", "1", "-"]
            )
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| sigma | sure: really better | likely | unsure |"
    yield "|---|---|---|---|"
    for one in comparisons:
        yield f"| {one.sigma:.0e} | {' | '.join(f'{one.honest(word):.0%}' for word in ('sure', 'likely', 'unsure'))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    print("\n".join(table([compare(sigma, asked.nights, asked.workers) for sigma in SIGMAS])))


if __name__ == "__main__":
    main()
