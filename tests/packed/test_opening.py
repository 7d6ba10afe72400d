"""The night that comes along is whole, and a packed file that somebody made up does no harm."""

from __future__ import annotations

import getpass
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import write
from autoresearch_tui.journal.store import Journal, Writer
from autoresearch_tui.packed import SAMPLE, PackedError, opened, opening

HEAD = '{"version": 1, "tag": "nov20"}'


def pack(file: Path, *members: tuple[str, bytes | str], head: str = HEAD) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        if head:
            packed.writestr("night.json", head)
        for name, content in members:
            packed.writestr(name, content)
    return file


def tampered(home: Path, what: str) -> bytes:
    """A journal with one fact."""
    journal = home / f"{what}.sqlite"
    with Writer(journal) as writer:
        writer.append(e.RunStarted("nov20", "c0"))
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return journal.read_bytes()


# ---- the one that comes along ----


def test_its_facts_add_up_to_its_results() -> None:
    with opened() as (folder, _), Journal(folder.journal) as journal:
        run = fold(journal.events())
        assert write(run.rows) == folder.results.read_text()
        assert run.tag == folder.tag
        assert len(run.experiments) >= 12
        assert all(run.counts.values()), "something is kept, something discarded, something crashes"
        assert run.ended


def test_it_shows_what_a_cockpit_is_for() -> None:
    with opened() as (folder, _), Journal(folder.journal) as journal:
        kinds = {type(recorded.event) for recorded in journal.events()}
        assert {e.Refused, e.Commanded, e.Paused, e.Resumed, e.ResearcherDown, e.ResearcherUp, e.Held, e.Approved} <= kinds
        assert len(list(journal.samples())) > 60
        drafts = [folder.reply(draft.stem).read_text() for draft in folder.reply("x").parent.iterdir()]
        assert any('"thinking"' in reply for reply in drafts)


def test_git_has_the_code_of_every_experiment() -> None:
    with opened() as (folder, git), Journal(folder.journal) as journal:
        run = journal.refresh()
        for one in run.experiments.values():
            text = subprocess.run(["git", "cat-file", "blob", f"{one.commit}:{run.edit}"], cwd=git, capture_output=True, check=True).stdout
            assert b"def build_model" in text


def test_it_opens_at_once_and_is_small_and_goes_with_whoever_opened_it() -> None:
    assert SAMPLE.stat().st_size < 600_000
    with opened() as (folder, git):
        assert folder.journal.is_file()
    assert not folder.folder.exists()
    assert not git.exists()


def test_nothing_in_it_says_whose_machine_it_was() -> None:
    names = {str(Path.home()), sys.prefix, str(Path(__file__).parents[2]), f"@{socket.gethostname()}"}
    names |= {getpass.getuser()} - {"root"}
    with opened() as (folder, git):
        texts = [file.read_bytes() for file in folder.folder.rglob("*") if file.is_file()]
        objects = ["git", "cat-file", "--batch", "--batch-all-objects", "--buffer"]
        texts.append(subprocess.run(objects, cwd=git, capture_output=True, check=True).stdout)
    for name in names - {"/", "/usr", "/usr/local"}:
        assert not any(name.encode() in text for text in texts), name


# ---- any other ----


def test_what_is_not_ours_is_left_in_it(tmp_path: Path) -> None:
    journal = tampered(tmp_path, "whole")
    strange = (
        "../outside",
        "/etc/outside",
        "logs/../../outside.log",
        "logs/0001-1.log/x",
        "best.pt",
        "replies/../x.jsonl",
        "commits/config",
    )
    file = pack(tmp_path / "one.night", ("journal.sqlite", journal), *((name, "x") for name in strange), ("logs/0001-1.log", "a log"))
    with opened(file) as (folder, _):
        there = sorted(str(found.relative_to(folder.folder)) for found in folder.folder.rglob("*") if found.is_file())
        assert there == ["journal.sqlite", "logs/0001-1.log"]
        assert folder.tag == "nov20"


