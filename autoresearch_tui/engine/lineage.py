"""The git of one run: an experiment is a commit with a ref of its own, a kept one moves the branch, a result is a note.

This file owns what a run writes into a repository: commits, `refs/autoresearch/<tag>/`, the branch `autoresearch/<tag>` and
`refs/notes/autoresearch`. How git is called is plumbing.py's, how it is read repository.py's, what a trial sees export.py's.

The checkout, the index and every other branch are never touched. The same intent is the same commit, to the last digit, and
everything may be done again: what was done stays as it is, what was half done is finished.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoresearch_tui.engine.export import Export
from autoresearch_tui.engine.plumbing import LineageError, clean
from autoresearch_tui.engine.repository import IDENTITY, PATIENCE, Object, Repository, open_repository
from autoresearch_tui.engine.trees import entries, replaced

__all__ = ["Lineage", "LineageError", "Moved", "Repository", "check_tag", "open_repository", "upstream_nights"]

BRANCHES, RUNS, NOTES = "refs/heads/autoresearch", "refs/autoresearch", "refs/notes/autoresearch"
STALE = PATIENCE - 0.5  # seconds: a lock that outlived our waiting is nobody's
WRITERS = 20  # how often a note may find that another run wrote one in the same millisecond


class Moved(LineageError):
    """Somebody else moved the run's branch."""

    def __init__(self, sentence: str, where: str | None) -> None:
        super().__init__(sentence)
        self.where = where  # the commit it is at; None if the branch is gone


