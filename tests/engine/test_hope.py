"""When a trial is hopeless beside the trunk's: for its loss, for its pace, and not for one wild line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest

from autoresearch_tui.engine.hope import Hope
from autoresearch_tui.telemetry.curve import Curve, curve_of
from autoresearch_tui.telemetry.progress import Progress

STEPS = 1000
Line = Callable[[int], Progress]


def line(loss: float | None = 4.0, rate: float | None = 1000.0, steps: int = STEPS) -> Line:
    """What such a training says at a step."""
    return lambda step: Progress(step, step / steps, loss, tokens_per_s=rate)


def curve(of: Line, steps: int = STEPS) -> Curve:
    found = curve_of(of(step) for step in range(steps))
    assert found is not None
    return found


def lost(lines: Iterable[Progress], trunk: Curve | None = None, factor: float = 2.0) -> tuple[int, str, bool] | None:
    """The step after which a trial is hopeless, why, and whether for its pace."""
    hope = Hope(trunk or curve(line()), factor)
    for progress in lines:
        if found := hope.lost(progress):
            return (progress.step, *found)
    return None


def test_a_loss_of_twice_the_trunks_is_hopeless() -> None:
    assert lost(map(line(9.127), range(400, 500, 5))) == (415, "at 42%: loss 9.13 where the trunk's was 4.00", False)


def test_never_in_the_first_tenth() -> None:
    assert lost(map(line(50.0), range(100))) is None
    assert lost(map(line(50.0), range(STEPS))) == (112, "at 11%: loss 50.0 where the trunk's was 4.00", False)
    assert lost(map(line(4.0, 10.0), range(100))) is None
    assert lost(map(line(4.0, 10.0), range(STEPS))) == (100, "at 10%: 1% of the trunk's pace", True)


def test_what_is_not_that_bad_goes_on() -> None:
    assert lost(map(line(7.9, 501.0), range(STEPS))) is None


def test_the_factor_can_be_set() -> None:
    assert lost(map(line(7.9, 501.0), range(STEPS)), factor=1.9) is not None
    assert lost(map(line(11.0, 400.0), range(STEPS)), factor=3.0) is None
    assert lost(map(line(13.0), range(STEPS)), factor=3.0) is not None


def test_the_trunk_is_asked_at_the_same_fraction() -> None:
    def falls(step: int) -> Progress:
        return Progress(step, step / STEPS, 10.0 - 9.0 * step / STEPS, tokens_per_s=1000.0)

    found = lost(map(line(9.0), range(0, STEPS, 10)), curve(falls))
    assert found is not None and 610 <= found[0] <= 660, "where the trunk went below 4.5"


def test_one_wild_loss_ends_nothing_however_long_it_hangs_about() -> None:
    """An average that takes in a tenth of every new loss: a single 100 keeps it above twice the trunk's for nine steps."""
    after = [max(4.0, 4.0 + 9.6 * 0.9**step) for step in range(100)]
    for every in (1, 2, 3):
        assert lost(line(after[step])(500 + step) for step in range(0, 100, every)) is None


def test_good_and_bad_by_turns_is_noise() -> None:
    losses = itertools.cycle([30.0, 30.0, 30.0, 4.0])
    assert lost(line(next(losses))(step) for step in range(0, STEPS, 5)) is None


@pytest.mark.parametrize("loss", [0.0, -3.0, 0.02])
def test_near_zero_and_below_a_multiple_says_nothing(loss: float) -> None:
    trunk = curve(lambda step: Progress(step, step / STEPS, 4.0 if step < 300 else loss, tokens_per_s=1000.0))
    assert lost(map(line(abs(loss) * 3 + 0.01), range(300, STEPS)), trunk) is None


def test_less_than_half_of_the_trunks_pace_is_hopeless() -> None:
    assert lost(map(line(4.0, 410.0), range(100, 200, 5))) == (120, "at 12%: 41% of the trunk's pace", True)


def test_steps_that_compile_are_no_pace() -> None:
    def compiles(step: int) -> Progress:
        return line(rate=1.0 if step < 10 else 1000.0)(step)

    assert lost(map(compiles, range(STEPS))) is None
    assert lost(map(line(rate=450.0), range(STEPS)), curve(compiles)) is not None


def test_a_few_slow_steps_are_no_pace() -> None:
    slow = {*range(120, 140), *range(600, 700)}
    assert lost(line(rate=10.0 if step in slow else 1000.0)(step) for step in range(STEPS)) is None


def test_of_few_and_long_steps_a_pace_is_known_after_some() -> None:
    found = lost(map(line(rate=10.0, steps=20), range(20)))
    assert found == (6, "at 30%: 1% of the trunk's pace", True)


def test_a_trunk_that_grew_slower_is_compared_with_its_beginning() -> None:
    slower = curve(lambda step: line(rate=1000.0 if step < 300 else 100.0)(step))
    assert lost(map(line(rate=300.0), range(100, 300)), slower) is not None
    assert lost(map(line(rate=300.0), range(700, STEPS)), slower) is None


@pytest.mark.parametrize(("own", "trunks"), [(None, None), (100.0, None), (None, 100.0)])
def test_where_tokens_are_not_counted_steps_are(own: float | None, trunks: float | None) -> None:
    trunk = curve(line(rate=trunks))
    assert lost(map(line(rate=own, steps=600), range(600)), trunk) is None
    assert lost(map(line(rate=own, steps=400), range(400)), trunk) == (40, "at 10%: 40% of the trunk's pace", True)


def test_twice_the_tokens_in_half_the_steps_are_no_slower() -> None:
    assert lost(map(line(rate=1000.0, steps=400), range(400))) is None


def test_a_training_that_says_little_is_left_alone() -> None:
    assert lost(Progress(step, None, 90.0, tokens_per_s=1.0) for step in range(STEPS)) is None
    assert lost(Progress(step, step / STEPS) for step in range(STEPS)) is None
    assert lost(map(line(90.0, 1.0), range(STEPS)), curve(line(None, None, steps=10), 10)) is None
