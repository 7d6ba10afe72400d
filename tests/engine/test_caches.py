"""What a trial compiled comes to the trunk where it is kept, and nowhere else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from autoresearch_tui.engine import caches
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.workspace import RunFolder
from tests.machine import nobody


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "night").mkdir()
    return RunFolder(tmp_path / "night")


def compiled(folder: RunFolder, number: int, graph: str, empty: bool = False) -> set[str]:
    """A trial of this experiment: what it found, and now it adds a graph."""
    cache = caches.lend(folder, number, empty=empty)
    found = {path.name for path in cache.rglob("*") if path.is_file()}
    (cache / "triton").mkdir(exist_ok=True)
    (cache / "triton" / graph).write_text(graph)
    return found


def test_a_kept_trials_cache_is_the_next_ones(folder: RunFolder) -> None:
    assert compiled(folder, 0, "baseline") == set()
    caches.adopt(folder, 0)
    assert compiled(folder, 1, "one") == {"baseline"}
    caches.adopt(folder, 1)
    assert compiled(folder, 2, "two") == {"baseline", "one"}


def test_a_discarded_trial_leaves_nothing(folder: RunFolder) -> None:
    compiled(folder, 0, "baseline")
    caches.adopt(folder, 0)
    compiled(folder, 1, "poison")
    assert compiled(folder, 2, "two") == {"baseline"}


def test_a_trial_that_changes_its_copy_does_not_change_the_trunks(folder: RunFolder) -> None:
    compiled(folder, 0, "baseline")
    caches.adopt(folder, 0)
    cache = caches.lend(folder, 1)
    (cache / "triton" / "baseline").write_text("poison")
    assert (caches.lend(folder, 2) / "triton" / "baseline").read_text() == "baseline"


def test_an_experiment_that_was_not_the_last_to_train_brings_no_others_cache(folder: RunFolder) -> None:
    compiled(folder, 1, "one")
    compiled(folder, 2, "two")
    caches.adopt(folder, 1)
    assert compiled(folder, 3, "three") == set()


def test_adopting_twice_is_adopting_once(folder: RunFolder) -> None:
    compiled(folder, 0, "baseline")
    caches.adopt(folder, 0)
    caches.adopt(folder, 0)
    assert compiled(folder, 1, "one") == {"baseline"}


def test_killed_between_the_two_it_is_adopted_once(folder: RunFolder) -> None:
    compiled(folder, 0, "baseline")
    folder.trial_cache().replace(folder.trunk_cache)  # and the owner was not told any more
    caches.adopt(folder, 0)
    assert compiled(folder, 1, "one") == {"baseline"}


def test_neither_links_nor_large_files_are_adopted(folder: RunFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    cache = caches.lend(folder, 1)
    (cache / "link").symlink_to(secret)
    (cache / "folder").symlink_to(tmp_path)
    os.link(secret, cache / "hard")
    os.mkfifo(cache / "pipe")
    (cache / "weights").touch()
    os.truncate(cache / "weights", caches.LARGEST + 1)
    (cache / "graph").write_text("small")
    caches.adopt(folder, 1)
    assert {path.name for path in caches.lend(folder, 2).iterdir()} == {"graph"}
    assert secret.read_text() == "mine"


def test_a_link_in_place_of_the_whole_cache_is_not_followed(folder: RunFolder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis").write_text("years")
    cache = caches.lend(folder, 1)
    cache.rmdir()
    cache.symlink_to(home)
    caches.adopt(folder, 1)
    assert not list(caches.lend(folder, 2).iterdir())
    assert (home / "thesis").read_text() == "years"


def test_a_depth_that_no_compiler_makes_does_not_end_the_night(folder: RunFolder) -> None:
    cache = caches.lend(folder, 1)
    (cache / "graph").write_text("small")
    here = os.getcwd()
    try:
        os.chdir(cache)
        for _ in range(sys.getrecursionlimit() * 3):
            os.mkdir("deeper")
            os.chdir("deeper")
        os.chdir(here)
        caches.adopt(folder, 1)
        assert (caches.lend(folder, 2) / "graph").read_text() == "small"
    finally:
        os.chdir(here)
        remove_tree(folder.folder)  # which pytest's own way does not reach either


def test_folders_that_a_training_closed_are_opened_and_what_is_in_them_goes(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    with nobody():
        folder = RunFolder(tmp_path / "theirs")
        folder.folder.mkdir()
        closed = caches.lend(folder, 1) / "closed"
        (closed / "deeper").mkdir(parents=True)
        (closed / "deeper" / "link").symlink_to(tmp_path)
        (closed / "graph").write_text("one")
        (closed / "deeper").chmod(0)
        closed.chmod(0)
        caches.adopt(folder, 1)
        assert [path.name for path in caches.lend(folder, 2).rglob("*") if not path.is_dir()] == ["graph"]
        (folder.trial_cache() / "closed").chmod(0)
        assert (caches.lend(folder, 3) / "closed" / "graph").read_text() == "one"
        remove_tree(folder.trunk_cache)
        assert not folder.trunk_cache.exists()


def test_a_cache_that_costs_every_trial_more_than_it_saves_is_not_adopted(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "MOST_FILES", 10)
    cache = caches.lend(folder, 1)
    for number in range(20):
        (cache / str(number)).touch()
    caches.adopt(folder, 1)
    assert not list(caches.lend(folder, 2).iterdir())
