"""Any checkout works as a workspace, or gets one clear sentence; an upstream night is continued and never touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.engine.nights import PREPARE, TRAIN, check_whole, engine, git, journal_of, make_checkout, state, tui, wait_for
from tests.journal.nights import NIGHTS


def one_night(folder: Path, *arguments: str, experiments: int = 2, code: int | None = 0) -> str:
    return tui(folder, "run", "--tag", "night", "--experiments", str(experiments), *arguments, code=code)


def sentence(folder: Path, *arguments: str) -> str:
    """What is said when it cannot work: one line, and no run is left behind."""
    said = one_night(folder, *arguments, code=1).strip()
    assert len(said.splitlines()) == 1, said
    assert not journal_of(folder).exists()
    return said


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab")


def test_a_dirty_train_py_is_left_alone_and_said(lab: Path) -> None:
    (lab / "train.py").write_text("not Python at all (")
    said = tui(lab, "run", "--tag", "night", "--experiments", "2")
    assert "train.py has changes that are not committed" in said
    assert (lab / "train.py").read_text() == "not Python at all ("
    assert len(state(lab).experiments) == 2


def test_a_dirty_frozen_file_is_a_sentence(lab: Path) -> None:
    (lab / "prepare.py").write_text(PREPARE + "\n# mine\n")
    assert "commit it first" in sentence(lab)


def test_a_staged_change_stays_staged(lab: Path) -> None:
    (lab / "notes.txt").write_text("mine\n")
    git(lab, "add", "notes.txt")
    index = (lab / ".git" / "index").read_bytes()
    one_night(lab)
    assert (lab / ".git" / "index").read_bytes() == index


def test_a_detached_head_works(lab: Path) -> None:
    git(lab, "checkout", "-q", "--detach")
    one_night(lab)
    check_whole(lab)


def test_without_commits_it_is_a_sentence(lab: Path) -> None:
    shutil.rmtree(lab / ".git")
    git(lab, "init", "-q")
    assert "no commit" in sentence(lab)


def test_without_a_repository_it_is_a_sentence(lab: Path) -> None:
    shutil.rmtree(lab / ".git")
    assert "git" in sentence(lab)


def test_without_an_identity_it_works(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    git(lab, "config", "--unset", "user.name")
    git(lab, "config", "--unset", "user.email")
    one_night(lab)
    check_whole(lab)


def test_a_bare_repository_is_a_sentence(lab: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(lab), str(tmp_path / "bare"))
    for name in ("train.py", "prepare.py"):
        shutil.copy(lab / name, tmp_path / "bare")
    assert "bare" in sentence(tmp_path / "bare")


def test_a_taken_tag_is_a_sentence_and_the_next_free_one_is_found(lab: Path) -> None:
    git(lab, "branch", "autoresearch/night")
    assert "choose another --tag" in sentence(lab)
    assert git(lab, "rev-parse", "autoresearch/night") == git(lab, "rev-parse", "HEAD")


def test_a_subfolder_of_a_repository_works(lab: Path) -> None:
    inner = lab / "inner"
    inner.mkdir()
    for name in ("train.py", "prepare.py", "program.md"):
        git(lab, "mv", name, f"inner/{name}")
    git(lab, "commit", "-q", "-m", "moved")
    one_night(inner)
    check_whole(inner)


@pytest.mark.slow
def test_a_submodule_works(lab: Path, tmp_path: Path) -> None:
    outer = make_checkout(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(lab), "inner")
    one_night(outer / "inner")
    check_whole(outer / "inner")


@pytest.mark.slow
def test_a_moved_workspace_goes_on(lab: Path, tmp_path: Path) -> None:
    one_night(lab)
    moved = lab.rename(tmp_path / "elsewhere")
    one_night(moved, experiments=3)
    assert len(check_whole(moved).experiments) == 3


def test_hooks_filters_and_variables_of_git_do_no_harm(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pre-commit", "reference-transaction", "post-checkout"):
        hook = lab / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    one_night(lab)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    check_whole(lab)


def test_a_second_engine_in_the_same_workspace_is_refused(lab: Path) -> None:
    running = engine(lab, "run", "--tag", "night", seconds=30)
    wait_for(lambda: state(lab).running is not None)
    said = one_night(lab, code=1)
    assert "an engine works here already: run night" in said
    tui(lab, "send", "stop", "now")
    assert running.wait(20) == 0


@pytest.mark.slow
def test_another_metric_budget_or_frozen_file_cannot_go_on_with_the_same_run(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_night(lab)
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_BUDGET_S", "7")
    assert "budget_s differs (5 before, 7 now)" in one_night(lab, code=1)
    monkeypatch.delenv("AUTORESEARCH_TUI_EXPERIMENT_BUDGET_S")
    (lab / "prepare.py").write_text(PREPARE + "# later\n")
    git(lab, "commit", "-q", "-a", "-m", "later")
    assert "prepare.py differs" in one_night(lab, code=1)
    assert len(state(lab).experiments) == 2


@pytest.mark.slow
def test_somebody_elses_commit_on_the_branch_is_not_dropped(lab: Path) -> None:
    one_night(lab)
    git(lab, "checkout", "-q", "autoresearch/night")
    git(lab, "commit", "-q", "--allow-empty", "-m", "mine")
    mine = git(lab, "rev-parse", "HEAD")
    said = one_night(lab, experiments=3)
    assert "is left alone" in said
    assert git(lab, "rev-parse", "autoresearch/night") == mine


def test_a_metric_that_goes_up_keeps_what_is_higher(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab / "train.py").write_text(TRAIN.replace("val_bpb:  ", "accuracy: "))
    git(lab, "commit", "-q", "-a", "-m", "another metric")
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_METRIC", "accuracy")
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_GOAL", "higher")
    one_night(lab, experiments=6)
    run = check_whole(lab)
    assert run.best and run.baseline and run.best.value == max(run.experiments[number].value or 0 for number in run.trunk)
    assert any(one.verdict == "keep" and (one.value or 0) > (run.baseline.value or 0) for one in run.experiments.values())


def test_a_baseline_that_crashes_ends_the_run_with_its_reason_and_is_tried_again_when_mended(lab: Path) -> None:
    (lab / "train.py").write_text('raise RuntimeError("no such card")\n')
    git(lab, "commit", "-q", "-a", "-m", "broken")
    assert "the baseline does not train: error: RuntimeError: no such card" in one_night(lab, code=1)


# ------------------------------------------------------------------------------------------------------------------------------
# Nights of upstream's
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_upstream_night_is_continued_and_its_branch_and_file_stay(lab: Path) -> None:
    git(lab, "checkout", "-q", "-b", "autoresearch/mar8")
    (lab / "train.py").write_text(TRAIN.replace("MATRIX_LR = 0.01", "MATRIX_LR = 0.02"))
    git(lab, "commit", "-q", "-a", "-m", "matrix LR 0.01 to 0.02")
    theirs = git(lab, "rev-parse", "HEAD")
    rows = NIGHTS / "karpathy__autoresearch.tsv"
    before = (git(lab, "rev-parse", "--short=7", "HEAD") + "\t0.5\t44.0\tkeep\tmatrix LR\n").join([rows.read_text(), ""])
    (lab / "results.tsv").write_text(before)
    (lab / ".git" / "info" / "exclude").write_text("results.tsv\n")
    git(lab, "checkout", "-q", "main")

    one_night(lab, "--from", "autoresearch/mar8", experiments=3)

    run = check_whole(lab)
    assert run.start == theirs
    assert run.trust == "reported"
    assert len(run.elsewhere) == 127
    assert run.experiments[0].value is not None
    assert run.best and run.best.value and run.best.value > 0.9, "their rows are never compared"
    assert "127 rows of an earlier night" in tui(lab, "status", "--tag", "night")
    assert json.loads(tui(lab, "status", "--json"))["elsewhere"] == 127
    assert (lab / "results.tsv").read_text() == before
    assert git(lab, "rev-parse", "autoresearch/mar8") == theirs


@pytest.mark.slow
def test_code_that_was_measured_elsewhere_is_not_tried_again(lab: Path) -> None:
    """Every single move of `DEPTH` but one was made by the earlier night."""
    (lab / "train.py").write_text(
        "\n".join(line for line in TRAIN.splitlines() if not line.startswith(("WIDTH", "ACTIVATION"))).replace('"WIDTH": 512, ', "") + "\n"
    )
    git(lab, "commit", "-q", "-a", "-m", "smaller")
    git(lab, "checkout", "-q", "-b", "autoresearch/mar8")
    rows = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
    source = (lab / "train.py").read_text()
    for depth in (2, 3, 5, 6, 7, 8):
        (lab / "train.py").write_text(source.replace("DEPTH = 4", f"DEPTH = {depth}"))
        git(lab, "commit", "-q", "-a", "-m", f"depth {depth}")
        rows += f"{git(lab, 'rev-parse', '--short=7', 'HEAD')}\t1.0\t1.0\tdiscard\tdepth {depth}\n"
    git(lab, "checkout", "-q", "main")
    (lab / "results.tsv").write_text(rows)
    (lab / ".git" / "info" / "exclude").write_text("results.tsv\n")
    one_night(lab, experiments=8)
    tried = {one.changes["DEPTH"][1] for one in state(lab).experiments.values() if "DEPTH" in one.changes and one.parent == 0}
    assert not tried & {"2", "3", "5", "6", "8"}


def test_uv_trains_where_the_checkout_is_a_uv_project_and_uv_is_there(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for uv that writes down how it was called, and runs the training as uv would."""
    import os
    import sys

    (lab / "pyproject.toml").write_text('[project]\nname = "upstream"\nversion = "1"\n')
    git(lab, "add", ".")
    git(lab, "commit", "-q", "-m", "a project")
    tools = tmp_path / "tools"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\nfor last; do :; done\nexec {sys.executable} "$last"\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    one_night(lab, experiments=1)
    assert (tmp_path / "called").read_text().split() == ["run", "--project", str(lab), "--offline", "--no-sync", "train.py"]
    assert check_whole(lab).experiments[0].value is not None


