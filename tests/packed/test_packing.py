"""`pack` makes one file of a night, whole or not at all, which opens as the same night anywhere."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_tui.cli import main
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import write
from autoresearch_tui.journal.store import Journal, Writer
from autoresearch_tui.packed import PackedError, form, opened
from autoresearch_tui.packed.writing import Contents, pack, written
from autoresearch_tui.workspace import RunFolder
from tests.engine.nights import git, make_checkout
from tests.packed.canaries import TAG, state


@pytest.fixture
def mine(made: tuple[RunFolder, Path], tmp_path: Path) -> tuple[RunFolder, Path]:
    """A copy of the night, to change."""
    lab = tmp_path / "lab"
    shutil.copytree(made[1], lab)
    return RunFolder(lab / made[0].folder.relative_to(made[1])), lab


@pytest.fixture
def packed(made: tuple[RunFolder, Path], tmp_path: Path) -> tuple[Path, Contents]:
    run, lab = made
    return pack(run, lab, lambda tag: tmp_path / f"{tag}.night")


def test_it_opens_as_the_same_night(made: tuple[RunFolder, Path], packed: tuple[Path, Contents]) -> None:
    run, lab = made
    with Journal(run.journal) as journal, opened(packed[0]) as (folder, repository), Journal(folder.journal) as copy:
        assert list(copy.events()) == list(journal.events())
        assert copy.commands() == journal.commands()
        assert list(copy.samples()) == list(journal.samples())
        state = fold(journal.events())
        assert folder.results.read_text() == run.results.read_text() == write(state.rows)
        for path in (run.log(0, 1), run.log(2, 1), run.reply("d0001")):
            assert (folder.folder / path.relative_to(run.folder)).read_bytes() == path.read_bytes()
        for one in state.experiments.values():
            assert git(repository, "show", f"{one.commit}:train.py") == git(lab, "show", f"{one.commit}:train.py")
        assert git(repository, "notes", "--ref=autoresearch", "show", state.experiments[1].commit).startswith("night #1 keep: kept by hand")
        assert "another" not in git(repository, "notes", "--ref=autoresearch", "show", state.experiments[1].commit)
        assert git(repository, "rev-parse", f"autoresearch/{TAG}") == state.experiments[2].commit


def test_git_alone_can_take_it_where_the_history_is(packed: tuple[Path, Contents], made: tuple[RunFolder, Path], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--single-branch", str(made[1]), str(clone)], check=True)
    with zipfile.ZipFile(packed[0]) as members:
        members.extract("commits.bundle", tmp_path)
    git(clone, "fetch", "-q", str(tmp_path / "commits.bundle"), f"refs/heads/autoresearch/{TAG}:refs/heads/theirs")
    assert git(clone, "log", "--format=%s", "theirs").splitlines()[2:] == ["The start of it", "brambling", "A beginning"]


def test_a_night_that_somebody_writes_is_packed_as_it_is_now(mine: tuple[RunFolder, Path], tmp_path: Path) -> None:
    run, lab = mine
    with Writer(run.journal) as writer:
        writer.append(e.Warned("one more"))
        path, contents = pack(run, lab, lambda tag: tmp_path / "now.night")
        writer.append(e.Warned("later"))
    assert state(path).warnings[-1] == "one more"
    assert contents.run.seq == state(path).seq


def test_old_logs_are_packed_whether_compressed_or_gone(mine: tuple[RunFolder, Path], tmp_path: Path) -> None:
    run, lab = mine
    with gzip.open(f"{run.log(0, 1)}.gz", "wb") as log:
        log.write(b"an old one")
    run.log(0, 1).unlink()
    run.log(1, 1).unlink()
    run.log(2, 1).unlink()
    run.log(2, 1).symlink_to("/etc/passwd")
    path, _ = pack(run, lab, lambda tag: tmp_path / "old.night")
    with opened(path) as (folder, _):
        assert [log.name for log in (folder.folder / "logs").iterdir()] == ["0000-1.log"]
        assert folder.log(0, 1).read_text() == "an old one"


def test_a_workspace_may_lie_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "all" / "some" / "lab")
    shutil.move(lab / ".git", tmp_path / "all" / ".git")
    git(tmp_path / "all", "add", ".")
    git(tmp_path / "all", "commit", "-q", "-m", "moved")
    start = git(lab, "rev-parse", "HEAD")
    run = RunFolder(lab / ".autoresearch" / TAG)
    with Writer(run.journal) as writer:
        writer.append(e.RunStarted(TAG, start), e.Proposed(0), e.Committed(0, start))
    path, _ = pack(run, lab, lambda tag: tmp_path / "some.night")
    with opened(path) as (_, repository):
        assert "build" not in git(repository, "cat-file", "blob", f"{start}:./train.py")
        assert "DEPTH" in git(repository, "cat-file", "blob", f"{start}:./train.py")


@pytest.mark.parametrize("why", ["no git", "no repository", "other commits"])
def test_without_commits_it_is_packed_and_says_so(
    mine: tuple[RunFolder, Path], tmp_path: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lab = mine
    if why == "no git":
        monkeypatch.setenv("PATH", "/nowhere")
    elif why == "no repository":
        shutil.rmtree(lab / ".git")
    else:
        lab = make_checkout(tmp_path / "another")
    path, contents = pack(run, lab, lambda tag: tmp_path / "bare.night")
    assert contents.without
    monkeypatch.undo()
    assert state(path).counts["keep"] == 3


def test_another_file_stays_and_none_is_left_half(made: tuple[RunFolder, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, lab = made
    target = tmp_path / "night.night"
    target.write_text("mine")
    with pytest.raises(PackedError, match=r"is there already: name another file with `-o FILE`, or delete it"):
        pack(run, lab, lambda tag: target)
    assert target.read_text() == "mine"
    target.unlink()
    monkeypatch.setattr(form, "LARGEST", 1000)
    with pytest.raises(PackedError, match="which nobody would open"):
        pack(run, lab, lambda tag: target)
    assert not list(tmp_path.iterdir())


def refuse_a_second_name(self: Path, target: Path) -> None:
    raise PermissionError(1, "Operation not permitted", str(self))


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_somebody_makes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """However late: after any look whether there is one."""
    monkeypatch.setattr("os.path.lexists", lambda path: False)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse_a_second_name)
    target = tmp_path / "night.night"
    with pytest.raises(PackedError, match="is there already, made meanwhile: name another file"), written(target) as file:
        file.write(b"mine")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_where_a_file_has_one_name_only_it_is_written_whole_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", refuse_a_second_name)
    target = tmp_path / "night.night"
    with written(target) as file:
        file.write(b"mine" * 2**20)
    assert target.read_bytes() == b"mine" * 2**20
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_its_file_is_for_its_owner(packed: tuple[Path, Contents]) -> None:
    assert packed[0].stat().st_mode & 0o777 == 0o600


# ---- the command ----


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `autoresearch-tui pack ARGUMENTS` prints."""

    def tell(folder: Path, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["pack", *arguments, "--dir", str(folder)])
        assert ended.value.code == code
        return " ".join("".join(capsys.readouterr()).split())

    return tell


