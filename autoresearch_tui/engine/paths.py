"""Paths as the kernel walks them: what a name leads to, and through which links. It reads the file system and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

MOST_LINKS = 40  # on the way to a file; the kernel gives up there too


def walk(path: Path) -> tuple[Path, dict[Path, str]]:
    """Where this path ends, with no link in it, and the links on the way: where each stands, and what it says."""
    links: dict[Path, str] = {}
    left = MOST_LINKS
    at, todo = Path("/"), list(reversed((Path.cwd() / path).parts[1:]))
    while todo:
        part = todo.pop()
        at = at.parent if part == ".." else at / part
        try:
            target = os.readlink(at)
        except OSError:  # no link, or not there
            continue
        if not left:
            break
        left -= 1
        links[at] = target
        at = at.parent
        parts = Path(target).parts
        if target.startswith("/"):
            at, parts = Path("/"), parts[1:]
        todo += reversed(parts)
    return at, links


def without(place: Path, hidden: Collection[Path]) -> Iterator[Path]:
    """All of a folder but these places below it: the largest pieces that hold none of them."""
    for entry in sorted(place.iterdir()):
        if entry.is_symlink() or entry in hidden:
            continue
        if any(entry in path.parents for path in hidden):
            yield from without(entry, hidden)
        else:
            yield entry
