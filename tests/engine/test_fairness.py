"""What a trial keeps of its samples, and when its conditions were not those of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from autoresearch_tui.engine.fairness import summary, unfair
from autoresearch_tui.journal.events import Card
from autoresearch_tui.telemetry.sample import Process, Sample

GB = 2**30
DESKTOP = Process(900, GB, "Xorg", "root")
TRAINING = Process(4711, 11 * GB, "python", "anna")
LLM = Process(1500, 9 * GB, "llama-server", "ollama")
STRANGER = Process(7000, round(2.1 * GB), "blender", "otto")
FAIR = Card(seconds=300, util=97, power_w=420, sm_mhz=1830, throttled={"power": 0.9}, waited=0.02)


def trial(
    *there: Process, seconds: int = 300, at: Callable[[int], tuple[Process, ...]] = lambda second: (), **shown: object
) -> list[Sample]:
    """A training of five minutes, looked at once a second; `at` is who else is there at a second."""
    usual = Sample(0.0, util=98, memory_total=24 * GB, power_w=420.0, temperature_c=71, sm_mhz=1830, throttle=("power",), source="nvml")
    samples = []
    for second in range(seconds + 1):
        processes = (*there, *at(second))
        used = sum(one.memory or 0 for one in processes)
        samples.append(replace(usual, at=1000.0 + second, memory_used=used, processes=processes, **shown))
    return samples


def kept(samples: list[Sample], **known: object) -> Card:
    return summary(samples, {4711}, {1500}, {900}, **known)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------------------------------
# What is kept
# ---------------------------------------------------------------------------------------------------------------------------------


def test_a_trial_keeps_its_peaks_and_means_by_owner() -> None:
    assert kept(trial(DESKTOP, LLM, TRAINING), waited=0.0214) == Card(
        seconds=300.0,
        util=98.0,
        memory_gb=21.0,
        training_gb=11.0,
        llm_gb=9.0,
        power_w=420.0,
        temperature_c=71,
        sm_mhz=1830.0,
        throttled={"power": 1.0},
        waited=0.021,
    )


def test_while_the_card_waits_for_a_compiler_its_clock_and_its_reasons_do_not_count() -> None:
    compiling = trial(TRAINING, seconds=60, util=3, sm_mhz=210, throttle=("idle",), power_w=60.0)
    training = [replace(one, at=one.at + 61) for one in trial(TRAINING, seconds=60)]
    card = kept(compiling + training)
    assert (card.sm_mhz, card.power_w, card.throttled, card.util) == (1830.0, 420.0, {"power": 1.0}, 50.5)
    assert kept(compiling).throttled == {}


def test_what_a_card_does_not_say_is_none() -> None:
    silent = trial(seconds=3, util=None, memory_total=None, power_w=None, temperature_c=None, sm_mhz=None, throttle=())
    card = kept([replace(one, memory_used=None, processes=None) for one in silent])
    assert card == Card(seconds=3.0)
    assert summary([], waited=0.3) == Card(waited=0.3)
    assert summary([]) == Card()


def test_an_old_driver_knows_no_strangers_and_the_training_by_difference() -> None:
    unlisted = [replace(one, processes=None, memory_used=12 * GB) for one in trial(TRAINING, throttle=())]
    card = kept(unlisted, before=GB)
    assert (card.training_gb, card.strangers, unfair(card, [FAIR])) == (11.0, (), "")
    nameless = trial(DESKTOP, replace(TRAINING, memory=None), replace(STRANGER, memory=None))
    assert kept(nameless).strangers == ()


def test_a_slice_of_a_card_is_a_total() -> None:
    card = kept(trial(TRAINING, mig=True))
    assert (card.memory_gb, card.training_gb) == (11.0, None)


# ---------------------------------------------------------------------------------------------------------------------------------
# Strangers
# ---------------------------------------------------------------------------------------------------------------------------------


def test_a_stranger_who_appears_in_the_middle_is_named_with_what_it_took_and_when() -> None:
    stays = kept(trial(DESKTOP, TRAINING, at=lambda second: (STRANGER,) if second >= 40 else ()))
    goes = kept(trial(DESKTOP, TRAINING, at=lambda second: (STRANGER,) if 40 <= second < 70 else ()))
    assert unfair(stays, [FAIR]) == "blender (pid 7000, otto) took 2.1 GB of the card from 0:40 on"
    assert unfair(goes, [FAIR]) == "blender (pid 7000, otto) took 2.1 GB of the card from 0:40 to 1:09"


def test_of_several_strangers_the_largest_is_named() -> None:
    other = Process(7001, 5 * GB, "python", "eve")
    card = kept(trial(DESKTOP, TRAINING, STRANGER, other))
    assert unfair(card, []) == "python (pid 7001, eve) took 5.0 GB of the card from 0:00 on, and 1 more did"


def test_a_stranger_who_stays_for_the_same_trial_again_is_part_of_the_machine() -> None:
    first = kept(trial(TRAINING, at=lambda second: (STRANGER,) if second >= 40 else ()))
    second = kept(trial(TRAINING, STRANGER))
    assert unfair(second, [FAIR, first], same=[first]) == ""
    other = kept(trial(TRAINING, STRANGER, Process(7001, 5 * GB, "python", "eve")))
    assert unfair(other, [FAIR, first], same=[first]) == "python (pid 7001, eve) took 5.0 GB of the card from 0:00 on"


@pytest.mark.parametrize(
    "there",
    [
        (DESKTOP, TRAINING, LLM),
        (replace(DESKTOP, memory=6 * GB), TRAINING),
        (DESKTOP, TRAINING, Process(31, 80 * 2**20, "firefox", "anna")),
        (DESKTOP, TRAINING, Process(32, None, "firefox", "anna")),
        (DESKTOP, Process(88_123, 11 * GB), Process(88_200, 9 * GB)),
    ],
    ids=["our own", "a desktop that was there and grows", "a window", "memory that nobody tells", "the pids of a container"],
)
def test_who_was_there_or_takes_nothing_or_may_be_ourselves_is_no_stranger(there: tuple[Process, ...]) -> None:
    assert unfair(kept(trial(*there)), [FAIR]) == ""


def test_who_only_looks_in_is_no_stranger() -> None:
    assert kept(trial(TRAINING, at=lambda second: (STRANGER,) if second in (100, 101, 102) else ())).strangers == ()
    assert kept(trial(TRAINING, seconds=9, at=lambda second: (STRANGER,) if second == 5 else ())).strangers == ()
    assert kept(trial(TRAINING, seconds=9, at=lambda second: (STRANGER,) if second in (5, 6) else ())).strangers != ()


def test_the_name_of_a_stranger_cannot_move_the_cursor() -> None:
    card = kept(trial(TRAINING, replace(STRANGER, name="a\x1b[2J\nb", user="")))
    assert card.strangers == ("a b (pid 7000) took 2.1 GB of the card from 0:00 on",)


# ---------------------------------------------------------------------------------------------------------------------------------
# Heat, clocks and cores
# ---------------------------------------------------------------------------------------------------------------------------------


def test_heat_and_failing_hardware_are_unfair_above_a_twentieth_of_the_time() -> None:
    hot = replace(FAIR, throttled={"heat": 0.12, "power": 0.8})
    assert unfair(hot, [FAIR, FAIR]) == "throttled by heat for 12% of the time, 0% in fair trials"
    assert unfair(hot, []) == "throttled by heat for 12% of the time"
    assert unfair(replace(hot, throttled={"heat": 0.04}), [FAIR]) == ""
    broken = replace(FAIR, throttled={"hardware": 0.3})
    assert unfair(broken, [FAIR]) == "throttled by its hardware (power supply or cooling) for 30% of the time, 0% in fair trials"


def test_a_machine_that_is_always_hot_is_compared_with_itself() -> None:
    hot = replace(FAIR, throttled={"heat": 0.6})
    assert unfair(hot, []) != ""
    assert unfair(replace(hot, throttled={"heat": 0.63}), [FAIR, FAIR, FAIR, hot], same=[hot]) == "", "the same trial again"
    assert unfair(replace(hot, throttled={"heat": 0.8}), [hot, hot, hot]) == "throttled by heat for 80% of the time, 60% in fair trials"


def test_a_power_cap_at_full_load_is_normal() -> None:
    assert unfair(FAIR, []) == unfair(FAIR, [FAIR]) == ""
    assert unfair(replace(FAIR, sm_mhz=1790, power_w=380), [FAIR]) == "", "two per cent of clock"


def test_a_power_cap_that_was_lowered_leaves_a_lower_clock() -> None:
    capped = replace(FAIR, sm_mhz=1410, power_w=300)
    assert unfair(capped, [FAIR, replace(FAIR, sm_mhz=1845), FAIR]) == "its clock was 1410 MHz, 1830 in fair trials"
    assert unfair(capped, []) == "", "nobody knows its usual clock"
    assert unfair(replace(capped, throttled={}), [FAIR]) == "", "a card with nothing to do lowers its clock by itself"


def test_code_that_makes_more_of_the_card_has_a_lower_clock_at_the_same_power_and_that_is_fair() -> None:
    eager = replace(FAIR, sm_mhz=1600, power_w=425)
    assert unfair(eager, [FAIR]) == ""
    assert unfair(replace(eager, power_w=None), [FAIR]) == "", "unknown is never unfair"
    assert unfair(eager, [FAIR], same=[FAIR]) == "its clock was 1600 MHz, 1830 in fair trials", "the same code is no such code"
    assert unfair(eager, [FAIR, eager], same=[eager]) == ""


def test_waiting_for_the_cores_is_unfair_beyond_what_is_usual() -> None:
    starved = Card(waited=0.31)
    assert unfair(starved, [Card(waited=0.02), Card(waited=0.01), Card(waited=0.03)]) == (
        "it waited for the cores 31% of the time, 2% in fair trials"
    )
    assert unfair(starved, []) == "it waited for the cores 31% of the time"
    assert unfair(Card(waited=0.16), [Card(waited=0.02)]) == ""
    assert unfair(starved, [Card(waited=0.3), Card(waited=0.25), Card(waited=0.28)]) == ""


def test_nothing_known_is_never_unfair() -> None:
    assert unfair(Card(), []) == unfair(Card(), [FAIR]) == unfair(FAIR, [Card()]) == ""
