"""The prepared data on its way to another machine, where it is kept by what is in it: it travels once to each.

Owns what of a data folder travels, and the copy: whole, verified, and found again by the next run. Held-out text lies beside the
training text there as it does at home, so that the same view hides it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import msgspec

from autoresearch_tui.engine.executors.node_words import PIECE, DataFile
from autoresearch_tui.engine.leavings import remove_tree

TRAVELS = ("train", "tokenizer", "validation", "audit", "manifest.json")
LOOK_S = 0.2  # between two tries for a lock
ATTEMPTS = 2  # at a file, before the way that it takes is called unsound
Ask = Callable[[str, int], Awaitable[bytes]]


class Damaged(Exception):
    """A file arrived otherwise than it was sent."""


def listing(folder: Path) -> tuple[DataFile, ...]:
    """The files of a data folder that travel. Reads all of them."""
    names = (path for part in TRAVELS for path in ([folder / part] if part.endswith(".json") else sorted((folder / part).glob("**/*"))))
    plain = (path for path in names if path.is_file() and not path.name.startswith("."))
    return tuple(DataFile(str(path.relative_to(folder)), path.stat().st_size, checksum(path)) for path in plain)


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_piece(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), PIECE, offset)


def place_of(cache: Path, files: Iterable[DataFile]) -> Path:
    """Where data with this content is kept on a machine."""
    return cache / "data" / hashlib.sha256(msgspec.json.encode(tuple(files))).hexdigest()[:16]


async def bring(cache: Path, name: str, files: tuple[DataFile, ...], ask: Ask) -> Path:
    """The folder whose subfolder `name` holds these files; what is missing there is asked for."""
    place = place_of(cache, files)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with locked(place / ".lock"):
        seen = _seen(place)
        missing = [file for file in files if not await asyncio.to_thread(_is_there, place / name / file.path, file, seen)]
        for file in missing:
            await _fetch(place / name / file.path, file, ask)
        _remember(place, name, files)
    return place


def _is_there(path: Path, file: DataFile, seen: dict[str, tuple[int, int]]) -> bool:
    """What was verified before and has not changed since is not read again."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if path.is_symlink() or found.st_size != file.size:
        return False
    return seen.get(file.path) == (found.st_size, found.st_mtime_ns) or checksum(path) == file.sha


async def _fetch(path: Path, file: DataFile, ask: Ask) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.partial")
    for _ in range(ATTEMPTS):
        digest = hashlib.sha256()
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
            for offset in range(0, file.size, PIECE):
                piece = await ask(file.sha, offset)
                digest.update(piece)
                await asyncio.to_thread(made.write, piece)
            made.flush()
            await asyncio.to_thread(os.fsync, made.fileno())
        if digest.hexdigest() == file.sha:
            remove_tree(path)
            aside.rename(path)
            return
    aside.unlink()
    raise Damaged(f"{file.path} of the data arrived damaged {ATTEMPTS} times: it was changed at home meanwhile, or the network is unsound")


def _seen(place: Path) -> dict[str, tuple[int, int]]:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((place / "verified.json").read_bytes(), type=dict[str, tuple[int, int]])
    return {}


def _remember(place: Path, name: str, files: Iterable[DataFile]) -> None:
    stats = {file.path: (place / name / file.path).stat() for file in files}
    aside = place / ".verified.json"
    aside.write_bytes(msgspec.json.encode({path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}))
    aside.rename(place / "verified.json")


@contextlib.asynccontextmanager
async def locked(path: Path, patience_s: float | None = None) -> AsyncIterator[int]:
    """Alone, among all processes of this machine. Raises TimeoutError after so long."""
    with path.open("a") as lock:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(LOOK_S)
        yield lock.fileno()
