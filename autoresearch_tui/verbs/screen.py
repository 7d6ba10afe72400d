"""What opens the screen: the bare form, and a replay."""

from __future__ import annotations

import argparse
from pathlib import Path

from autoresearch_tui.verbs.shared import Usage, folder_of, run_folder_of, theme_of, workspace_of

REPLAY_SPEED, SAMPLE_SPEED = 60.0, 5.0


def open(options: argparse.Namespace) -> int:
    """The screen: the run that is live, else the newest, else the welcome. Where nobody sits, the lines of the run."""
    from autoresearch_tui.cockpit.terminal import has_terminal

    folder = folder_of(options)
    if not folder.exists():
        raise Usage(f"there is neither a command nor a folder {options.folder}: `autoresearch-tui --help` lists the commands.")
    if not has_terminal() and not options.in_browser:
        return _follow(options)
    return screen(folder, options)


def _follow(options: argparse.Namespace) -> int:
    """The lines of a run as they come, or up to its end."""
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.status import as_text
    from autoresearch_tui.terminal import follow, works

    workspace, _ = workspace_of(options)
    with Journal(run_folder_of(workspace, options.tag).journal) as journal:
        follow(journal)
        state = journal.refresh()
    print(as_text(state, works(state)))
    return 0


def screen(folder: Path, options: argparse.Namespace) -> int:
    """The cockpit on a folder, which may hold no run yet, or be no workspace; in such a one there is nothing to watch."""
    from autoresearch_tui.cockpit.terminal import require_terminal

    view, in_browser = getattr(options, "watch", False), getattr(options, "in_browser", False)
    if not in_browser:
        require_terminal()
    from autoresearch_tui.cockpit.live import LiveNight
    from autoresearch_tui.cockpit.opening import show
    from autoresearch_tui.workspace import WorkspaceError

    try:
        workspace, settings = workspace_of(options)
    except WorkspaceError:
        if options.tag or view:
            raise
        return show(folder, None, theme_of(folder, options), in_browser=in_browser)
    if not options.tag and not view and not workspace.runs():
        return show(folder, None, settings.screen.theme, in_browser=in_browser)
    night = LiveNight(run_folder_of(workspace, options.tag), workspace.folder, view=view)
    return show(folder, night, settings.screen.theme, view, in_browser)


def replay(options: argparse.Namespace) -> int:
    """A night again, on the screen; the sample needs no workspace, no torch and no card."""
    from autoresearch_tui.cockpit.terminal import require_terminal

    require_terminal()
    from autoresearch_tui.cockpit.opening import show
    from autoresearch_tui.cockpit.replay import ReplayedNight
    from autoresearch_tui.finding import found
    from autoresearch_tui.packed import SAMPLE

    speed = options.speed if options.speed is not None else SAMPLE_SPEED if options.sample else REPLAY_SPEED
    with found(str(SAMPLE) if options.sample else options.run, folder_of(options)) as night:
        return show(night.workspace, ReplayedNight(night.folder, night.git, speed), theme_of(Path.cwd(), options))
