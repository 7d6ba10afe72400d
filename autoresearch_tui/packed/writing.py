"""A night is packed: its journal as it stands now, its logs and replies, its commits, as one file that is whole or not there.

Owns what goes into the file and in which order. What may be said in a redacted one is `redacting.py`'s.
"""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import msgspec

from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import write
from autoresearch_tui.journal.state import Run
from autoresearch_tui.packed import form
from autoresearch_tui.packed.commits import GitError, Lender, borrowing, bundled, lender
from autoresearch_tui.packed.copying import Night, copied, redacted, refuse_a_later_version
from autoresearch_tui.packed.form import BUNDLE, HEAD, JOURNAL, RESULTS, VERSION, Head, PackedError
from autoresearch_tui.packed.persons import Whose, redactor_of
from autoresearch_tui.packed.redacting import Redactor
from autoresearch_tui.packed.rewriting import rewritten
from autoresearch_tui.packed.tracing import traced
from autoresearch_tui.workspace import RunFolder

PIECE = 2**20
Clean = Callable[[IO[bytes]], Iterator[bytes]]


class Contents(msgspec.Struct, frozen=True):
    """What a packed file turned out to hold."""

    run: Run
    size: int
    kinds: dict[str, tuple[int, int]]
    """How many files of each kind, and the bytes that they take in it."""
    without: str = ""
    """Why it has no commits."""


def pack(folder: RunFolder, repository: Path, target: Callable[[str], Path], whose: Whose | None = None) -> tuple[Path, Contents]:
    """Write a night to a file that is not there yet, which `target` names by the tag. With `whose` it is redacted: those are the names
    that nobody is to read."""
    with TemporaryDirectory(prefix="autoresearch-pack-") as made:
        home = Path(made)
        night = copied(folder.journal, home / JOURNAL)
        redactor = None
        if whose:
            refuse_a_later_version(home / JOURNAL)
            redactor = redactor_of(night, whose)
        tag = redactor.tag(folder.tag) if redactor else folder.tag
        head, without = _commits(home, repository, night, redactor, Head(VERSION, tag, redacted=redactor is not None))
        run = fold(night.facts)
        if redactor:
            redacted(night, redactor, home / f"told-{JOURNAL}")
            (home / f"told-{JOURNAL}").replace(home / JOURNAL)
            run = fold(filter(None, map(redactor.fact, night.facts)))
        path = target(tag)
        with written(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            _fill(_Members(packed), head, home, run, folder, redactor)
            kinds = _kinds(packed)
        return path, Contents(run, path.stat().st_size, kinds, without)


def _commits(home: Path, repository: Path, night: Night, redactor: Redactor | None, head: Head) -> tuple[Head, str]:
    """Bundle what was committed; the head that says how it is to be read, and why there is none."""
    try:
        source = lender(repository)
        borrower = borrowing(home / "git", source)
        if redactor:
            _rewrite(borrower, source, night, redactor)
        else:
            cut = traced(borrower, repository, night, head.tag)
            head = msgspec.structs.replace(head, cut=cut, prefix=source.prefix)
        bundled(borrower, home / BUNDLE)
    except GitError as error:
        return head, str(error)
    return head, ""


def _rewrite(borrower: Path, source: Lender, night: Night, redactor: Redactor) -> None:
    told = fold(filter(None, map(redactor.fact, night.facts)))
    redactor.shas = rewritten(borrower, source, fold(night.facts), told, night.blobs, redactor.scrubber.code)


class _Members:
    """Adds files to the packed one, as long as somebody could open it. None has a time of its own."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed
        self._room = form.LARGEST

    def add(self, name: str, pieces: Iterator[bytes]) -> None:
        member = zipfile.ZipInfo(name)
        member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        with self._packed.open(member, "w", force_zip64=True) as target:
            for piece in pieces:
                self._room -= len(piece)
                if self._room < 0:
                    raise PackedError(f"the night has more than {form.LARGEST >> 30} GB, which nobody would open: delete logs first.")
                target.write(piece)


def _fill(members: _Members, head: Head, home: Path, run: Run, folder: RunFolder, redactor: Redactor | None) -> None:
    members.add(HEAD, iter([msgspec.json.encode(head)]))
    members.add(RESULTS, iter([write(run.rows).encode()]))
    for name in (JOURNAL, BUNDLE):
        if (home / name).exists():
            with (home / name).open("rb") as file:
                members.add(name, _pieces(file))
    for name, path in sorted(_logs(folder.folder / "logs").items()):
        with _plain(path) as log:
            members.add(name, redactor.scrubber.lines(log) if redactor else _pieces(log))
    for path in () if redactor else sorted((folder.folder / "replies").glob("*.jsonl")):
        if form.NAMES.fullmatch(name := f"replies/{path.name}"):
            with _plain(path) as reply:
                members.add(name, _pieces(reply))


def _logs(folder: Path) -> dict[str, Path]:
    """Old ones may have been compressed; one that is there in both forms was about to be."""
    found = [*folder.glob("*.log.gz"), *folder.glob("*.log")]
    named = {f"logs/{path.name.removesuffix('.gz')}": path for path in found if path.is_file() and not path.is_symlink()}
    return {name: path for name, path in named.items() if form.NAMES.fullmatch(name)}


@contextmanager
def _plain(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.open(file) as log:
            yield cast("IO[bytes]", log)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _kinds(packed: zipfile.ZipFile) -> dict[str, tuple[int, int]]:
    kinds: dict[str, tuple[int, int]] = {}
    for member in packed.infolist():
        kind = member.filename.partition("/")[0]
        count, size = kinds.get(kind, (0, 0))
        kinds[kind] = (count + 1, size + member.compress_size)
    return kinds


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """A file that is there when all of it is on the disk, and never in the place of another."""
    if os.path.lexists(target):
        raise PackedError(f"{target} is there already: name another file with `-o FILE`, or delete it.")
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _name(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _name(aside: Path, target: Path) -> None:
    """A second name is given only where there is none; a look and a rename would leave a moment between them."""
    try:
        try:
            target.hardlink_to(aside)
        except FileExistsError:
            raise
        except OSError:  # a disk on which a file has one name only
            _copy(aside, target)
    except FileExistsError:
        raise PackedError(f"{target} is there already, made meanwhile: name another file with `-o FILE`.") from None


def _copy(aside: Path, target: Path) -> None:
    """For a while it is there and not whole; if it cannot become whole, it goes again."""
    with aside.open("rb") as source, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            shutil.copyfileobj(source, file, PIECE)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            target.unlink(missing_ok=True)
            raise
