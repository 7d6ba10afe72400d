"""What a person names is a night, wherever it lies, or one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_tui.finding import Found, found, is_table
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal, JournalError, Writer
from autoresearch_tui.packed import SAMPLE, PackedError
from autoresearch_tui.settings import load
from autoresearch_tui.workspace import WorkspaceError, open_workspace
from tests.engine.nights import make_checkout
from tests.machine import nobody


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with two runs, of which nov21 is the newest."""
    lab = make_checkout(tmp_path / "lab")
    for tag in ("nov20", "nov21"):
        make_run(lab / ".autoresearch" / tag)
    monkeypatch.chdir(tmp_path)
    return lab


def make_run(folder: Path) -> Path:
    with Writer(folder / "journal.sqlite") as writer:
        writer.append(e.RunStarted(folder.name, "c0"))
    return folder


def tag_of(named: str | None, folder: Path) -> str:
    with found(named, folder) as night, Journal(night.folder.journal) as journal:
        return journal.refresh().tag


def place_of(named: str | None, folder: Path) -> Found:
    with found(named, folder) as night:
        return night


def test_a_night_has_many_names(lab: Path, tmp_path: Path) -> None:
    assert tag_of(None, lab) == "nov21"
    assert tag_of("nov20", lab) == "nov20"
    for named in ("lab", "./lab", str(lab), "lab/.autoresearch"):
        assert tag_of(named, tmp_path / "nowhere") == "nov21", named
    for named in ("lab/.autoresearch/nov20", "lab/.autoresearch/nov20/", "lab/.autoresearch/nov20/journal.sqlite"):
        assert tag_of(named, tmp_path / "nowhere") == "nov20", named
        assert place_of(named, tmp_path).git == lab
    (tmp_path / "link").symlink_to("lab/.autoresearch/nov20")
    assert tag_of("link", tmp_path) == "nov20"
    assert tag_of(str(SAMPLE), tmp_path) == "sample"


def test_home_is_found_and_a_place_without_one_is_no_bug(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tag_of("~/lab/.autoresearch/nov20", tmp_path) == "nov20"
    with pytest.raises(WorkspaceError, match="is not there"):
        tag_of("~nobody-of-this-name/lab", lab)


def test_a_tag_comes_before_a_folder_of_its_name(lab: Path, tmp_path: Path) -> None:
    other = make_checkout(lab / "nov20")
    make_run(other / ".autoresearch" / "dec1")
    os.chdir(lab)
    assert tag_of("nov20", lab) == "nov20"
    assert tag_of("./nov20", lab) == "dec1"
    (lab / "nov21").mkdir()
    assert tag_of("nov21", lab) == "nov21"


def test_a_run_that_is_kept_elsewhere_is_known_by_the_workspace_that_we_are_in(lab: Path, tmp_path: Path) -> None:
    (lab / "autoresearch.toml").write_text(f'[run]\nfolder = "{tmp_path / "kept"}"\n')
    run = make_run(open_workspace(lab, load(lab, {}).settings).run("nov25").folder)
    assert run.is_relative_to(tmp_path / "kept")
    assert tag_of("nov25", lab) == tag_of(None, lab) == "nov25"
    assert place_of(str(run), lab).workspace == lab
    assert place_of(str(run), tmp_path).workspace is None
    assert place_of(str(run), tmp_path).git == run


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("nov22", "there is no run 'nov22' in .*/lab; there is: nov20, nov21"),
        ("nothing/here", "nothing/here is not there: name a tag, a workspace, a run's folder or a packed night"),
        ("nov20.night", "nov20.night is not there"),
        ("empty", "empty is no workspace: it has no train.py"),
        ("dangling", "dangling is a link to gone, which is not there"),
        ("table.tsv", "table.tsv is no night: `pack` makes a file of one"),
        ("pipe", "pipe is neither a file nor a folder"),
    ],
)
def test_what_is_no_night_is_said(lab: Path, tmp_path: Path, named: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "table.tsv").write_text("commit\tval_bpb\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WorkspaceError, match=said):
        place_of(named, lab)


def test_a_broken_file_is_a_packed_night_by_its_name_and_no_table(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "half.night").write_bytes(SAMPLE.read_bytes()[:1000])
    assert not is_table("half.night")
    with pytest.raises(PackedError, match="is no packed night, or is damaged"):
        place_of("half.night", tmp_path)


def test_a_table_is_a_file_that_is_nothing_else(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "results.tsv").write_text("commit\tval_bpb\n")
    os.mkfifo(tmp_path / "pipe")
    assert is_table("results.tsv")
    for named in (None, str(SAMPLE), "lab", "nov20", "pipe", "lab/.autoresearch/nov20/journal.sqlite"):
        assert not is_table(named), named


def test_a_damaged_journal_is_said_by_whoever_reads_it(lab: Path) -> None:
    (lab / ".autoresearch" / "nov20" / "journal.sqlite").write_bytes(b"no journal at all, but long enough to be looked at" * 100)
    with pytest.raises(JournalError, match=r"nov20/journal\.sqlite is damaged"):
        tag_of("nov20", lab)
    assert tag_of(None, lab) == "nov21"


@pytest.mark.needs("root")
def test_a_night_of_somebody_else_is_read_where_nobody_may_write(lab: Path, tmp_path: Path) -> None:
    """Its journal is in two files as long as an engine has not closed it, and in one after that."""
    run = lab / ".autoresearch" / "nov20"
    (run / "logs").mkdir()
    (run / "logs" / "0000-1.log").write_text("a log")
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    with Writer(run / "journal.sqlite") as writer:
        writer.append(e.Warned("only in the -wal"))
        _look(lab, tmp_path)
        (run / "journal.sqlite").chmod(0o600)
    there = _look(lab, tmp_path)
    assert not there.exists()
    assert tag_of("nov20", lab) == "nov20"


def _look(lab: Path, tmp_path: Path) -> Path:
    """As somebody who may read it."""
    for path in (lab / ".autoresearch", *(lab / ".autoresearch").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)
    with nobody(), found("lab/.autoresearch/nov20", tmp_path) as night, Journal(night.folder.journal) as journal:
        assert journal.refresh().warnings == ("only in the -wal",)
        assert night.folder.log(0, 1).read_text() == "a log"
        assert night.git == lab
        assert night.folder.tag == "nov20"
        return night.folder.folder