@pytest.mark.slow
def test_a_run_begins_from_the_best_of_another(lab: Path) -> None:
    one_night(lab, experiments=6)
    best = state(lab).best
    assert best
    tui(lab, "run", "--tag", "second", "--from", "night", "--experiments", "2")
    assert state(lab, "second").start == best.commit
    check_whole(lab, "second")
    check_whole(lab)
    listed = tui(lab, "runs")
    assert "night" in listed and "second" in listed
    tui(lab, "runs", "--delete", "night", "--yes")
    assert not journal_of(lab).exists()
    assert git(lab, "rev-parse", "refs/autoresearch/night/0")


def test_an_earlier_night_is_pointed_out_where_the_run_does_not_continue_it(lab: Path) -> None:
    git(lab, "checkout", "-q", "-b", "autoresearch/mar8")
    git(lab, "commit", "-q", "--allow-empty", "-m", "theirs")
    git(lab, "checkout", "-q", "main")
    assert "`--tag NAME --from autoresearch/mar8` continues it" in one_night(lab, experiments=1)


def test_a_ref_that_a_power_cut_took_is_there_again_after_the_next_start(lab: Path) -> None:
    one_night(lab, experiments=3)
    git(lab, "update-ref", "-d", "refs/autoresearch/night/2")
    one_night(lab, experiments=3)
    check_whole(lab)


