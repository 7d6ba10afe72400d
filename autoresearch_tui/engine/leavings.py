"""What a training left where it could write: it may be anything, and is looked at before it is touched."""

from __future__ import annotations

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
    """Whatever a training made of its folder: a link, or a depth that Python's own way does not reach."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        remove = ["rm", "-rf", "--", str(folder)]
        subprocess.run(remove, env=scrubbed(os.environ), stdin=subprocess.DEVNULL, capture_output=True, check=False)
