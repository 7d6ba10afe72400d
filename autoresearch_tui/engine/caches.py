"""Compiled graphs, from one trial to the next: each trial has a copy of the trunk's, and a kept one's copy becomes the trunk's.

Owns where these copies are and what may come into the trunk's. So an experiment that is discarded leaves nothing in any cache, and one
that is kept leaves no links, and no file of a size that could be a model. The copy of a slot always stands at the same place, for what is
compiled may remember where it was.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from autoresearch_tui.engine.caps import weigh
from autoresearch_tui.engine.leavings import open_up, remove_tree, run
from autoresearch_tui.workspace import RunFolder

LARGEST = 2**26  # bytes: no compiled graph comes near it
MOST_BYTES, MOST_FILES = 2**31, 20_000  # of a whole cache: every trial copies it
OWNER = ".owner"
COPY = ("cp", "-Rc") if sys.platform == "darwin" else ("cp", "-a", "--reflink=auto")  # where the disk can, the copy takes no space
_trunk = threading.Lock()
"""Slots copy the trunk's cache while another one's becomes it."""


def lend(folder: RunFolder, number: int, slot: str = "", empty: bool = False) -> Path:
    """The copy for a trial of this experiment."""
    copy, owner = folder.trial_cache(slot), _owner(folder.trial_cache(slot))
    remove_tree(copy)
    owner.unlink(missing_ok=True)
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _trunk:
        if not empty and _holds_something(folder.trunk_cache):
            run(*COPY, "--", str(folder.trunk_cache), str(copy))
    copy.mkdir(mode=0o700, exist_ok=True)
    if not empty:
        owner.write_text(str(number))
    return copy


def adopt(folder: RunFolder, number: int) -> None:
    """What this experiment compiled is the trunk's from now on, if it was the last to be trained in some slot."""
    copies = folder.trial_cache().parent
    for owner in copies.glob(f"*{OWNER}"):
        if owner.read_text() != str(number):
            continue
        copy = owner.with_name(owner.name.removesuffix(OWNER))
        if not copy.is_symlink() and _holds_something(copy) and _clean(copy):
            with _trunk:
                remove_tree(folder.trunk_cache)
                copy.replace(folder.trunk_cache)
        owner.unlink()


def _owner(copy: Path) -> Path:
    """Whose copy it is: the number of an experiment."""
    return copy.with_name(copy.name + OWNER)


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
