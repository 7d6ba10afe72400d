"""What a gain is worth is told by the noise of the device that it was measured on."""

from __future__ import annotations

from autoresearch_tui.engine.misses import near_misses
from autoresearch_tui.engine.rewards import units
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import gain_of
from tests.engine.histories import History

QUIET, LOUD = "NVIDIA A100", "NVIDIA T4"


def trained(history: History, number: int, device: str, *values: float) -> None:
    for value in values:
        trial = len(history.run.experiments[number].trials) + 1
        history.add(e.Launched(number, trial, 42, 1, 1, "boot", "", "", device), e.Ended(number, trial, "finished", seconds=300.0))
        history.add(e.Measured(number, trial, value))


def two_classes() -> History:
    """A baseline whose trainings differ ten times as much on one class of device as on the other, and two changes on each."""
    history = History()
    history.begin()
    history.add(e.Proposed(0), e.Committed(0, "c0"))
    trained(history, 0, LOUD, 0.99, 1.0, 1.01)
    trained(history, 0, QUIET, 0.999, 1.0, 1.001)
    history.add(e.Judged(0, "keep", "baseline", 0), e.Applied(0))
    for number, device, value in ((1, QUIET, 0.98), (2, LOUD, 0.98), (3, QUIET, 1.006), (4, LOUD, 1.006)):
        changes = {f"KNOB_{number}": ("1", "2")}
        history.add(e.Proposed(number, operator="tune", parent=0, changes=changes), e.Committed(number, f"c{number}"))
        trained(history, number, device, value)
        history.add(e.Judged(number, "discard", "as it is here", 0), e.Applied(number))
    return history


def test_the_same_gain_is_ten_times_as_much_where_trainings_differ_by_a_tenth() -> None:
    run = two_classes().run
    quiet, loud = (run.experiments[number] for number in (1, 2))
    sigmas = units(run, (quiet, loud))
    assert sigmas[LOUD] > 9 * sigmas[QUIET]
    gains = [gain_of(run, one) for one in (quiet, loud)]
    assert [gain.word for gain in gains if gain] == ["sure", "unsure"]


def test_what_is_nearly_as_good_is_so_by_the_noise_of_its_own_device() -> None:
    run = two_classes().run
    assert set(near_misses(run)) == {1, 2, 4}, "3 is as much worse as 4, and that is no accident there"
