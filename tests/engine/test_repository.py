"""Opening the repository of a workspace, wherever it is, and the one sentence where it cannot be opened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_tui.engine import plumbing
from autoresearch_tui.engine.lineage import Lineage, LineageError, open_repository
from tests.engine.repositories import START, git, make_repository, save
from tests.engine.test_lineage import AT, night
from tests.machine import HAS_REFTABLE

# ---------------------------------------------------------------------------------------------------------------------------------
# Every kind of repository
# ---------------------------------------------------------------------------------------------------------------------------------


def plain(folder: Path) -> Path:
    return make_repository(folder / "lab")


def sub_folder(folder: Path) -> Path:
    files = {f"teams/caf\u00e9 \u2615/{name}": text for name, text in START.items()}
    return make_repository(folder / "mono", files | {"train.py": "another one\n"}) / "teams" / "caf\u00e9 \u2615"


def submodule(folder: Path) -> Path:
    make_repository(folder / "part")
    whole = make_repository(folder / "whole", {"README": "whole"})
    git(whole, "submodule", "--quiet", "add", str(folder / "part"), "lab")
    assert (whole / "lab" / ".git").is_file()
    return whole / "lab"


def linked_worktree(folder: Path) -> Path:
    git(make_repository(folder / "main"), "worktree", "add", "-q", str(folder / "linked"))
    return folder / "linked"


def worktree_of_a_bare_one(folder: Path) -> Path:
    git(folder, "clone", "-q", "--bare", str(make_repository(folder / "main")), "bare.git")
    git(folder / "bare.git", "worktree", "add", "-q", str(folder / "linked"))
    return folder / "linked"


def detached(folder: Path) -> Path:
    git(lab := make_repository(folder / "lab"), "checkout", "-q", "--detach")
    return lab


def shallow(folder: Path) -> Path:
    save(lab := make_repository(folder / "lab"), {"train.py": "LR = 0.0\n"})
    git(folder, "clone", "-q", "--depth", "1", f"file://{lab}", "shallow")
    return folder / "shallow"


def with_large_hashes(folder: Path) -> Path:
    return make_repository(folder / "lab", None, "--object-format=sha256")


def with_a_table_of_refs(folder: Path) -> Path:
    return make_repository(folder / "lab", None, "--ref-format=reftable")


def behind_a_link(folder: Path) -> Path:
    (folder / "link").symlink_to(make_repository(folder / "lab"))
    return folder / "link"


def with_an_odd_name(folder: Path) -> Path:
    return make_repository(folder / "-a  b'c\"\udcff")


KINDS = [plain, sub_folder, submodule, linked_worktree, worktree_of_a_bare_one, detached, shallow, with_large_hashes]
KINDS += [behind_a_link, with_an_odd_name, *([with_a_table_of_refs] if HAS_REFTABLE else [])]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_night_works_in(kind: Callable[[Path], Path], tmp_path: Path) -> None:
    lab = kind(tmp_path)
    lineage = Lineage(lab, "nov20")
    status = git(lab, "status", "--porcelain")
    commits = night(lineage, 2)
    lineage.export(commits[2], tmp_path / "trial")
    assert {path.name: path.read_text() for path in (tmp_path / "trial").iterdir()} == START | {"train.py": "LR = 0.2\n"}
    assert git(lab, "log", "--format=%s", "--notes=autoresearch", "-2", "autoresearch/nov20").split("\n") == ["try 2", "try 1"]
    assert lineage.refs() == {1: commits[1], 2: commits[2]} and lineage.note(commits[2]) == "#2 keep\n"
    assert "+LR = 0.2" in lineage.diff(commits[0], commits[2])
    assert git(lab, "status", "--porcelain") == status
    assert lineage.uncommitted(list(START)) == [] and lineage.checked_out() == ""
    assert Lineage(lab, "nov20").branch() == commits[2]


def test_what_is_checked_out_is_known(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    assert (open_repository(lab).branch, open_repository(lab).head) == ("main", git(lab, "rev-parse", "HEAD"))
    git(lab, "checkout", "-q", "--detach")
    assert open_repository(lab).branch is None
    git(lab, "checkout", "-q", "--orphan", "pages/new")
    assert (open_repository(lab).branch, open_repository(lab).head) == ("pages/new", None)


def test_a_run_goes_on_whatever_is_checked_out_now(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    commits = night(Lineage(lab, "nov20"))
    git(lab, "checkout", "-q", "--orphan", "pages")
    git(lab, "rm", "-q", "-r", "--cached", ".")
    lineage = Lineage(lab, "nov20")
    assert lineage.branch() == commits[-1]
    lineage.point(4, lineage.commit(commits[-1], lineage.write_blob("LR = 0.4\n"), "try", AT))


def test_a_run_goes_on_while_somebody_edits_their_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    lineage = Lineage(plain(tmp_path), "nov20")
    (tmp_path / ".gitconfig").write_text("[user\n")
    night(lineage)


def test_a_workspace_may_be_moved_between_two_starts(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    commits = night(Lineage(lab, "nov20"))
    lab.rename(tmp_path / "elsewhere")
    assert Lineage(tmp_path / "elsewhere", "nov20").branch() == commits[-1]
    linked = linked_worktree(tmp_path)
    linked.rename(tmp_path / "moved")
    night(Lineage(tmp_path / "moved", "nov21"))


# ---------------------------------------------------------------------------------------------------------------------------------
# The sentence
# ---------------------------------------------------------------------------------------------------------------------------------


def sentence(workspace: Path) -> str:
    with pytest.raises(LineageError) as refused:
        Lineage(workspace, "nov20").resolve("HEAD")
    text = str(refused.value)
    assert text.endswith((".", "it.")) and "\n" not in text and "fatal" not in text
    return text


def test_no_folder_and_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(plain(tmp_path) / ".git"))  # of somewhere else: it must not stand in
    assert sentence(tmp_path / "none") == f"there is no folder {tmp_path / 'none'}."
    (tmp_path / "my lab").mkdir()
    assert f"`cd '{tmp_path / 'my lab'}' && git init && git add . && git commit -m start` makes it one" in sentence(tmp_path / "my lab")


def test_a_repository_with_no_commit_or_without_the_file(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "empty")
    assert "has no commit yet: `cd " in sentence(tmp_path / "empty")
    lab = make_repository(tmp_path / "lab", {"README": "", "link/target": ""})
    (lab / "train.py").write_text("LR = 0.1\n")
    assert f"`cd {lab} && git add train.py && git commit -m start` makes one that has it." in sentence(lab)
    (lab / "train.py").unlink()
    (lab / "train.py").symlink_to("README")
    save(lab, {})
    assert "train.py of" in sentence(lab) and "is a link or a folder in commit" in sentence(lab)


def test_a_bare_repository_and_the_inside_of_one(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    git(tmp_path, "clone", "-q", "--bare", str(lab), "bare.git")
    assert f"is a bare repository and has no files to work on: `git clone {tmp_path}/bare.git lab`" in sentence(tmp_path / "bare.git")
    assert "is inside a git folder" in sentence(lab / ".git" / "objects")


def test_a_broken_repository(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    (lab / ".git" / "HEAD").write_text("nonsense")
    assert f"git does not recognise {lab / '.git'}" in sentence(lab)
    (lab / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    config = (lab / ".git" / "config").read_text()
    (lab / ".git" / "config").write_text(config + "[core\n")
    assert f"git cannot open the repository of {lab}: bad config line" in sentence(lab)
    (lab / ".git" / "config").write_text(config)
    shutil.rmtree(lab / ".git" / "objects")
    (lab / ".git" / "objects").mkdir()
    assert "git " in sentence(lab)


def test_a_worktree_whose_repository_was_moved(tmp_path: Path) -> None:
    linked = linked_worktree(tmp_path)
    (tmp_path / "main").rename(tmp_path / "gone")
    assert f"git folder is not where it was: if one of the two was moved, `git worktree repair {linked}`" in sentence(linked)
    git(tmp_path / "gone", "worktree", "repair", str(linked))
    Lineage(linked, "nov20").resolve("HEAD")


def test_a_workspace_that_goes_away_during_the_night(tmp_path: Path) -> None:
    lineage = Lineage(plain(tmp_path), "nov20")
    (tmp_path / "lab").rename(tmp_path / "elsewhere")
    with pytest.raises(LineageError, match="No such file or directory"):
        lineage.write_blob("x")


@pytest.mark.needs("root")  # only root can give a file away
def test_a_repository_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = plain(tmp_path)
    for path in (lab, lab / ".git"):
        os.chown(path, 65534, 65534)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"`git config --global --add safe.directory {lab}` says that you trust it." in sentence(lab)
    (tmp_path / ".gitconfig").write_text(f"[safe]\n    directory = {lab}\n")
    night(Lineage(lab, "nov20"))


def fake(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_no_git_an_old_git_and_a_git_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lineage = Lineage(plain(tmp_path), "nov20")
    with monkeypatch.context() as patch:
        patch.setattr(plumbing, "TIMEOUT", 0.3)
        fake(tmp_path / "hangs", "exec sleep 60", patch)
        began = time.monotonic()
        with pytest.raises(LineageError, match=r"git hash-object gave no answer within 0 seconds"):
            lineage.write_blob("x")
        assert time.monotonic() - began < 5
    with monkeypatch.context() as patch:
        fake(tmp_path / "old", "echo git version 2.25.1", patch)
        assert sentence(tmp_path / "lab") == "git 2.32 or newer is needed; this one is 2.25.1."
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sentence(tmp_path / "lab").startswith("git is not installed, or not on the PATH")
    fresh = "from autoresearch_tui.engine.lineage import *\ntry: open_repository('.')\nexcept LineageError as error: print(error)"
    first = subprocess.run([sys.executable, "-c", fresh], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert first.stdout.startswith("git is not installed, or not on the PATH"), first.stderr


def test_ctrl_c_in_the_terminal_is_not_for_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lineage = Lineage(plain(tmp_path), "nov20")
    fake(tmp_path / "tells", f'ps -o sid= -p $$ > {tmp_path}/session\nexec {shutil.which("git")} "$@"', monkeypatch)
    lineage.write_blob("x")
    assert int((tmp_path / "session").read_text()) != os.getsid(0)


@pytest.mark.needs("mount")
def test_a_full_disk_is_told_from_other_troubles(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = f"""
import pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from autoresearch_tui.engine.lineage import Lineage, LineageError
from tests.engine.repositories import make_repository
lab = make_repository(pathlib.Path({str(small)!r}) / "lab")
lineage = Lineage(lab, "nov20")
start = lineage.resolve("HEAD")
commit = lineage.commit(start, lineage.write_blob("x"), "x", 1)
ballast = lab / "ballast"
with ballast.open("wb", buffering=0) as file:
    try:
        while True: file.write(bytes(512))
    except OSError: pass
