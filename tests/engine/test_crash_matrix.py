"""The engine is killed right before and right after every arrow of a run, and every effect; then it goes on as if nothing had happened.

A failing arrow names itself: it is the name of the test.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal
from tests.engine.crashing import EFFECTS
from tests.engine.models import turning
from tests.engine.nights import TRAIN, check_whole, engine, facts_of, journal_of, leftovers, make_checkout, state, tui, wait_for
from tests.servers import openai
from tests.servers.wire import serving

LIFE = ("Drafting", "Asked", "Replied", "Drafted", "Proposed", "Committed", "Launched", "Ended", "Measured", "Judged", "Applied")
BEGINNING = ("RunStarted", "EngineStarted", "Proposed", "Committed", "Launched", "Ended", "Measured", "Judged", "Applied")
COMMANDED = ("Commanded", "Fulfilled")
COMMANDED_TOO = ("EngineEnded", "Rewound", "SettingsChanged", "Lapsed")
AT_ONCE = ("commit", "branch", "spawn")  # effects whose arrows everybody waits for; the others are for CI

RARER = [pytest.param("before", marks=pytest.mark.slow), "after"]  # a fact that is not there yet is the arrow before it

ARROWS = [
    *(pytest.param(kind, 1, marks=pytest.mark.slow) for kind in BEGINNING),
    *((kind, 2 if kind in BEGINNING else 1) for kind in LIFE),
    *((effect, 1 if effect == "branch" else 2) for effect in AT_ONCE),
    *(pytest.param(effect, 2, marks=pytest.mark.slow) for effect in EFFECTS if effect not in AT_ONCE),
]


def killed(folder: Path, when: str, what: str, nth: int | str, *arguments: str, seconds: float = 0.0) -> None:
    """Run an engine until it is killed there."""
    dying = engine(folder, *arguments, seconds=seconds, wrapped=("-m", "tests.engine.crashing", when, what, str(nth)))
    output, _ = dying.communicate(timeout=60)
    assert dying.returncode == -9, f"it was not killed {when} {what} {nth}:\n{output}"


def goes_on(folder: Path, experiments: int, *more: str) -> None:
    tui(folder, "run", "--tag", "night", "--experiments", str(experiments), *more)
    run = check_whole(folder)
    assert len(run.experiments) == experiments


@pytest.mark.parametrize("when", RARER)
@pytest.mark.parametrize(("what", "nth"), ARROWS, ids=str)
def test_killed_at_this_arrow_it_goes_on(tmp_path: Path, when: str, what: str, nth: int) -> None:
    folder = make_checkout(tmp_path / "lab")
    killed(folder, when, what, nth, "run", "--tag", "night", "--experiments", "3")
    goes_on(folder, 3)


@pytest.mark.parametrize(
    "what", [pytest.param("Asked", marks=pytest.mark.slow), "Replied", pytest.param("Drafted", marks=pytest.mark.slow)]
)
def test_killed_while_the_next_draft_is_written_nothing_that_was_paid_for_is_lost(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_checkout(tmp_path / "lab")
    server = openai.OpenAI(replies=turning())
    with serving(server.answer) as wire:
        model = {"RUN_RESEARCHER": "openai:toy", "RUN_OVERLAP": "on", "OPENAI_ADDRESS": wire.address}
        for name, value in model.items():
            monkeypatch.setenv(f"AUTORESEARCH_TUI_{name}", value)
        killed(folder, "after", what, 2, "run", "--tag", "night", "--experiments", "4", seconds=0.3)
        paid_for = [draft.draft for draft in state(folder).drafts.values() if draft.replied or draft.blob]
        goes_on(folder, 4)
    run = state(folder)
    assert len(paid_for) == (what != "Asked")
    asked = [fact.draft for fact in facts_of(folder) if isinstance(fact, e.Asked)]
    assert all(asked.count(draft) == 1 for draft in paid_for), "it is not asked for again"
    assert {one.researcher for one in run.experiments.values() if one.number} == {"openai:toy"}


@pytest.mark.parametrize("when", RARER)
def test_killed_when_a_number_turns_out_to_be_no_good_it_goes_on(tmp_path: Path, when: str) -> None:
    """The first training of #1 prints its number twice, and no other does: an accident, which the second one shows."""
    twice = 'if os.environ["AUTORESEARCH_TRIAL"] == "0001-1":\n    print("val_bpb: 9.0")\n'
    folder = make_checkout(tmp_path / "lab", TRAIN + twice)
    killed(folder, when, "Tainted", 1, "run", "--tag", "night", "--experiments", "3")
    goes_on(folder, 3)
    one = state(folder).experiments[1]
    assert [trial.taint for trial in one.trials][:2] == ["2 lines of its log begin with val_bpb:", ""]
    assert one.trials[1].purpose == "suspect"