def test_whoever_has_the_branch_checked_out_is_told_what_will_happen(lab: Path) -> None:
    one_night(lab, experiments=1)
    git(lab, "checkout", "-q", "autoresearch/night")
    assert "git checkout --detach" in one_night(lab, experiments=2)


@pytest.mark.slow
def test_what_shapes_the_number_may_neither_come_nor_go(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_STEPS", "5")
    one_night(lab)
    monkeypatch.delenv("AUTORESEARCH_STEPS")
    assert "steps differs (5 before, none now)" in one_night(lab, code=1)
    monkeypatch.setenv("AUTORESEARCH_STEPS", "5")
    monkeypatch.setenv("AUTORESEARCH_TUI_EXPERIMENT_TRAIN", '["sh", "train.sh"]')
    assert "train differs (python train.py before, sh train.sh now)" in one_night(lab, code=1)


def test_where_a_run_begins_is_not_said_to_one_that_exists(lab: Path) -> None:
    one_night(lab)
    assert "wants a new `--tag`" in one_night(lab, "--from", "HEAD", code=1)


@pytest.mark.slow
def test_looking_at_an_old_run_does_not_make_it_the_newest(lab: Path) -> None:
    one_night(lab)
    tui(lab, "run", "--tag", "later", "--experiments", "1")
    tui(lab, "status", "--tag", "night")
    tui(lab, "runs")
    assert json.loads(tui(lab, "status", "--json"))["run"] == "later"


@pytest.mark.parametrize("asked", [("--dataset", "tinystories"), ()], ids=["asked for", "of the profile"])
def test_where_only_this_machine_is_spoken_to_nothing_is_downloaded(lab: Path, asked: tuple[str, ...]) -> None:
    (lab / "profile.toml").write_text('dataset = "climbmix"\n')
    (lab / "autoresearch.toml").write_text("[privacy]\nlocal_only = true\n")
    assert "is downloaded, and `[privacy] local_only` is true" in tui(lab, "prepare", *asked, code=2)
