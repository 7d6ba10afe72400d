"""Repositories as people have them, made with their own git, which hears nothing of the settings of whoever runs the tests."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

PERSON = {
    f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}
START = {"train.py": "LR = 0.1\n", "prepare.py": "frozen = True\n", "program.md": "Find something better.\n"}


def git(folder: Path, *arguments: str, stdin: bytes = b"", check: bool = True, **environment: str) -> str:
    """What the person's git prints."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": "@1000000000 +0000"}
    options = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *options, *arguments], cwd=folder, env=plain | alone | PERSON | environment, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0 or not check, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def make_repository(folder: Path, files: dict[str, str] | None = None, *how: str) -> Path:
    """A repository with one commit, and nothing in the way."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", *how)
    save(folder, START if files is None else files)
    return folder


def save(folder: Path, files: dict[str, str], message: str = "start") -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message, GIT_COMMITTER_DATE="@1000000000 +0000")
    return git(folder, "rev-parse", "HEAD")


def hashes(folder: Path) -> dict[str, str]:
    """Every file of a checkout, and what git remembers about it: index, HEAD, configuration, and refs that are the person's."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        ours = "autoresearch" in name or name.startswith((".git/objects", ".git/logs/HEAD"))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file() and not ours:
            found[name] = f"{path.stat().st_mode:o} {path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return found
