"""The repository of a workspace: found as its owner would find it, then asked so that only the repository itself can answer.

This file owns opening it and reading from it. It writes nothing and knows nothing of runs: that is lineage.py.

While it is being found, `safe.directory` and a broken `.git` have their say. From then on every call names the git folder that was
found: there are no hooks, filters, prompts and replaced objects, no index and no working tree, no configuration but the
repository's own, and of that the parts that could change a result are overruled.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from autoresearch_tui.engine.plumbing import LineageError, call, cause, gitpython

PATIENCE = 2.0  # seconds to wait for a ref that another git is writing, which takes that git a millisecond
OLDEST = (2, 32)  # the first git that can be told to leave the user's own configuration alone

IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "autoresearch-tui"), ("EMAIL", "autoresearch-tui@localhost"))
}
ISOLATION = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # what a partial clone left at its remote stays there: no network at night
    "GIT_ALLOW_PROTOCOL": "none",  # the same for git before 2.44
}
CONFIGURATION = {
    "core.hooksPath": os.devnull,  # `update-ref` runs one, too
    "core.quotePath": "false",
    "i18n.commitEncoding": "UTF-8",  # another one would be written into the commit
    "core.fsync": "all",  # the journal says Committed after this, and means it
    "core.fsyncMethod": "fsync",
    "core.fsyncObjectFiles": "true",  # the same for git before 2.36
    "fastimport.unpackLimit": "100",  # loose objects: a pack for each note would be thousands
    "core.filesRefLockTimeout": str(int(PATIENCE * 1000)),
    "core.packedRefsTimeout": str(int(PATIENCE * 1000)),
    "reftable.lockTimeout": str(int(PATIENCE * 1000)),
}
OVERRULED = [part for key, value in CONFIGURATION.items() for part in ("-c", f"{key}={value}")]


class Object(msgspec.Struct, frozen=True):
    """One object, as git stores it."""

    sha: str
    kind: str
    body: bytes


class Repository(msgspec.Struct, frozen=True):
    """Where the repository of a workspace is, and what was checked out when it was opened."""

    workspace: Path
    git_dir: Path  # of this working tree: a linked worktree and a submodule have one of their own
    common_dir: Path  # where objects and branches are
    prefix: str  # the workspace inside the working tree: "", or "some/folder/"
    head: str | None = None  # None before the first commit
    branch: str | None = None  # None if HEAD is detached

    def git(self, *arguments: str, stdin: bytes = b"", allow: Sequence[int] = (), environment: Mapping[str, str] | None = None) -> bytes:
        """What git prints; another exit status than 0 is a LineageError, or nothing printed where it is allowed."""
        ours = ISOLATION | IDENTITY | {"GIT_DIR": str(self.git_dir)} | dict(environment or {})
        return call(self.git_dir, arguments, options=OVERRULED, stdin=stdin, environment=ours, allow=allow)

    def read(self, *names: str) -> list[Object | None]:
        """These objects, in one call; None for what is not there. A name is a sha, a ref or `commit:path`."""
        if any("\n" in name for name in names):
            raise LineageError("a path with a line break in it is more than a run can work with: rename the file or the folder.")
        printed = self.git("cat-file", "--batch", stdin=b"".join(os.fsencode(name) + b"\n" for name in names))
        found: list[Object | None] = []
        at = 0
        for _ in names:
            end = printed.index(b"\n", at)
            header = re.fullmatch(rb"([0-9a-f]{40,64}) (blob|tree|commit|tag) (\d+)", printed[at:end])
            at = end + 1
            if header is None:  # `<name> missing`
                found.append(None)
                continue
            size = int(header[3])
            found.append(Object(header[1].decode(), header[2].decode(), printed[at : at + size]))
            at += size + 1
        return found

    def tips(self, *names: str) -> dict[str, str]:
        """Where refs stand: those with these names, and all below them."""
        printed = os.fsdecode(self.git("for-each-ref", "--format=%(objectname) %(refname)", *names))
        return {name: sha for sha, _, name in (line.partition(" ") for line in printed.splitlines())}

    def resolve(self, revision: str) -> str:
        """The commit that a person means: a branch, a tag, `HEAD~3`, a sha or its beginning."""
        if not revision.startswith("-") and not set(revision) & set("\0\n"):
            named = self._verify(revision)
            if named and (commit := self._verify(f"{named}^{{commit}}")):
                return commit
        if revision == "HEAD" and self.head is None:
            folder = shlex.quote(str(self.workspace))
            raise LineageError(
                f"the repository of {self.workspace} has no commit yet: `cd {folder} && git add . && git commit -m start` makes one."
            )
        raise LineageError(f"{revision!r} is no commit of the repository of {self.workspace}: give a branch, a tag or a sha.")

    def _verify(self, name: str) -> str:
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", name, allow=(1, 128)).decode().strip()

    def path(self, path: str) -> str:
        """A file of the workspace, as it is called from the top of the repository."""
        whole = posixpath.normpath(self.prefix + path)
        if posixpath.isabs(path) or not whole.startswith(self.prefix) or whole in (".", "..") or whole.startswith("../"):
            raise LineageError(f"{path!r} is not a file inside {self.workspace}.")
        return whole

    def uncommitted(self, paths: Sequence[str], revision: str = "HEAD") -> list[str]:
        """Those of these files of the workspace that are not what a commit has, line endings aside: a checkout may turn them.

        Bytes are compared and nobody's filters are asked: what is trained is what the commit has, and what a person sees is the file.
        """
        committed = self.read(*(f"{revision}:{self.path(path)}" for path in paths))
        return [path for path, there in zip(paths, committed, strict=True) if here(self.workspace / path) != (there and unix(there.body))]


def here(file: Path) -> bytes | None:
    """What a commit of this file would hold; None if there is no such file."""
    try:
        return os.fsencode(os.readlink(file)) if file.is_symlink() else unix(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LineageError.of(error, "reading a file of the workspace") from error


def unix(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def open_repository(workspace: Path) -> Repository:
    """The repository of a workspace, or the sentence that says what is missing. It may have no commit yet."""
    folder = Path(os.path.abspath(workspace))
    if not folder.is_dir():
        raise LineageError(f"there is no folder {folder}.")
    if (version := gitpython()().version_info) < OLDEST:
        raise LineageError(f"git {'.'.join(map(str, OLDEST))} or newer is needed; this one is {'.'.join(map(str, version))}.")

    def ask(*question: str) -> str:
        return os.fsdecode(call(folder, ["rev-parse", *question])).removesuffix("\n")

    try:
        bare, inside = ask("--is-bare-repository", "--is-inside-work-tree").split()
        git_dir = Path(ask("--absolute-git-dir"))
        if inside == "false":
            what = "a bare repository" if bare == "true" else "inside a git folder"
            raise LineageError(f"{folder} is {what} and has no files to work on: `git clone {shlex.quote(str(git_dir))} lab` makes some.")
        found = Repository(folder, git_dir, Path(ask("--path-format=absolute", "--git-common-dir")), ask("--show-prefix"))
    except LineageError as error:
        if error.said:
            raise LineageError(why_closed(folder, error.said)) from error
        raise
    head = found.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", allow=(1,)).decode().strip()
    branch = os.fsdecode(found.git("symbolic-ref", "--quiet", "HEAD", allow=(1,))).strip()
    return msgspec.structs.replace(found, head=head or None, branch=branch.removeprefix("refs/heads/") or None)


def why_closed(folder: Path, said: str) -> str:
    """What git says when it will not open a repository, as one sentence with what to do."""
    quoted = shlex.quote(str(folder))
    if "dubious ownership" in said or "unsafe repository" in said:
        advice = re.search(r"git config --global --add safe\.directory .+", said)
        mend = advice[0].strip() if advice else f"git config --global --add safe.directory {quoted}"
        return f"the repository of {folder} belongs to another user, so git will not open it: `{mend}` says that you trust it."
    if "not a git repository: " in said:
        return (
            f"{folder} is a working tree whose git folder is not where it was:"
            f" if one of the two was moved, `git worktree repair {quoted}` in the main checkout mends it."
        )
    if "not a git repository" not in said:
        return f"git cannot open the repository of {folder}: {cause(said)}."
    broken = [parent / ".git" for parent in (folder, *folder.parents) if (parent / ".git").exists()]
    if broken:
        return f"git does not recognise {broken[0]}, so something in it is lost: `git init` there may mend it, a new clone will."
    return f"{folder} is not a git repository: `cd {quoted} && git init && git add . && git commit -m start` makes it one."
