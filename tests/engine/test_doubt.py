"""When one more trial comes before a verdict, and of what: each test makes a short history and asks the plan for its next step."""

from __future__ import annotations

import pytest

from autoresearch_tui.engine.steps import Draw, Rest
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.trunks import SIGMA, Trunk

# ------------------------------------------------------------------------------------------------------------------------------
# The noise
# ------------------------------------------------------------------------------------------------------------------------------


def test_what_is_clearly_worse_needs_nobody_to_know_the_noise() -> None:
    world = Trunk((1.0,))
    world.experiment(1, 1.1)
    assert world.wants() == "discard: worse by 0.100000"


def test_the_first_verdict_that_depends_on_the_noise_has_the_trunk_trained_until_it_is_known() -> None:
    world = Trunk((1.0,))
    world.experiment(1, 1.0 - 2 * SIGMA)
    for value in (1.0 + SIGMA, 1.0 - SIGMA):
        assert world.wants() == (0, "noise")
        world.trial(0, value, purpose="noise")
        assert world.wants() == "keep: baseline"
    assert world.wants() == (1, "doubt")


def test_a_gain_that_no_likely_noise_could_make_waits_for_nothing() -> None:
    world = Trunk((1.0,))
    world.experiment(1, 1.0 - 9.1 * SIGMA)
    assert str(world.wants()).startswith("keep: better by 0.0091")


def test_without_a_guess_even_that_waits() -> None:
    world = Trunk((1.0,), sigma=None)
    world.experiment(1, 0.5)
    assert world.wants() == (0, "noise")


def test_a_trunk_that_will_not_train_again_is_not_asked_for_ever() -> None:
    world = Trunk((1.0,))
    world.experiment(1, 1.0 - 2 * SIGMA)
    for _ in range(4):
        assert world.wants() == (0, "noise")
        world.trial(0, None, purpose="noise")
        world.wants()
    assert world.wants() == (1, "doubt")


def test_ten_experiments_are_enough_to_know_the_noise() -> None:
    world = Trunk((1.0,))
    for number in range(1, 10):
        assert world.next_step() == Draw()
        world.experiment(number, 1.1)
        world.wants()
    assert world.wants() == (0, "noise")


# ------------------------------------------------------------------------------------------------------------------------------
# A difference that the noise hides
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_second_trial_decides_on_the_mean_of_both() -> None:
    for second, verdict in ((1.0 - SIGMA, "keep"), (1.0 + 3 * SIGMA, "discard")):
        world = Trunk()
        world.experiment(1, 1.0 - 2 * SIGMA)
        assert world.wants() == (1, "doubt")
        world.trial(1, second, purpose="doubt")
        if verdict == "keep":  # no gain was seen yet, so the noise may be as large: a third
            assert world.wants() == (1, "doubt")
            world.trial(1, 1.0 - 2 * SIGMA, purpose="doubt")
        assert str(world.wants()).startswith(verdict)


def test_the_trunks_number_is_the_mean_of_all_its_trials() -> None:
    world = Trunk((1.0, 1.0 + SIGMA, 1.0 + 5 * SIGMA))
    world.experiment(1, 1.0 + 1.9 * SIGMA)
    assert world.wants() == (1, "doubt"), "better than two thousandths above the first"


def test_where_equal_trainings_give_equal_numbers_the_first_decides() -> None:
    for value, verdict in (
        (1.0 - 1e-6, "keep: better by 0.000001"),
        (1.0, "discard: no better"),
        (1.000001, "discard: worse by 0.000001"),
    ):
        world = Trunk((1.0, 1.0, 1.0))
        world.experiment(1, value)
        assert world.wants() == verdict


def test_what_a_person_decides_is_not_trained_again_to_be_sure() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 2 * SIGMA)
    world.send(c.Discard(1))
    assert world.wants() == "discard: discarded by hand"


@pytest.mark.parametrize(("outcome", "reason"), [("crash", "it came to no number: nan"), ("hopeless", "it was hopeless at 40%: loss 9.1")])
def test_a_second_look_that_comes_to_nothing_leaves_no_lucky_first_number(outcome: str, reason: str) -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 2 * SIGMA)
    world.wants()
    world.trial(
        1, purpose="doubt", outcome=outcome, crash="nan" if outcome == "crash" else "", why="" if outcome == "crash" else "at 40%: loss 9.1"
    )
    assert world.wants() == f"discard: trained again, {reason}"


