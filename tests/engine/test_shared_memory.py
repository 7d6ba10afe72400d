"""What a trial leaves in /dev/shm is removed; what anybody else has there is not."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from autoresearch_tui.engine import shared_memory
from autoresearch_tui.engine.shared_memory import segments, sweep
from tests.machine import folder_in_shared_memory

pytestmark = pytest.mark.needs("shm")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Shared memory where no other test leaves or looks for anything."""
    with folder_in_shared_memory() as folder:
        monkeypatch.setattr(shared_memory, "FOLDER", folder)
        yield folder


def test_what_nobody_holds_is_out_of_reach_and_not_lost(own: Path, tmp_path: Path) -> None:
    before = segments()
    (own / "mine").write_bytes(b"weights")
    (own / "folder").mkdir()
    sweep(before, tmp_path / "aside")
    assert not segments()
    assert (tmp_path / "aside" / "mine").read_bytes() == b"weights", "it may have been a person's"


def test_what_a_library_forgot_is_removed(own: Path, tmp_path: Path) -> None:
    before = segments()
    (own / "torch_12").write_bytes(b"a tensor")
    sweep(before, tmp_path / "aside")
    assert not segments()
    assert not (tmp_path / "aside").exists()


def test_what_was_there_before_stays(own: Path, tmp_path: Path) -> None:
    (own / "mine").write_bytes(b"a month of work")
    sweep(segments(), tmp_path / "aside")
    assert segments() == {"mine"}


@contextlib.contextmanager
def opened(path: Path) -> Iterator[None]:
    with open(path, "wb"):
        yield


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[None]:
    path.write_bytes(b"weights")
    with open(path, "r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    with memory:
        yield


@contextlib.contextmanager
def opened_below(path: Path) -> Iterator[None]:
    path.mkdir()
    with opened(path / "log"):
        yield


@contextlib.contextmanager
def mapped_below(path: Path) -> Iterator[None]:
    path.mkdir()
    with mapped(path / "cache"):
        yield


@contextlib.contextmanager
def stood_in(path: Path) -> Iterator[None]:
    path.mkdir()
    with contextlib.chdir(path):
        yield


@pytest.mark.parametrize("way", [opened, mapped, opened_below, mapped_below, stood_in])
def test_what_a_living_process_holds_stays(own: Path, way: Callable[[Path], AbstractContextManager[None]], tmp_path: Path) -> None:
    before = segments()
    with way(own / "mine"):
        sweep(before, tmp_path / "aside")
        assert segments() == {"mine"}


def test_a_semaphore_in_use_stays_though_it_is_mapped_under_another_name(tmp_path: Path) -> None:
    before = segments()
    lock = multiprocessing.get_context("spawn").Lock()
    name = f"sem.{lock._semlock.name.lstrip('/')}"  # type: ignore[attr-defined]  # nothing else tells it
    assert name in segments() - before
    sweep(segments() - {name}, tmp_path / "aside")
    assert name in segments()
    with lock:
        pass


def test_another_users_segment_stays(own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = segments()
    (own / "theirs").write_bytes(b"theirs")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    sweep(before, tmp_path / "aside")
    assert segments() == {"theirs"}


def test_what_its_owner_removes_meanwhile_is_no_failure(own: Path, tmp_path: Path) -> None:
    before, over = segments(), threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            (own / "mine").write_bytes(b"for a moment")
            (own / "mine").unlink(missing_ok=True)

    owner = threading.Thread(target=come_and_go)
    owner.start()
    try:
        for _ in range(50):
            sweep(before, tmp_path / "aside")
    finally:
        over.set()
        owner.join()
