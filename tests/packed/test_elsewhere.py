"""A new run begins from the best code of a night that was spent elsewhere, and takes nothing else of it but its rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoresearch_tui.engine.elsewhere import Brought, bring
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.opening import comparability_key
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.packed import PackedError
from autoresearch_tui.packed.persons import WORKSPACE, Whose
from autoresearch_tui.packed.writing import pack
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import RunFolder, WorkspaceError, open_workspace
from tests.engine.nights import PREPARE, check_whole, git, make_checkout, tui


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Somebody else's workspace for the same task."""
    return make_checkout(tmp_path / "other")


@pytest.fixture
def packed(made: tuple[RunFolder, Path], tmp_path: Path) -> Path:
    run, lab = made
    return pack(run, lab, lambda tag: tmp_path / f"{tag}.night", Whose({WORKSPACE: lab}))[0]


def brought(lab: Path, origin: str, tag: str = "next") -> Brought:
    workspace = open_workspace(lab, Settings())
    return bring(workspace, Lineage(lab, tag), comparability_key(workspace), origin)


def test_it_begins_from_the_best_of_it_on_what_is_checked_out(lab: Path, packed: Path) -> None:
    before = git(lab, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads")
    start = brought(lab, str(packed)).start
    assert "WIDTH = 1024" in git(lab, "show", f"{start}:train.py")
    assert git(lab, "diff", "--name-only", "HEAD", start) == "train.py"
    assert git(lab, "rev-parse", f"{start}^") == git(lab, "rev-parse", "HEAD")
    assert git(lab, "log", "-1", "--format=%s%n%n%b", start) == "The best of night: #2, val_bpb 1.100000\n\nan idea of a person (left out)"
    assert git(lab, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads") == before
    assert git(lab, "status", "--porcelain") == ""


def test_the_same_night_on_the_same_commit_is_the_same_start(lab: Path, packed: Path) -> None:
    assert brought(lab, str(packed)).start == brought(lab, str(packed)).start == brought(lab, str(packed), "another").start


def test_its_rows_are_remembered_as_those_of_another_night(lab: Path, packed: Path) -> None:
    remembered = brought(lab, str(packed)).remembered
    assert remembered.source == "night (night.night)"
    assert [(row.status, row.val_bpb, row.description) for row in remembered.rows][1] == ("keep", 1.15, "wider, as twitcher asked")


def test_a_run_folder_and_a_workspace_do_as_well(lab: Path, made: tuple[RunFolder, Path], packed: Path) -> None:
    run, there = made
    sources = {git(lab, "show", f"{brought(lab, str(origin)).start}:train.py") for origin in (run.folder, there, run.journal)}
    assert len(sources) == 1
    assert "WIDTH = 1024" in sources.pop()


def test_other_frozen_files_are_another_task(lab: Path, packed: Path) -> None:
    (lab / "prepare.py").write_text(PREPARE + "# otherwise\n")
    with pytest.raises(WorkspaceError, match=r"prepare\.py is not the same file there and here\. Put the same one in its place"):
        brought(lab, str(packed))


def test_another_goal_is_another_task(lab: Path, packed: Path) -> None:
    workspace = open_workspace(lab, Settings())
    with pytest.raises(WorkspaceError, match="goal is lower there and higher here"):
        bring(workspace, Lineage(lab, "next"), comparability_key(workspace) | {"goal": "higher"}, str(packed))


def test_a_night_without_a_number_or_without_code_is_no_beginning(lab: Path, made: tuple[RunFolder, Path], tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "kept" / "empty")
    with Writer(run.journal) as writer:
        writer.append(e.RunStarted("empty", "c0"))
    with pytest.raises(WorkspaceError, match="measured nothing"):
        brought(lab, str(run.folder))
    shutil.copytree(made[0].folder, tmp_path / "bare" / "night")
    with pytest.raises(WorkspaceError, match=r"the code of #2, the best of .*, is not in it"):
        brought(lab, str(tmp_path / "bare" / "night"))
    (tmp_path / "half.night").write_bytes(b"PK")
    with pytest.raises(PackedError, match="or is damaged"):
        brought(lab, str(tmp_path / "half.night"))
    with pytest.raises(WorkspaceError, match=r"gone\.night is not there"):
        brought(lab, str(tmp_path / "gone.night"))


def test_a_real_run_begins_from_it(lab: Path, packed: Path) -> None:
    said = tui(lab, "run", "--tag", "next", "--from", str(packed), "--experiments", "1")
    assert "3 rows of night (night.night) are remembered" in said
    assert "not committed" not in said
    run = check_whole(lab, "next")
    assert run.origin == str(packed)
    assert "WIDTH = 1024" in git(lab, "show", f"{run.experiments[0].commit}:train.py")
    assert [row.val_bpb for row in run.elsewhere] == pytest.approx([1.2, 1.15, 1.1])
