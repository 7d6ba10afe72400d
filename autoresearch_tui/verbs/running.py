"""The engine, in this terminal or behind it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.confirming import refuse_beside
from autoresearch_tui.verbs.notifying import followed, warn_unheard
from autoresearch_tui.verbs.shared import Failed, agreed, workspace_of


def run(options: argparse.Namespace) -> int:
    from autoresearch_tui.engine.opening import Asked

    workspace, settings = workspace_of(options)
    if workspace.measured:
        refuse_unprepared(workspace.folder)
    if not options.after:  # a keeper's restart goes on whatever was begun meanwhile
        refuse_beside(workspace.runs_folder)
    if options.detached and options.ready is None:
        from autoresearch_tui.terminal import detach

        warn_unheard(workspace.folder)
        return detach(workspace, [word for word in options.words_given if word != "--detached"])
    from autoresearch_tui.engine.choosing import ModelMissing
    from autoresearch_tui.engine.night import spend
    from autoresearch_tui.terminal import teller

    asked = Asked(tag=options.tag or "", origin=options.origin or "", after=options.after or "")
    tell = teller(options.ready, lambda run: workspace.run(run.tag).engine_log)
    if options.ready is None:  # a keeper has a follower of its own
        warn_unheard(workspace.folder)
        tell = followed(workspace.folder, tell)
    try:
        end = spend(workspace, settings, asked, tell)
    except ModelMissing as missing:
        if options.ready is not None or not sys.stdin.isatty() or settings.privacy.local_only is True:
            raise
        if not agreed(f"{missing} Fetch it now? [y/N] "):
            return 1
        _fetch(missing.name, settings)
        end = spend(workspace, settings, asked, tell)
    if end.failed:
        raise Failed(end.why)
    return 0


def _fetch(model: str, settings: Any) -> None:
    """Have ollama fetch a model, with its progress on one line."""
    import asyncio

    from autoresearch_tui.engine.choosing import fetched
    from autoresearch_tui.lines import printable

    async def show() -> None:
        async for step in fetched(model, settings, os.environ):
            print(f"\r{printable(step):70}", end="", flush=True)
        print()

    asyncio.run(show())


def refuse_unprepared(folder: Path) -> None:
    from autoresearch_tui.extras import installation
    from autoresearch_tui.workspace import WorkspaceError, is_prepared, missing_packages

    if missing := missing_packages():
        raise WorkspaceError(f"{', '.join(missing)} missing for {sys.executable}: `{installation().install('harness')}` brings it.")
    if not is_prepared(folder):
        raise WorkspaceError(f"the data of {folder} is not there yet: `autoresearch-tui prepare {shlex.quote(str(folder))}` gets it.")
