"""When one more trial comes before a verdict, and of what: each test makes a short history and asks the plan for its next step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.engine import plan
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import TRIAL_S
from tests.engine.worlds import World

SIGMA = 0.001
KNOWN = (1.0 - SIGMA, 1.0, 1.0 + SIGMA)
"""Three trials of the baseline whose spread is the guess."""


class Trunk(World):
    """A world whose noise is known."""

    def __init__(
        self, baseline: tuple[float, ...] = KNOWN, sigma: float | None = SIGMA, trust: str = "verified", goal: str = "lower", **rules: Any
    ) -> None:
        super().__init__()
        self.add(e.RunStarted("night", "c0", sigma=sigma, trust=trust, goal=goal))
        self.add(e.EngineStarted(1, 1, "boot", "1", "sweep", rules=e.Rules(**rules)))
        self.add(e.Proposed(0), e.Committed(0, "c0"))
        for value in baseline:
            self.trial(0, value)
        if baseline:
            self.judge(0)

    def trial(self, number: int, value: float | None = None, purpose: str = "", pace: float | None = None, **ended: Any) -> None:
        """One more training of it."""
        trial = len(self.run.experiments[number].trials) + 1
        self.add(e.Launched(number, trial, 42, 1, 1, "boot", purpose))
        self.now += timedelta(seconds=TRIAL_S)
        self.add(e.Ended(number, trial, **{"outcome": "finished" if value is not None else "crash", "seconds": TRIAL_S} | ended))
        if value is not None:
            steps, tokens = (None, None) if pace is None else (round(1000 * pace), 500 * pace)
            self.add(e.Measured(number, trial, value, "", self.run.trust, 1.0, steps, tokens, training_s=300.0))

    def experiment(self, number: int, value: float | None = None, parent: int = 0, **trial: Any) -> None:
        self.add(e.Proposed(number, parent=parent), e.Committed(number, f"c{number}"))
        self.trial(number, value, **trial)

    def wants(self) -> tuple[int, str] | str:
        """What comes next: which experiment is trained for what, or the verdict that there is."""
        while isinstance(step := self.next_step(), plan.Notice):
            self.do(step)
        if isinstance(step, plan.Train):
            return step.number, step.purpose
        assert isinstance(step, plan.Judge), step
        self.do(step)
        one = self.run.experiments[step.number]
        self.add(e.Applied(step.number))
        return f"{one.verdict}: {one.reason}"


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
        assert world.next_step() == plan.Draw()
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
    assert isinstance(step, plan.Rest) and step.pause


def test_more_memory_than_the_limit_is_discarded_whatever_it_brings() -> None:
    world = Trunk(max_memory_gb=0.5)
    world.experiment(1, 0.5)
    assert world.wants() == "discard: 1.0 GB of memory: the limit is 0.5"


# ------------------------------------------------------------------------------------------------------------------------------
# Pace
# ------------------------------------------------------------------------------------------------------------------------------


def paced(*paces: float) -> Trunk:
    world = Trunk(())
    for pace in paces:
        world.trial(0, 1.0 + SIGMA * len(world.run.experiments[0].trials), pace=pace)
    world.judge(0)
    return world


@pytest.mark.parametrize("value", [1.1, 0.9])
def test_a_change_that_is_slower_than_the_trunk_is_trained_again_for_it_may_have_been_the_machine(value: float) -> None:
    world = paced(1.0, 1.0, 1.0)
    world.experiment(1, value, pace=0.8)
    assert world.wants() == (1, "pace")


def test_if_the_second_is_faster_the_first_is_tainted_and_never_compared() -> None:
    world = paced(1.0, 1.0, 1.0)
    world.experiment(1, 1.1, pace=0.8)
    world.wants()
    world.trial(1, 0.9, purpose="pace", pace=1.0)
    assert str(world.wants()).startswith("keep: better by")
    assert [trial.taint for trial in world.run.experiments[1].trials] == ["at 80% of its own pace", ""]
    assert world.run.experiments[1].value == 0.9


def test_if_it_is_as_slow_it_is_the_code() -> None:
    world = paced(1.0, 1.0, 1.0)
    world.experiment(1, 1.1, pace=0.5)
    world.wants()
    world.trial(1, 1.1, purpose="pace", pace=0.51)
    assert world.wants() == "discard: worse by 0.099000"
    assert not any(trial.taint for trial in world.run.experiments[1].trials)


def test_a_trial_of_the_trunk_that_was_disturbed_is_made_again_once() -> None:
    world = paced(1.0, 1.0, 1.0)
    world.trial(0, 1.2, purpose="drift", pace=0.7)
    assert world.wants() == (0, "disturbed")
    world.trial(0, 1.2, purpose="disturbed", pace=0.7)
    assert world.wants() == "keep: baseline"
    assert len(world.run.experiments[0].numbers) == 3


def test_a_change_that_wins_by_its_pace_has_the_trunk_trained_again_for_that_may_have_been_disturbed() -> None:
    world = paced(0.7)
    world.experiment(1, 0.9, pace=1.0)
    assert world.wants() == (0, "pace")
    world.trial(0, 0.9, purpose="pace", pace=1.0)
    assert world.wants() == "keep: baseline"
    assert world.run.experiments[0].numbers == [0.9]


def test_three_slow_experiments_in_a_row_have_the_trunk_looked_at() -> None:
    world = paced(1.0, 1.0, 1.0)
    for number in (1, 2, 3):
        assert world.next_step() == plan.Draw()
        world.experiment(number, 1.1, pace=0.8)
        world.wants()
        world.trial(number, 1.1, purpose="pace", pace=0.8)
        world.wants()
    assert world.wants() == (0, "drift")


def test_hopeless_for_its_pace_is_tried_once_more_and_for_its_loss_not() -> None:
    world = Trunk()
    world.experiment(1, outcome="hopeless", why="at 12%: 40% of the trunk's pace", slow=True)
    assert world.wants() == (1, "pace")
    world.trial(1, purpose="pace", outcome="hopeless", why="at 12%: 41% of the trunk's pace", slow=True)
    assert world.wants() == "discard: hopeless at 12%: 41% of the trunk's pace"
    world.experiment(2, outcome="hopeless", why="at 40%: loss 9.1")
    assert world.wants() == "discard: hopeless at 40%: loss 9.1"


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


# ------------------------------------------------------------------------------------------------------------------------------
# Drift
# ------------------------------------------------------------------------------------------------------------------------------


def looked_at(*values: float) -> Trunk:
    world = Trunk(drift_every=2)
    for number in (1, 2):
        world.experiment(number, 1.1)
        world.wants()
    for value in values:
        assert world.wants() == (0, "drift")
        world.trial(0, value, purpose="drift")
    return world


def test_a_trunk_that_was_not_measured_for_long_is() -> None:
    assert looked_at().wants() == (0, "drift")


def test_and_if_it_is_as_it_was_that_is_one_more_number() -> None:
    world = looked_at(1.0)
    assert world.wants() == "keep: baseline"
    assert len(world.run.experiments[0].numbers) == 4 and world.next_step() == plan.Draw()


def test_a_trunk_that_is_off_is_looked_at_twice_before_that_is_believed() -> None:
    world = looked_at(1.01, 1.0)
    assert world.wants() == "keep: baseline"
    assert world.run.era == 0


def test_a_drift_is_said_and_from_then_on_numbers_compare_with_newer_ones_only() -> None:
    world = looked_at(1.01, 1.011)
    assert world.wants() == "keep: baseline"
    run = world.run
    assert run.era == 1 and run.experiments[0].numbers == [1.01, 1.011]
    assert [run.experiments[number].adrift for number in (0, 1, 2)] == [False, True, True]
    world.experiment(3, 1.003)
    assert str(world.wants()).startswith("keep: better by 0.0075"), "worse than the trunk was, better than it is"


def test_a_later_look_is_a_look_of_its_own() -> None:
    world = looked_at(1.0)
    world.wants()
    for number in (3, 4):
        world.experiment(number, 1.1)
        world.wants()
    assert world.wants() == (0, "drift")
    world.trial(0, 1.05, purpose="drift")
    assert world.wants() == (0, "drift")
    world.trial(0, 1.05, purpose="drift")
    world.wants()
    assert world.run.era == 1


def test_a_deterministic_machine_that_changes_has_drifted() -> None:
    world = Trunk((1.0, 1.0, 1.0), drift_every=1)
    world.experiment(1, 1.1)
    world.wants()
    for _ in range(2):
        assert world.wants() == (0, "drift")
        world.trial(0, 1.000001, purpose="drift")
    world.wants()
    assert world.run.era == 1


def test_what_was_measured_before_a_drift_is_not_compared_though_the_night_ends() -> None:
    world = Trunk()
    world.experiment(1, 1.0 - 5 * SIGMA)
    world.add(e.Launched(0, 4, 42, 1, 1, "boot"), e.Ended(0, 4, "finished"), e.Measured(0, 4, 1.5), e.Drifted(0, 4, 1.0, 1.5, 1))
    world.judge(0)
    world.send(c.Stop(1))
    assert str(world.wants()).startswith("discard: not comparable")


# ------------------------------------------------------------------------------------------------------------------------------
# Crashes
# ------------------------------------------------------------------------------------------------------------------------------


def crashed(world: Trunk, *numbers: int, parent: int = 0) -> None:
    for number in numbers:
        assert world.next_step() == plan.Draw()
        world.experiment(number, None, parent, crash="error")
        world.wants()


def test_after_three_crashes_in_a_row_the_trunk_is_asked_whether_it_still_trains() -> None:
    world = Trunk()
    crashed(world, 1, 2, 3)
    assert world.wants() == (0, "crashes")
    world.trial(0, 1.0, purpose="crashes")
    assert world.wants() == "keep: baseline"
    crashed(world, 4, 5, 6)
    assert world.wants() == (0, "crashes")


def a_trunk_of_three() -> Trunk:
    world = Trunk()
    for number in (1, 2):
        world.experiment(number, 1.0 - 0.1 * number, number - 1)
        world.wants()
    crashed(world, 3, 4, 5, parent=2)
    return world


def asked(world: Trunk, number: int, value: float | None) -> None:
    """The plan wants to know whether it trains, and learns it."""
    assert world.wants() == (number, "crashes")
    world.trial(number, value, purpose="crashes")
    assert str(world.wants()).startswith("keep")


def test_a_trunk_that_crashes_too_goes_back_to_what_trains() -> None:
    world = a_trunk_of_three()
    asked(world, 2, None)
    asked(world, 1, None)
    asked(world, 0, 1.0)
    assert world.next_step() == plan.StepBack(0)
    world.do(world.next_step())
    assert world.next_step() == plan.Draw() and world.run.trunk == (0,)


def test_and_stays_where_a_person_then_takes_it() -> None:
    world = a_trunk_of_three()
    asked(world, 2, None)
    asked(world, 1, 0.9)
    world.do(world.next_step())
    assert world.run.tip == 1
    world.now += timedelta(seconds=1)
    world.send(c.Rewind(2))
    world.do(world.next_step())
    assert world.run.tip == 2 and world.next_step() == plan.Draw()


def test_if_not_even_the_baseline_trains_it_was_the_machine_and_nothing_is_given_up() -> None:
    world = a_trunk_of_three()
    for number in (2, 1, 0):
        asked(world, number, None)
    step = world.next_step()
    assert isinstance(step, plan.Rest) and step.until
    world.now = datetime.fromtimestamp(step.until, world.now.tzinfo)
    asked(world, 0, 1.0)
    asked(world, 2, 0.8)
    assert world.next_step() == plan.Draw() and world.run.trunk == (0, 1, 2)


def test_where_nothing_trains_it_waits_and_asks_again() -> None:
    world = Trunk()
    crashed(world, 1, 2, 3)
    world.trial(0, None, purpose="crashes", why="CUDA error")
    world.wants()
    step = world.next_step()
    assert isinstance(step, plan.Rest) and step.why == "nothing trains any more, not even the baseline: CUDA error"
    assert step.until is not None
    world.now = datetime.fromtimestamp(step.until, world.now.tzinfo)
    assert world.wants() == (0, "crashes")


def test_meanwhile_it_hears_people_and_ends_when_it_should() -> None:
    world = Trunk()
    crashed(world, 1, 2, 3)
    world.trial(0, None, purpose="crashes")
    world.wants()
    world.send(c.Again(0))
    assert world.wants() == (0, "again")
    world.send(c.Withdraw(1))
    world.send(c.Limit("experiments", "4"))
    assert world.next_step() == plan.End("4 experiments are done")


@given(st.lists(st.sampled_from(["crash", "better", "worse"]), min_size=1, max_size=25), st.lists(st.booleans(), max_size=12))
def test_however_much_crashes_the_baseline_is_never_lost(fates: list[str], trains: list[bool]) -> None:
    """Whatever crashes, and whatever of the trunk still trains when it is asked."""
    world, asked = Trunk(drift_every=0), iter(trains)
    for fate in fates:
        number = len(world.run.experiments)
        for _ in range(60):
            step = world.next_step()
            if isinstance(step, plan.Train):
                value = world.run.experiments[step.number].value
                world.trial(step.number, value if next(asked, True) else None, purpose=step.purpose)
            elif isinstance(step, plan.Draw | plan.Rest):
                break
            else:
                world.do(step)
        assert world.run.tip is not None
        tip = world.run.experiments[world.run.tip]
        better = {"crash": None, "better": (tip.value or 0) - 0.1, "worse": (tip.value or 0) + 0.1}[fate]
        world.experiment(number, better, world.run.tip)
        baseline = world.run.experiments[0]
        assert (baseline.verdict, baseline.value) == ("keep", 1.0) and world.run.trunk[0] == 0
