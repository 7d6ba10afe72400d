"""What a run writes into a repository: commits, refs, a branch, notes; and what it never writes."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.engine.lineage import Lineage, LineageError, Moved, check_tag, open_repository, upstream_nights
from tests.engine.repositories import START, git, hashes, make_repository, save

AT = 1_700_000_000.75
REFUSES = "#!/bin/sh\nexit 1\n"
HOSTILE = """
[core]
    autocrlf = true
    fsmonitor = /bin/false
    quotePath = true
    notesRef = refs/notes/mine
    commentChar = L
    hooksPath = %(hooks)s
    attributesFile = %(attributes)s
    fsyncMethod = writeout-only
    abbrev = 4
[commit]
    gpgSign = true
[gpg]
    program = /bin/false
[i18n]
    commitEncoding = ISO-8859-1
    logOutputEncoding = ISO-8859-1
[user]
    useConfigOnly = true
[filter "ruin"]
    clean = tr a-z A-Z
    smudge = tr a-z A-Z
    required = true
[diff]
    external = /bin/false
    noprefix = true
    mnemonicPrefix = true
    algorithm = patience
[diff "ruin"]
    textconv = /bin/false
    binary = true
[color]
    ui = always
[notes]
    displayRef = refs/notes/mine
    rewriteMode = ignore
[fastimport]
    unpackLimit = 1
