"""Where the runs of a contest lie, and which there are: a workspace for each, below the runs of the workspace that they are about.

The folder's name is the run's tag. Who proposes in it stands in its settings, for no name can be read back from a tag.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from autoresearch_tui import tomlfile
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.settings import FILE
from autoresearch_tui.workspace import HIDDEN, RunFolder, Workspace

FOLDER = "bench"
FIRST = "first"
"""The run that trains the baseline, of which all others are copies."""
COMPANY = "company"
"""What trains beside it where slots share a processor, and goes when that is over."""
CONTROL = "sweep"
LONGEST = 40  # characters of a tag that are a researcher's


class Entry(msgspec.Struct, frozen=True):
    """One run of the contest."""

    folder: Path
    researcher: str
    repeat: int
    """From 1."""

    @property
    def tag(self) -> str:
        return self.folder.name

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.folder / HIDDEN / self.tag)

    @property
    def log(self) -> Path:
        """What its engines printed."""
        return self.folder / HIDDEN / "turns.log"


def home_of(workspace: Workspace) -> Path:
    return workspace.runs_folder / FOLDER


def first_of(home: Path) -> Entry:
    return Entry(home / FIRST, CONTROL, 0)


def company_of(home: Path, many: int) -> list[Entry]:
    return [Entry(home / f"{COMPANY}-{place}", CONTROL, 0) for place in range(1, many + 1)]


def entry_of(home: Path, researcher: str, repeat: int) -> Entry:
    """`ollama:qwen3.5:9b` is `ollama-qwen3.5-9b-1`; of what is too long, or no name, a few digits tell it apart."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", researcher.replace("..", "-")).strip("-._")
    if len(name) > LONGEST or re.search(r"[^A-Za-z0-9._:-]", researcher):
        name = f"{name[:LONGEST].strip('-._')}-{hashlib.sha256(researcher.encode()).hexdigest()[:6]}"
    return Entry(home / f"{name}-{repeat}", researcher, repeat)


def entries(home: Path) -> list[Entry]:
    """Those that are there, in order."""
    found = []
    for path in home.glob(f"*/{FILE}"):
        document = tomlfile.read(path)
        repeat = path.parent.name.rpartition("-")[2]
        researcher = document.tables.get("run", {}).get("researcher") if document else None
        if isinstance(researcher, str) and repeat.isdecimal() and not path.parent.name.startswith((".", COMPANY)):
            found.append(Entry(path.parent, researcher, int(repeat)))
    return in_order(found)


def in_order(some: Iterable[Entry]) -> list[Entry]:
    """By researcher, the control first, then as they are called; each once."""
    return sorted(set(some), key=lambda one: (one.researcher != CONTROL, one.researcher, one.repeat))


def state(entry: Entry) -> Run:
    """As its journal tells it; the empty run where it has none yet."""
    if not entry.run.journal.exists():
        return Run()
    with Journal(entry.run.journal) as journal:
        return journal.refresh()
