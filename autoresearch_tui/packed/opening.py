"""A packed night is opened: into a folder of its own, which goes with it.

The file may come from anybody, so nothing in it is trusted: only the names of the form are taken out of it, no more than so many bytes,
the journal has to be tables and nothing that computes, and git checks the commits.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import FrameType
from typing import NoReturn

import msgspec

from autoresearch_tui.packed.commits import received
from autoresearch_tui.packed.form import BUNDLE, COMMIT, HEAD, JOURNAL, LARGEST, LARGEST_HEAD, NAMES, SAMPLE, VERSION, Head, PackedError
from autoresearch_tui.workspace import RunFolder, is_tag

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for gigabytes of memory before they say anything
CHECK_S = 60.0


@contextmanager
def opened(file: Path = SAMPLE) -> Iterator[tuple[RunFolder, Path]]:
    """The night's folder, and one that git finds its commits in, for as long as they are needed."""
    with leaving_in_order(), TemporaryDirectory(prefix="autoresearch-night-", ignore_cleanup_errors=True) as home:
        try:
            head = _unpacked(file, Path(home) / "run")
        except OSError as error:
            if error.filename is not None and Path(error.filename) == file:
                raise
            room = f"{error.strerror or error}: make room, or say `TMPDIR=FOLDER` before the command"
            raise PackedError(f"{file} cannot be opened in {gettempdir()} ({room}).") from None
        folder = Path(home) / "run" / head.tag
        _check_journal(folder / JOURNAL, file)
        yield RunFolder(folder), received(folder / BUNDLE, Path(home) / "git", head)


@contextmanager
def leaving_in_order() -> Iterator[None]:
    """Whoever is told to end leaves by the door, and what is temporary goes. Who has an answer of their own to a signal keeps it."""
    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    ours = [one for one in signals if threading.current_thread() is threading.main_thread() and signal.getsignal(one) is signal.SIG_DFL]
    for one in ours:
        signal.signal(one, _leave)
    try:
        yield
    finally:
        for one in ours:
            if signal.getsignal(one) is _leave:
                signal.signal(one, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _unpacked(file: Path, home: Path) -> Head:
    try:
        with zipfile.ZipFile(file) as packed:
            head = _head(packed, file)
            for name in _names(packed, file):
                target = home / head.tag / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(name) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
    except DAMAGED as error:
        raise PackedError(f"{file} is no packed night, or is damaged ({error}): ask for it again, or pack it anew.") from None
    except FileNotFoundError:
        raise PackedError(f"{file} is not there: name a file that `pack` wrote.") from None
    return head


def _head(packed: zipfile.ZipFile, file: Path) -> Head:
    try:
        with packed.open(HEAD) as text:
            head = msgspec.json.decode(text.read(LARGEST_HEAD), type=Head)
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError):
        raise PackedError(f"{file} is no packed night: it does not say which it is. `pack` writes one.") from None
    if head.version > VERSION:
        raise PackedError(f"{file} was packed by a later version of autoresearch-tui: install that one to open it.")
    if not is_tag(head.tag):
        raise PackedError(f"{file} has a tag that is none: {head.tag[:64]!r}. Pack it anew.")
    parts = head.prefix.split("/")
    if parts.pop() or any(part in ("", ".", "..") or part.lower() == ".git" or "\\" in part or "\0" in part for part in parts):
        raise PackedError(f"{file} names a folder that is none: {head.prefix[:64]!r}. Pack it anew.")
    if not all(COMMIT.fullmatch(commit) for commit in head.cut):
        raise PackedError(f"{file} names a commit that is none. Pack it anew.")
    return head


def _names(packed: zipfile.ZipFile, file: Path) -> list[str]:
    """Those that are ours: each once, in a form that costs no more than its size, and all of them no larger than they may be."""
    members = [member for member in packed.infolist() if NAMES.fullmatch(member.filename)]
    names = [member.filename for member in members]
    if JOURNAL not in names or len(set(names)) < len(names):
        raise PackedError(f"{file} is no packed night: its journal is missing, or a file is in it twice. Pack it anew.")
    if sum(member.file_size for member in members) > LARGEST:
        raise PackedError(f"{file} would take more than {LARGEST >> 30} GB on the disk: it is not opened.")
    if any(member.compress_type not in METHODS for member in members):
        raise PackedError(f"{file} is compressed in a way that `pack` does not use: it is not opened. Pack it anew.")
    return names


def _check_journal(journal: Path, file: Path) -> None:
    """A view or a trigger would compute whatever its maker likes as soon as somebody reads, and a damaged page would stop a report."""
    until = time.monotonic() + CHECK_S
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
            connection.execute("PRAGMA trusted_schema=OFF")
            strange = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'create virtual%'"
            ).fetchone()[0]
            for table in () if strange else ("event", "command", "sample", "meta"):
                columns = connection.execute("SELECT hidden FROM pragma_table_xinfo(?)", (table,)).fetchall()
                strange += not columns or any(hidden for (hidden,) in columns)
            verdict = "it holds what no journal holds" if strange else connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        said = os.fspath(verdict).splitlines()[0][:200]
        raise PackedError(f"{file} has a journal that cannot be read ({said}): ask for it again, or pack it anew.")