class Lineage:
    """The commits of one run. Its methods may be called from any thread."""

    def __init__(self, workspace: Path, tag: str, edit: str = "train.py") -> None:
        check_tag(tag)
        self.repository = open_repository(workspace)
        self.tag = tag
        self.edit = edit
        self._path = self.repository.path(edit)
        self._branch = f"{BRANCHES}/{tag}"
        self._run = f"{RUNS}/{tag}"
        self._export = Export(self.repository)

    # ---------------------------------------------------------------------------------------------------------------------------
    # Before the first experiment
    # ---------------------------------------------------------------------------------------------------------------------------

    def taken(self) -> str:
        """Why a new run cannot have this tag, in a sentence; empty if it can."""
        tips = self.repository.tips(BRANCHES, self._run)
        if BRANCHES in tips:
            return f"a branch named autoresearch leaves no room for autoresearch/{self.tag}: `git branch -m autoresearch OTHER` makes some."
        for name in tips:
            branch = name.removeprefix("refs/heads/")
            if f"{name}/".casefold().startswith(f"{self._branch}/".casefold()):
                return f"the branch {branch} exists already: choose another --tag."
        if self.refs():
            return f"{self._run}/ holds the experiments of an earlier run {self.tag}: choose another --tag."
        return ""

    def resolve(self, revision: str) -> str:
        """The commit that a person means, which must have the file that a run edits."""
        commit = self.repository.resolve(revision)
        folder, _, name = self._path.rpartition("/")
        (tree,) = self.repository.read(f"{commit}:{folder}")
        found = entries(tree.body, len(tree.sha) // 2) if tree and tree.kind == "tree" else []
        mode = next((mode for mode, known, _ in found if known == os.fsencode(name)), None)
        workspace = self.repository.workspace
        if mode is None:
            mend = f"`cd {shlex.quote(str(workspace))} && git add {shlex.quote(self.edit)} && git commit -m start`"
            raise LineageError(f"{self.edit} of {workspace} is not in commit {commit[:7]} of its repository: {mend} makes one that has it.")
        if not mode.startswith(b"100"):
            raise LineageError(f"{self.edit} of {workspace} is a link or a folder in commit {commit[:7]}: a run edits a plain file.")
        return commit

    def uncommitted(self, paths: Sequence[str], revision: str = "HEAD") -> list[str]:
        """Those of these files of the workspace that are not what a commit has."""
        return self.repository.uncommitted(paths, revision)

    def checked_out(self) -> str:
        """What to tell somebody who has the run's branch checked out, in a sentence; empty if nobody has.

        The branch is the engine's, and moves on a keep whoever looks at it; files and index of a checkout are its user's, and stay.
        So `git status` there will show the difference as if it had been made by hand, and this says so.
        """
        folder = ""
        for line in self.repository.git("worktree", "list", "--porcelain").decode("utf-8", "replace").splitlines():
            folder = line.removeprefix("worktree ") if line.startswith("worktree ") else folder
            if line == f"branch {self._branch}" and Path(folder).is_dir():
                return (
                    f"autoresearch/{self.tag} is checked out in {folder}: the run moves the branch and not the files there, so"
                    " `git status` will show differences that nobody made; `git checkout --detach` there, now, avoids it."
                )
        return ""

    # ---------------------------------------------------------------------------------------------------------------------------
    # An experiment
    # ---------------------------------------------------------------------------------------------------------------------------

    def write_blob(self, source: str) -> str:
        """Keep a text, whatever becomes of it; `git gc` too must find somebody who still wants it, so it gets a ref of its own."""
        blob = self._write("blob", encoded(source))
        self._update(f"update {self._run}/blobs/{blob} {blob}")
        return blob

    def commit(self, parent: str, blob: str, message: str, at: float) -> str:
        """The commit that has this text as its edited file, and everything else of its parent, byte for byte."""
        names = self._path.split("/")
        folders = ["/".join(names[:depth]) for depth in range(len(names))]
        *trees, before, source = self.repository.read(*(f"{parent}:{folder}" for folder in folders), f"{parent}:{self._path}", blob)
        if before is None:
            raise LineageError(f"{self.edit} is not in commit {parent[:7]} of the repository of {self.repository.workspace}.")
        if source is None:
            raise LineageError(f"the text {blob[:7]} is not in the repository of {self.repository.workspace}: it has to be written again.")
        sha = blob
        for tree, name in zip(reversed(trees), reversed(names), strict=True):
            assert tree, "a file that is there has folders above it"
            sha = self._write("tree", replaced(tree.body, os.fsencode(name), sha))
        return self._commit(sha, parent, message, at)

    def point(self, number: int, commit: str) -> None:
        """Give an experiment its ref. If it was another commit, after a journal was restored, that one keeps a ref beside it."""
        ref = f"{self._run}/{number}"
        try:
            self._update(f"create {ref} {commit}")
        except LineageError:
            there = self.repository.tips(ref).get(ref)
            if there is None:
                raise
            if there != commit:
                self._update(f"update {ref}-{there} {there}", f"update {ref} {commit} {there}")

    def move_branch(self, commit: str, expected: str | None) -> None:
        """Move the run's branch from where it is expected to be; None makes it. If it is elsewhere, it is not touched: `Moved`."""
        try:
            self._update(f"update {self._branch} {commit} {expected}" if expected else f"create {self._branch} {commit}")
        except LineageError as error:
            there = self.branch()
            if there == commit:
                return
            if there == expected:
                raise
            where = f"was moved to {there[:7]}" if there else "is gone"
            raise Moved(
                f"the branch autoresearch/{self.tag} {where} while the run had it at {expected[:7] if expected else 'no commit'}.", there
            ) from error

    def annotate(self, commit: str, text: str) -> None:
        """Make this the note of a commit. All runs of a repository write to this one ref, so it moves only from where it was read."""
        note = clean(text).encode()
        who = f"{IDENTITY['GIT_COMMITTER_NAME']} <{IDENTITY['GIT_COMMITTER_EMAIL']}>"
        title = f"A note of autoresearch/{self.tag}"
        for _ in range(WRITERS):
            tip, there = self._notes(commit)
            if [found.body for found in there.values()] == [note]:
                return
            head = f"commit {NOTES}\ncommitter {who} {int(time.time())} +0000\ndata {len(title)}\n{title}\n"
            start = f"from {tip}\n" if tip else ""
            old = "".join(f"D {place}\n" for place in there)  # git would look for it in one place only
            stream = f"{head}{start}{old}N inline {commit}\ndata {len(note)}\n".encode() + note + b"\ndone\n"
            try:
                self._do("fast-import", "--quiet", "--done", stdin=stream)
                return
            except LineageError:
                if self.repository.tips(NOTES).get(NOTES) == tip:
                    raise
        raise LineageError(f"{NOTES} is written by others without pause: no note was made.")

    def export(self, commit: str, folder: Path) -> None:
        """Put the files of the workspace, as this commit has them, into a folder of their own."""
        self._export.write(commit, folder)

    # ---------------------------------------------------------------------------------------------------------------------------
    # Reading
    # ---------------------------------------------------------------------------------------------------------------------------

    def read(self, commit: str, path: str) -> bytes:
        (found,) = self.repository.read(f"{commit}:{self.repository.path(path)}")
        if found is None or found.kind != "blob":
            raise LineageError(f"{path} is not in commit {commit[:7]} of {self.repository.workspace}.")
        return found.body

    def read_blob(self, sha: str) -> str:
        (found,) = self.repository.read(sha)
        if found is None:
            raise LineageError(f"the text {sha[:7]} is not in the repository of {self.repository.workspace}.")
        return found.body.decode("utf-8", "surrogateescape")

    def diff(self, one: str, other: str) -> str:
        """What the edited file of another commit has instead of this one's, as a patch."""
        folder = self.repository.prefix.rstrip("/")
        trees = (f"{one}:{folder}", f"{other}:{folder}")
        printed = self.repository.git("diff-tree", "-p", "--text", "--end-of-options", *trees, "--", self.edit)
        return printed.decode("utf-8", "replace")

    def refs(self) -> dict[int, str]:
        """The commit of each experiment."""
        tips = self.repository.tips(self._run)
        return {int(name): sha for ref, sha in tips.items() if (name := ref.removeprefix(f"{self._run}/")).isdecimal()}

    def branch(self) -> str | None:
        """Where the run's branch is; None before it is made."""
        return self.repository.tips(self._branch).get(self._branch)

    def note(self, commit: str) -> str:
        """The note of a commit; empty if it has none."""
        _, there = self._notes(commit)
        return "\n".join(note.body.decode("utf-8", "replace") for note in there.values())

    # ---------------------------------------------------------------------------------------------------------------------------
    # Plumbing
    # ---------------------------------------------------------------------------------------------------------------------------

    def clear_stale_locks(self) -> list[Path]:
        """Delete what a git that was killed left on this run's refs, and say what that was.

        Git holds such a lock for a millisecond. One that is older than we would wait for is nobody's; no other lock is touched.
        """
        common = self.repository.common_dir
        ours = [common / f"{name}.lock" for name in (self._branch, NOTES)]
        stale = []
        for lock in [*ours, *(common / self._run).glob("**/*.lock")]:
            try:
                if abs(time.time() - lock.stat().st_mtime) >= STALE:  # either way: the clock may have been set back since
                    lock.unlink()
                    stale.append(lock)
            except OSError:  # gone already, or not ours to delete: then git says so, in a sentence with its name
                continue
        return stale

    def _update(self, *changes: str) -> None:
        """Change refs, all of these or none."""
        lines = "".join(f"option no-deref\n{change}\n" for change in changes)
        self._do("update-ref", "-m", "autoresearch-tui", "--stdin", stdin=lines.encode())

    def _write(self, kind: str, body: bytes) -> str:
        """Write an object as it is: what git would say about an odd tree, it had its chance to say about the parent's."""
        odd = ("--literally",) if kind == "tree" else ()
        return self._do("hash-object", "-w", "-t", kind, *odd, "--stdin", stdin=body)

    def _commit(self, tree: str, parent: str, message: str, at: float) -> str:
        moment = f"@{int(at)} +0000"
        dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        text = clean(message.replace("\0", "")).encode()
        return self._do("commit-tree", "-p", parent, "-F", "-", tree, stdin=text, environment=dates)

    def _do(self, *command: str, stdin: bytes, environment: Mapping[str, str] | None = None) -> str:
        """Write something. All of it may be done twice, so what fails is tried once more.

        The lock of a dead git is cleared away first; and `git gc` removes empty folders, at times just when one is to be used.
        """
        try:
            printed = self.repository.git(*command, stdin=stdin, environment=environment)
        except LineageError as error:
            if error.no_space or not error.said or (error.lock and not self.clear_stale_locks()):
                raise
            printed = self.repository.git(*command, stdin=stdin, environment=environment)
        return printed.decode().strip()

    def _notes(self, commit: str) -> tuple[str | None, dict[str, Object]]:
        """The tip of the notes, and the note of a commit by its place there: the more notes, the deeper git and others put them."""
        places = (commit, f"{commit[:2]}/{commit[2:]}", f"{commit[:2]}/{commit[2:4]}/{commit[4:]}")
        tip, *found = self.repository.read(NOTES, *(f"{NOTES}:{place}" for place in places))
        return tip.sha if tip else None, {place: note for place, note in zip(places, found, strict=True) if note}


def check_tag(tag: str) -> None:
    """A tag is part of a ref and the name of a folder, on every file system."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", tag) or ".." in tag or tag.endswith((".", ".lock")):
        raise LineageError(f"{tag!r} cannot be a tag: take letters, digits, `-`, `_` and `.`, 64 at most, with a letter or digit first.")


def encoded(source: str) -> bytes:
    """The bytes of a text, also of one that was read from bytes that are not UTF-8."""
    try:
        return source.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise LineageError(f"the text has a character that no file can hold: {source[error.start]!a}.") from error


def upstream_nights(repository: Repository) -> dict[str, str]:
    """The tips of the branches autoresearch/* that no run of ours made: nights of an agent that followed upstream's `program.md`."""
    tips = repository.tips(BRANCHES, RUNS)
    ours = {name.split("/")[2] for name in tips if name.startswith(f"{RUNS}/")}
    branches = {name.removeprefix(f"{BRANCHES}/"): sha for name, sha in tips.items() if name.startswith(f"{BRANCHES}/")}
    return {tag: sha for tag, sha in branches.items() if tag not in ours}
