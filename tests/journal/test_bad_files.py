"""Journals that cannot be read or written: one sentence each, and nothing is lost that was there."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import SNAPSHOT_EVERY, Journal, JournalError, Writer
from autoresearch_tui.lines import line
from autoresearch_tui.status import as_text
from tests.journal.files import FORK, kept, sentence

ROOT = Path(__file__).parents[2]


# ------------------------------------------------------------------------------------------------------------------------------
# Files that are no journal
# ------------------------------------------------------------------------------------------------------------------------------


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("commit\tval_bpb\tmemory_gb\tstatus\tdescription\n" * 100)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def noise(path: Path) -> None:
    body = path.read_bytes()
    path.write_bytes(body[:4096] + random.Random(1).randbytes(len(body) - 4096))


def other_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE meta (name TEXT, value TEXT)")


@pytest.mark.parametrize("make", [missing, folder, pipe, link_to_itself, empty, text, zeros, half, noise, other_database])
def test_what_is_no_journal_gets_one_sentence(make: Callable[[Path], None], written: Path) -> None:
    make(written)
    with pytest.raises(JournalError) as error, Journal(written) as journal:
        journal.refresh()
    sentence(error.value, written)
    if make is not missing:
        with pytest.raises(JournalError) as error:
            Writer(written)
        sentence(error.value, written)


def test_a_few_wrong_bytes_are_noticed_or_harm_nothing(written: Path, tmp_path: Path) -> None:
    whole = written.read_bytes()
    chance = random.Random(11)
    noticed = 0
    for number in range(100):
        wrong = bytearray(whole)
        for _ in range(chance.randrange(1, 20)):
            wrong[chance.randrange(len(wrong))] = chance.randrange(256)
        damaged = tmp_path / f"{number}.sqlite"
        damaged.write_bytes(wrong)
        for kind in (Journal, Writer):
            try:
                with kind(damaged) as journal:
                    run = journal.refresh()
                    journal.commands()
                    for recorded in journal.events():
                        line(recorded.event, run, 0.0)
                assert as_text(run, alive=False)
            except JournalError as error:
                sentence(error, damaged)
                noticed += 1
    assert noticed


def read_as_nobody(path: Path, told: Connection) -> None:
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        Journal(path)
    except JournalError as error:
        told.send(str(error))


@pytest.mark.parametrize("barred", ["nov20", "journal.sqlite"])
def test_a_file_that_may_not_be_read_gets_one_sentence(barred: str, written: Path) -> None:
    with TemporaryDirectory() as place:  # open to all but for what is barred, unlike the folders that pytest makes
        path = Path(place) / "nov20" / "journal.sqlite"
        path.parent.mkdir()
        shutil.copy(written, path)
        for one in (path, *path.parents[:2]):
            one.chmod(0 if one.name == barred else 0o755)
        ours, theirs = FORK.Pipe(duplex=False)
        reader = FORK.Process(target=read_as_nobody, args=(path, theirs))
        reader.start()
        theirs.close()
        said = ours.recv()
        reader.join()
        path.parent.chmod(0o700)
    sentence(JournalError(said), path, "Permission denied" if barred == "nov20" else "may not be read by you")


@pytest.mark.parametrize("name", ["100% #1? ü &a=b", "caf\udce9", "-v", "a b'c\"d"])
def test_any_folder_will_do(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "journal.sqlite"
    with Writer(path) as writer:
        writer.append(e.Warned("it is late"))
        writer.back_up(tmp_path / name / "copy.sqlite")
    assert kept(path) == kept(path.with_name("copy.sqlite"))
    assert sorted(os.listdir(tmp_path / name)) == ["copy.sqlite", "journal.sqlite"]


# ------------------------------------------------------------------------------------------------------------------------------
# A full disk
# ------------------------------------------------------------------------------------------------------------------------------


def limit_pages(writer: Writer, more: int) -> None:
    """As if the disk had room for so many pages more."""
    pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
    writer._connection.execute(f"PRAGMA max_page_count = {pages + more}")


def test_no_space_left_is_an_error_of_the_system_and_changes_nothing(written: Path) -> None:
    with Writer(written) as writer:
        limit_pages(writer, 1)
        before, events = writer.run, kept(written)
        with pytest.raises(OSError) as error:
            writer.append(*[e.Warned("x" * 1000)] * 20)
        assert error.value.errno == errno.ENOSPC
        assert writer.run is before
        assert kept(written) == events
        limit_pages(writer, 1000)
        assert writer.append(e.Warned("there is space again"))[0].seq == before.seq + 1


def test_a_snapshot_that_has_no_space_fails_nobody(written: Path) -> None:
    with Writer(written) as writer:
        writer.append(*[e.Proposed(number, idea="x" * 100) for number in range(writer.run.seq, SNAPSHOT_EVERY - 1)])
        limit_pages(writer, 10)
        recorded = writer.append(e.Warned("this one saves a snapshot"))
        assert writer.run.seq == recorded[-1].seq == SNAPSHOT_EVERY
    assert kept(written)[-1] == recorded[-1]


def fill_the_disk(folder: Path) -> None:
    """On a disk of a few pages: write until it is full, go on when there is room, and read when it is full again."""
    path = folder / "journal.sqlite"
    filler = folder / "filler"
    with Writer(path) as writer:
        filler.write_bytes(bytes(600_000))
        with pytest.raises(OSError) as error:
            while True:
                writer.append(*[e.Warned("x" * 1000)] * 3)
        assert error.value.errno == errno.ENOSPC, error.value
        assert [one.seq for one in writer.events()] == list(range(1, writer.run.seq + 1))
        assert writer.run.seq % 3 == 0
        with pytest.raises(OSError) as error:
            writer.back_up(folder / "copy.sqlite")
        assert error.value.errno == errno.ENOSPC, error.value
        filler.unlink()
        writer.append(e.Warned("there is space again"))
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1000))
    with pytest.raises(OSError) as error, Journal(path) as journal:
        journal.refresh()
    assert error.value.errno == errno.ENOSPC, error.value
    with pytest.raises(OSError) as error:
        Writer(folder / "another" / "journal.sqlite")
    assert error.value.errno == errno.ENOSPC, error.value
    assert not list(folder.glob("another/.*"))


@pytest.mark.needs("mount")
def test_a_disk_that_is_really_full_is_waited_for(tmp_path: Path) -> None:
    mounted = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    disk = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, str(tmp_path)]
    script = f"from pathlib import Path; from {__name__} import fill_the_disk; fill_the_disk(Path({str(tmp_path)!r}))"
    done = subprocess.run([*disk, sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
