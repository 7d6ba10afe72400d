"""The files of a commit on their way to another machine: a list by content, and the contents that are not there yet.

Owns how a folder becomes such a list and a list a folder again, with nothing in it that leads out. Git stays at home.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from autoresearch_tui.engine.export import parents, stays_inside
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.engine.plumbing import LineageError


class File(msgspec.Struct, frozen=True):
    """A file of a commit."""

    path: bytes
    kind: str
    """`file`, `program` or `link`."""
    sha: str
    """Of its content, or of where the link leads."""


def pack(folder: Path) -> tuple[tuple[File, ...], dict[str, bytes]]:
    """What a folder holds."""
    files, bodies = [], {}
    for path, name in sorted(_files(os.fsencode(folder))):
        is_link = os.path.islink(path)
        body = os.readlink(path) if is_link else Path(os.fsdecode(path)).read_bytes()
        kind = "link" if is_link else "program" if os.stat(path).st_mode & 0o100 else "file"
        sha = hashlib.sha256(body).hexdigest()
        files.append(File(name, kind, sha))
        bodies[sha] = body
    return tuple(files), bodies


def _files(folder: bytes, above: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """Each with the name that it has below the folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = os.path.join(above, entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, name)
            else:
                yield entry.path, name


def unpack(files: Collection[File], bodies: Mapping[str, bytes], folder: Path) -> None:
    """Make the folder, or make it anew; it has its name only when everything is in it."""
    for file in files:
        if any(part in (b"", b".", b"..") for part in file.path.split(b"/")):
            raise LineageError(f"a file leads out of its folder, so no trial may have it: {os.fsdecode(file.path)!r}.")
    known = {file.path for file in files if file.kind != "link"} | {above for file in files for above in parents(file.path)}
    aside = folder.with_name(f".{folder.name}.partial")
    remove_tree(aside)
    top = os.fsencode(aside)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for above in sorted({b"", *(above for file in files for above in parents(file.path))}):
        os.mkdir(os.path.join(top, above), 0o700)
    for file in sorted(files, key=lambda one: one.kind == "link"):  # links last: no file is written through one
        _write(file, os.path.join(top, file.path), bodies[file.sha], known)
    remove_tree(folder)
    aside.rename(folder)


def _write(file: File, path: bytes, body: bytes, known: set[bytes]) -> None:
    if file.kind != "link":
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700 if file.kind == "program" else 0o600), "wb") as made:
            made.write(body)
    elif stays_inside(file.path, body, known):
        os.symlink(body, path)


class Bundles:
    """What a machine knows of commits: what the run began from, and what it trains. It stands where git stands at home."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[File, ...]] = {}
        self._bodies: dict[str, bytes] = {}

    def learn(self, files: Mapping[str, tuple[File, ...]], bodies: Mapping[str, bytes]) -> None:
        """From now on these commits, by their names, are all that is known. Only what is new among their contents is told."""
        self._files = dict(files)
        self._bodies = {sha: body for sha, body in (self._bodies | dict(bodies)).items() if sha in wanted(files)}
        for sha, body in bodies.items():
            if hashlib.sha256(body).hexdigest() != sha:
                raise LineageError("a file of the bundle is not what its name says.")

    def export(self, commit: str, folder: Path) -> None:
        unpack(self._of(commit), self._bodies, folder)

    def read(self, commit: str, path: str) -> bytes:
        found = next((file for file in self._of(commit) if file.path == os.fsencode(path) and file.kind != "link"), None)
        if found is None:
            raise LineageError(f"{path} is not in commit {commit[:7]}.")
        return self._bodies[found.sha]

    def _of(self, commit: str) -> tuple[File, ...]:
        if commit not in self._files:
            raise LineageError(f"the commit {commit[:7]} did not come with the trial.")
        return self._files[commit]


def wanted(files: Mapping[str, Iterable[File]]) -> set[str]:
    """The contents of these commits."""
    return {file.sha for some in files.values() for file in some}
