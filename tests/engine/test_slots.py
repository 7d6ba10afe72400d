"""Nights with several slots, as they go: real engines, real processes, real git."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.workspace import RunFolder
from tests.engine.nights import TRAIN, check_whole, engine, facts_of, git, journal_of, make_checkout, send, state, stop, tui, wait_for

TIMED = TRAIN + 'print(f"from {began:.3f} to {time.time():.3f}")\n'

Night = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab", TIMED)


@pytest.fixture
def night(lab: Path) -> Iterator[Night]:
    """An engine with two slots on its way, which does not outlive the test."""
    running: list[subprocess.Popen[str]] = []

    def start(experiments: int, *more: str, slots: int = 2, seconds: float = 0.6, wrapped: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        arguments = ("run", "--tag", "night", "--experiments", str(experiments), "--slots", str(slots), *more)
        running.append(engine(lab, *arguments, seconds=seconds, wrapped=wrapped))
        return running[-1]

    yield start
    for one in running:
        if one.poll() is None:
            one.kill()
        one.communicate()


def ended(running: subprocess.Popen[str], code: int = 0) -> str:
    said, _ = running.communicate(timeout=60)
    assert running.returncode == code, said
    return said


def trained(folder: Path) -> list[tuple[float, float]]:
    """From when to when each trial trained, as their logs tell it."""
    run = RunFolder(folder / ".autoresearch" / "night")
    logs = [run.log(one.number, trial.number) for one in state(folder).experiments.values() for trial in one.trials]
    found = [re.search(r"^from (\S+) to (\S+)$", log.read_text(), re.MULTILINE) for log in logs if log.exists()]
    return sorted((float(one[1]), float(one[2])) for one in found if one)


def at_once(times: list[tuple[float, float]]) -> int:
    """The most that trained at a time."""
    return max(sum(start <= moment < end for start, end in times) for moment, _ in times)


def two_train(folder: Path) -> bool:
    """Two experiments train, neither of them the baseline."""
    return len(numbers := under_way(folder)) == 2 and 0 not in numbers


def under_way(folder: Path) -> list[int]:
    return [one.number for one in state(folder).under_way]


def launches(folder: Path) -> list[e.Launched]:
    return [fact for fact in facts_of(folder) if isinstance(fact, e.Launched)]


# ------------------------------------------------------------------------------------------------------------------------------
# Two at a time
# ------------------------------------------------------------------------------------------------------------------------------


def test_two_trials_train_at_a_time_and_journal_and_table_are_right(lab: Path, night: Night) -> None:
    said = ended(night(5, seconds=0.4))
    run = check_whole(lab)
    assert len(run.experiments) == 5
    assert at_once(trained(lab)) == 2
    assert [slot.name for slot in run.slots] == ["cpu0", "cpu1"]
    assert {fact.slot for fact in launches(lab)} == {"cpu0", "cpu1"}
    assert len({trial.device for one in run.experiments.values() for trial in one.trials}) == 1
    assert "2 slots: cpu0, cpu1" in said
    assert re.search(r"#1 trains in cpu1", said)


def test_a_night_with_one_slot_speaks_of_none(lab: Path, night: Night) -> None:
    said = ended(night(2, slots=1, seconds=0.0))
    run = check_whole(lab)
    assert run.slots == ()
    assert not [fact for fact in facts_of(lab) if isinstance(fact, e.Equipped)]
    assert {fact.slot for fact in launches(lab)} == {""}
    assert "slot" not in said and "cpu0" not in said


@pytest.mark.slow
def test_eight_slots_train_eight_at_a_time(lab: Path, night: Night) -> None:
    said = ended(night(12, seconds=3.0, wrapped=("-m", "tests.engine.places", "8")))
    check_whole(lab)
    assert at_once(trained(lab)) == 8
    assert "8 slots: cpu0, cpu1, cpu2, cpu3, cpu4, cpu5, cpu6, cpu7" in said


@pytest.mark.slow
def test_a_night_goes_on_with_another_number_of_slots(lab: Path, night: Night) -> None:
    for slots, experiments in ((2, 4), (1, 6), (3, 10)):
        before = len(launches(lab)) if journal_of(lab).exists() else 0
        ended(night(experiments, wrapped=("-m", "tests.engine.places", f"{slots}")))
        run = check_whole(lab)
        assert len(run.experiments) == experiments
        assert len(run.slots) == (slots if slots > 1 else 0)
        assert len({fact.slot for fact in launches(lab)[before:]}) == slots
    assert run.tip is not None


@pytest.mark.slow
def test_where_nobody_says_how_many_it_goes_on_in_as_many_slots(lab: Path, night: Night) -> None:
    ended(night(3))
    ended(engine(lab, "run", "--tag", "night", "--experiments", "5"))
    assert [slot.name for slot in check_whole(lab).slots] == ["cpu0", "cpu1"]


# ------------------------------------------------------------------------------------------------------------------------------
# A search
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_helped_on_a_trunk_that_moved_on_is_tried_on_the_new_one_and_measured_there(lab: Path, night: Night) -> None:
    ended(night(10, seconds=0.3))
    run = check_whole(lab)
    again = [one for one in run.experiments.values() if one.operator == "keep"]
    assert again, "two slots found something at a time"
    for one in again:
        assert one.of is not None
        first = run.experiments[one.of]
        assert first.verdict == "discard" and "the trunk moved while it trained" in first.reason
        assert one.parent != first.parent and one.trials[0].value is not None
        assert one.reason != "kept by hand"


def test_no_slot_tries_what_another_is_trying(lab: Path, night: Night) -> None:
    """Few knobs, so that the same idea is near."""
    few = re.sub(r"^(WIDTH|MATRIX_LR|EMBEDDING_LR|WEIGHT_DECAY|WARMUP_RATIO) = (\S+)", r'\1 = float("\2")', TIMED, flags=re.MULTILINE)
    (lab / "train.py").write_text(few)
    git(lab, "commit", "-q", "-a", "-m", "few knobs")
    ended(night(6, seconds=0.2))
    run = check_whole(lab)
    tried = [(one.parent, tuple(sorted(one.changes.items()))) for one in run.experiments.values() if one.changes]
    assert len(tried) == len(set(tried))


# ------------------------------------------------------------------------------------------------------------------------------
# What people say
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_pause_lets_both_slots_come_to_their_ends(lab: Path, night: Night) -> None:
    running = night(20)
    wait_for(lambda: two_train(lab))
    two = under_way(lab)
    send(lab, lambda run: c.Pause(run.session))
    wait_for(lambda: state(lab).paused)
    assert not under_way(lab)
    seen = len(launches(lab))
    assert [state(lab).experiments[number].trials[-1].outcome for number in two] == ["finished"] * 2
    tui(lab, "send", "resume")
    wait_for(lambda: len(launches(lab)) > seen)
    stop(lab, slots=2)
    ended(running)
    check_whole(lab)


@pytest.mark.slow
def test_stop_lets_both_slots_come_to_their_ends(lab: Path, night: Night) -> None:
    running = night(20)
    wait_for(lambda: two_train(lab))
    two = under_way(lab)
    send(lab, lambda run: c.Stop(run.session))
    assert "heard: stop by somebody: it ends after what trains now" in ended(running)
    run = check_whole(lab)
    assert max(run.experiments) == max(two), "nothing was launched any more"
    assert {run.experiments[number].trials[0].outcome for number in two} == {"finished"}
    assert not run.wishes


@pytest.mark.slow
@pytest.mark.parametrize("how", ["command", "ctrl+c twice", "TERM", "HUP"])
def test_stop_now_interrupts_both_and_the_next_start_trains_both_again(lab: Path, night: Night, how: str) -> None:
    running = night(7, seconds=5.0)
    wait_for(lambda: len(under_way(lab)) == 2)
    two = under_way(lab)
    if how == "command":
        send(lab, lambda run: c.Stop(run.session, now=True))
    elif how == "ctrl+c twice":
        os.kill(running.pid, signal.SIGINT)
        wait_for(lambda: state(lab).stopping)
        os.kill(running.pid, signal.SIGINT)
    else:
        os.kill(running.pid, signal.SIGTERM if how == "TERM" else signal.SIGHUP)
    ended(running)
    assert [state(lab).experiments[number].trials[-1].outcome for number in two] == ["interrupted"] * 2
    ended(night(4, seconds=0.1))
    run = check_whole(lab)
    for number in two:
        assert [trial.outcome for trial in run.experiments[number].trials[:2]] == ["interrupted", "finished"]


@pytest.mark.slow
def test_a_skip_of_one_leaves_the_other_alone(lab: Path, night: Night) -> None:
    running = night(20)
    wait_for(lambda: two_train(lab))
    one, other = under_way(lab)
    send(lab, lambda run: c.Skip(one, len(run.experiments[one].trials)))
    wait_for(lambda: state(lab).experiments[one].settled)
    tui(lab, "send", "stop")
    ended(running)
    run = state(lab)  # another change may just have been made, and waits for the next start
    assert (run.experiments[one].verdict, run.experiments[one].reason) == ("discard", "skipped by hand")
    assert run.experiments[other].trials[0].outcome == "finished"


# ------------------------------------------------------------------------------------------------------------------------------
# What goes wrong
# ------------------------------------------------------------------------------------------------------------------------------


def breaking(lab: Path, trial: str, line: str) -> None:
    """One trial does this instead."""
    found = f'if os.environ["AUTORESEARCH_TRIAL"] {trial}:\n    {line}\nbegan = '
    (lab / "train.py").write_text(TIMED.replace("began = ", found, 1))
    git(lab, "commit", "-q", "-a", "-m", "it breaks")


@pytest.mark.slow
@pytest.mark.parametrize("line", ["raise SystemExit(1)", "os.kill(os.getpid(), 9)", "os._exit(0)"])
def test_a_crash_in_one_slot_leaves_the_other_alone(lab: Path, night: Night, line: str) -> None:
    breaking(lab, '== "0002-1"', line)
    ended(night(5))
    run = check_whole(lab)
    assert run.experiments[2].verdict == "crash"
    others = [trial.outcome for one in run.experiments.values() if one.number != 2 for trial in one.trials]
    assert set(others) == {"finished"}


@pytest.mark.slow
def test_a_slot_where_all_crashes_is_set_aside_and_the_night_goes_on_in_the_other(lab: Path, night: Night) -> None:
    first = min(os.sched_getaffinity(0))  # each slot has cores of its own
    early = ("0000-1", "0000-2", "0000-3", "0001-1", "0002-1")
    breaking(lab, f"not in {early} and {first} in os.sched_getaffinity(0)", "raise RuntimeError('no such library')")
    said = ended(night(14))
    run = check_whole(lab)
    assert "cpu0 is left alone until the next start: not even the trunk trains there, and cpu1 trains" in said
    assert run.counts["crash"] == 3 and [slot.name for slot in run.slots] == ["cpu1"]
    looks = [
        (trial.slot, trial.value is not None) for one in run.experiments.values() for trial in one.trials if trial.purpose == "crashes"
    ]
    assert looks.count(("cpu0", False)) == 1 and set(looks) == {("cpu0", False), ("cpu1", True)}


@pytest.mark.slow
def test_a_baseline_that_crashes_ends_the_night_and_each_start_tries_it_again(lab: Path, night: Night) -> None:
    breaking(lab, 'in ("0000-1", "0000-2", "0000-3")', "raise SystemExit('no such card')")
    assert "the baseline does not train" in ended(night(4), code=1)
    while len(state(lab).experiments[0].trials) < 3:
        ended(night(4, seconds=0.1), code=1)
    assert state(lab).experiments[0].verdict == "crash"
    ended(night(4, seconds=0.1))
    run = check_whole(lab)
    assert run.experiments[0].verdict == "keep"
    assert len(run.experiments) == 4


@pytest.mark.slow
def test_beside_a_baseline_that_crashes_nothing_else_is_trained_to_its_end(lab: Path, night: Night) -> None:
    """Another change trains in its company, and has nothing to be compared with."""
    breaking(lab, '[:4] == "0000"', "time.sleep(1)\n    raise SystemExit('no such card')")
    said = ended(night(4, seconds=30.0), code=1)
    assert "the baseline does not train" in said
    assert {trial.outcome for one in state(lab).experiments.values() if one.number for trial in one.trials} <= {"interrupted"}


@pytest.mark.slow
def test_a_launcher_that_is_killed_in_one_slot_leaves_the_other_alone(lab: Path, night: Night) -> None:
    running = night(20)
    wait_for(lambda: two_train(lab))
    one, other = under_way(lab)
    os.kill(state(lab).experiments[one].trials[-1].pid, signal.SIGKILL)
    wait_for(lambda: state(lab).experiments[one].settled)
    stop(lab, slots=2)
    ended(running)
    run = check_whole(lab)
    assert run.experiments[one].reason.startswith("killed: ")
    assert run.experiments[other].trials[0].outcome == "finished"


@pytest.mark.slow
def test_the_keeper_brings_an_engine_back_and_both_slots_train_again(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_STUB_SECONDS", "2")
    tui(lab, "run", "--tag", "night", "--slots", "2", "--experiments", "4", "--detached")
    wait_for(lambda: len(under_way(lab)) == 2)
    two = under_way(lab)
    first = state(lab).engine
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: state(lab).restarts == 1 and [slot.name for slot in state(lab).slots] == ["cpu0", "cpu1"])
    wait_for(lambda: state(lab).ended != "", 60)
    run = check_whole(lab)
    assert run.session == 1
    for number in two:
        assert [trial.outcome for trial in run.experiments[number].trials[:2]] == ["interrupted", "finished"]
    last = run.engine
    assert last is not None
    wait_for(lambda: not Path(f"/proc/{last.pid}").exists())


# ------------------------------------------------------------------------------------------------------------------------------
# With real trainings
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_demo_with_two_slots_trains_two_at_a_time_and_all_that_it_leaves_agrees(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    running = engine(folder, "demo", "--headless", "--slots", "2", "--experiments", "12")
    said, _ = running.communicate(timeout=600)
    assert running.returncode == 0, said
    (journal,) = (folder / ".autoresearch").glob("*/journal.sqlite")
    run = check_whole(folder, journal.parent.name)
    assert len(run.experiments) == 12
    assert "2 slots: cpu0, cpu1" in said
    with Journal(journal) as facts:
        both, last, under = 0.0, 0.0, 0
        for recorded in facts.events():
            both += (recorded.at - last) * (under == 2)
            under += isinstance(recorded.event, e.Launched)
            under -= isinstance(recorded.event, e.Ended)
            last = recorded.at
    seconds = sum(trial.seconds for one in run.experiments.values() for trial in one.trials)
    print(f"\ntrained for {seconds:.0f} s, two at a time for {both:.0f} s of them")
    assert both * 2 > seconds / 2
