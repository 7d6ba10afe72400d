"""A workspace of our own, made of one commit of a night: where something is trained that is no part of that night.

Owns that it is there whole or not at all, as a repository of one commit that knows nothing of where it came from. What else is to stand
in it is for whoever needs it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.plumbing import call

IDENTITY = ("-c", "user.name=autoresearch-tui", "-c", "user.email=autoresearch-tui@localhost", "-c", "commit.gpgsign=false")


def make_ground(folder: Path, lineage: Lineage, commit: str, message: str, furnish: Callable[[Path], None]) -> None:
    """The files of a commit, and what `furnish` makes of them, as the first commit of a repository. It is made beside its place."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lineage.export(commit, aside)
        furnish(aside)
        call(aside, ["init", "-q", "-b", "main"])
        call(aside, ["add", "-A", "-f", "."])
        call(aside, ["commit", "-q", "--no-verify", "-m", message], options=IDENTITY)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
