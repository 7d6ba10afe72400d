"""Which modules a training can import, found without running it: what is missing is better said before a trial than after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from autoresearch_tui.workspace import Workspace


def importable(workspace: Workspace) -> frozenset[str] | None:
    """Names of top-level modules; None where nobody can tell which Python will train."""
    if workspace.train[0] == sys.executable:
        places = [Path(path) for path in sys.path if path]
    else:
        places = [path for path in workspace.folder.glob(".venv/lib/python3*/site-packages") if path.is_dir()]
        if Path(workspace.train[0]).name != "uv" or not places:
            return None
    return frozenset({*sys.stdlib_module_names, *(name for place in [workspace.folder, *places] for name in _modules(place))})


def _modules(place: Path) -> Iterator[str]:
    """A folder may be a package without saying so. What is installed for editing stands elsewhere, and says where, or at least its name."""
    try:
        entries = sorted(place.iterdir())
    except OSError:
        return
    for entry in entries:
        name = entry.name.partition(".")[0]
        if name.isidentifier() and (entry.suffix in (".py", ".so", ".pyd") or entry.is_dir()):
            yield name
        if entry.suffix == ".pth":
            yield from _added(entry)
        if entry.suffix == ".dist-info":
            yield from _lines(entry / "top_level.txt")


def _added(listing: Path) -> Iterator[str]:
    for line in _lines(listing):
        if not line.startswith(("#", "import ", "import\t")) and Path(line).is_dir():
            yield from _modules(Path(line))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line]
    except OSError:
        return []
