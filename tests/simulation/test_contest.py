"""The stand-in for training is what was measured, and on it the sweep finds more than chance does."""

from __future__ import annotations

import statistics

import pytest

from tests.simulation.contest import median_gain, play
from tests.simulation.searchers import HillClimb, OurSweep, RandomSearch
from tests.simulation.surface import STEPS, features, measured_rows, profile_source, surface, values_of

OWN = values_of(profile_source())


def true(**knobs: object) -> float:
    loss = surface().true(OWN | knobs)
    assert loss is not None
    return loss


def test_the_surface_goes_through_what_was_measured_as_far_as_noise_allows() -> None:
    rows = [row for row in measured_rows() if len(row.knobs) == 1 and row.steps == STEPS and row.val_bpb is not None]
    misses = [surface().level + surface().loss.at(features(OWN | row.knobs)) - (row.val_bpb or 0.0) for row in rows]
    assert statistics.mean(map(abs, misses)) < surface().sigma
    assert true() == pytest.approx(surface().level)


def test_a_slower_step_gets_fewer_of_them_in_the_budget() -> None:
    wide = OWN | {"ASPECT_RATIO": 64}
    assert (surface().relative_cost(wide) or 0.0) > 1.5
    assert true(ASPECT_RATIO=64) > surface().level + surface().loss.at(features(wide))


def test_far_outside_of_what_was_measured_it_gets_worse() -> None:
    assert true() < true(EMBEDDING_STD=16.0) < true(EMBEDDING_STD=64.0)


@pytest.mark.parametrize("knobs", [{"TOTAL_BATCH_SIZE": 5000}, {"DEPTH": 64}, {"MATRIX_LR": 10.0}, {"KV_HEADS": 3}], ids=str)
def test_what_would_crash_crashes(knobs: dict[str, object]) -> None:
    assert surface().true(OWN | knobs) is None
    assert surface().measure(OWN | knobs, 1, 1) is None


def test_the_same_training_gives_the_same_number_and_another_seed_or_trial_another() -> None:
    def measure(seed: int, trial: int) -> float | None:
        return surface().measure(OWN, seed, trial)

    assert measure(1, 1) == measure(1, 1) != measure(2, 1)
    assert measure(1, 1) != measure(1, 2)
    spread = statistics.stdev(measure(seed, 1) or 0.0 for seed in range(100))
    assert spread == pytest.approx(surface().sigma, rel=0.3)


def test_a_perturbed_surface_has_its_optima_elsewhere_and_the_same_beginning() -> None:
    other = surface().perturbed(1)
    assert other.true(OWN) == pytest.approx(surface().level)
    assert other.true(OWN | {"MATRIX_LR": 0.08}) != pytest.approx(true(MATRIX_LR=0.08))


def test_the_sweep_finds_more_than_chance() -> None:
    seeds = range(1, 6)
    sweep = median_gain(play(OurSweep(), surface(), seed, 20) for seed in seeds)
    chance = max(median_gain(play(RandomSearch(knobs), surface(), seed, 20) for seed in seeds) for knobs in (1, 3))
    climb = median_gain(play(HillClimb(), surface(), seed, 20) for seed in seeds)
    assert sweep > 1.5 * chance and sweep > climb


def test_a_night_of_the_sweep_is_the_same_each_time() -> None:
    assert play(OurSweep(), surface(), 3, 8) == play(OurSweep(), surface(), 3, 8)
