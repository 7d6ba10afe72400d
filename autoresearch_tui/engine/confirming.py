"""Does a night's gain hold when there is more time to train? A workspace with a longer budget, and a run in it that searches nothing.

Owns that workspace: the files of the night's first commit with another budget, and the first fact of its run, which names the code that is
to be confirmed. Anything further is as in any other run: its trials are contained and judged, it goes on after a kill, and is
shown like one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from autoresearch_tui import tomlfile
from autoresearch_tui.engine import opening
from autoresearch_tui.engine.ground import make_ground
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.opening import Asked
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, Writer
from autoresearch_tui.settings import load
from autoresearch_tui.workspace import Workspace, WorkspaceError, hide, is_bundled_harness, open_workspace

TAG = "confirm"
LONGER = 4.0  # times the night's budget, where nobody says otherwise
BUDGETS = (
    ("profile.toml", r"(?m)^budget_seconds\s*=.*$", "budget_seconds = {}"),
    ("prepare.py", r"(?m)^TIME_BUDGET\s*=.*$", "TIME_BUDGET = {}"),
)
"""Where a budget is written, and how."""
OF_MACHINE = ("sandbox", "gpu", "disk", "cost", "privacy")
"""Sections of the settings that say where it is trained, and not what."""


def make(folder: Path, run: Run, git: Path, workspace: Path | None, budget_s: float, repeats: int) -> None:
    """The workspace, whole or not at all, for it is made beside its place; then the first fact of its run, if it is not there yet.

    `git` has the night's commits, `workspace` is where it was spent.
    """
    if run.tip in (None, 0) or run.tip not in run.experiments:
        raise WorkspaceError(f"{run.tag} kept no change: there is nothing to confirm.")
    lineage = Lineage(git, run.tag, run.edit)
    source = lineage.read(run.experiments[run.tip].commit, run.edit).decode("utf-8", "surrogateescape")
    if not folder.exists():
        message = f"The beginning of {run.tag}, with {budget_s:g} s of training"
        make_ground(folder, lineage, run.start, message, lambda aside: _furnish(aside, run, workspace, budget_s))
    _begin(opened(folder), run, source, repeats)


def _furnish(folder: Path, run: Run, workspace: Path | None, budget_s: float) -> None:
    _lengthen(folder, budget_s)
    (folder / "autoresearch.toml").write_text(_settings(run, workspace, is_bundled_harness(folder)), encoding="utf-8")


def opened(folder: Path) -> Workspace:
    return open_workspace(folder, load(folder, {}).settings)


def _lengthen(folder: Path, budget_s: float) -> None:
    for name, line, instead in BUDGETS:
        file = folder / name
        if file.is_file() and re.search(line, text := file.read_text(encoding="utf-8")):
            file.write_text(re.sub(line, instead.format(f"{budget_s:g}"), text, count=1), encoding="utf-8")
            return
    raise WorkspaceError(
        "neither profile.toml nor prepare.py of this night says how long a training takes (budget_seconds, TIME_BUDGET):"
        " only who wrote it can give it more time."
    )


def _settings(run: Run, workspace: Path | None, bundled: bool) -> str:
    """What the night's own settings say of its training and of this machine; nobody proposes anything."""
    document = tomlfile.read(workspace / "autoresearch.toml") if workspace else None
    given = document.tables if document else {}
    experiment: dict[str, Any] = {name: value for name, value in given.get("experiment", {}).items() if not name.endswith("_s")}
    experiment |= {"edit": run.edit, "metric": run.metric, "goal": run.goal}
    if workspace and not bundled and not experiment.get("train"):
        experiment["train"] = list(opened(workspace).train)  # of the project there, with what is installed for it
    sections = {"run": {"researcher": "sweep", "seed": run.seed}, "experiment": experiment}
    sections |= {name: given[name] for name in OF_MACHINE if name in given}
    return "\n".join(f"[{name}]\n{_table(table)}" for name, table in sections.items())


def _table(table: dict[str, Any]) -> str:
    """Numbers, words and lists of words are the same in JSON."""
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in table.items())


def _begin(workspace: Workspace, run: Run, source: str, repeats: int) -> None:
    """The first fact of the run: from here on any engine goes on with it."""
    lineage = Lineage(workspace.folder, TAG, workspace.edit)
    hide(workspace, lineage.repository.common_dir / "info" / "exclude")
    folder = workspace.run(TAG)
    settings = load(workspace.folder, {}).settings
    if folder.journal.exists():
        with Journal(folder.journal) as journal:
            if journal.refresh().tag:
                return
    started, *others = opening.begin(workspace, lineage, folder, settings, Asked(tag=TAG))
    assert isinstance(started, e.RunStarted)
    with Writer(folder.journal) as journal:
        journal.append(replace(started, confirms=run.tag, chosen=run.tip, blob=lineage.write_blob(source), repeats=repeats), *others)
