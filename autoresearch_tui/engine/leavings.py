"""What a training left where it could write: it may be anything, and is looked at before it is touched."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
from pathlib import Path

from autoresearch_tui.privacy import scrubbed


def is_plain(file: Path) -> bool:
    """A regular file with one name, and no link: what may be taken from a trial's folder."""
    try:
        found = file.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def remove_tree(folder: Path) -> None:
    """Whatever a training made of its folder: a link, a depth that Python's own way does not reach, folders that may not be read.

    Raises OSError if something is left: the next trial would find it.
    """
    with contextlib.suppress(OSError):
        return folder.rmdir()  # nearly always it is empty, or not there
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists() and not run("rm", "-rf", "--", str(folder)):
        open_up(folder)
        if not run("rm", "-rf", "--", str(folder)):
            raise OSError(errno.EACCES, "it cannot be removed: see who owns what is in it", str(folder))


def open_up(folder: Path) -> None:
    """Its owner may read and change all of it again. No link is followed."""
    run("chmod", "-R", "u+rwX", "--", str(folder))


def clear(folder: Path, prefix: str) -> None:
    """What an engine that was killed left in a folder, under names that begin so."""
    for left in folder.glob(f"{prefix}*"):
        remove_tree(left)


def run(*words: str) -> bool:
    """One of the system's own tools, which take any depth; whether it did all of it."""
    return subprocess.run(words, env=scrubbed(os.environ), stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
