"""How long a trial may take, and is expected to: by what was measured on devices of its class, and on no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.engine.jobs import COMPILING_S, EXCESS, SLACK_S, Jobs
from autoresearch_tui.journal import events as e
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.histories import History
from tests.engine.nights import make_checkout

BUDGET_S = 300.0
FAST, SLOW, CORES = "NVIDIA H100, 700 W", "NVIDIA RTX 3090, 350 W", "cpu AMD EPYC x8"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    lab = make_checkout(tmp_path / "lab")
    (lab / "prepare.py").write_text(f"TIME_BUDGET = {BUDGET_S:g}\n")
    workspace = open_workspace(lab, Settings())
    return Jobs(workspace, workspace.run("night"))


def trained(*where: tuple[int, str, float], engine: str = FAST) -> History:
    """Experiments, each on a device, and how long they took."""
    history = History()
    history.begin()
    history.add(e.EngineStarted(1, 1, "boot", "1", "sweep", device=engine))
    for number, device, seconds in where:
        history.add(e.Proposed(number, parent=0 if number else None), e.Committed(number, f"c{number}"))
        history.add(e.Launched(number, 1, 42, 1, 1, "boot", "", "", device), e.Ended(number, 1, "finished", seconds=seconds))
        history.add(e.Measured(number, 1, 1.0))
    return history


def test_a_trial_may_take_what_the_baseline_took_beside_its_budget_on_such_a_device(jobs: Jobs) -> None:
    run = trained((0, FAST, BUDGET_S + 40), (1, FAST, 330.0)).run
    compiling = BUDGET_S + EXCESS * 40 + SLACK_S + COMPILING_S
    assert jobs.job(run, 1, 2, 42, device=FAST).timeout_s == compiling


def test_where_the_baseline_was_never_trained_nobody_knows_what_is_usual(jobs: Jobs) -> None:
    run = trained((0, FAST, BUDGET_S + 40), (1, FAST, 330.0)).run
    assert jobs.job(run, 1, 2, 42, device=SLOW).timeout_s == jobs.workspace.timeout_s


def test_whether_it_compiles_is_asked_of_the_device_and_not_of_the_machine_that_the_engine_is_on(jobs: Jobs) -> None:
    on_cores = trained((0, CORES, BUDGET_S + 10), (1, CORES, 330.0), engine=FAST).run
    on_a_card = trained((0, FAST, BUDGET_S + 10), (1, FAST, 330.0), engine=CORES).run
    usual = BUDGET_S + EXCESS * 10 + SLACK_S
    assert jobs.job(on_cores, 1, 2, 42, device=CORES).timeout_s == usual
    assert jobs.job(on_a_card, 1, 2, 42, device=FAST).timeout_s == usual + COMPILING_S


def test_the_next_trial_is_expected_to_take_as_long_as_on_the_slowest_device_that_there_is(jobs: Jobs) -> None:
    run = trained((0, SLOW, 400.0), (1, FAST, 310.0)).run
    assert jobs.expected_s(run, (FAST, SLOW)) == pytest.approx(400 * 1.1 + 5)
    assert jobs.expected_s(run, (FAST, FAST)) == pytest.approx(310 * 1.1 + 5)
    assert jobs.expected_s(run, (CORES,)) == pytest.approx(BUDGET_S * 1.1 + 10), "nothing was trained on such a one"