[feature]
    manyFiles = true
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "lab")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository, a home and an environment in which everything that a person can set is set against us."""
    lab = make_repository(tmp_path / "hostile")
    (tmp_path / "hooks").mkdir()
    for folder in (tmp_path / "hooks", lab / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in ("reference-transaction", "pre-commit", "commit-msg", "post-index-change"):
            (folder / name).write_text(REFUSES)
            (folder / name).chmod(0o755)
    (tmp_path / "attributes").write_text("* filter=ruin diff=ruin text eol=crlf\n")
    (lab / ".git" / "info").mkdir(exist_ok=True)
    (lab / ".git" / "info" / "attributes").write_text("* filter=ruin diff=ruin text eol=crlf working-tree-encoding=UTF-16\n")
    settings = HOSTILE % {"hooks": tmp_path / "hooks", "attributes": tmp_path / "attributes"}
    with (lab / ".git" / "config").open("a") as config:
        config.write(settings)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(settings + "[safe]\n    bareRepository = explicit\n")
    nowhere = str(tmp_path / "nowhere")
    stray = dict.fromkeys(("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"), nowhere)
    stray |= {"GIT_NAMESPACE": "elsewhere", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true"}
    stray |= {"GIT_AUTHOR_NAME": "Mallory", "GIT_COMMITTER_DATE": "@1 +0000", "GIT_NOTES_REF": "refs/notes/mine", "TZ": "Asia/Tokyo"}
    stray |= {
        "GIT_TRACE": "1",
        "GIT_EXTERNAL_DIFF": "/bin/false",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "LANGUAGE": "de",
        "LC_ALL": "de_DE",
    }
    for name, value in (stray | {"HOME": str(home), "XDG_CONFIG_HOME": nowhere}).items():
        monkeypatch.setenv(name, value)
    yield lab


def experiment(lineage: Lineage, number: int, parent: str, source: str) -> str:
    """All that a night does in git for one experiment that is kept."""
    commit = lineage.commit(parent, lineage.write_blob(source), f"try {number}\n\nbecause\n", AT + number)
    lineage.point(number, commit)
    lineage.move_branch(commit, lineage.branch())
    lineage.annotate(commit, f"#{number} keep\n")
    return commit


def night(lineage: Lineage, count: int = 3) -> list[str]:
    commits = [lineage.resolve("HEAD")]
    for number in range(1, count + 1):
        commits.append(experiment(lineage, number, commits[-1], f"LR = 0.{number}\n"))
    return commits


# ---------------------------------------------------------------------------------------------------------------------------------
# Commits
# ---------------------------------------------------------------------------------------------------------------------------------


def test_the_same_intent_is_the_same_commit_whatever_is_set_against_it(lab: Path, hostile: Path, tmp_path: Path) -> None:
    here, there = Lineage(lab, "nov20"), Lineage(hostile, "nov20")
    assert night(here) == night(there) == night(here)
    assert git(lab, "show", "-s", "--format=%an %ae %ad %cn %ce %cd %B", "--date=raw", "autoresearch/nov20").strip() == (
        "autoresearch-tui autoresearch-tui@localhost 1700000003 +0000"
        " autoresearch-tui autoresearch-tui@localhost 1700000003 +0000 try 3\n\nbecause"
    )
    assert not (tmp_path / "nowhere").exists()


def test_a_hostile_setting_changes_no_byte_on_the_way_out_either(hostile: Path, tmp_path: Path) -> None:
    lineage = Lineage(hostile, "nov20")
    commits = night(lineage)
    lineage.export(commits[3], tmp_path / "trial")
    assert {path.name: path.read_text() for path in (tmp_path / "trial").iterdir()} == START | {"train.py": "LR = 0.3\n"}
    assert lineage.note(commits[3]) == "#3 keep\n" and lineage.note(commits[0]) == ""
    assert lineage.diff(commits[1], commits[3]).splitlines()[2:] == [
        "--- a/train.py",
        "+++ b/train.py",
        "@@ -1 +1 @@",
        "-LR = 0.1",
        "+LR = 0.3",
    ]
    assert lineage.uncommitted(list(START)) == []
    assert not list((hostile / ".git" / "objects" / "pack").iterdir())


def test_what_a_person_put_in_the_place_of_an_object_is_not_what_a_trial_gets(lab: Path, tmp_path: Path) -> None:
    other = git(lab, "hash-object", "-w", "--stdin", stdin=b"LR = 9.9\n")
    git(lab, "replace", git(lab, "rev-parse", "HEAD:train.py"), other)
    Lineage(lab, "nov20").export("HEAD", tmp_path / "trial")
    assert (tmp_path / "trial" / "train.py").read_text() == START["train.py"]


def test_the_edited_file_is_one_file_whatever_its_name(lab: Path) -> None:
    edit = "src/t*\u00e9.py"
    start = save(lab, {edit: "LR = 0.1\n", "src/test\u00e9.py": "x = 1\n"})
    now = save(lab, {edit: "LR = 0.2\n", "src/test\u00e9.py": "x = 2\n"})
    lineage = Lineage(lab, "nov20", edit=edit)
    diff = lineage.diff(start, now)
    assert diff.startswith(f"diff --git a/{edit} b/{edit}\n") and diff.endswith("-LR = 0.1\n+LR = 0.2\n")
    commit = lineage.commit(now, lineage.write_blob("LR = 0.3\n"), "try", AT)
    assert lineage.read(commit, edit) == b"LR = 0.3\n" and lineage.read(commit, "src/test\u00e9.py") == b"x = 2\n"


def test_only_the_edited_file_changes_whatever_else_the_tree_holds(lab: Path) -> None:
    (lab / "run.sh").write_text("true\n")
    (lab / "run.sh").chmod(0o755)
    (lab / "train.py").chmod(0o755)
    (lab / "link").symlink_to("/etc/passwd")
    save(lab, {"caf\u00e9": "1", "with\nbreak": "2", "train.py.orig": "3", "sub/train.py": "4"})
    tree = git(lab, "ls-tree", "HEAD") + f"\n160000 commit {'1' * 40}\tmodule\n"
    odd = git(lab, "hash-object", "-w", "train.py")
    body = git(lab, "cat-file", "tree", git(lab, "mktree", "--missing", stdin=tree.encode())).encode("utf-8", "surrogateescape")
    body += b"100664 zzz\0" + bytes.fromhex(odd)  # a mode that git wrote long ago
    parent = git(lab, "commit-tree", "-m", "odd", git(lab, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=body))

    lineage = Lineage(lab, "nov20")
    blob = lineage.write_blob("LR = 0.2\n")
    commit = lineage.commit(parent, blob, "try", AT)

    before, after = (git(lab, "ls-tree", "-r", "-z", one).split("\0") for one in (parent, commit))
    assert len(before) == 12 and "100664 zzz\0" in git(lab, "cat-file", "tree", f"{commit}^{{tree}}")
    assert [line for line in before if line not in after] == [f"100755 blob {odd}\ttrain.py"]
    assert [line for line in after if line not in before] == [f"100755 blob {blob}\ttrain.py"]


def test_checkout_and_index_stay_as_they_are_to_the_last_bit(lab: Path) -> None:
    (lab / "train.py").write_text("half an idea\n")
    (lab / "prepare.py").write_text("staged\n")
    git(lab, "add", "prepare.py")
    (lab / "untracked").write_text("mine\n")
    git(lab, "stash", "push", "-q", "--keep-index")
    os.utime(lab / "program.md", (1, 1))  # an index that looks stale: whoever refreshes it is found out
    before = hashes(lab)
    lineage = Lineage(lab, "nov20")
    commits = night(lineage)
    lineage.export(commits[-1], lab.parent / "trial")
    assert lineage.uncommitted(["train.py", "prepare.py", "program.md"]) == ["prepare.py"]
    assert hashes(lab) == before


def test_everything_done_twice_is_done_once(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    night(lineage)
    before = git(lab, "for-each-ref")
    for again in (lineage, Lineage(lab, "nov20")):
        commits = [again.resolve("HEAD")]
        for number in range(1, 4):
            commit = again.commit(commits[-1], again.write_blob(f"LR = 0.{number}\n"), f"try {number}\n\nbecause\n", AT + number)
            again.point(number, commit)
            again.annotate(commit, f"#{number} keep\n")
            commits.append(commit)
        again.move_branch(commits[-1], commits[-2])
        assert git(lab, "for-each-ref") == before
        assert again.refs() == dict(enumerate(commits[1:], 1))


def test_a_text_is_kept_byte_for_byte_and_outlives_a_garbage_collection(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    latin = b"name = '\xe9'\r\n\x0c\tno newline at the end"
    for text in (latin.decode("utf-8", "surrogateescape"), "\ufeffx = '\u2028 \U0001f40d'\r\r\n", ""):
        blob = lineage.write_blob(text)
        git(lab, "gc", "--prune=now", "--quiet")
        assert lineage.read_blob(blob) == text
    commit = lineage.commit("HEAD", lineage.write_blob(latin.decode("utf-8", "surrogateescape")), "latin", AT)
    assert lineage.read(commit, "train.py") == latin
    with pytest.raises(LineageError, match="a character that no file can hold"):
        lineage.write_blob("x = '\ud83d'")


@pytest.mark.parametrize("message", ["", "a\0b \udc80 \ud83d\n\n\n", "#not a comment\n--author=x\n", "\u65e5\u672c" * 5000])
def test_any_message_can_be_committed(lab: Path, message: str) -> None:
    lineage = Lineage(lab, "nov20")
    commit = lineage.commit("HEAD", lineage.write_blob("LR = 1\n"), message, AT)
    said = message.replace("\0", "").encode("utf-8", "replace").decode()
    assert git(lab, "cat-file", "commit", commit).split("\n\n", 1)[1:] in ([said.rstrip("\n")], [])


def test_a_commit_needs_its_parent_and_its_text(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    with pytest.raises(LineageError, match="the text 1111111 is not in the repository"):
        lineage.commit("HEAD", "1" * 40, "try", AT)
    with pytest.raises(LineageError, match=r"train\.py is not in commit 2222222"):
        lineage.commit("2" * 40, lineage.write_blob("x"), "try", AT)
    with pytest.raises(LineageError, match=r"eval\.py is not in commit"):
        lineage.read("HEAD", "eval.py")
    with pytest.raises(LineageError, match="the text 3333333 is not in"):
        lineage.read_blob("3" * 40)


# ---------------------------------------------------------------------------------------------------------------------------------
# Refs, branch and notes
# ---------------------------------------------------------------------------------------------------------------------------------


def test_a_branch_that_somebody_moved_is_left_where_it_is_and_named(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    start, one, two, _ = night(lineage)
    theirs = git(lab, "commit-tree", "-p", one, "-m", "mine", f"{one}^{{tree}}")
    git(lab, "update-ref", "refs/heads/autoresearch/nov20", theirs)
    with pytest.raises(Moved, match=f"was moved to {theirs[:7]} while the run had it at {two[:7]}") as moved:
        lineage.move_branch(start, two)
    assert moved.value.where == theirs == lineage.branch()
    with pytest.raises(Moved, match="at no commit"):
        lineage.move_branch(start, None)
    git(lab, "branch", "-q", "-D", "autoresearch/nov20")
    with pytest.raises(Moved, match="is gone") as gone:
        lineage.move_branch(start, two)
    assert gone.value.where is None
    lineage.move_branch(two, None)
    assert lineage.branch() == two


def test_a_branch_that_stands_for_another_one_does_not_move_the_other(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    start = lineage.resolve("HEAD")
    git(lab, "symbolic-ref", "refs/heads/autoresearch/nov20", "refs/heads/main")
    lineage.move_branch(lineage.commit(start, lineage.write_blob("x"), "try", AT), start)
    assert git(lab, "rev-parse", "main") == start != lineage.branch()


def test_a_checked_out_branch_moves_and_its_files_stay(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    one = night(lineage, 1)[1]
    assert lineage.checked_out() == ""
    git(lab, "checkout", "-q", "autoresearch/nov20")
    (lab / "train.py").write_text("mine\n")
    files, index = (lab / "train.py").read_bytes(), (lab / ".git" / "index").read_bytes()
    assert str(lab) in lineage.checked_out() and "git checkout --detach" in lineage.checked_out()
    two = experiment(lineage, 2, one, "LR = 0.2\n")
    assert git(lab, "rev-parse", "HEAD") == lineage.branch() == two
    assert ((lab / "train.py").read_bytes(), (lab / ".git" / "index").read_bytes()) == (files, index)
    git(lab, "checkout", "-q", "--detach")
    assert lineage.checked_out() == ""


def test_an_experiment_that_comes_again_as_another_loses_nothing(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    start, one, two, _ = night(lineage)
    lineage.point(1, two)
    assert lineage.refs()[1] == two
    lineage.point(1, one)
    assert lineage.refs() == {1: one, 2: two, 3: lineage.branch()}
    assert {one, two} <= set(git(lab, "for-each-ref", "--format=%(objectname)", "refs/autoresearch/nov20/1-*").split()) | {start}


def test_a_note_is_replaced_and_read_by_git_log(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    commits = night(lineage)
    git(lab, "notes", "--ref=autoresearch", "add", "-m", "a person's word", commits[0])
    text = "#2 discard: worse\n\n\n  spaces  \nval_bpb 1.0 \ud83d\n"  # half a character, as a model may send it
    lineage.annotate(commits[2], text)
    assert lineage.note(commits[2]) == text.replace("\ud83d", "?")
    assert lineage.note(commits[0]) == "a person's word\n"
    shown = git(lab, "log", "--notes=autoresearch", "--format=%N", "autoresearch/nov20")
    assert [line for line in shown.splitlines() if line][:2] == ["#3 keep", "#2 discard: worse"]


def test_notes_are_found_however_many_there_are(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    commits = night(lineage)
    many = "".join(f"M 100644 inline {number:040x}\ndata 1\nx\n" for number in range(0, 1 << 160, 1 << 151))
    head = "commit refs/notes/autoresearch\ncommitter a <a@b> 1 +0000\ndata 1\nx\nfrom refs/notes/autoresearch^0\n"
    git(lab, "fast-import", "--quiet", stdin=(head + many).encode())
    for where in ("in one folder", "in many"):
        lineage.annotate(commits[1], where)
        assert git(lab, "notes", "--ref=autoresearch", "show", commits[1]) == lineage.note(commits[1]) == where
        assert lineage.note(commits[2]) == "#2 keep\n"
        tip = git(lab, "rev-parse", "refs/notes/autoresearch")
        lineage.annotate(commits[1], where)
        assert git(lab, "rev-parse", "refs/notes/autoresearch") == tip
        git(lab, "notes", "--ref=autoresearch", "add", "-m", "git sorts them into folders", "-f", "HEAD")
        assert f"{commits[1][:2]}/{commits[1][2:]}" in git(lab, "ls-tree", "-r", "--name-only", "refs/notes/autoresearch")


def test_two_runs_of_one_repository_write_their_notes_at_once(lab: Path) -> None:
    git(lab, "worktree", "add", "-q", "--detach", "../other")
    runs = [Lineage(lab, "nov20"), Lineage(lab.parent / "other", "nov21")]
    made: list[list[str]] = []
    threads = [threading.Thread(target=lambda run=run: made.append(night(run, 8)[1:])) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2 and made[0] == made[1]  # the same intents
    save(lab, {"train.py": "another start\n"})
    made.clear()
    threads = [
        threading.Thread(target=lambda run=run: made.append(night(run, 8)[1:]))
        for run in (Lineage(lab, "a"), Lineage(lab.parent / "other", "b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [runs[0].note(commit) for commits in made for commit in commits] == [f"#{number} keep\n" for number in range(1, 9)] * 2


# ---------------------------------------------------------------------------------------------------------------------------------
# Tags
# ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["nov20", "2026-11-20", "a", "v1.2_x", "HEAD", "x" * 64])
def test_a_tag_names_a_ref_and_a_folder(lab: Path, tag: str) -> None:
    check_tag(tag)
    night(Lineage(lab, tag), 1)


@pytest.mark.parametrize(
    "tag", ["", "-n", ".hidden", "a/b", "a b", "a..b", "a.lock", "a.", "\u00e9", "a\n", "x" * 65, "..", "@{-1}", "a~1"]
)
def test_what_cannot_be_a_tag_is_told(tag: str) -> None:
    with pytest.raises(LineageError, match="cannot be a tag"):
        check_tag(tag)


def test_a_tag_is_taken_by_a_branch_or_by_a_run(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    lineage.write_blob("a text alone is no run")
    assert lineage.taken() == ""
    git(lab, "branch", "autoresearch/Nov20")
    assert lineage.taken() == "the branch autoresearch/Nov20 exists already: choose another --tag."
    git(lab, "branch", "-m", "autoresearch/Nov20", "autoresearch/nov20/sub")
    assert "autoresearch/nov20/sub exists" in lineage.taken()
    git(lab, "branch", "-m", "autoresearch/nov20/sub", "autoresearch/nov200")
    assert lineage.taken() == ""
    git(lab, "branch", "-m", "autoresearch/nov200", "autoresearch")
    assert "git branch -m autoresearch OTHER" in lineage.taken()
    git(lab, "branch", "-D", "autoresearch")
    lineage.point(0, lineage.resolve("HEAD"))
    assert "an earlier run nov20" in lineage.taken()


def test_upstream_nights_are_the_branches_of_no_run_of_ours(lab: Path) -> None:
    night(Lineage(lab, "nov20"), 1)
    git(lab, "branch", "autoresearch/mar5-gpu0")
    git(lab, "branch", "autoresearch/team/mar6")
    head = git(lab, "rev-parse", "HEAD")
    assert upstream_nights(open_repository(lab)) == {"mar5-gpu0": head, "team/mar6": head}


# ---------------------------------------------------------------------------------------------------------------------------------
# Other writers, dead or alive
# ---------------------------------------------------------------------------------------------------------------------------------


def test_locks_of_a_killed_git_are_cleared_and_nobody_elses(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    night(lineage, 1)
    ours = [lab / ".git" / f"refs/{name}.lock" for name in ("heads/autoresearch/nov20", "notes/autoresearch", "autoresearch/nov20/2")]
    theirs = [lab / ".git" / f"{name}.lock" for name in ("refs/heads/main", "refs/heads/autoresearch/nov2", "packed-refs", "index", "HEAD")]
    for lock in [*ours, *theirs]:
        lock.touch()
    assert lineage.clear_stale_locks() == []
    for lock in [*ours, *theirs]:
        os.utime(lock, (time.time() - 60, time.time() - 60))
    assert sorted(lineage.clear_stale_locks()) == sorted(ours)
    assert all(lock.exists() for lock in theirs)
    experiment(lineage, 2, "HEAD", "LR = 0.2\n")


def test_a_lock_left_by_a_kill_delays_and_a_lock_of_others_is_told(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    start, one = night(lineage, 1)
    git(lab, "checkout", "-q", "autoresearch/nov20")
    (lab / ".git/refs/heads/autoresearch/nov20.lock").touch()
    lineage.move_branch(start, one)
    assert lineage.branch() == start
    (lab / ".git/HEAD.lock").touch()
    with pytest.raises(LineageError, match=r"another git holds .*HEAD\.lock, or was killed while it did: if no git is running, delete"):
        lineage.move_branch(one, start)
    assert (lab / ".git/HEAD.lock").exists()


def test_a_person_may_work_in_the_repository_at_the_same_time(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    start = lineage.resolve("HEAD")
    over = threading.Event()

    def work() -> None:
        count = 0
        while not over.is_set():
            save(lab, {"notes.txt": f"{count}\n"})
            git(lab, "pack-refs", "--all")
            git(lab, "gc", "--quiet")
            git(lab, "notes", "--ref=mine", "add", "-f", "-m", "x")
            count += 1

    person = threading.Thread(target=work)
    person.start()
    parent, commits = start, {}
    try:
        for number in range(1, 11):
            parent = commits[number] = experiment(lineage, number, parent, f"LR = 0.{number}\n")
    finally:
        over.set()
        person.join()
    assert lineage.refs() == commits and lineage.branch() == commits[10]
    assert [lineage.note(commit) for commit in commits.values()] == [f"#{number} keep\n" for number in commits]
    assert "missing" not in git(lab, "fsck", "--no-dangling")


def test_an_experiment_costs_git_little(lab: Path) -> None:
    lineage = Lineage(lab, "nov20")
    parent, costs = lineage.resolve("HEAD"), []
    source = "".join(f"# line {number} of a file as long as upstream's\n" for number in range(600))
    for number in range(1, 13):
        began = time.perf_counter()
        parent = experiment(lineage, number, parent, f"LR = 0.{number}\n{source}")
        lineage.export(parent, lab.parent / "trials" / str(number))
        costs.append(time.perf_counter() - began)
    print(f"\none experiment: median {statistics.median(costs) * 1000:.0f} ms, worst {max(costs) * 1000:.0f} ms")
    assert statistics.median(costs) < 0.5  # about 0.03 on a quiet machine
