"""What a night leaves on a branch to merge, and that nothing else of a repository is other than before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autoresearch_tui.engine.finishing import Finished, finish
from autoresearch_tui.engine.lineage import Lineage, LineageError
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Writer
from tests.engine.histories import History
from tests.engine.repositories import START, git, hashes, make_repository, save

MESSAGE = "train.py: better\n\n# no comment\nIt was a good night: Größe.\n"
BRANCH = "autoresearch-night"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nobody told git who they are."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_CONFIG")) or name == "EMAIL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    folder = make_repository(tmp_path_factory.mktemp("spent") / "lab")
    (folder / "link").symlink_to("train.py")
    (folder / "prepare.py").chmod(0o755)
    save(folder, {"more.txt": "1\n"}, "second")
    return folder, spend_a_night(folder)


@pytest.fixture
def run(spent: tuple[Path, Run]) -> Run:
    return spent[1]


@pytest.fixture
def lab(spent: tuple[Path, Run], tmp_path: Path) -> Path:
    """A repository in which a night was spent."""
    shutil.copytree(spent[0], tmp_path / "lab", symlinks=True)
    git(tmp_path / "lab", "update-index", "--refresh")  # the copied files have other times
    return tmp_path / "lab"


def spend_a_night(folder: Path, edit: str = "train.py") -> Run:
    """Four experiments: the second and the last are kept, and each changes one line."""
    lineage, history = Lineage(folder, "night", edit), History()
    start = lineage.resolve("HEAD")
    text = lineage.read(start, edit).decode()
    commits = {0: start}
    history.add(e.RunStarted("night", start, edit=edit, sigma=0.001), e.EngineStarted(1, 1, "boot", "1", "sweep"))
    for number, parent, kept in ((0, None, True), (1, 0, True), (2, 1, False), (3, 1, True)):
        if parent is not None:
            text = f"{text}# {number}\n" if kept else text
            commits[number] = lineage.commit(commits[parent], lineage.write_blob(text), f"experiment {number}", 1e9 + number)
        lineage.point(number, commits[number])
        history.add(e.Proposed(number, parent=parent, idea=f"idea {number}"), e.Committed(number, commits[number]))
        history.add(e.Launched(number, 1, 42, 1, 1, "boot"), e.Ended(number, 1, "finished"))
        history.add(e.Measured(number, 1, 1 - number / 100), e.Judged(number, "keep" if kept else "discard", "", number if kept else 1))
        if kept:
            lineage.move_branch(commits[number], None if parent is None else commits[parent])
    history.add(e.EngineEnded("done"))
    with (lineage.repository.common_dir / "info" / "exclude").open("a") as exclude:
        exclude.write(".autoresearch/\n")
    with Writer(folder / ".autoresearch" / "night" / "journal.sqlite") as writer:
        writer.append(*(recorded.event for transaction in history.transactions for recorded in transaction))
    return history.run


def finished(folder: Path, run: Run, branch: str = BRANCH) -> Finished:
    return finish(folder, run, branch, MESSAGE, folder)


def refusal(folder: Path, run: Run, branch: str = BRANCH) -> str:
    before = everything(folder)
    with pytest.raises(LineageError) as refused:
        finished(folder, run, branch)
    assert everything(folder) == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def everything(folder: Path) -> dict[str, str]:
    """The checkout, the index, HEAD and every ref."""
    found = hashes(folder) | {"refs": git(folder, "for-each-ref"), "HEAD is": git(folder, "rev-parse", "--symbolic-full-name", "HEAD")}
    return {name: what for name, what in found.items() if BRANCH not in name}


# ------------------------------------------------------------------------------------------------------------------------------
# What it makes
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_branch_is_one_commit_on_the_start_with_the_trunks_file_and_nothing_else(lab: Path, run: Run) -> None:
    made = finished(lab, run)
    assert (made.branch, made.start, made.made, made.below_head) == (BRANCH, run.start, True, True)
    assert git(lab, "rev-parse", BRANCH) == made.commit
    assert git(lab, "log", "--format=%P", BRANCH, "-1") == run.start
    assert git(lab, "diff", "--stat", "--format=", run.start, BRANCH).splitlines()[-1].startswith(" 1 file changed")
    assert git(lab, "show", f"{BRANCH}:train.py") == "LR = 0.1\n# 1\n# 3"
    assert git(lab, "log", "-1", "--format=%B", BRANCH).strip() == MESSAGE.strip()


def test_checkout_index_head_and_all_other_refs_stay_byte_for_byte(lab: Path, run: Run) -> None:
    (lab / "train.py").write_text("half done\n")
    (lab / "notes.txt").write_text("mine\n")
    git(lab, "add", "notes.txt")
    status = git(lab, "status", "--porcelain")
    before = everything(lab)
    finished(lab, run)
    git(lab, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert everything(lab) == before
    assert git(lab, "status", "--porcelain") == status


def test_it_merges_into_what_its_user_did_meanwhile(lab: Path, run: Run) -> None:
    save(lab, {"prepare.py": "frozen = False\n", "new.py": "x = 1\n"}, "meanwhile")
    assert finished(lab, run).below_head
    git(lab, "merge", "-q", "--no-edit", BRANCH)
    assert (lab / "train.py").read_text() == "LR = 0.1\n# 1\n# 3\n"
    assert (lab / "prepare.py").read_text() == "frozen = False\n"


@pytest.mark.slow
def test_a_checkout_that_does_not_come_from_the_start_is_told(lab: Path, run: Run) -> None:
    git(lab, "checkout", "-q", "--orphan", "other")
    git(lab, "commit", "-q", "-m", "from nothing")
    assert not finished(lab, run).below_head


def test_the_same_night_again_makes_nothing(lab: Path, run: Run) -> None:
    first = finished(lab, run)
    before = everything(lab)
    again = finish(lab, run, BRANCH, "another message", lab)
    assert (again.commit, again.made) == (first.commit, False)
    assert everything(lab) == before


@pytest.mark.slow
def test_an_amended_message_is_still_the_same_night(lab: Path, run: Run, tmp_path: Path) -> None:
    finished(lab, run)
    git(lab, "worktree", "add", "-q", str(tmp_path / "there"), BRANCH)
    git(tmp_path / "there", "commit", "-q", "--amend", "-m", "in my words")
    assert not finished(lab, run).made


# ------------------------------------------------------------------------------------------------------------------------------
# Whose commit it is
# ------------------------------------------------------------------------------------------------------------------------------


def who(folder: Path) -> str:
    return git(folder, "log", "-1", "--format=%an <%ae>, %cn <%ce>", BRANCH)


def test_it_is_its_users_commit(lab: Path, run: Run, home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n name = Grace Höpper\n email = grace@example.org\n")
    finished(lab, run)
    assert who(lab) == "Grace Höpper <grace@example.org>, Grace Höpper <grace@example.org>"


@pytest.mark.slow
def test_the_environment_says_who_the_user_is_as_it_does_to_git(lab: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AUTHOR", "Ann"), ("COMMITTER", "Bob")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", f"{value}@example.org")
    finished(lab, run)
    assert who(lab) == "Ann <Ann@example.org>, Bob <Bob@example.org>"


def test_where_nobody_told_git_it_is_ours(lab: Path, run: Run) -> None:
    finished(lab, run)
    assert who(lab) == ", ".join(["autoresearch-tui <autoresearch-tui@localhost>"] * 2)


def test_hooks_filters_and_signing_of_the_repository_have_no_say(lab: Path, run: Run, tmp_path: Path) -> None:
    for name in ("reference-transaction", "pre-commit", "commit-msg", "post-commit"):
        (lab / ".git" / "hooks").mkdir(exist_ok=True)
        (lab / ".git" / "hooks" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        (lab / ".git" / "hooks" / name).chmod(0o755)
    (lab / ".git" / "info").mkdir(exist_ok=True)
    (lab / ".git" / "info" / "attributes").write_text("* filter=ruin text eol=crlf\n")
    for key, value in (
        ("commit.gpgSign", "true"),
        ("gpg.program", "/bin/false"),
        ("filter.ruin.clean", "tr a-z A-Z"),
        ("core.autocrlf", "true"),
    ):
        git(lab, "config", key, value)
    made = finished(lab, run)
    shutil.rmtree(lab / ".git" / "hooks")
    assert not (tmp_path / "ran").exists()
    assert Lineage(lab, "night").read(made.commit, "train.py") == b"LR = 0.1\n# 1\n# 3\n"


# ------------------------------------------------------------------------------------------------------------------------------
# Shapes of repositories
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_detached_head_stays_where_it_is(lab: Path, run: Run) -> None:
    git(lab, "checkout", "-q", "--detach")
    assert finished(lab, run).made
    assert git(lab, "rev-parse", "--symbolic-full-name", "HEAD") == "HEAD"


@pytest.mark.slow
def test_a_worktree_makes_the_branch_for_all(lab: Path, run: Run, tmp_path: Path) -> None:
    git(lab, "worktree", "add", "-q", "-b", "mine", str(tmp_path / "there"))
    finished(tmp_path / "there", run)
    assert git(lab, "show", f"{BRANCH}:train.py").endswith("# 3")


@pytest.mark.slow
def test_a_workspace_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    make_repository(tmp_path / "all", {f"some/where/{name}": text for name, text in START.items()} | {"train.py": "another\n"})
    where = tmp_path / "all" / "some" / "where"
    run = spend_a_night(where)
    finished(where, run)
    assert git(where, "diff", "--name-only", "HEAD", BRANCH) == "some/where/train.py"
    assert "is not a file inside" in refusal(where, changed(run, e.RunStarted("night", run.start, edit="../../train.py")), "another")


@pytest.mark.slow
def test_a_shallow_clone_is_enough(lab: Path, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{lab}", "shallow")
    assert finish(tmp_path / "shallow", run, BRANCH, MESSAGE, lab).below_head
    git(tmp_path / "shallow", "merge", "-q", "--ff-only", BRANCH)


@pytest.mark.slow
def test_packed_refs_and_objects(lab: Path, run: Run) -> None:
    git(lab, "gc", "-q", "--prune=now")
    assert finished(lab, run).made


# ------------------------------------------------------------------------------------------------------------------------------
# A night that was spent elsewhere
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(lab: Path, tmp_path: Path) -> Path:
    """The user's own clone of where the night began."""
    git(tmp_path, "clone", "-q", "--single-branch", f"file://{lab}", "mine")
    return tmp_path / "mine"


