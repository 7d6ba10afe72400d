"""Who is told of a night: a follower in this terminal, a message to try the services, and a follower beside an engine in a terminal."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.shared import Failed, Usage, folder_of, run_folder_of, workspace_of

NOBODY = (
    'nobody is to be told anything: write `to = ["ntfy://TOPIC"]` under `[notify]` in autoresearch.toml, with a topic of your own;'
    " docs/notify.md shows other services"
)


def notify(options: argparse.Namespace) -> int:
    from autoresearch_tui.morning.notices.services import missing
    from autoresearch_tui.morning.notices.wishes import wishes_of
    from autoresearch_tui.settings import load

    wishes = wishes_of(load(folder_of(options), {}).settings, os.environ)
    if not wishes.services:
        raise Usage(NOBODY)
    if lacking := missing():
        raise Failed(lacking)
    return _test(wishes) if options.test else _follow(options, wishes)


def _test(wishes: Any) -> int:
    """One message to each; 1 if one did not arrive."""
    from autoresearch_tui.morning.notices.letter import Letter
    from autoresearch_tui.morning.notices.services import send
    from autoresearch_tui.terminal import say

    about = ", ".join(wishes.about)
    message = Letter("autoresearch-tui: this is a test", f"So you will hear of a night, about these: {about}.")
    failures = 0
    for service in wishes.services:
        why = send(service, message, wishes.only_here)
        failures += bool(why)
        say(f"NOT sent to {service.name}: {why}" if why else f"sent to {service.name}")
    return 1 if failures else 0


def _follow(options: argparse.Namespace, wishes: Any) -> int:
    from autoresearch_tui.lines import printable
    from autoresearch_tui.morning.notices.follower import follow
    from autoresearch_tui.morning.notices.memory import LOG, Followed
    from autoresearch_tui.terminal import say

    workspace, _ = workspace_of(options)
    run = run_folder_of(workspace, options.tag)
    say(f"telling {', '.join(one.name for one in wishes.services)} of {run.tag}: {', '.join(wishes.about)}. Ctrl+C ends it.")
    try:
        follow(workspace.folder, run.tag, lambda line: say(printable(line)), lambda: False)
    except Followed:
        raise Failed(f"somebody tells of {run.tag} already, as a detached run does by itself: {run.folder / LOG} says what.") from None
    say(f"no engine works on {run.tag}: nothing more will happen.")
    return 0


def warn_unheard(workspace: Path) -> None:
    """Somebody is to be told, and nothing is installed to do it: the night goes on without."""
    from autoresearch_tui.engine.keeper import named_in
    from autoresearch_tui.morning.notices.services import missing
    from autoresearch_tui.terminal import say

    if (lacking := missing()) and named_in(workspace):
        say(f"warning: {lacking}")


def followed(workspace: Path, tell: Callable[..., None]) -> Callable[..., None]:
    """The teller of an engine in a terminal, which starts a follower with the first engine that it tells of; a keeper has its own."""
    from autoresearch_tui.engine.keeper import named_in, start_follower
    from autoresearch_tui.journal.events import EngineStarted
    from autoresearch_tui.morning.notices.services import missing

    named = () if missing() else named_in(workspace)

    def told(recorded: Any, run: Any) -> None:
        tell(recorded, run)
        if named and isinstance(recorded.event, EngineStarted):
            start_follower(workspace, run.tag, named)

    return told
