"""What a training left is removed whole, or somebody says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_tui.engine.leavings import is_plain, remove_tree
from tests.machine import IS_ROOT, nobody


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that anybody may reach, and that belongs to an ordinary user."""
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    return tmp_path / "trial"


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o500])
def test_folders_that_may_not_be_read_or_written_go_too(folder: Path, mode: int) -> None:
    with nobody():
        (folder / "cache" / "deep").mkdir(parents=True)
        (folder / "cache" / "deep" / "weights").write_text("warm")
        (folder / "cache" / "deep").chmod(mode)
        (folder / "cache").chmod(mode)
        remove_tree(folder)
        assert not folder.exists()


def test_a_link_goes_and_what_it_names_stays(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text").write_text("years")
    (tmp_path / "thesis").chmod(0o555)
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "thesis")
    remove_tree(folder)
    assert (tmp_path / "thesis" / "text").read_text() == "years"
    assert (tmp_path / "thesis").stat().st_mode & 0o777 == 0o555


@pytest.mark.needs("root")
def test_what_cannot_be_removed_is_said(folder: Path) -> None:
    assert IS_ROOT
    folder.mkdir()
    (folder / "theirs").mkdir()
    (folder / "theirs" / "file").write_text("of root")
    (folder / "theirs").chmod(0o755)
    with nobody(), pytest.raises(OSError, match="cannot be removed"):
        remove_tree(folder)


def test_only_a_regular_file_with_one_name_is_plain(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    assert not is_plain(file)
    file.write_text("weights")
    assert is_plain(file)
    os.link(file, tmp_path / "other")
    assert not is_plain(file)
