"""What a trial leaves in /dev/shm is removed; what anybody else has there is not."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from autoresearch_tui.engine.shared_memory import FOLDER, segments, sweep

pytestmark = pytest.mark.needs("shm")


@pytest.fixture
def name() -> str:
    return f"autoresearch-test-{os.getpid()}"


def test_what_nobody_holds_is_out_of_reach_and_not_lost(name: str, tmp_path: Path) -> None:
    before = segments()
    (FOLDER / name).write_bytes(b"weights")
    (FOLDER / f"{name}-folder").mkdir()
    sweep(before, tmp_path / "aside")
    assert not {name, f"{name}-folder"} & segments()
    assert (tmp_path / "aside" / name).read_bytes() == b"weights", "it may have been a person's"


def test_what_a_library_forgot_is_removed(name: str, tmp_path: Path) -> None:
    before = segments()
    (FOLDER / f"torch_{name}").write_bytes(b"a tensor")
    sweep(before, tmp_path / "aside")
    assert f"torch_{name}" not in segments()
    assert not (tmp_path / "aside").exists()


def test_what_was_there_before_stays(name: str, tmp_path: Path) -> None:
    (FOLDER / name).write_bytes(b"a month of work")
    try:
        sweep(segments(), tmp_path / "aside")
        assert name in segments()
    finally:
        (FOLDER / name).unlink()


@pytest.mark.parametrize("way", ["mapped", "open"])
def test_what_a_living_process_holds_stays(name: str, way: str, tmp_path: Path) -> None:
    before = segments()
    shared = SharedMemory(name, create=True, size=4096) if way == "mapped" else None
    file = None if shared else open(FOLDER / name, "wb")  # noqa: SIM115 held while it is looked at
    try:
        sweep(before, tmp_path / "aside")
        assert name in segments()
    finally:
        if file:
            file.close()
            (FOLDER / name).unlink()
        if shared:
            shared.close()
            shared.unlink()


def test_a_semaphore_in_use_stays_though_it_is_mapped_under_another_name(tmp_path: Path) -> None:
    before = segments()
    lock = multiprocessing.get_context("spawn").Lock()
    new = segments() - before
    sweep(before, tmp_path / "aside")
    assert new <= segments()
    with lock:
        pass


def test_another_users_segment_stays(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = segments()
    Path(FOLDER / name).write_bytes(b"theirs")
    try:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        sweep(before, tmp_path / "aside")
        assert name in segments()
    finally:
        (FOLDER / name).unlink()


def test_what_its_owner_removes_meanwhile_is_no_failure(name: str, tmp_path: Path) -> None:
    before, over = segments(), threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            (FOLDER / name).write_bytes(b"for a moment")
            (FOLDER / name).unlink(missing_ok=True)

    owner = threading.Thread(target=come_and_go)
    owner.start()
    try:
        for _ in range(50):
            sweep(before, tmp_path / "aside")
    finally:
        over.set()
        owner.join()
