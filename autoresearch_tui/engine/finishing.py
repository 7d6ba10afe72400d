"""A night as one commit, on a branch that its user can merge.

Owns what that commit is made of, and what is in the way of its branch. What its message tells is `morning/forms/message.py`'s.

The commit is the one that the run began from, with the trunk's text of the edited file and nothing else of the run, on top of that very
commit: so it merges like any branch that left there, whatever its user did meanwhile. The checkout, the index, HEAD and every other ref
stay as they are.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from autoresearch_tui.engine.lineage import BRANCHES, LineageError
from autoresearch_tui.engine.plumbing import call, clean
from autoresearch_tui.engine.repository import IDENTITY, Object, Repository, open_repository
from autoresearch_tui.engine.trees import replaced
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

TRAILER = "Run: "  # by which the message of a night is known


class Finished(msgspec.Struct, frozen=True):
    """A branch with the night's commit."""

    branch: str
    commit: str
    start: str
    """The commit below it, from which the run began."""
    made: bool
    """It was made now; else it was there already."""
    below_head: bool
    """HEAD has that commit below it too: a merge brings this one change, and no history that is news to it."""


def finish(folder: Path, run: Run, branch: str, message: str, commits: Path) -> Finished:
    """Make the branch in the repository of this folder. The night's commits lie in it, or else in the repository of `commits`."""
    repository = open_repository(folder)
    _check_name(repository, branch)
    start = _start(repository, run)
    tree = _tree(repository, start, repository.path(run.edit), _source(repository, run, commits))
    if tree == _ask(repository, "rev-parse", f"{start}^{{tree}}"):
        raise LineageError(f"the trunk's {run.edit} is the one that the run began with: there is nothing to merge.")
    there = repository.tips(f"refs/heads/{branch}").get(f"refs/heads/{branch}")
    commit = there or _commit(repository, tree, start, message)
    if there:
        _refuse_another(repository, branch, there, tree, start)
    else:
        _create(repository, branch, commit)
    return Finished(branch, commit, start, not there, _is_below_head(repository, start))


# ---------------------------------------------------------------------------------------------------------------------------------
# What the commit is made of
# ---------------------------------------------------------------------------------------------------------------------------------


def _start(repository: Repository, run: Run) -> str:
    found = _read(repository, run.start, "")
    if found is None:
        raise LineageError(
            f"the repository of {repository.workspace} does not have the commit {run.start[:7]} that the run {run.tag} began from:"
            " `--dir REPOSITORY` names the one that does."
        )
    return found.sha


def _source(repository: Repository, run: Run, commits: Path) -> bytes:
    """The trunk's text of the edited file."""
    tip = run.experiments[run.tip or 0]
    path = repository.path(run.edit)
    found = _read(repository, tip.commit, path) or _read_elsewhere(commits, tip, path)
    if found is None:
        raise LineageError(
            f"the code of #{tip.number}, commit {tip.commit[:7]}, is neither with the night nor in the repository of"
            f" {repository.workspace}: it can be finished where it was spent."
        )
    return found.body


def _read(repository: Repository, commit: str, path: str) -> Object | None:
    """A commit, or a file of it. A journal may come from a stranger, so what it calls a commit has to look like one."""
    if not COMMIT.fullmatch(commit):
        return None
    (found,) = repository.read(f"{commit}:{path}" if path else commit)
    return found if found and found.kind == ("blob" if path else "commit") else None


def _read_elsewhere(commits: Path, tip: Experiment, path: str) -> Object | None:
    """From the repository that came with a packed night; it has none where git refused its commits."""
    try:
        return _read(open_repository(commits), tip.commit, path)
    except LineageError:
        return None


