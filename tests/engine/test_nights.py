"""Nights as they go: what people say to them, what goes wrong in them, when they end."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from autoresearch_tui.engine.upkeep import PLAIN_LOGS, Upkeep
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.workspace import RunFolder
from tests.engine.nights import TRAIN, check_whole, engine, git, journal_of, make_checkout, state, tui, wait_for


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab")


def night(folder: Path, experiments: int, code: int = 0) -> str:
    return tui(folder, "run", "--tag", "night", "--experiments", str(experiments), code=code)


def commit_train(folder: Path, source: str) -> None:
    (folder / "train.py").write_text(source)
    git(folder, "commit", "-q", "-a", "-m", "another train.py")


def facts(folder: Path, kind: type[e.Event]) -> list[e.Event]:
    with Journal(journal_of(folder)) as journal:
        return [recorded.event for recorded in journal.events() if isinstance(recorded.event, kind)]


def paused(folder: Path, experiments: int) -> subprocess.Popen[str]:
    """An engine that rests after so many experiments, so that commands find the run as it is."""
    running = engine(folder, "run", "--tag", "night", "--experiments", str(experiments), seconds=0.3)
    wait_for(lambda: state(folder).running is not None and len(state(folder).experiments) == experiments - 3)
    tui(folder, "send", "pause")
    wait_for(lambda: state(folder).paused)
    return running


def tried(folder: Path, idea: str) -> Experiment:
    """A paused engine tries this, and rests again: the experiment that it became."""
    number = len(state(folder).experiments)
    tui(folder, "send", "idea", *idea.split())
    tui(folder, "send", "resume")
    rests_after_this(folder, lambda: (one := state(folder).running) is not None and one.number == number)
    while state(folder).experiments[number].due:  # something has to be trained again, to be sure
        tui(folder, "send", "resume")
        rests_after_this(folder, lambda: state(folder).running is not None)
    return state(folder).experiments[number]


def rests_after_this(folder: Path, moment: object) -> None:
    """Pause it at a moment that is over before a command line has begun."""
    with Journal(journal_of(folder)) as journal:
        session = journal.refresh().session
        wait_for(moment)
        journal.send(c.Pause(session), "somebody")
    wait_for(lambda: state(folder).paused)


def resumed(folder: Path, running: subprocess.Popen[str]) -> None:
    tui(folder, "send", "resume")
    assert running.wait(60) == 0
    check_whole(folder)


# ------------------------------------------------------------------------------------------------------------------------------
# What people say
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_row_is_kept_by_hand_at_once_where_its_code_is_measured(lab: Path) -> None:
    running = paused(lab, 5)
    loser = tried(lab, "SET WARMUP_RATIO = 0.9")
    run = state(lab)
    assert (loser.verdict, loser.parent) == ("discard", run.tip)
    assert tui(lab, "send", "keep", str(loser.number)) == "accepted\n"
    wait_for(lambda: state(lab).tip == loser.number and state(lab).experiments[loser.number].settled)
    assert git(lab, "rev-parse", "autoresearch/night") == loser.commit
    tui(lab, "send", "discard", str(loser.number))
    wait_for(lambda: state(lab).tip == run.tip and state(lab).experiments[loser.number].settled)
    assert run.tip is not None
    assert git(lab, "rev-parse", "autoresearch/night") == run.experiments[run.tip].commit
    assert "decided by" in git(lab, "notes", "--ref=autoresearch", "show", loser.commit)
    resumed(lab, running)


@pytest.mark.slow
def test_a_change_of_an_earlier_trunk_is_made_again_and_an_inner_one_is_taken_back(lab: Path) -> None:
    running = paused(lab, 5)
    tui(lab, "send", "limit", "experiments", "9")
    old = tried(lab, "SET WARMUP_RATIO = 0.9")
    for idea in ("SET DEPTH = 7", "SET SOFTCAP = 14.0"):
        tried(lab, idea)
    run = state(lab)
    assert len(run.trunk) >= 3 and old.verdict == "discard" and old.parent != run.tip
    inner = run.experiments[run.trunk[1]]
    tui(lab, "send", "keep", str(old.number))
    tui(lab, "send", "discard", str(inner.number))
    resumed(lab, running)
    run = state(lab)
    again = next(one for one in run.experiments.values() if one.of == old.number)
    back = next(one for one in run.experiments.values() if one.of == inner.number)
    assert (again.operator, again.verdict, again.reason) == ("keep", "keep", "kept by hand")
    assert (back.operator, back.verdict) == ("revert", "keep")
    assert {again.number, back.number} <= set(run.trunk)
    ((name, (before, after)),) = inner.changes.items()
    assert back.changes == {name: (after, before)}


@pytest.mark.slow
def test_the_trunk_goes_back_and_the_row_is_marked(lab: Path) -> None:
    running = paused(lab, 9)
    tip = state(lab).tip
    tui(lab, "send", "rewind", "0")
    resumed(lab, running)
    assert any(one.parent == 0 and one.number > (tip or 0) for one in state(lab).experiments.values())
    assert "off the trunk" in tui(lab, "status")


def test_a_note_reaches_the_next_draft_and_an_idea_is_tried_next(lab: Path) -> None:
    running = paused(lab, 8)
    begun = len(state(lab).experiments)
    tui(lab, "send", "note", "smaller", "steps")
    tui(lab, "send", "idea", "SET", "DEPTH", "=", "5")
    resumed(lab, running)
    run = state(lab)
    assert run.experiments[begun].changes["DEPTH"][1] == "5"
    assert [answer.why for answer in run.answers if answer.done][-3:-1] == [f"experiment {begun}"] * 2
    assert not run.notes


@pytest.mark.slow
def test_an_idea_that_nobody_understands_is_said_so_and_costs_no_number(lab: Path) -> None:
    running = paused(lab, 7)
    tui(lab, "send", "idea", "make it better")
    resumed(lab, running)
    (lapsed,) = facts(lab, e.Lapsed)
    assert isinstance(lapsed, e.Lapsed)
    assert "SET NAME = value" in lapsed.why


def test_again_measures_once_more_and_the_row_is_the_mean(lab: Path) -> None:
    commit_train(lab, TRAIN.replace("began = time", 'value += int(os.environ["AUTORESEARCH_SEED"]) / 1000\nbegan = time', 1))
    running = paused(lab, 6)
    tui(lab, "send", "again", "0")
    tui(lab, "send", "resume")
    assert running.wait(60) == 0
    baseline = state(lab).experiments[0]
    assert "again" in [trial.purpose for trial in baseline.trials]
    assert [trial.seed for trial in baseline.trials] == list(range(42, 42 + len(baseline.trials)))
    values = [trial.value for trial in baseline.trials if trial.value]
    assert len(set(values)) == len(baseline.trials)
    row = (lab / ".autoresearch" / "night" / "results.tsv").read_text().splitlines()[1].split("\t")
    assert row[1] == f"{sum(values) / len(values):.6f}"


def test_a_person_decides_before_the_training_and_is_not_waited_for(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_TUI_REVIEW_ON", "true")
    monkeypatch.setenv("AUTORESEARCH_TUI_REVIEW_TIMEOUT_S", "1")
    running = engine(lab, "run", "--tag", "night", "--experiments", "3")
    wait_for(lambda: state(lab).phase == "reviewing")
    tui(lab, "send", "reject", "too", "small")
    assert running.wait(30) == 0
    run = check_whole(lab)
    assert len(run.experiments) == 3, "the others were approved by the clock"
    assert [one.why for one in facts(lab, e.Abandoned) if isinstance(one, e.Abandoned)] == ["rejected: too small"]


def test_a_limit_changes_while_it_runs(lab: Path) -> None:
    running = engine(lab, "run", "--tag", "night", seconds=0.2)
    wait_for(lambda: len(state(lab).experiments) > 1)
    tui(lab, "send", "limit", "experiments", "4")
    assert running.wait(60) == 0
    assert state(lab).ended == "4 experiments are done"


def test_a_changed_program_is_a_fact_with_its_diff(lab: Path) -> None:
    night(lab, 2)
    (lab / "program.md").write_text("# Higher is better.\n")
    night(lab, 3)
    first, second = facts(lab, e.ProgramChanged)
    assert isinstance(first, e.ProgramChanged) and isinstance(second, e.ProgramChanged)
    assert first.diff == ""
    assert "+# Higher is better." in second.diff


# ------------------------------------------------------------------------------------------------------------------------------
# What goes wrong
# ------------------------------------------------------------------------------------------------------------------------------

CRASHES = {
    "nan": 'print("FAIL")\nraise SystemExit(1)',
    "memory": 'raise MemoryError("CUDA out of memory. Tried to allocate 2 GiB")',
    "error": "import no_such_module",
    "contract": 'print("contract: build_model() is missing")\nraise SystemExit(1)',
    "killed": "import signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "output": 'while True: print("x" * 10000)',
}


@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_has_its_kind_and_the_night_goes_on(lab: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_TUI_DISK_LOG_MB", "1")
    body = "\n    ".join(CRASHES[kind].splitlines())
    commit_train(lab, TRAIN.replace("SECONDS = ", f'if os.environ["AUTORESEARCH_TRIAL"] == "0001-1":\n    {body}\nSECONDS = '))
    night(lab, 3)
    run = check_whole(lab)
    assert run.experiments[1].verdict == "crash"
    assert run.experiments[1].reason.startswith(f"{kind}: ")
    assert run.experiments[2].value is not None
    row = (lab / ".autoresearch" / "night" / "results.tsv").read_text().splitlines()[2].split("\t")
    assert row[1:4] == ["0.000000", "0.0", "crash"]
    assert (lab / ".autoresearch" / "night" / "logs" / "0001-1.log").stat().st_size <= 2**20


def test_a_number_that_is_none_is_a_crash(lab: Path) -> None:
    commit_train(
        lab, TRAIN.replace("began = time", 'value = value if os.environ["AUTORESEARCH_TRIAL"] == "0000-1" else math.nan\nbegan = time', 1)
    )
    night(lab, 2)
    one = check_whole(lab).experiments[1]
    assert (one.verdict, one.value) == ("crash", None)


def test_a_training_that_dies_of_a_full_disk_is_not_blamed_for_it(lab: Path) -> None:
    full = 'if os.environ["AUTORESEARCH_TRIAL"] in ("0001-1", "0001-2"):\n    raise OSError(28, "No space left on device")\nSECONDS = '
    commit_train(lab, TRAIN.replace("SECONDS = ", full))
    night(lab, 2)
    one = check_whole(lab).experiments[1]
    assert [trial.outcome for trial in one.trials] == ["interrupted", "interrupted", "finished"]


def test_too_little_free_disk_pauses_the_night_instead_of_failing_it(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_TUI_DISK_FLOOR_GB", "900000")
    running = engine(lab, "run", "--tag", "night")
    wait_for(lambda: state(lab).waiting != "")
    assert "GB of disk are free" in state(lab).waiting
    tui(lab, "send", "stop")
    assert running.wait(20) == 0
    assert not any(one.trials for one in state(lab).experiments.values())


def test_the_keys_of_the_user_reach_no_training(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-key")
    monkeypatch.setenv("HF_TOKEN", "canary-token")
    monkeypatch.setenv("CUDA_SECRET_KEY", "canary-secret")
    commit_train(lab, TRAIN.replace("SECONDS = ", "print(dict(os.environ))\nSECONDS = "))
    night(lab, 2)
    for path in (lab / ".autoresearch").rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes(), path


def test_a_researcher_with_nothing_left_ends_the_run(lab: Path) -> None:
    commit_train(lab, 'FLAG = True\nprint(f"---\\nval_bpb: {2 - FLAG}")\n')
    assert "nothing left to try" in night(lab, 50)
    assert len(check_whole(lab).experiments) == 2


def test_no_trial_starts_outside_its_hours_or_that_cannot_end_in_time(lab: Path) -> None:
    from datetime import datetime, timedelta

    later = datetime.now() + timedelta(hours=2)
    window = f"{later:%H:%M}-{later + timedelta(hours=1):%H:%M}"
    running = engine(lab, "run", "--tag", "night", "--between", window)
    wait_for(lambda: state(lab).waiting == f"outside {window}")
    tui(lab, "send", "limit", "hours", "0.0001")
    assert running.wait(20) == 0
    assert "time" in state(lab).ended
    assert not any(one.trials for one in state(lab).experiments.values())


def test_the_status_is_a_stable_interface(lab: Path) -> None:
    night(lab, 3)
    status = json.loads(tui(lab, "status", "--json"))
    assert {"run", "phase", "why", "paused", "engine", "baseline", "best", "counts", "proposals", "experiments"} <= status.keys()
    assert status["engine"] == {"pid": status["engine"]["pid"], "alive": False}
    assert status["phase"] == "ended"
    assert [row["number"] for row in status["experiments"]] == [0, 1, 2]


@pytest.mark.slow
def test_old_logs_are_compressed_and_old_checkpoints_go_when_the_run_is_too_large(lab: Path, tmp_path: Path) -> None:
    night(lab, 14)
    folder = RunFolder(lab / ".autoresearch" / "night")
    run = state(lab)
    (folder.folder / "checkpoints").mkdir(exist_ok=True)
    for number in run.experiments:
        folder.checkpoint(number).write_bytes(b"weights")
    text = folder.log(0, 1).read_bytes()
    Upkeep(folder, tmp_path / "copy.sqlite", 0.0, 0.0).shrink(run)
    assert gzip.decompress(folder.log(0, 1).with_name("0000-1.log.gz").read_bytes()) == text
    assert len(list((folder.folder / "logs").glob("*.log"))) == PLAIN_LOGS
    left = {path.stem for path in (folder.folder / "checkpoints").glob("*.pt")}
    assert run.best
    assert left == {f"{number:04}" for number in {*run.trunk[-2:], run.best.number}}


@pytest.mark.slow
def test_an_upgrade_in_the_middle_of_a_night_does_no_harm(lab: Path, tmp_path: Path) -> None:
    """The package is replaced by garbage while an engine that was started from it works."""
    import os
    import shutil
    import sys

    import autoresearch_tui

    installed = tmp_path / "installed"
    shutil.copytree(Path(autoresearch_tui.__file__).parent, installed / "autoresearch_tui", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(installed), "TORCH_STUB_SECONDS": "0.2"}
    arguments = ["run", "--tag", "night", "--experiments", "6", "--dir", str(lab)]
    running = subprocess.Popen(
        [sys.executable, "-m", "autoresearch_tui", *arguments], env=environment, cwd=installed, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: state(lab).running is not None)
    for path in installed.rglob("*.py"):
        path.unlink()
        path.write_text("raise SystemExit('upgraded')\n")
    assert running.wait(60) == 0
    assert len(check_whole(lab).experiments) == 6
