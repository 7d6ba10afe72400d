"""What a trial gets to see of a commit: plain files, to the byte, and no way out."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from autoresearch_tui.engine.lineage import Lineage, LineageError
from tests.engine.repositories import START, git, make_repository, save

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "lab")


def contents(folder: Path) -> dict[str, bytes | str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    return {str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes() for path in files}


def test_files_have_the_bytes_of_the_commit_and_are_private(lab: Path, tmp_path: Path) -> None:
    odd = {
        "with\nbreak": "1\r\n",
        "caf\u00e9/\U0001f40d.py": "2",
        "\udcff": "3",
        "-rf": "",
        " ": " ",
        "deep/er/and/deeper": "5",
        "big": "x" * 3_000_000,
    }
    (lab / "run.sh").write_text("true\n")
    (lab / "run.sh").chmod(0o755)
    save(lab, odd | {".gitattributes": "* export-ignore export-subst filter=lfs\n", "model.bin": POINTER})
    (lab / "train.py").write_text("not committed\n")
    lineage = Lineage(lab, "nov20")
    for _ in range(2):  # read, and remembered
        lineage.export("HEAD", tmp_path / "trials" / "0001-1")
        found = contents(tmp_path / "trials" / "0001-1")
        assert found == {name: text.encode() for name, text in (START | odd).items()} | {
            ".gitattributes": b"* export-ignore export-subst filter=lfs\n",
            "model.bin": POINTER.encode(),
            "run.sh": b"true\n",
        }
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "trials").rglob("*")}
    assert {mode for name, mode in modes.items() if name not in ("run.sh", "0001-1", "caf\u00e9", "deep", "er", "and")} == {0o600}
    assert modes["run.sh"] == modes["0001-1"] == modes["deep"] == 0o700


def test_links_that_lead_outside_and_other_repositories_are_left_out(lab: Path, tmp_path: Path) -> None:
    inside = {"a": "train.py", "pack/b": "../train.py", "pack/c": "./../pack/deep", "d": "pack/deep/../deep/file"}
    outside = {
        "e": "/etc/passwd",
        "f": "../lab/train.py",
        "g": "pack/../../lab",
        "h": "a",
        "i": "none",
        "j": "pack/c/file",
        "k": ".",
        "l": "pack/..",
    }
    save(lab, {"pack/deep/file": "1"})
    for name, target in (inside | outside).items():
        (lab / name).symlink_to(target)
    make_repository(lab / "module")
    save(lab, {})
    assert "160000 commit" in git(lab, "ls-tree", "HEAD", "module")
    Lineage(lab, "nov20").export("HEAD", tmp_path / "trial")
    found = contents(tmp_path / "trial")
    assert {name: target for name, target in found.items() if isinstance(target, str)} == inside | {"k": ".", "l": "pack/.."}
    assert not (tmp_path / "trial" / "module").exists()
    assert all((tmp_path / "trial" / name).resolve().is_relative_to(tmp_path / "trial") for name in inside)


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "."])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_tree_made_to_escape_is_refused(lab: Path, tmp_path: Path, name: str, depth: int) -> None:
    blob = git(lab, "hash-object", "-w", "train.py")
    sha, mode = blob, b"100644"
    for part in ["x", name, *["sub"] * depth]:
        body = mode + b" " + part.encode() + b"\0" + bytes.fromhex(sha)
        sha, mode = git(lab, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=body), b"40000"
    commit = git(lab, "commit-tree", "-m", "evil", sha)
    with pytest.raises(LineageError, match="leads out of its folder"):
        Lineage(lab, "nov20").export(commit, tmp_path / "trials" / "1")
    assert list(tmp_path.glob("trials/**/*")) == []


def test_one_name_for_two_things_lets_nothing_out(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    blob = bytes.fromhex(git(lab, "hash-object", "-w", "train.py"))
    link = b"120000 a\0" + bytes.fromhex(git(lab, "hash-object", "-w", "--stdin", stdin=str(tmp_path / "outside").encode()))
    inner = bytes.fromhex(git(lab, "hash-object", "-w", "-t", "tree", "--stdin", stdin=b"100644 x\0" + blob))
    tree = git(lab, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=link + b"40000 a\0" + inner)
    Lineage(lab, "nov20").export(git(lab, "commit-tree", "-m", "evil", tree), tmp_path / "trial")
    assert contents(tmp_path / "outside") == {} and list(contents(tmp_path / "trial")) == ["a/x"]


def test_a_folder_is_made_anew_and_never_seen_half_made(lab: Path, tmp_path: Path) -> None:
    lineage = Lineage(lab, "nov20")
    trial = tmp_path / "trials" / "0001-1"
    (trial / "left").mkdir(parents=True)
    (trial / "train.py").write_text("changed by the training\n")
    (tmp_path / "trials" / ".0001-1.partial").mkdir()
    (tmp_path / "trials" / ".0001-1.partial" / "train.py").write_text("of a killed engine\n")
    lineage.export("HEAD", trial)
    assert [path.name for path in (tmp_path / "trials").iterdir()] == ["0001-1"]
    assert contents(trial) == {name: text.encode() for name, text in START.items()} and not (trial / "left").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LineageError, match=r"writing the files of HEAD failed: "):
        lineage.export("HEAD", tmp_path / "file" / "trial")
    with pytest.raises(LineageError):
        lineage.export("1" * 40, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_trials_may_be_exported_side_by_side(lab: Path, tmp_path: Path) -> None:
    lineage = Lineage(lab, "nov20")
    commits = [lineage.commit("HEAD", lineage.write_blob(f"LR = {number}\n"), "x", 1) for number in range(4)]
    threads = [threading.Thread(target=lineage.export, args=(commit, tmp_path / f"{n}")) for n, commit in enumerate(commits * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(tmp_path / f"{n}" / "train.py").read_text() for n in range(12)] == [f"LR = {number}\n" for number in range(4)] * 3