def test_nor_does_one_without_a_summary_or_one_that_a_person_skips() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 2 * SIGMA)
    world.wants()
    world.add(e.Launched(1, 2, 43, 1, 1, "boot", "doubt"), e.Ended(1, 2, "finished"), e.Measured(1, 2, None, refused="no summary"))
    assert str(world.wants()).startswith("discard: trained again, it came to no number")
    world.experiment(2, 1.0 - 2 * SIGMA)
    world.wants()
    world.trial(2, purpose="doubt", outcome="skipped", by="ann")
    assert world.wants() == "discard: skipped by hand"
    assert world.run.experiments[2].by == "ann"


def test_one_wild_number_among_four_is_no_noise() -> None:
    world = Trunk((1.0,))
    world.experiment(1, 1.0 - 2 * SIGMA)
    for value in (1.5, 1.001, 0.999):  # two are too far apart; then one is far from the others, and a fourth decides
        assert world.wants() == (0, "noise")
        world.trial(0, value, purpose="noise")
    assert world.wants() == "keep: baseline"
    assert world.run.experiments[0].trials[1].taint == "1.500000 is far from the 3 other trainings of the same code"
    assert world.wants() == (1, "doubt")


def test_where_higher_is_better_the_same_holds() -> None:
    world = Trunk(goal="higher")
    world.experiment(1, 1.0 + 5 * SIGMA)
    assert str(world.wants()).startswith("keep: better by 0.005")
    world.experiment(2, 1.0 + 2 * SIGMA, 1)
    assert str(world.wants()).startswith("discard: worse by 0.003")


def test_a_night_that_ends_decides_by_what_there_is() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 2 * SIGMA)
    assert world.wants() == (1, "doubt")
    world.send(c.Stop(1))
    assert str(world.wants()).startswith("keep: better by 0.002000")


def test_a_pause_decides_nothing() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 2 * SIGMA)
    world.send(c.Pause(1))
    step = world.next_step()
    assert isinstance(step, Rest) and step.pause


def test_more_memory_than_the_limit_is_discarded_whatever_it_brings() -> None:
    world = Trunk(max_memory_gb=0.5)
    world.experiment(1, 0.5)
    assert world.wants() == "discard: 1.0 GB of memory: the limit is 0.5"


# ------------------------------------------------------------------------------------------------------------------------------
# Suspect
# ------------------------------------------------------------------------------------------------------------------------------


def suspicious(world: Trunk, *signs: str) -> None:
    trial = len(world.run.experiments[1].trials) + 1
    world.add(e.Launched(1, trial, 42, 1, 1, "boot"), e.Ended(1, trial, "finished"), e.Measured(1, trial, 0.9, evidence=signs))


def test_a_number_with_signs_of_cheating_is_measured_once_more_and_discarded_if_they_repeat() -> None:
    world = Trunk()
    world.add(e.Proposed(1, parent=0), e.Committed(1, "c1"))
    suspicious(world, "its log shrank")
    assert world.wants() == (1, "suspect")
    suspicious(world, "its log shrank")
    assert world.wants() == "discard: suspect: its log shrank"
    assert world.run.experiments[1].trust == "suspect"
    world.send(c.Keep(1))
    assert (world.run.experiments[1].verdict, world.run.experiments[1].by) == ("keep", "ann")


def test_what_the_baseline_does_too_is_no_sign_against_a_change() -> None:
    world = Trunk(())
    world.add(e.Launched(0, 1, 42, 1, 1, "boot"), e.Ended(0, 1, "finished"), e.Measured(0, 1, 1.0, evidence=("2 lines of its log",)))
    assert world.wants() == (0, "suspect")
    world.add(e.Launched(0, 2, 42, 1, 1, "boot"), e.Ended(0, 2, "finished"), e.Measured(0, 2, 1.0, evidence=("2 lines of its log",)))
    assert world.wants() == "keep: baseline"
    world.add(e.Proposed(1, parent=0), e.Committed(1, "c1"))
    suspicious(world, "3 lines of its log")
    assert str(world.wants()).startswith("keep: better by")


def test_signs_that_do_not_repeat_were_an_accident() -> None:
    world = Trunk()
    world.add(e.Proposed(1, parent=0), e.Committed(1, "c1"))
    suspicious(world, "its log shrank")
    world.wants()
    suspicious(world)
    assert str(world.wants()).startswith("keep: better by")
    assert world.run.experiments[1].trials[0].taint == "its log shrank"
    assert len(world.run.experiments[1].numbers) == 1


@pytest.mark.parametrize(("trust", "wanted"), [("reported", (1, "suspect")), ("verified", "keep")])
def test_a_gain_of_more_than_a_quarter_is_suspect_where_nobody_but_the_training_measured_it(trust: str, wanted: object) -> None:
    world = Trunk(trust=trust)
    world.experiment(1, 0.7)
    told = world.wants()
    assert told == wanted or (wanted == "keep" and str(told).startswith("keep"))
