"""One run per card, whoever's: the second waits in line and says for whom, and nothing that is planted in a shared folder is followed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.engine.cardlock import Holder, card_lock
from tests.machine import nobody

UUID = "GPU-11111111-0000-0000-0000-000000000000"
ANNA = Holder("anna", "nov20", "lab", 4711, time.time())
OTTO = Holder("otto", "nov21", "toy", 815, time.time())

HOLDS = """
import asyncio, sys
from pathlib import Path
from autoresearch_tui.engine.cardlock import Holder, card_lock

async def hold():
    who = Holder("anna", "nov20", "lab", 4711, 0.0)
    async with card_lock(sys.argv[2], who, print, folder=Path(sys.argv[1])) as unlocked:
        print(unlocked or "held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another run, in a process of its own, that has the card."""
    line = [sys.executable, "-c", HOLDS, str(folder), UUID]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        try:
            assert other.stdout.readline() == "held\n"
            yield other
        finally:
            other.kill()


def take(folder: Path, who: Holder = OTTO, patience_s: float = 5.0, uuid: str = UUID) -> tuple[str, list[str]]:
    """Wait for the card and have it: why it is not kept from others, and what was said meanwhile."""
    told: list[str] = []

    async def taken() -> str:
        async with asyncio.timeout(patience_s), card_lock(uuid, who, told.append, "GPU 0", folder, look_s=0.02) as unlocked:
            return unlocked

    return asyncio.run(taken()), told


def test_the_second_waits_in_line_and_says_for_whom(folder: Path) -> None:
    told: list[str] = []
    order: list[str] = []

    async def second(first_has_it: asyncio.Event) -> None:
        await first_has_it.wait()
        async with card_lock(UUID, OTTO, told.append, "GPU 0", folder, look_s=0.01):
            order.append("second")

    async def first() -> None:
        has_it = asyncio.Event()
        waiting = asyncio.create_task(second(has_it))
        async with card_lock(UUID, ANNA, told.append, "GPU 0", folder):
            has_it.set()
            await asyncio.sleep(0.1)
            order.append("first")
        await waiting

    asyncio.run(first())
    assert order == ["first", "second"]
    at = time.strftime("%H:%M", time.localtime(ANNA.since))
    assert told == [f"GPU 0 is held by anna's run nov20 in lab (pid 4711) since {at}; waiting in line"]


def test_another_card_is_another_lock(folder: Path) -> None:
    with holding(folder):
        assert take(folder, uuid="MIG-GPU-22222222/1/0") == ("", [])


def test_a_holder_that_dies_leaves_the_card_at_once(folder: Path) -> None:
    with holding(folder) as other:
        other.kill()
        other.wait()
        assert take(folder) == ("", [])


def test_who_waits_can_give_up_and_leaves_nothing_open(folder: Path) -> None:
    with holding(folder):
        before = os.listdir("/proc/self/fd")
        with pytest.raises(TimeoutError):
            take(folder, patience_s=0.1)
        assert len(os.listdir("/proc/self/fd")) == len(before)
    assert take(folder) == ("", [])


def test_a_child_does_not_inherit_the_card(folder: Path) -> None:
    async def with_a_child() -> subprocess.Popen[bytes]:
        async with card_lock(UUID, ANNA, print, folder=folder):
            return subprocess.Popen(["sleep", "60"], close_fds=False)

    child = asyncio.run(with_a_child())
    try:
        assert take(folder) == ("", [])
    finally:
        child.kill()
        child.wait()


@pytest.mark.needs("root")
@pytest.mark.parametrize("nobody_is_first", [True, False])
def test_users_keep_each_other_away_whoever_came_first(nobody_is_first: bool) -> None:
    told: list[str] = []
    first, second = (nobody, contextlib.nullcontext) if nobody_is_first else (contextlib.nullcontext, nobody)

    async def both(folder: Path) -> None:
        async with contextlib.AsyncExitStack() as held:
            with first():
                await held.enter_async_context(card_lock(UUID, ANNA, told.append, folder=folder))
            with second(), contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1), card_lock(UUID, OTTO, told.append, folder=folder):
                    raise AssertionError("it is held")
        with second():
            async with card_lock(UUID, OTTO, told.append, folder=folder) as unlocked:
                assert not unlocked

    with shared_folder() as shared:
        asyncio.run(both(shared / "locks"))
        assert [(shared / "locks" / UUID).stat().st_mode & 0o777, (shared / "locks").stat().st_mode & 0o7777] == [0o666, 0o1777]
    assert len(told) == 1 and told[0].startswith("the GPU is held by anna's run nov20")


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """As /tmp: everybody's."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)
        yield Path(folder)


# ---------------------------------------------------------------------------------------------------------------------------------
# What may be planted
# ---------------------------------------------------------------------------------------------------------------------------------


def planted(folder: Path) -> Path:
    """The name of the lock, in a folder that is as it should be."""
    folder.mkdir()
    folder.chmod(0o1777)
    return folder / UUID


@pytest.mark.parametrize("kind", ["link", "link to nowhere", "hard link", "pipe", "folder"])
def test_what_is_no_file_of_its_own_is_neither_followed_nor_written_to(kind: str, folder: Path, tmp_path: Path) -> None:
    precious, nowhere = tmp_path / "precious", tmp_path / "nowhere"
    precious.write_text("precious")
    name = planted(folder)
    match kind:
        case "link":
            name.symlink_to(precious)
        case "link to nowhere":
            name.symlink_to(nowhere)
        case "hard link":
            name.hardlink_to(precious)
        case "pipe":
            os.mkfifo(name)
        case "folder":
            name.mkdir()
    unlocked, told = take(folder)
    assert unlocked.startswith(f"nothing keeps another run away from GPU 0: {folder} cannot hold a lock (")
    assert not told
    assert precious.read_text() == "precious" and not nowhere.exists()


def test_a_folder_that_is_a_link_or_a_file_or_lets_anybody_remove_holds_no_lock(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o777)
    folder.symlink_to(tmp_path / "elsewhere")
    assert "cannot hold a lock" in take(folder)[0]
    assert not list((tmp_path / "elsewhere").iterdir())
    folder.unlink()
    folder.write_text("")
    assert "cannot hold a lock (Not a directory)" in take(folder)[0]
    folder.unlink()
    folder.mkdir()
    folder.chmod(0o777)
    assert "it has no sticky bit" in take(folder)[0]
    folder.chmod(0o1777)
    assert take(folder) == ("", [])


@pytest.mark.needs("root")
def test_a_file_that_its_owner_hides_holds_no_lock_and_the_night_goes_on() -> None:
    with shared_folder() as shared:
        name = planted(shared / "locks")
        name.touch(mode=0o600)
        with nobody():
            assert (
                take(name.parent)[0] == f"nothing keeps another run away from GPU 0: {name.parent} cannot hold a lock (Permission denied)"
            )


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b'{"user": 1}', b"x" * 10**6, msgspec.json.encode(msgspec.structs.replace(ANNA, since=1e300))],
    ids=["nothing", "no text", "no struct", "another type", "a megabyte", "a time that is none"],
)
def test_a_holder_that_writes_nonsense_is_somebody(content: bytes, folder: Path) -> None:
    assert waited_for(folder, ANNA, content) == ["GPU 0 is held by somebody; waiting in line"]


def test_what_a_holder_writes_cannot_move_the_cursor(folder: Path) -> None:
    (told,) = waited_for(folder, msgspec.structs.replace(ANNA, user="an\x1b[2Jna", run="nov\n20" + "x" * 200))
    assert told.isprintable() and "anna's run nov 20x" in told and len(told) < 160


def waited_for(folder: Path, who: Holder, content: bytes | None = None) -> list[str]:
    """What is said to somebody who waits for this holder, who wrote this."""
    told: list[str] = []

    async def wait() -> None:
        async with card_lock(UUID, who, told.append, folder=folder):
            if content is not None:
                (folder / UUID).write_bytes(content)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05), card_lock(UUID, OTTO, told.append, "GPU 0", folder, look_s=0.02):
                    raise AssertionError("it is held")

    asyncio.run(wait())
    return told
