"""What makes a workspace and what belongs in it: `new`, `prepare`, and `demo`, which begins a run there too."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.running import run
from autoresearch_tui.verbs.screen import screen
from autoresearch_tui.verbs.shared import FLAGS, Usage, folder_of, workspace_of

DEMO_EXPERIMENTS = 6


def new(options: argparse.Namespace) -> int:
    from autoresearch_tui import workspace

    folder = folder_of(options)
    workspace.make(folder, options.profile or "auto")
    there = shlex.quote(str(folder))
    data = "" if workspace.is_prepared(folder) else f"`autoresearch-tui prepare {there}` gets the data, "
    print(f"{folder} is a workspace. Next: {data}`autoresearch-tui run {there}` begins a run.")
    return 0


def prepare(options: argparse.Namespace) -> int:
    from autoresearch_tui.workspace import dataset_of

    workspace, settings = workspace_of(options)
    dataset = options.dataset or dataset_of(workspace.folder)
    if settings.privacy.local_only is True and dataset in ("climbmix", "tinystories"):
        raise Usage(f"{dataset} is downloaded, and `[privacy] local_only` is true: take `--dataset python`, or a folder of texts")
    _get_data(workspace.folder, ["--dataset", options.dataset] if options.dataset else [])
    return 0


def _get_data(folder: Path, arguments: list[str]) -> None:
    import subprocess

    from autoresearch_tui.privacy import scrubbed

    if not (folder / "prepare.py").is_file():
        raise Usage(f"{folder} has no prepare.py")
    environment = scrubbed(os.environ, proxies=True)  # it downloads
    if code := subprocess.run([sys.executable, "prepare.py", *arguments], cwd=folder, env=environment).returncode:
        sys.exit(code)


def demo(options: argparse.Namespace) -> int:
    from autoresearch_tui import workspace
    from autoresearch_tui.cockpit.terminal import has_terminal

    folder = folder_of(options, Path("autoresearch-demo"))
    if not (folder / "train.py").exists():
        workspace.make(folder, options.profile or "demo")
        print(f"{folder} is a workspace with the profile {options.profile or 'demo'}", flush=True)
    elif not (folder / ".git").exists() and workspace.is_bundled_harness(folder):
        workspace.commit_all(folder)  # it was killed before it came to that
    if not workspace.is_prepared(folder):
        _get_data(folder, [])
    options.dir = folder
    if options.experiments is None and not (options.hours or options.until):
        options.experiments = _some_more(folder)
    if options.headless or not has_terminal():
        return run(options)
    return _demo_on_screen(folder, options)


def _demo_on_screen(folder: Path, options: argparse.Namespace) -> int:
    """The engine in the background, and the screen before it: who leaves the screen ends nothing."""
    from autoresearch_tui.cockpit.terminal import require_terminal
    from autoresearch_tui.terminal import detach, works

    require_terminal()
    workspace, _ = workspace_of(options)
    found = workspace.runs()
    if not (found and works(_state(found[-1]))):
        given = {**{name: getattr(options, name) for name in FLAGS if name != "theme"}, "tag": options.tag, "from": options.origin}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
        if code := detach(workspace, [str(folder), *words]):
            return code
    return screen(folder, options)


def _state(folder: Any) -> Any:
    from autoresearch_tui.journal.store import Journal

    with Journal(folder.journal) as journal:
        return journal.refresh()


def _some_more(folder: Path) -> int:
    """Where a demo stops: a newcomer sees an end soon, and asking again goes on from there."""
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.settings import load
    from autoresearch_tui.workspace import open_workspace

    runs = open_workspace(folder, load(folder, {}).settings).runs()
    if not runs:
        return DEMO_EXPERIMENTS
    with Journal(runs[-1].journal) as journal:
        done = sum(one.settled for one in journal.refresh().experiments.values())
    return DEMO_EXPERIMENTS * (1 + done // DEMO_EXPERIMENTS)