def test_the_commits_of_a_night_that_was_spent_elsewhere_come_from_there(lab: Path, run: Run, mine: Path) -> None:
    before = everything(mine)
    finish(mine, run, BRANCH, MESSAGE, lab)
    assert git(mine, "show", f"{BRANCH}:train.py").endswith("# 3")
    assert git(mine, "for-each-ref", "refs/autoresearch", "refs/heads/autoresearch") == ""
    assert git(mine, "fsck", "--strict") == ""
    git(mine, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert everything(mine) == before


@pytest.mark.slow
def test_without_its_commits_it_can_only_be_finished_where_it_was_spent(run: Run, mine: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(LineageError, match="finished where it was spent"):
        finish(mine, run, BRANCH, MESSAGE, tmp_path / "nothing")


def test_a_repository_without_the_start_is_refused(lab: Path, run: Run, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other", {"train.py": "quite another\n"})
    assert f"does not have the commit {run.start[:7]}" in refusal(other, run)


@pytest.mark.slow
def test_a_bare_repository_is_a_sentence(lab: Path, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(lab), "bare.git")
    with pytest.raises(LineageError, match="is a bare repository"):
        finish(tmp_path / "bare.git", run, BRANCH, MESSAGE, lab)


@pytest.mark.slow
def test_no_repository_is_a_sentence(lab: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(LineageError, match="not a git repository"):
        finish(tmp_path / "plain", run, BRANCH, MESSAGE, lab)


# ------------------------------------------------------------------------------------------------------------------------------
# What is in the way
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_branch_of_the_users_is_never_moved_and_nobody_is_told_to_throw_it_away(lab: Path, run: Run) -> None:
    git(lab, "branch", BRANCH)
    said = refusal(lab, run)
    assert "name another with `--branch`" in said
    assert "branch -D" not in said


def test_the_same_text_in_another_place_is_another_branch(lab: Path, run: Run) -> None:
    made = finished(lab, run).commit
    below = git(lab, "commit-tree", "-p", made, "-m", "on top, and nothing changed", f"{made}^{{tree}}")
    git(lab, "update-ref", f"refs/heads/{BRANCH}", below)
    assert "exists already" in refusal(lab, run)


@pytest.mark.slow
def test_a_branch_on_which_somebody_went_on_is_never_moved(lab: Path, run: Run, tmp_path: Path) -> None:
    finished(lab, run)
    git(lab, "worktree", "add", "-q", str(tmp_path / "there"), BRANCH)
    save(tmp_path / "there", {"train.py": "by hand\n"}, "on top")
    assert "exists already" in refusal(lab, run)


def test_a_branch_that_is_checked_out_and_has_no_commit_is_left_alone(lab: Path, run: Run) -> None:
    git(lab, "checkout", "-q", "--orphan", BRANCH)
    with pytest.raises(LineageError, match="is checked out"):
        finished(lab, run)
    assert git(lab, "branch", "--list", BRANCH) == ""


def test_a_name_that_is_none_is_refused(lab: Path, run: Run) -> None:
    for name in ("-f", "HEAD", "a b", "a..b", "", "a\nb", "x.lock", "@{-1}", "a//b", "/a", "a/", "\x1b[2J", "a\u202eb"):
        with pytest.raises(LineageError, match="cannot be the name of a branch"):
            finished(lab, run, name)


def test_the_runs_own_branches_are_refused(lab: Path, run: Run) -> None:
    for name in ("autoresearch", "autoresearch/night", "autoresearch/mine"):
        with pytest.raises(LineageError, match="name another with `--branch`"):
            finished(lab, run, name)


@pytest.mark.slow
def test_a_branch_below_another_is_a_sentence(lab: Path, run: Run) -> None:
    git(lab, "branch", "taken")
    assert "taken" in refusal(lab, run, "taken/below")


def changed(run: Run, *facts: e.Event) -> Run:
    history = History()
    history.run = run
    history.add(*facts)
    return history.run


def test_a_night_that_ended_where_it_began_has_nothing_to_merge(lab: Path, run: Run) -> None:
    lineage = Lineage(lab, "night")
    back = lineage.commit(run.experiments[3].commit, lineage.write_blob(START["train.py"]), "back", 2e9)
    run = changed(run, e.Proposed(4, parent=3), e.Committed(4, back), e.Judged(4, "keep", "simpler", 4))
    assert "nothing to merge" in refusal(lab, run)


@pytest.mark.slow
def test_what_a_strange_journal_calls_a_commit_has_to_be_one(lab: Path, run: Run) -> None:
    for start in ("HEAD", "--all", "HEAD:train.py", "", "0" * 40, git(lab, "rev-parse", "HEAD:train.py")):
        with pytest.raises(LineageError, match="does not have the commit"):
            finished(lab, changed(run, e.RunStarted("night", start)))


@pytest.mark.slow
def test_two_at_once_make_one_branch(lab: Path, run: Run) -> None:
    def make(who: int) -> str:
        try:
            return finish(lab, run, BRANCH, f"by {who}", lab).commit
        except LineageError:
            return ""

    with ThreadPoolExecutor(4) as pool:
        said = set(pool.map(make, range(4)))
    assert said - {""} == {git(lab, "rev-parse", BRANCH)}


# ------------------------------------------------------------------------------------------------------------------------------
# On the command line
# ------------------------------------------------------------------------------------------------------------------------------


def tell(folder: Path, *words: str, code: int = 0) -> str:
    """What `finish` says, to whoever stands in this folder."""
    done = subprocess.run([sys.executable, "-m", "autoresearch_tui", "finish", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_it_says_how_to_look_merge_and_throw_away(lab: Path, run: Run) -> None:
    status = git(lab, "status", "--porcelain")
    before = everything(lab)
    said = tell(lab)
    for command in ("show", "merge", "branch -D"):
        assert f"git {command} {BRANCH}" in said
    assert git(lab, "log", "-1", "--format=%s", BRANCH) == "train.py: val_bpb 1.000 -> 0.970 in 2 kept changes (autoresearch night)"
    git(lab, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert everything(lab) == before and git(lab, "status", "--porcelain") == status


@pytest.mark.slow
def test_every_command_that_it_says_works_from_where_it_was_said(lab: Path, run: Run, tmp_path: Path) -> None:
    said = tell(tmp_path, "--dir", str(lab), "--branch", "odd;name")
    commands = [line[15:] for line in said.splitlines() if line.startswith("  ")]
    assert len(commands) == 3
    for command in commands[:2]:
        subprocess.run(command, shell=True, cwd=tmp_path, check=True, capture_output=True)
    assert (lab / "train.py").read_text() == "LR = 0.1\n# 1\n# 3\n"
    subprocess.run(commands[2], shell=True, cwd=tmp_path, check=True, capture_output=True)
    assert git(lab, "branch", "--list", "odd*") == ""
    assert "has this night already" in tell(lab) + tell(lab)


@pytest.mark.slow
def test_what_cannot_be_finished_is_a_sentence(lab: Path, run: Run, mine: Path, tmp_path: Path) -> None:
    table = tmp_path / "results.tsv"
    table.write_text("commit\tval_bpb\tmemory_gb\tstatus\tdescription\na\t1.0\t1.0\tkeep\tbaseline\n")
    folder = str(lab / ".autoresearch" / "night")
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert "is a table" in tell(lab, str(table), code=2)
    assert "no run 'other'" in tell(lab, "other", code=1)
    assert "--dir REPOSITORY" in tell(tmp_path, str(moved), code=1)
    assert "finished where it was spent" in tell(tmp_path, str(moved), "--dir", str(mine), code=1)
    assert "has the night as one commit" in tell(tmp_path, str(moved), "--dir", str(lab))
    with Writer(lab / ".autoresearch" / "night" / "journal.sqlite") as writer:
        writer.append(e.Rewound(0, "ann"))
    assert "nothing was kept" in tell(lab, code=1)
