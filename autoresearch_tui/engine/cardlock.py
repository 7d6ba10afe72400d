"""One run per card, whoever's: a lock that the users of a machine share, and that says for whom one waits.

Owns the lock's file and what stands in it. It lives in /tmp, the one folder that all users have in common, so everything there may be
planted: nothing is opened through a link, nothing but a lone regular file is written to, and what a stranger wrote is cleaned before it
is shown. The lock is advice. Where it cannot be had, a sentence says why and the night goes on: whoever can break it could also compute
on the card without asking. The kernel frees it when its holder dies; containers with a /tmp of their own do not see each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import stat
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.journal.text import clean_line

FOLDER = Path("/tmp/autoresearch-tui-locks")
LOOK_S = 1.0  # between two tries: a lock that is waited for by the kernel cannot be given up
LONGEST = 4096  # bytes that are read of what a holder says
FOR_ALL = 0o666


class Holder(msgspec.Struct, frozen=True):
    """Who has a card."""

    user: str
    run: str
    """The tag."""
    workspace: str
    """The folder's name."""
    pid: int
    since: float
    """Seconds, UTC."""


class Unlockable(Exception):
    """There can be no lock here; the sentence says what is in the way."""


@contextlib.asynccontextmanager
async def card_lock(
    uuid: str, who: Holder, on_wait: Callable[[str], object], card: str = "the GPU", folder: Path = FOLDER, look_s: float = LOOK_S
) -> AsyncIterator[str]:
    """Holds the card while the body runs: "", or why nobody keeps others away from it. Whom one waits for is said whenever it changes."""
    descriptor, unlocked = -1, ""
    try:
        descriptor = await _locked(_file_name(uuid), who, on_wait, card, folder, look_s)
    except (OSError, Unlockable) as error:
        why = error.strerror if isinstance(error, OSError) else error
        unlocked = f"nothing keeps another run away from {card}: {folder} cannot hold a lock ({why})"
    try:
        yield unlocked
    finally:
        if descriptor >= 0:
            os.close(descriptor)


async def _locked(name: str, who: Holder, on_wait: Callable[[str], object], card: str, folder: Path, look_s: float) -> int:
    told = ""
    while True:
        descriptor = _try(name, folder)
        if isinstance(descriptor, int):
            with contextlib.suppress(OSError):  # where /tmp is full it keeps others away without a name
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, msgspec.json.encode(who), 0)
            return descriptor
        sentence = f"{card} is held by {_said(descriptor)}; waiting in line"
        if sentence != told:
            on_wait(told := sentence)
        await asyncio.sleep(look_s)


def _try(name: str, folder: Path) -> int | bytes:
    """The lock's open file; or what its holder wrote. Raises Unlockable or OSError."""
    with contextlib.ExitStack() as opened:
        inside = _open_folder(folder)
        opened.callback(os.close, inside)
        descriptor = _open(name, inside)
        opened.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(descriptor, LONGEST, 0)
        return os.dup(descriptor)  # the lock belongs to both until this one too is closed


def _open_folder(folder: Path) -> int:
    """The folder that all users share; made by the first of them."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)  # who made it may not keep the others out, whatever their umask
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        os.close(descriptor)
        raise Unlockable("anybody may remove what others keep there: it has no sticky bit")
    return descriptor


def _open(name: str, inside: int) -> int:
    """The lock's file, which may be another user's: a kernel that protects such folders opens it to nobody who offers to make it."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=inside)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # somebody else made it at this very moment
            descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL, dir_fd=inside)
            os.fchmod(descriptor, FOR_ALL)
            return descriptor
        descriptor = os.open(name, flags, dir_fd=inside)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise Unlockable(f"{name} is not a file of its own")
    return descriptor


def _file_name(uuid: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", uuid)[:100] or "card"


def _said(content: bytes) -> str:
    """`anna's run nov20 since 22:10`"""
    try:
        holder = msgspec.json.decode(content, type=Holder)
        since = datetime.fromtimestamp(holder.since, LOCAL)
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError):
        return "somebody"
    today = since.date() == datetime.now(LOCAL).date()
    user, run, workspace = (clean_line(text, 40) for text in (holder.user, holder.run, holder.workspace))
    return f"{user}'s run {run} in {workspace} (pid {holder.pid}) since {since:{'%H:%M' if today else '%d %b %H:%M'}}"
