"""Nights of several slots: the clock and the surface are what they say, and several slots are worth their staleness."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

import pytest

from tests.simulation.nights import EVENING, TRIAL_S, TRIALS, judged
from tests.simulation.parallel import Parallel, Way
from tests.simulation.slots import difference, nights, spend
from tests.simulation.together import Mixture

SHORT = Way(4, experiments=16)


def spent(way: Way, seed: int = 1) -> Parallel:
    night = Parallel(way, 3e-4, seed)
    night.spend()
    return night


def test_the_same_night_is_the_same_night() -> None:
    assert spend(SHORT, 1e-3, "the engine's", 7) == spend(SHORT, 1e-3, "the engine's", 7)


def test_no_more_trials_run_at_once_than_there_are_slots_and_one_of_an_experiment() -> None:
    experiments = spent(SHORT).run.experiments.values()
    trials = [(trial.at, trial.at + trial.seconds - 1e-6) for one in experiments for trial in one.trials]
    assert max(sum(began <= moment < ended for began, ended in trials) for moment, _ in trials) == SHORT.slots
    for one in experiments:
        assert all(earlier.at + earlier.seconds - 1e-6 <= later.at for earlier, later in pairwise(one.trials))


def test_drafts_that_take_as_long_as_a_trial_feed_one_slot_and_no_more() -> None:
    night = spent(Way(4, experiments=8, draft_s=TRIAL_S))
    assert night.now - EVENING > 8 * TRIAL_S
    assert night.idle["drafts"] > 0.5 * sum(night.idle.values())


def test_a_winner_whose_trunk_moved_on_is_made_again_there_beside_what_it_did_not_know() -> None:
    night = spent(Way(16, experiments=48), seed=2)
    again = [one for one in night.run.experiments.values() if one.operator == "keep"]
    assert again and all(one.of in night.promoted for one in again)
    for one in again:
        idea, before = night.of[one.number], night.held[one.parent or 0]
        assert night.held[one.number] == before | {idea.number}
        assert night.worth[one.number] == night.mixture.worth(idea, before) <= idea.worth


def test_two_changes_lack_the_same_together_whichever_came_first_and_nothing_where_one_was_made_on_the_other() -> None:
    mixture = Mixture(1, overlap=1.0)
    first, second, informed = mixture.add(2e-3, frozenset()), mixture.add(1e-3, frozenset()), mixture.add(1e-3, frozenset({0}))
    lacking = second.worth - mixture.worth(second, frozenset({0}))
    assert 0 < lacking <= 2 * second.worth
    assert first.worth - mixture.worth(first, frozenset({1})) == pytest.approx(lacking)
    assert mixture.worth(informed, frozenset({0})) == informed.worth


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [3e-4, 3e-3])
def test_a_night_of_one_slot_is_the_night_of_the_other_table(sigma: float) -> None:
    night, other = Parallel(Way(hours=TRIALS * TRIAL_S / 3600, spread=0.0), sigma, 7), judged(sigma, 7)
    night.spend()
    assert night.true[night.tip] == other.true
    assert (len(night.run.experiments) - 1, len(night.run.trunk) - 1) == (other.ideas, other.keeps)
    assert not night.promoted


@pytest.mark.slow
def test_sixteen_slots_lose_some_to_staleness_and_more_if_nothing_is_made_again() -> None:
    """Of as many experiments. They take a twelfth of the time."""
    alone, crowd = (nights(Way(slots, experiments=96), 3e-4, 30) for slots in (1, 16))
    without = nights(Way(16, experiments=96), 3e-4, 30, "never")
    gain = fmean(night.gain for night in alone)
    assert -0.6 * gain < fmean(difference(crowd, alone)) < 0
    assert fmean(difference(without, crowd)) < 0
    assert fmean(night.hours for night in crowd) < 0.15 * fmean(night.hours for night in alone)
    assert fmean(night.false / night.keeps for night in crowd if night.keeps) < 0.2