def _tree(repository: Repository, start: str, path: str, source: bytes) -> str:
    """The commit's folder in which this file has another text. Everything else, odd modes included, stays byte for byte."""
    if _read(repository, start, path) is None:
        raise LineageError(f"{path} is not in the commit {start[:7]} that the run began from: is {repository.workspace} its workspace?")
    sha = _ask(repository, "hash-object", "-w", "-t", "blob", "--stdin", stdin=source)
    names = path.split("/")
    trees = repository.read(*(f"{start}:{'/'.join(names[:depth])}" for depth in range(len(names))))
    for tree, name in zip(reversed(trees), reversed(names), strict=True):
        assert tree, "a file that is there has folders above it"
        body = replaced(tree.body, os.fsencode(name), sha)
        sha = _ask(repository, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=body)
    return sha


def _commit(repository: Repository, tree: str, start: str, message: str) -> str:
    text = clean(message.replace("\0", "")).encode()
    return _ask(repository, "commit-tree", "-p", start, "-F", "-", tree, stdin=text, environment=_identity(repository.workspace))


def _identity(folder: Path) -> dict[str, str]:
    """Who the user is, as their git has it, for it is their branch; where nobody told git, it is ours."""
    found: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        said = {name: os.environ[name] for part in ("NAME", "EMAIL") if (name := f"GIT_{role}_{part}") in os.environ}
        try:
            printed = call(folder, ["var", f"GIT_{role}_IDENT"], options=["-c", "user.useConfigOnly=true"], environment=said)
        except LineageError:  # it would have to guess from the names of the account and the machine
            return IDENTITY
        name, _, rest = os.fsdecode(printed).rpartition(" <")
        found |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": rest.partition(">")[0]}
    return found


# ---------------------------------------------------------------------------------------------------------------------------------
# The branch
# ---------------------------------------------------------------------------------------------------------------------------------


def _check_name(repository: Repository, branch: str) -> None:
    ref = f"refs/heads/{branch}"
    is_name = branch.isprintable() and not branch.startswith(("-", "refs/")) and branch != "HEAD"
    if not is_name or os.fsdecode(repository.git("check-ref-format", "--normalize", ref, allow=(1,))).strip() != ref:
        raise LineageError(f"{branch!r} cannot be the name of a branch: name another with `--branch`.")
    if f"{ref}/".startswith(f"{BRANCHES}/"):
        raise LineageError(f"{branch} would be among the branches of the runs themselves: name another with `--branch`.")


def _refuse_another(repository: Repository, branch: str, there: str, tree: str, start: str) -> None:
    """Unless it holds this very night: its text and its place are compared, for the message has the hour in it that it was made."""
    if _ask(repository, "rev-parse", f"{there}^{{tree}}", f"{there}^@").split() != [tree, start]:
        if f"\n{TRAILER}" not in f"\n{_ask(repository, 'log', '-1', '--format=%B', there)}":
            raise LineageError(f"the branch {branch} exists already, at {there[:7]}, and is yours: name another with `--branch`.")
        raise LineageError(
            f"the branch {branch} exists already, at {there[:7]}, with another night or an earlier state of this one:"
            f" `git branch -D {branch}` throws it away, `--branch NAME` makes another beside it."
        )


def _create(repository: Repository, branch: str, commit: str) -> None:
    """It must not exist: a branch that somebody made meanwhile is left alone."""
    listed = os.fsdecode(repository.git("worktree", "list", "--porcelain")).splitlines()
    if f"branch refs/heads/{branch}" in listed:  # `git switch --orphan`
        raise LineageError(f"the branch {branch} is checked out and has no commit yet: name another with `--branch`.")
    change = f"option no-deref\ncreate refs/heads/{branch} {commit}\n"
    repository.git("update-ref", "-m", "autoresearch-tui finish", "--stdin", stdin=os.fsencode(change))


def _is_below_head(repository: Repository, start: str) -> bool:
    if repository.head is None:
        return False
    common = repository.git("merge-base", start, repository.head, allow=(1,))
    return common.decode().strip() == start


def _ask(repository: Repository, *command: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> str:
    return repository.git(*command, stdin=stdin, environment=environment).decode().strip()
