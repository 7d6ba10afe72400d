"""Starting an engine: our own command line is called, as anybody could call it. The screen never imports the engine.

It is the one place where a screen with a night on it calls that. A view has no command to call it by, for whatever does more than read.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from autoresearch_tui.cockpit.moment import VIEW

COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "autoresearch_tui")


class NotStarted(Exception):
    """It did not begin: the sentence of the command line."""


async def start(folder: Path, *arguments: str, command: Sequence[str] = COMMAND) -> str:
    """An engine in the background, for this workspace; what it says when it works."""
    return await ask("run", str(folder), "--detached", *arguments, command=command)


async def ask(*words: str, command: Sequence[str] = COMMAND) -> str:
    """What our command line answers; a failure is its last line."""
    if not command:
        raise NotStarted(VIEW)
    process = await asyncio.create_subprocess_exec(
        *command,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    out, err = await process.communicate()
    if process.returncode:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        raise NotStarted(lines[-1].removeprefix("autoresearch-tui: ") if lines else f"it ended with {process.returncode} and said nothing")
    return out.decode("utf-8", "replace").strip()
