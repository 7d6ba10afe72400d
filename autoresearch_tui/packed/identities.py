"""Who people are to git: whoever is set up here, and whoever made what a run began from."""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.packed.commits import GitError, git

SET_UP = ("config --get-all user.name", "config --get-all user.email")
MADE = "log -1 --format=%an%n%ae%n%cn%n%ce"


def identities_of(folder: Path, *commits: str) -> tuple[str, ...]:
    """Names and addresses, each once, also of whoever made these commits. Without git nobody is known to it."""
    found: dict[str, None] = {}
    for question in (*SET_UP, *(f"{MADE} {commit}" for commit in commits)):
        try:
            printed = git(folder, *question.split(" "), trusting=True)
        except GitError:
            continue
        found |= dict.fromkeys(printed.decode("utf-8", "replace").splitlines())
    return tuple(name for name in found if name and not name.startswith("autoresearch-tui"))
