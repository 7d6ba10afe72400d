"""What a trial compiled comes to the trunk where it is kept, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_tui.engine import caches
from autoresearch_tui.workspace import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "night").mkdir()
    return RunFolder(tmp_path / "night")


def compiled(folder: RunFolder, number: int, graph: str, empty: bool = False) -> set[str]:
    """A trial of this experiment: what it found, and now it adds a graph."""
    cache = caches.lend(folder, number, empty)
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