def test_it_says_what_is_in_it_and_what_it_is_good_for(made: tuple[RunFolder, Path], here: Path, told: Callable[..., str]) -> None:
    said = told(made[1])
    assert said.startswith("night.night: ")
    assert "the night night with 3 experiments, ended: stopped by" in said
    assert "3 logs of trainings" in said
    assert "--redact" in said
    assert "autoresearch-tui run --tag NEW --from night.night" in said
    assert "is there already" in told(made[1], code=1)
    said = told(made[1], "--redact", "-o", "for ann.night")
    assert "Left out: prompts and replies" in said
    assert "report 'for ann.night'" in said
    with opened(here / "for ann.night") as (folder, _):
        assert not (folder.folder / "replies").exists()


def test_a_packed_night_can_be_redacted_later(made: tuple[RunFolder, Path], here: Path, told: Callable[..., str]) -> None:
    told(made[1])
    told(here, "night.night", "--redact", "-o", "later.night")
    assert state(here / "later.night").experiments[2].idea == "an idea of a person (left out)"


def test_what_is_sent_on_is_the_file(made: tuple[RunFolder, Path], here: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(SystemExit):
        main(["pack", "-o", "-", "--dir", str(made[1])])
    (here / "sent").write_bytes(capfdbinary.readouterr().out)
    assert state(here / "sent").tag == TAG


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("-o", "no/such/folder/x.night"), "No such file or directory", 1),
        (("results.tsv",), "is a table of results", 2),
        (("nothing",), "there is no run 'nothing'", 1),
    ],
)
def test_what_cannot_be_is_one_sentence(
    made: tuple[RunFolder, Path], here: Path, told: Callable[..., str], arguments: tuple[str, ...], said: str, code: int
) -> None:
    (here / "results.tsv").write_text("commit\tval_bpb\n")
    assert said in told(made[1], *arguments, code=code)
