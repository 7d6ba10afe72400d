"""The files of a commit in a folder of their own: what a trial may see.

This file owns the way from git's objects to plain files. Bytes are those of the blob: no filter, no line endings, no export
attributes, no large-file pointers followed. There is nothing of git in the folder, no submodule, and nothing that leads out of it:
of symbolic links only those stay that lead to a file or a folder of the same workspace.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from autoresearch_tui.engine.plumbing import LineageError
from autoresearch_tui.engine.repository import Repository
from autoresearch_tui.engine.trees import EXECUTABLE, LINK

LARGE = 1 << 20  # bytes: larger files are read one by one, and not remembered


class Entry(msgspec.Struct, frozen=True):
    """A file of a commit."""

    path: bytes
    mode: bytes
    sha: str
    size: int


class Export:
    """Writes the workspace of one commit after the other. From one trial to the next hardly a file changes, so small ones are kept."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._bodies: dict[str, bytes] = {}

    def write(self, commit: str, folder: Path) -> None:
        """Make the folder, or make it anew; it has its name only when everything is in it."""
        entries = self._entries(commit)
        small = {entry.sha for entry in entries if entry.size <= LARGE}
        bodies = {sha: body for sha, body in self._bodies.items() if sha in small}
        bodies |= self._read(sorted(small - bodies.keys()))
        self._bodies = bodies
        aside = folder.with_name(f".{folder.name}.partial")
        try:
            if os.path.lexists(aside):  # of an engine that was killed in the middle
                shutil.rmtree(aside)
            self._fill(aside, entries, bodies)
            if os.path.lexists(folder):
                shutil.rmtree(folder)
            aside.rename(folder)
        except OSError as error:
            raise LineageError.of(error, f"writing the files of {commit[:7]}") from error

    def _entries(self, commit: str) -> list[Entry]:
        tree = f"{commit}:{self.repository.prefix.rstrip('/')}"
        listing = self.repository.git("ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", tree)
        entries = []
        for line in listing.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, kind, sha, size = facts.split()
            if any(part in (b"", b".", b"..") or part.lower() == b".git" for part in path.split(b"/")):
                raise LineageError(f"a file of {commit[:7]} leads out of its folder, so no trial may have it: {os.fsdecode(path)!r}.")
            if kind == b"blob":  # the other kind is a submodule
                entries.append(Entry(path, mode, sha.decode(), int(size) if size.isdigit() else 0))  # what is missing has no size
        return entries

    def _fill(self, folder: Path, entries: list[Entry], bodies: dict[str, bytes]) -> None:
        def body(entry: Entry) -> bytes:
            return bodies[entry.sha] if entry.sha in bodies else self._read([entry.sha])[entry.sha]

        top = os.fsencode(folder)
        links = [entry for entry in entries if entry.mode == LINK]
        files = {entry.path: entry for entry in entries if entry.mode != LINK}
        folders = {parent for entry in entries for parent in parents(entry.path)}
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in sorted(folders):
            os.mkdir(os.path.join(top, name), 0o700)
        for path, entry in files.items():
            mode = 0o700 if entry.mode == EXECUTABLE else 0o600
            with open(os.open(os.path.join(top, path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(body(entry))
        for entry in links:  # last, so that no file can be written through one
            target = body(entry)
            if stays_inside(entry.path, target, files.keys() | folders):
                os.symlink(target, os.path.join(top, entry.path))

    def _read(self, shas: list[str]) -> dict[str, bytes]:
        found = dict(zip(shas, self.repository.read(*shas), strict=True)) if shas else {}
        if lost := [sha for sha, blob in found.items() if blob is None]:
            raise LineageError(
                f"the repository of {self.repository.workspace} lacks {len(lost)} files of this commit:"
                " `git fetch --refetch` brings back what a partial clone left out, `git fsck` names the rest."
            )
        return {sha: blob.body for sha, blob in found.items() if blob}


def parents(path: bytes) -> list[bytes]:
    """Every folder above a file, the top one, whose name is empty, first."""
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(len(parts))]


def stays_inside(link: bytes, target: bytes, known: set[bytes]) -> bool:
    """Whether a link leads to a file or folder of the same commit, on a way that never leaves it and takes no other link."""
    at = link.split(b"/")[:-1]
    for step in target.split(b"/"):
        if step == b"..":
            if not at:
                return False
            at.pop()
        elif step not in (b"", b"."):
            at.append(step)
        if b"/".join(at) not in known:
            return False
    return not target.startswith(b"/")
