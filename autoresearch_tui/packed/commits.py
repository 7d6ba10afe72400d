"""The commits of a packed night: how git is called for them, how a bundle becomes a repository, and what one is made of.

Git hears nobody's configuration, runs no hook and asks no server. A repository that is read from lends its objects to an empty one of
our own: nothing is ever written where the user works.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from autoresearch_tui.packed.form import Head
from autoresearch_tui.privacy import scrubbed

GIT_S = 120.0
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "autoresearch-tui"), ("EMAIL", "autoresearch-tui@localhost"))
}
WHO = f"{IDENTITY['GIT_COMMITTER_NAME']} <{IDENTITY['GIT_COMMITTER_EMAIL']}>"
ISOLATION = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
REFS = ("refs/heads/autoresearch/*", "refs/autoresearch/*", "refs/notes/*")
SHA256 = b"@object-format=sha256"


class GitError(Exception):
    """Git could not do it: what it said, in one line."""


class Lender(msgspec.Struct, frozen=True):
    """A repository that is read from."""

    objects: Path
    prefix: str
    format: str
    """`sha1` or `sha256`."""


def git(folder: Path, *arguments: str, stdin: bytes | IO[bytes] = b"", trusting: bool = False) -> bytes:
    """What git prints. `trusting` hears the user's configuration, as whether a folder of somebody else may be read."""
    environment = {**scrubbed(os.environ), **IDENTITY, **({} if trusting else ISOLATION)}
    heard: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, timeout=GIT_S, check=False, **heard)
    except FileNotFoundError:
        raise GitError("git is not installed, or not on the PATH") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git {arguments[0]} gave no answer ({error})") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(said[-1].removeprefix("fatal: ") if said else f"git {arguments[0]} failed")
    printed: bytes = done.stdout
    return printed


def received(bundle: Path, folder: Path, head: Head) -> Path:
    """A repository with the commits of the bundle. Where git is missing, or refuses them, it is empty: who asks for a diff is told so."""
    where = folder / head.prefix
    where.mkdir(parents=True)
    if not bundle.exists():
        return where
    with bundle.open("rb") as file:
        kind = "sha256" if SHA256 in file.read(200) else "sha1"
    try:
        git(folder, "init", "-q", "--template=", f"--object-format={kind}")
        if head.cut:
            (folder / ".git" / "shallow").write_text("".join(f"{commit}\n" for commit in head.cut))
        careful = ["-c", "fetch.fsckObjects=true", "-c", "core.bigFileThreshold=8m"]
        git(folder, *careful, "fetch", "-q", "--no-tags", str(bundle), *(f"+{ref}:{ref}" for ref in REFS))
    except GitError:
        return where
    return where


def lender(folder: Path) -> Lender:
    """The repository in which git finds a night's commits."""
    said = git(folder, "rev-parse", "--path-format=absolute", "--git-path", "objects", trusting=True)
    prefix, kind = os.fsdecode(git(folder, "rev-parse", "--show-prefix", "--show-object-format", trusting=True)).splitlines()
    return Lender(Path(os.fsdecode(said).removesuffix("\n")), prefix, kind)


def borrowing(folder: Path, source: Lender) -> Path:
    """An empty repository that reads another one's objects."""
    git(folder.parent, "init", "-q", "--bare", "--template=", f"--object-format={source.format}", str(folder))
    (folder / "objects" / "info").mkdir(exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(source.objects) + b"\n")
    return folder


def read(repository: Path, *names: str) -> list[bytes | None]:
    """These objects, `commit:path` or sha, in one call; None for what is not there, or cannot be named in a line."""
    asked = [name for name in names if "\n" not in name]
    printed = git(repository, "cat-file", "--batch", stdin=b"".join(os.fsencode(name) + b"\n" for name in asked))
    found: dict[str, bytes | None] = {}
    at = 0
    for name in asked:
        end = printed.index(b"\n", at)
        *_, kind, size = printed[at:end].split(b" ")
        at = end + 1
        if kind not in (b"blob", b"tree", b"commit", b"tag"):  # `<name> missing`
            found[name] = None
            continue
        found[name] = printed[at : at + int(size)]
        at += int(size) + 1
    return [found.get(name) for name in names]


def there(repository: Path, names: Sequence[str]) -> set[str]:
    """Those of these objects that the repository has."""
    asked = "".join(f"{name}\n" for name in names).encode()
    printed = git(repository, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    return {line.split(" ")[0] for line in printed.decode().splitlines() if not line.endswith(" missing")}


def point(repository: Path, refs: Mapping[str, str]) -> None:
    git(repository, "update-ref", "--stdin", stdin="".join(f"update {ref} {sha}\n" for ref, sha in refs.items()).encode())


def bundled(repository: Path, target: Path) -> Path:
    """All of a repository's refs, and what they need, in one file."""
    git(repository, "-c", "pack.threads=2", "bundle", "create", "-q", str(target.absolute()), "--all")
    return target