@pytest.mark.parametrize("when", RARER)
@pytest.mark.parametrize("what", [*COMMANDED, *(pytest.param(kind, marks=pytest.mark.slow) for kind in COMMANDED_TOO)])
def test_killed_while_commands_are_obeyed_it_obeys_each_of_them_once(tmp_path: Path, when: str, what: str) -> None:
    folder = make_checkout(tmp_path / "lab")
    tui(folder, "run", "--tag", "night", "--experiments", "2")
    with Journal(journal_of(folder)) as journal:
        session = journal.refresh().session + 1  # as if sent to the engine that starts now
        wishes: list[c.Command] = [c.Note("smaller"), c.Rewind(0), c.Idea("SET DEPTH = 5"), c.Limit("cost", "5"), c.Withdraw(99)]
        wishes += [c.Rewind(77), c.Pause(session), c.Note("gone"), c.Withdraw(8), c.Resume(session)]
        for wish in wishes:
            journal.send(wish, "somebody")
    killed(folder, when, what, 1, "run", "--tag", "night", "--experiments", "4")
    tui(folder, "run", "--tag", "night", "--experiments", "4", "--after", "signal 9")
    run = check_whole(folder)
    assert [one.idea for one in run.experiments.values()].count("depth 4 -> 5") == 1
    assert not run.wishes
    assert [answer.accepted for answer in run.answers] == [True, True, True, True, False, False, False, False, True, True]


@pytest.mark.parametrize("when", RARER)
@pytest.mark.parametrize("what", ["Paused", "Resumed"])
def test_killed_while_it_is_paused_it_stays_paused(tmp_path: Path, when: str, what: str) -> None:
    folder = make_checkout(tmp_path / "lab")
    tui(folder, "run", "--tag", "night", "--experiments", "1")
    with Journal(journal_of(folder)) as journal:
        session = journal.refresh().session + 1
        journal.send(c.Pause(session), "somebody")
    dying = engine(folder, "run", "--tag", "night", "--experiments", "3", wrapped=("-m", "tests.engine.crashing", when, what, "1"))
    if what == "Resumed":
        wait_for(lambda: state(folder).paused)
        tui(folder, "send", "resume", code=None)
    dying.communicate(timeout=60)
    assert dying.returncode == -9
    night = engine(folder, "run", "--tag", "night", "--experiments", "3", "--after", "signal 9")
    if what == "Paused":
        wait_for(lambda: state(folder).paused and state(folder).restarts == 1)
        tui(folder, "send", "resume")
    assert night.wait(30) == 0
    assert len(check_whole(folder).experiments) == 3


@pytest.mark.parametrize("when", RARER)
def test_killed_while_a_draft_waits_for_a_person_it_still_waits(tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_TUI_REVIEW_ON", "true")
    folder = make_checkout(tmp_path / "lab")
    killed(folder, when, "Held", 1, "run", "--tag", "night", "--experiments", "2")
    night = engine(folder, "run", "--tag", "night", "--experiments", "2")
    wait_for(lambda: state(folder).phase == "reviewing")
    tui(folder, "send", "approve")
    assert night.wait(30) == 0
    assert check_whole(folder).experiments[1].researcher == "sweep"


@pytest.mark.slow
def test_killed_again_and_again_by_chance_it_loses_nothing(tmp_path: Path) -> None:
    random_kills(make_checkout(tmp_path / "lab"), kills=50, seed=1)


@pytest.mark.soak
def test_killed_five_hundred_times_it_loses_nothing(tmp_path: Path) -> None:
    idle = "".join(f"IDLE_{number} = {number}.0\n" for number in range(1, 301))  # so that there is always something left to try
    random_kills(make_checkout(tmp_path / "lab", TRAIN + idle), kills=500, seed=2)


def random_kills(folder: Path, kills: int, seed: int, slots: int = 1) -> None:
    import random

    chance, began = random.Random(seed), time.monotonic()
    night = ("run", "--tag", "night", "--slots", str(slots))
    tui(folder, *night, "--experiments", "1")
    one = time.monotonic() - began  # on this machine, with whatever else it does
    for _ in range(kills):
        running = engine(folder, *night)
        try:
            running.wait(one * (0.4 + 0.8 * chance.random()))
        except subprocess.TimeoutExpired:
            running.kill()
        running.communicate()
    before = len(state(folder).experiments)
    goes_on(folder, before + 1, "--slots", str(slots))
    print(f"\n{kills} kills: {before} experiments, {state(folder).seq} facts, nothing lost")
    assert before > kills / 10
    assert not leftovers(folder)
