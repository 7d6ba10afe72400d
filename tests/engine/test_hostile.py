"""What a hostile user or a hostile training did to a night, and what it must not be able to do."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.engine.nights import TRAIN, check_whole, command, git, journal_of, make_checkout, state, tui
from tests.machine import folder_in_shared_memory


def misbehaving(folder: Path, body: str, when: str = '== "0001-1"') -> Path:
    """A checkout whose first experiment, or those that are meant, does this before it trains."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    hostile = f'if os.environ["AUTORESEARCH_TRIAL"] {when}:\n{lines}SECONDS = '
    return make_checkout(folder, TRAIN.replace("SECONDS = ", hostile, 1))


def night(folder: Path, experiments: int = 3, sandbox: str = "auto") -> str:
    return tui(folder, "run", "--tag", "night", "--experiments", str(experiments), AUTORESEARCH_TUI_SANDBOX_KIND=sandbox)


def test_a_trial_that_makes_folders_a_thousand_deep_ends_no_night(tmp_path: Path) -> None:
    lab = misbehaving(tmp_path / "lab", 'here = os.getcwd()\nfor _ in range(1500):\n    os.mkdir("a")\n    os.chdir("a")\nos.chdir(here)')
    try:
        night(lab)
        check_whole(lab)
    finally:
        subprocess.run(["rm", "-rf", str(lab)], check=True)  # pytest's own tidying stumbles over such a depth as well


def test_a_trial_that_puts_a_link_in_place_of_its_folder_takes_no_file_of_the_user(tmp_path: Path) -> None:
    lab = misbehaving(tmp_path / "lab", 'here = os.getcwd()\nos.rename(here, here + ".x")\nos.symlink("../../..", here)', '!= "0000-1"')
    (lab / ".git" / "info" / "exclude").write_text("checkpoint.pt\n")
    (lab / "checkpoint.pt").write_text("a month of work")
    night(lab, 4, sandbox="off")  # in a sandbox it cannot even do that
    assert state(lab).counts["keep"] > 1
    assert (lab / "checkpoint.pt").read_text() == "a month of work"


def test_the_standard_streams_may_be_closed(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    line = " ".join(command("run", "--tag", "night", "--experiments", "1", "--dir", str(lab)))
    subprocess.run(["sh", "-c", f"{line} <&- >&-"], check=False, timeout=60)
    assert state(lab).experiments[0].verdict == "keep"


@pytest.mark.parametrize("name", ["results.tsv", "run.log"])
def test_a_folder_in_place_of_a_derived_file_ends_no_night(tmp_path: Path, name: str) -> None:
    lab = make_checkout(tmp_path / "lab")
    night(lab, 1)
    (lab / ".autoresearch" / "night" / name).unlink()
    (lab / ".autoresearch" / "night" / name).mkdir()
    night(lab, 2)
    assert len(state(lab).experiments) == 2


@pytest.mark.needs("shm")  # a second file system
def test_checkpoints_may_live_on_another_disk(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab", TRAIN + '\nopen("checkpoint.pt", "wb").write(b"weights")\n')
    with folder_in_shared_memory() as elsewhere:
        (lab / ".autoresearch" / "night").mkdir(parents=True)
        (lab / ".autoresearch" / "night" / "checkpoints").symlink_to(elsewhere)
        night(lab, 1)
        assert (elsewhere / "0000.pt").read_bytes() == b"weights"


@pytest.mark.parametrize(
    "row", [(b"\xff", '{"kind":"note","text":"x"}'), ("me", '{"kind":"again","experiment":99999999999999999999999}')], ids=["bytes", "huge"]
)
def test_a_command_that_nobody_can_read_is_refused_and_ends_no_night(tmp_path: Path, row: tuple[object, str]) -> None:
    lab = make_checkout(tmp_path / "lab")
    night(lab, 1)
    with sqlite3.connect(journal_of(lab)) as connection:
        connection.execute("INSERT INTO command (at, by, kind, target, body) VALUES (1.0, ?, 'x', '', ?)", row)
    connection.close()
    night(lab, 2)
    assert len(state(lab).experiments) == 2


def test_delete_takes_nothing_outside_the_runs_of_its_workspace(tmp_path: Path) -> None:
    mine, other = make_checkout(tmp_path / "mine"), make_checkout(tmp_path / "other")
    night(mine, 1)
    night(other, 1)
    tui(mine, "runs", "--delete", "../../other/.autoresearch/night", "--yes", code=None)
    assert journal_of(other).exists()
    shutil.copy(journal_of(mine), mine / "journal.sqlite")
    tui(mine, "runs", "--delete", "..", "--yes", code=None)
    assert (mine / "train.py").exists()


@pytest.mark.parametrize("name, value", [("EDIT", "other.py"), ("TRAIN", '["sh", "-c", "echo; echo ---; echo val_bpb: 0.1"]')])
def test_another_edited_file_or_training_command_cannot_go_on_with_the_same_run(tmp_path: Path, name: str, value: str) -> None:
    lab = make_checkout(tmp_path / "lab")
    (lab / "other.py").write_text(TRAIN)
    git(lab, "add", ".")
    git(lab, "commit", "-q", "-m", "another")
    night(lab, 1)
    said = tui(lab, "run", "--tag", "night", "--experiments", "2", code=1, **{f"AUTORESEARCH_TUI_EXPERIMENT_{name}": value})
    assert "differs" in said
