"""What the words of the command line have in common: the folder, workspace and run that are meant, and how a bad use is said."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

FLAGS = {
    "researcher": "run.researcher",
    "seed": "run.seed",
    "experiments": "limits.experiments",
    "hours": "limits.hours",
    "until": "limits.until",
    "between": "limits.between",
    "max_cost": "limits.max_cost",
    "overlap": "run.overlap",
    "slots": "run.slots",
    "executor": "run.executor",
    "gpu": "gpu.card",
    "theme": "screen.theme",
}
"""Options that are settings too."""


class Usage(Exception):
    """A bad use of the command line: one sentence."""


class Failed(Exception):
    """It was used well and came to nothing: one sentence."""


def folder_of(options: argparse.Namespace, default: Path = Path()) -> Path:
    """DIR, or `--dir`, which works wherever DIR does."""
    given: Path | None = getattr(options, "folder", None) or options.dir
    return (given or default).expanduser().absolute()


def workspace_of(options: argparse.Namespace) -> tuple[Any, Any]:
    from autoresearch_tui.settings import load
    from autoresearch_tui.workspace import open_workspace

    folder = folder_of(options)
    flags = {key: getattr(options, name, None) for name, key in FLAGS.items()}
    settings = load(folder, flags).settings
    return open_workspace(folder, settings), settings


def run_folder_of(workspace: Any, tag: str | None) -> Any:
    found = workspace.runs()
    if tag:
        if not (folder := workspace.run(tag)).journal.exists():
            named = ", ".join(run.tag for run in found) or "none yet"
            raise Usage(f"there is no run {tag!r} in {workspace.folder}; there is: {named}")
        return folder
    if not found:
        raise Usage(f"{workspace.folder} has no run yet: `autoresearch-tui run` begins one")
    return found[-1]


def theme_of(folder: Path, options: argparse.Namespace) -> str:
    from autoresearch_tui.settings import load

    return load(folder, {"screen.theme": options.theme}).settings.screen.theme


def agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() == "y"
    except EOFError:
        return False
