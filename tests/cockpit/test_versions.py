"""The edited file of an experiment or a draft comes from git, whatever stands in the environment; where it cannot, a sentence says why."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.diff import Diff
from autoresearch_tui.cockpit.versions import Unreadable, Versions, name_of
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run
from tests.cockpit.evenings import Evening
from tests.engine.nights import TRAIN, git, make_checkout


async def found(versions: Versions, old: str, new: str) -> Diff:
    while (diff := versions.difference(old, new)) is None:
        await asyncio.sleep(0.01)
    return diff


def test_an_experiment_is_read_by_its_blob_and_the_baseline_by_its_commit(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.ask()
    evening.drafted("d0001", TRAIN.replace("0.4", "0.3"), "less decay")
    draft = evening.run.drafts["d0001"]
    evening.proposed("d0001", 1)
    versions, experiments = Versions(evening.git), evening.run.experiments
    assert versions.read(name_of(evening.run, experiments[0])) == TRAIN
    assert versions.read(name_of(evening.run, experiments[1])) == versions.read(name_of(evening.run, draft)) == TRAIN.replace("0.4", "0.3")


def test_a_workspace_inside_a_repository_and_a_bare_one_are_read_too(tmp_path: Path) -> None:
    repository = make_checkout(tmp_path / "lab")
    (repository / "inner").mkdir()
    shutil.copy(repository / "train.py", repository / "inner" / "train.py")
    (repository / "train.py").write_text("another\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "moved")
    commit = git(repository, "rev-parse", "HEAD")
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare")
    assert Versions(repository / "inner").read(f"{commit}:train.py") == TRAIN
    assert Versions(tmp_path / "bare").read(f"{commit}:train.py") == "another\n"


async def test_a_difference_is_found_in_the_background_and_once(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    new, old = evening.blob(TRAIN.replace("0.4", "0.3")), f"{evening.run.start}:train.py"
    versions = Versions(evening.git)
    assert versions.difference(old, new) is None
    diff = await found(versions, old, new)
    assert (diff.added, diff.removed) == (1, 1)
    shutil.rmtree(evening.git)
    assert versions.difference(old, new) is diff


async def test_what_cannot_be_read_is_a_sentence_and_is_asked_for_again_later(tmp_path: Path) -> None:
    clock = [0.0]
    evening = Evening(tmp_path)
    (tmp_path / "later").write_text("later")
    versions, old, new = Versions(evening.git, lambda: clock[0]), f"{evening.run.start}:train.py", git(tmp_path, "hash-object", "later")
    missing = f"the text {new[:7]} is not in the repository of {evening.git}: it was made elsewhere, or `git gc` took it."
    assert (await found(versions, old, new)).said == missing
    evening.blob("later")
    assert (await found(versions, old, new)).said == missing
    clock[0] = 31.0
    while (await found(versions, old, new)).said:
        await asyncio.sleep(0.01)
    assert (await found(versions, old, new)).added == 1


async def test_a_bug_in_the_comparing_is_a_sentence_and_written_down_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    clock = [0.0]

    class Breaks(Versions):
        def compare(self, old: str, new: str) -> Diff:
            raise RecursionError("too deep")

    versions = Breaks(tmp_path, lambda: clock[0])
    first = await found(versions, "a", "b")
    assert first.said.startswith("It cannot be compared (RecursionError); its traceback is in ")
    clock[0] = 99.0
    assert versions.difference("a", "b") is first
    (log,) = tmp_path.rglob("screen.log")
    assert log.read_text().count("RecursionError: too deep") == 1


@pytest.mark.parametrize("name", ["", "--help", "HEAD", "-abcdef0", "0123456:", "refs/heads/main", "0123456\n789"])
def test_a_name_that_only_a_forged_journal_has_never_reaches_git(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="the journal names none"):
        Versions(tmp_path).read(name)


def test_each_way_in_which_git_fails_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_checkout(tmp_path / "lab")
    commit = git(repository, "rev-parse", "HEAD")
    with pytest.raises(Unreadable, match=r"^missing.py of commit [0-9a-f]{7} is not in the repository"):
        Versions(repository).read(f"{commit}:missing.py")
    with pytest.raises(Unreadable, match=r"git does not read .*: not a git repository"):
        Versions(tmp_path).read(commit)
    with pytest.raises(Unreadable, match=r"git does not read .*: cannot change to"):
        Versions(tmp_path / "gone").read(commit)
    (repository / "train.py").write_bytes(b"x" * (5 << 20))
    git(repository, "commit", "-qam", "large")
    with pytest.raises(Unreadable, match="the file has 5 MB: that is more than is shown"):
        Versions(repository).read(f"{git(repository, 'rev-parse', 'HEAD')}:train.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="git is not installed"):
        Versions(repository).read(commit)


def test_the_environment_does_not_lead_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, other = make_checkout(tmp_path / "lab"), make_checkout(tmp_path / "other", "another\n")
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert Versions(repository).read(f"{commit}:train.py") == TRAIN


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    (evening.git / "train.py").write_bytes(b"LR = 1\n\xff\xfe\n")
    assert "\ufffd" in Versions(evening.git).read(git(evening.git, "hash-object", "-w", "train.py"))


def test_what_has_not_begun_has_no_file() -> None:
    assert name_of(Run(), Experiment(0, "baseline", None, "baseline", 0.0)) == ""
    assert name_of(Run(), Draft("d0001", "tune", 0, "sweep", 0.0)) == ""