doings = [lambda: lineage.write_blob("y" * 9999), lambda: lineage.commit(start, start, "x", 2), lambda: lineage.point(1, commit),
          lambda: lineage.move_branch(commit, None), lambda: lineage.annotate(commit, "x"), lambda: lineage.export(commit, lab / "trial")]
for do in doings:
    try: do()
    except LineageError as error: print(error.no_space, error)
    else: print("done")
ballast.unlink()
for do in doings[:1] + doings[2:]: do()
print(lineage.refs() == {{1: commit}}, lineage.branch() == commit, lineage.note(commit))
"""
    mount = f"mount -t tmpfs -o size=1m none {small} && exec {sys.executable} -"
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount], input=script, capture_output=True, text=True)
    told = done.stdout.splitlines()
    assert [line.split(" ", 2)[0] for line in told] == ["True"] * 7, done.stdout + done.stderr
    assert all("no space is left on the disk of" in line or "No space left" in line for line in told[:6]), done.stdout


@pytest.mark.needs("no root")
def test_a_repository_that_may_not_be_written(tmp_path: Path) -> None:
    lineage = Lineage(plain(tmp_path), "nov20")
    (tmp_path / "lab" / ".git" / "objects").chmod(0o500)
    with pytest.raises(LineageError, match="insufficient permission") as refused:
        lineage.write_blob("x")
    assert not refused.value.no_space


# ---------------------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------------------


def test_a_commit_may_be_named_as_git_lets_it_be_named(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    start = git(lab, "rev-parse", "HEAD")
    git(lab, "tag", "-a", "-m", "x", "v1")
    second = save(lab, {"train.py": "LR = 0.2\n"}, "find me")
    lineage = Lineage(lab, "nov20")
    for name in ("HEAD", "main", second[:7], "refs/heads/main", ":/find me", "main^{/find}", "@", "HEAD@{0}", second.upper()):
        assert lineage.resolve(name) == second, name
    for name in ("v1", "HEAD~1", "main^", start, "v1^{commit}"):
        assert lineage.resolve(name) == start, name


@pytest.mark.parametrize(
    "name",
    ["", " ", "--all", "-1", "nothing", "HEAD~5", "HEAD:train.py", "HEAD^{tree}", "0" * 40, "a\0b", "HEAD\nHEAD", "\udcff", "..", "@{"],
)
def test_what_is_no_commit_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(LineageError, match=r"is no commit of the repository of .*: give a branch, a tag or a sha\."):
        Lineage(plain(tmp_path), "nov20").resolve(name)


def test_a_file_that_is_not_what_the_commit_has_is_named(tmp_path: Path) -> None:
    lab = sub_folder(tmp_path)
    lineage = Lineage(lab, "nov20")
    (lab / "prepare.py").write_bytes(b"frozen = True\r\n")  # as a checkout on another system has it
    (lab / "train.py").write_text("LR = 0.2\n")
    (lab / "program.md").unlink()
    (lab / "new.py").write_text("")
    assert lineage.uncommitted(["prepare.py", "train.py", "program.md", "new.py", "none.py"]) == ["train.py", "program.md", "new.py"]
    commit = lineage.commit("HEAD", lineage.write_blob("LR = 0.2\n"), "x", AT)
    assert lineage.uncommitted(["train.py"], commit) == []
    (lab / "train.py").unlink()
    (lab / "train.py").mkdir()
    with pytest.raises(LineageError, match=r"reading a file of the workspace failed: Is a directory"):
        lineage.uncommitted(["train.py"])


@pytest.mark.parametrize("path", ["/etc/passwd", "../train.py", "..", ".", "sub/../../train.py", "a\nb"])
def test_a_path_stays_in_the_workspace(tmp_path: Path, path: str) -> None:
    lab = sub_folder(tmp_path)
    with pytest.raises(LineageError, match=r"is not a file inside|line break"):
        Lineage(lab, "nov20").read("HEAD", path)


def test_what_a_partial_clone_left_out_is_told_and_not_fetched_at_night(tmp_path: Path) -> None:
    lab = plain(tmp_path)
    git(lab, "config", "uploadpack.allowFilter", "true")
    save(lab, {"data.bin": "old\n"})
    save(lab, {"data.bin": "new\n"})
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{lab}", "partial")
    lineage = Lineage(tmp_path / "partial", "nov20")
    night(lineage)
    with pytest.raises(LineageError):
        lineage.export(lineage.resolve("HEAD~1"), tmp_path / "trial")
    lineage.export(lineage.resolve("HEAD"), tmp_path / "trial")