@pytest.mark.parametrize(
    ("head", "members", "said"),
    [
        ("", (), "does not say which it is"),
        ("{", (), "does not say which it is"),
        ('{"version": 2, "tag": "nov20"}', (), "by a later version"),
        ('{"version": 1, "tag": "../nov20"}', (), "a tag that is none"),
        (HEAD, (), "its journal is missing"),
        (HEAD, (("journal.sqlite", b"1"), ("logs/0001-1.log", b"1"), ("logs/0001-1.log", b"2")), "is in it twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_no_packed_night_is_refused(tmp_path: Path, head: str, members: tuple[tuple[str, bytes], ...], said: str) -> None:
    with pytest.raises(PackedError, match=said), opened(pack(tmp_path / "one.night", *members, head=head)):
        pass


@pytest.mark.parametrize("content", [b"", b"no zip at all", None])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "one.night"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PackedError, match="no packed night" if content is not None else "is not there"), opened(file):
        pass


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_file_that_came_half_is_refused(tmp_path: Path, cut: float) -> None:
    file = tmp_path / "half.night"
    file.write_bytes(SAMPLE.read_bytes()[: int(SAMPLE.stat().st_size * cut)])
    with pytest.raises(PackedError, match="is damaged"), opened(file):
        pass


def test_a_byte_that_changed_on_the_way_is_noticed(tmp_path: Path) -> None:
    file = pack(tmp_path / "one.night", ("journal.sqlite", tampered(tmp_path, "whole") * 20))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(PackedError, match="is damaged"), opened(file):
        pass


def test_more_than_a_disk_can_take_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LARGEST", 2**20)
    file = pack(tmp_path / "one.night", ("journal.sqlite", bytes(2**20 + 1)))
    assert file.stat().st_size < 2000
    with pytest.raises(PackedError, match="would take more than"), opened(file):
        pass


def test_commits_that_git_refuses_leave_an_empty_repository(tmp_path: Path) -> None:
    members = (("journal.sqlite", tampered(tmp_path, "whole")), ("commits.bundle", "# v2 git bundle\nnonsense"))
    with opened(pack(tmp_path / "one.night", *members)) as (folder, git), Journal(folder.journal) as journal:
        assert journal.refresh().tag == folder.tag == "nov20"
        assert not list(git.glob("*.pack"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('"prefix": "../up/"', "names a folder"),
        ('"prefix": "/etc/"', "names a folder"),
        ('"prefix": "a"', "names a folder"),
        ('"prefix": ".git/"', "names a folder"),
        ('"cut": ["HEAD"]', "names a commit"),
    ],
)
def test_a_head_that_leads_out_of_its_folder_is_refused(tmp_path: Path, more: str, said: str) -> None:
    file = pack(tmp_path / "one.night", head=f'{{"version": 1, "tag": "nov20", {more}}}')
    with pytest.raises(PackedError, match=said), opened(file):
        pass


def test_a_journal_that_computes_is_not_read(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 1.0, 1.0, 'x', 1, '{}' FROM n"
    for statement in (
        f"DROP TABLE event; CREATE VIEW event(seq, at, mono, kind, experiment, body) AS {endless}",
        "CREATE TRIGGER t AFTER INSERT ON command BEGIN DELETE FROM event; END",
        "DROP TABLE sample; CREATE VIRTUAL TABLE sample USING fts5(at, body)",
        "DROP TABLE meta; CREATE TABLE meta (name TEXT, value TEXT AS (hex(zeroblob(1000000000))))",
        "DROP TABLE sample",
    ):
        journal = tmp_path / "odd.sqlite"
        journal.write_bytes(tampered(tmp_path, "whole"))
        with closing(sqlite3.connect(journal)) as connection:
            connection.executescript(statement)
        with pytest.raises(PackedError, match="it holds what no journal holds"), opened(pack(tmp_path / "one.night", _member(journal))):
            pass


def test_a_damaged_journal_is_said_of_the_file_that_it_came_in(tmp_path: Path) -> None:
    journal = bytearray(tampered(tmp_path, "whole"))
    journal[4096:8192] = b"x" * 4096
    file = pack(tmp_path / "one.night", ("journal.sqlite", bytes(journal)))
    with pytest.raises(PackedError, match=r"one\.night has a journal that cannot be read"), opened(file):
        pass
    with pytest.raises(PackedError, match="not a database"), opened(pack(file, ("journal.sqlite", b"no journal at all"))):
        pass


def test_what_costs_more_than_its_size_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "one.night"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("night.json", HEAD, zipfile.ZIP_DEFLATED)
        packed.writestr("journal.sqlite", tampered(tmp_path, "whole"))
    with pytest.raises(PackedError, match="compressed in a way"), opened(file):
        pass


def test_a_link_in_it_is_a_file_with_a_name_in_it(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("results.tsv")
    link.external_attr = 0o120777 << 16
    file = pack(tmp_path / "one.night", _member_of(tampered(tmp_path, "whole")))
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    with opened(file) as (folder, _):
        assert not folder.results.is_symlink()
        assert folder.results.read_text() == "/etc/passwd"


def test_no_room_is_said_with_what_to_do() -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(PackedError, match="File too large: make room, or say `TMPDIR=FOLDER` before the command"), opened():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_whoever_is_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    waits = "with opened() as (folder, _):\n print(folder.folder, flush=True)\n time.sleep(60)"
    script = f"import time\nfrom autoresearch_tui.packed import opened\n{waits}"
    for number in (signal.SIGTERM, signal.SIGHUP):
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        reader = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
        assert reader.stdout
        folder = Path(reader.stdout.readline().strip())
        assert folder.is_dir()
        reader.send_signal(number)
        assert reader.wait(20) == 128 + number
        assert not list(tmp_path.iterdir())
        reader.stdout.close()


def _member(file: Path) -> tuple[str, bytes]:
    return _member_of(file.read_bytes())


def _member_of(content: bytes) -> tuple[str, bytes]:
    return "journal.sqlite", content
