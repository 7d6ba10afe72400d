"""A night's gain is measured again, with more time to train."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from tests.engine.nights import command, engine, git, make_checkout, state, tui


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a night of four experiments, one of them kept at least."""
    folder = make_checkout(tmp_path_factory.mktemp("confirming") / "lab")
    tui(folder, "run", "--tag", "night", "--experiments", "4", "--researcher", "sweep")
    assert len(state(folder).trunk) > 1
    return folder


def ground(night: Path, budget: int = 20) -> Path:
    (folder,) = (night / ".autoresearch" / "night").glob(f"confirm-{budget}s-*")
    return folder


def confirmed(night: Path, budget: int = 20) -> Run:
    with Journal(ground(night, budget) / ".autoresearch" / "confirm" / "journal.sqlite") as journal:
        return fold(journal.events())


def everything(folder: Path) -> str:
    return git(folder, "status", "--porcelain") + git(folder, "for-each-ref") + git(folder, "rev-parse", "HEAD")


def test_baseline_and_trunk_are_trained_in_turns_with_four_times_the_budget(night: Path) -> None:
    before = everything(night)
    said = tui(night, "confirm")
    run, spent = confirmed(night), state(night)
    assert run.budget_s == 20
    assert (run.confirms, run.chosen) == ("night", spent.tip)
    trained = sorted((trial.at, number) for number, one in run.experiments.items() for trial in one.trials)
    assert [number for _, number in trained] == [0, 1, 0, 1, 0, 1]
    assert [one.value for _, one in sorted(run.experiments.items())] == [spent.experiments[number].value for number in (0, spent.tip or 0)]
    assert run.conclusion is not None
    assert (run.conclusion.baseline_trials, run.conclusion.tip_trials) == (3, 3)
    assert "Trained for 20 s" in said
    assert "the gain holds" in said
    assert everything(night) == before


@pytest.mark.slow
def test_asked_again_it_says_what_it_found_and_trains_nothing(night: Path) -> None:
    tui(night, "confirm")
    trials = confirmed(night).experiments[1].trials
    assert "the gain holds" in tui(night, "confirm")
    assert confirmed(night).experiments[1].trials == trials


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(night: Path) -> None:
    working = engine(night, "confirm", "--budget", "9", "--repeats", "2", seconds=0.3)
    assert working.stdout is not None
    for line in working.stdout:
        if "#1 keep" in line:
            break
    working.kill()
    working.communicate()
    done = subprocess.run(command("run", str(ground(night, 9))), env=os.environ, capture_output=True, text=True, timeout=60, check=True)
    assert "is measured again" in done.stdout
    run = confirmed(night, 9)
    assert [sum(trial.counts for trial in one.trials) for one in run.experiments.values()] == [2, 2]


@pytest.mark.slow
def test_a_training_whose_time_nobody_can_lengthen_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "lab")
    (folder / "prepare.py").write_text("BUDGET = 5\n")
    git(folder, "commit", "-qam", "Another word for it")
    tui(folder, "run", "--tag", "night", "--experiments", "3", "--researcher", "sweep")
    assert "neither profile.toml nor prepare.py of this night says how long" in tui(folder, "confirm", code=1)
    assert not list((folder / ".autoresearch" / "night").glob("*confirm*"))


@pytest.mark.slow
def test_a_night_that_kept_nothing_has_nothing_to_confirm(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "lab")
    tui(folder, "run", "--tag", "night", "--experiments", "1", "--researcher", "sweep")
    assert "kept no change" in tui(folder, "confirm", code=1)


@pytest.mark.slow
def test_killed_before_its_first_fact_it_begins_there(night: Path) -> None:
    tui(night, "confirm", "--budget", "7", "--repeats", "1")
    shutil.rmtree(ground(night, 7) / ".autoresearch")
    for ref in git(ground(night, 7), "for-each-ref", "--format=%(refname)", "refs/autoresearch", "refs/heads/autoresearch").split():
        git(ground(night, 7), "update-ref", "-d", ref)
    tui(night, "confirm", "--budget", "7", "--repeats", "1")
    assert confirmed(night, 7).conclusion is not None


@pytest.mark.slow
def test_more_trainings_than_it_was_begun_with_are_another_question(night: Path) -> None:
    tui(night, "confirm", "--budget", "6", "--repeats", "1")
    assert "`--repeats 1` goes on with it" in tui(night, "confirm", "--budget", "6", "--repeats", "2", code=2)


@pytest.mark.parametrize("words", [("--repeats", "0"), ("--budget", "-3")])
def test_a_bad_figure_is_a_bad_use(night: Path, words: tuple[str, str]) -> None:
    tui(night, "confirm", *words, code=2)
