"""Who goes next in a contest: nobody twice before all others once, on every slot as often, and models together."""

from __future__ import annotations

from collections import Counter

import pytest

from autoresearch_tui.contest.rounds import STRIKES, Turn, asked, first_turn_of, fresh, level, queues, tried, turn_of
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from tests.contest.games import measured, search, trained_again
from tests.engine.histories import History

SIX = {f"{name}-{repeat}": (name, 4) for name in ("sweep", "climb") for repeat in (1, 2, 3)}


def test_a_round_has_each_of_those_that_are_furthest_behind_once() -> None:
    levels = SIX | {"climb-2": ("climb", 5), "sweep-1": ("sweep", 6)}
    (queue,) = queues(levels, (), 1, "42")
    assert sorted(queue) == ["climb-1", "climb-3", "sweep-2", "sweep-3"]


def test_the_order_is_drawn_anew_for_each_round_and_is_the_same_for_the_same_seed() -> None:
    rounds = [queues({tag: (who, at) for tag, (who, _) in SIX.items()}, (), 1, "42")[0] for at in range(8)]
    assert len({tuple(queue) for queue in rounds}) > 4
    assert rounds[3] == queues({tag: (who, 3) for tag, (who, _) in SIX.items()}, (), 1, "42")[0]
    assert rounds[3] != queues({tag: (who, 3) for tag, (who, _) in SIX.items()}, (), 1, "43")[0]


@pytest.mark.parametrize("slots", [2, 3])
def test_each_run_is_on_each_slot_equally_often_and_no_slot_has_more_than_its_part(slots: int) -> None:
    visits: Counter[tuple[str, int]] = Counter()
    for at in range(6):
        lists = queues({tag: (who, at) for tag, (who, _) in SIX.items()}, (), slots, "42")
        assert {len(queue) for queue in lists} == {len(SIX) // slots}
        visits.update((tag, slot) for slot, queue in enumerate(lists) for tag in queue)
    assert set(visits.values()) == {6 // slots}


def test_runs_of_one_model_that_has_the_memory_of_the_card_follow_each_other() -> None:
    levels = {f"{name}-{repeat}": (name, 0) for name in ("sweep", "ollama:a", "ollama:b") for repeat in (1, 2, 3)}
    for seed in range(5):
        (queue,) = queues(levels, {"ollama:a", "ollama:b"}, 1, str(seed))
        models = [tag[:8] for tag in queue if tag.startswith("ollama")]
        assert models in (["ollama:a"] * 3 + ["ollama:b"] * 3, ["ollama:b"] * 3 + ["ollama:a"] * 3)
        places = [place for place, tag in enumerate(queue) if tag.startswith("ollama:a")]
        assert places[-1] - places[0] == 2


def test_the_baseline_is_trained_until_the_noise_is_measured() -> None:
    assert first_turn_of(Run()) == Turn(1)
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    assert first_turn_of(history.run) == Turn(1, again=0)
    trained_again(history, 0, 1.002)
    assert first_turn_of(history.run) == Turn(1, again=0)
    trained_again(history, 0, 1.004)
    assert first_turn_of(history.run) is None


def test_a_baseline_that_crashed_is_not_trained_again() -> None:
    history = History()
    history.begin()
    history.settle(0, None, None, "crash")
    assert first_turn_of(history.run) is None


def test_a_run_tries_one_change_a_turn_and_then_its_trunk_is_trained_twice() -> None:
    assert turn_of(measured().run, 2) == Turn(2)
    assert turn_of(search([0.9]), 2) == Turn(3)
    assert turn_of(search([0.9, 0.95]), 2) == Turn(3, again=1)
    assert turn_of(search([0.9, 0.95], [0.91]), 2) == Turn(3, again=1)
    assert turn_of(search([0.9, 0.95], [0.91, 0.92]), 2) is None
    assert turn_of(search([0.9, 0.95], [0.91, 0.92]), 3) == Turn(4), "more experiments than before: it goes on"


def test_what_was_disturbed_too_often_is_measured_again_by_the_next_contest_that_is_asked_for() -> None:
    history = measured()
    history.settle(1, 0, 0.9)
    for _ in range(4):
        trained_again(history, 1, None)
    assert turn_of(history.run, 1) is None
    assert turn_of(history.run, 1, since=history.now.timestamp()) == Turn(2, again=1)


def test_a_turn_that_was_killed_is_finished_and_not_begun_again() -> None:
    history = measured()
    history.launch(1, 0)
    assert turn_of(history.run, 5) == Turn(2)


def test_what_comes_to_nothing_too_often_is_measured_as_far_as_it_is() -> None:
    assert turn_of(search([0.9]), 5, is_out=True) == Turn(2, again=1)
    assert turn_of(measured().run, 5, is_out=True) is None, "a run that tried nothing has no trunk of its own"
    assert level(search([0.9]), STRIKES, True, 5) == 5, "with those that have had all their turns"


def test_only_trainings_after_all_others_are_fresh() -> None:
    """The third of the trunk was asked for, and a change was tried after it: the verdict on that rested on it."""
    history = measured()
    history.settle(1, 0, 0.9)
    trained_again(history, 1, 0.85)
    history.settle(2, 1, 0.95)
    assert fresh(history.run) == [] and tried(history.run) == 2
    trained_again(history, 1, 0.91)
    assert [trial.value for trial in fresh(history.run)] == [0.91]


def test_a_trunk_that_was_kept_last_and_in_doubt_is_measured_afresh_too() -> None:
    history = measured()
    history.launch(1, 0)
    history.end(1, 0.9)
    history.add(e.Launched(1, 2, 43, 1, 1, "boot", purpose="doubt"))
    history.end(1, 0.91)
    history.judge(1)
    assert fresh(history.run) == []


def test_a_training_that_a_kill_interrupted_is_made_again_and_not_asked_for_twice() -> None:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    assert not asked(history.run, [], 0)
    history.add(e.Launched(0, 2, 42, 1, 1, "boot", "again"))
    assert asked(history.run, [], 0)
    history.add(e.Ended(0, 2, "interrupted", why="the engine died"))
    assert asked(history.run, [], 0)
    history.add(e.Launched(0, 3, 42, 1, 1, "boot", "again"), e.Ended(0, 3, "finished", seconds=1.0), e.Measured(0, 3, 1.0))
    assert not asked(history.run, [], 0)
