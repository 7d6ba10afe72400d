"""Where the commands of the pages are tried: the folders and files that they name, with a recorded night in them.

The night is the one that comes along. On the pages a night is called `nov20`, this one `sample`: that is the only word that is changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from autoresearch_tui.journal.store import Journal
from autoresearch_tui.packed import SAMPLE, opened
from tests.docs.commands import Command
from tests.docs.pages import ROOT
from tests.engine.nights import make_checkout, tui

CALLED, IS = "nov20", "sample"
REPLY = "<idea>a higher matrix LR</idea>\n<why>untuned</why>\n<edit>\nSET MATRIX_LR = 0.04\n</edit>\n"


def lay(folder: Path) -> Path:
    """Everything that a page names: `lab`, `autoresearch-demo`, packed nights, a table, a train.py and a reply."""
    lab = folder / "lab"
    with opened() as (run, git):
        with Journal(run.journal) as journal:
            start = journal.refresh().experiments[0].commit
        _git(folder, "init", "-q", "-b", "main", str(lab))
        _git(lab, "fetch", "-q", str(git), "+refs/*:refs/*")
        _git(lab, "reset", "-q", "--hard", start)
        for tag in (IS, "next"):
            shutil.copytree(run.folder, lab / ".autoresearch" / tag)
    with (lab / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write("/.autoresearch/\n/commits.bundle\n")
    with zipfile.ZipFile(SAMPLE) as packed:
        packed.extract("commits.bundle", lab)
    shutil.copytree(lab, folder / "autoresearch-demo")
    for name in ("anna.night", "ben.night"):
        shutil.copy(SAMPLE, folder / name)
    shutil.copy(ROOT / "tests" / "journal" / "nights" / "karpathy__autoresearch.tsv", folder / "results.tsv")
    shutil.copy(lab / "train.py", folder / "train.py")
    (folder / "reply.txt").write_text(REPLY)
    return folder


def words(command: Command) -> list[str]:
    return [word.replace(CALLED, IS) for word in command.words]


def lay_live(folder: Path) -> Path:
    """The same two workspaces, with trainings that take no time: what starts an engine is tried here."""
    lab = make_checkout(folder / "lab")
    tui(lab, "run", "--tag", IS, "--experiments", "6")
    subprocess.run(["git", "branch", "autoresearch/mar8"], cwd=lab, check=True)
    tui(lab, "pack", IS, "-o", str(lab / "anna.night"))
    shutil.copytree(lab, folder / "autoresearch-demo")
    return folder


def begins_in(folder: Path, command: Command) -> Path:
    """Where somebody would type this: beside what it names, else in the workspace. What it would write is not there yet."""
    given = words(command)
    if "-o" in given:
        (folder / given[given.index("-o") + 1]).unlink(missing_ok=True)
    return folder if any((folder / word).exists() for word in given if word != ".") else folder / "lab"


def environment(home: Path) -> dict[str, str]:
    """A person's who has nothing: no settings, no keys, no identity."""
    kept = ("PATH", "LANG", "TMPDIR", "AUTORESEARCH_DATA", "XDG_CACHE_HOME", "AUTORESEARCH_TUI_RUN_RESEARCHER", "COVERAGE_PROCESS_START")
    home.mkdir(exist_ok=True)
    return {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(home)}


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull})
