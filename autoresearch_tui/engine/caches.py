"""Compiled graphs, from one trial to the next: each trial has a copy of the trunk's, and a kept one's copy becomes the trunk's.

Owns where these copies are and what may come into the trunk's. So an experiment that is discarded leaves nothing in any cache, and one
that is kept leaves no links, and no file of a size that could be a model. The copy always stands at the same place, for what is compiled
may remember where it was.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from autoresearch_tui.engine.caps import weigh
from autoresearch_tui.engine.leavings import open_up, remove_tree, run
from autoresearch_tui.workspace import RunFolder

LARGEST = 2**26  # bytes: no compiled graph comes near it
MOST_BYTES, MOST_FILES = 2**31, 20_000  # of a whole cache: every trial copies it
COPY = ("cp", "-Rc") if sys.platform == "darwin" else ("cp", "-a", "--reflink=auto")  # where the disk can, the copy takes no space


def lend(folder: RunFolder, number: int, empty: bool = False) -> Path:
    """The copy for a trial of this experiment."""
    remove_tree(folder.trial_cache)
    folder.owner.unlink(missing_ok=True)
    folder.trial_cache.parent.mkdir(mode=0o700, exist_ok=True)
    if not empty and _holds_something(folder.trunk_cache):
        run(*COPY, "--", str(folder.trunk_cache), str(folder.trial_cache))
    folder.trial_cache.mkdir(mode=0o700, exist_ok=True)
    if not empty:
        folder.owner.write_text(str(number))
    return folder.trial_cache


def adopt(folder: RunFolder, number: int) -> None:
    """What this experiment compiled is the trunk's from now on, if it was the last to be trained."""
    try:
        if folder.owner.read_text() != str(number):
            return
    except FileNotFoundError:
        return
    if not folder.trial_cache.is_symlink() and _holds_something(folder.trial_cache) and _clean(folder.trial_cache):
        remove_tree(folder.trunk_cache)
        folder.trial_cache.replace(folder.trunk_cache)
    folder.owner.unlink()


def _holds_something(cache: Path) -> bool:
    return cache.is_dir() and (not os.access(cache, os.R_OK) or any(cache.iterdir()))


def environment(cache: Path) -> dict[str, str]:
    """By which those who compile find it."""
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(cache),
        "TRITON_CACHE_DIR": str(cache / "triton"),
        "CUDA_CACHE_PATH": str(cache / "cuda"),
    }


def _clean(cache: Path) -> bool:
    """Only what a compiler leaves stays: plain files of a modest size, and not too many. Whether the trunk may have what is left."""
    open_up(cache)
    odd = ("(", "!", "-type", "f", "-o", "-links", "+1", "-o", "-size", f"+{LARGEST // 512}", ")")
    cleaned = run("find", str(cache), "!", "-type", "d", *odd, "-delete")
    weight, files = weigh([cache])
    return cleaned and weight <= MOST_BYTES and files <= MOST_FILES
