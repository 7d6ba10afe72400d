"""A room for a program: a folder it may write, a view of this machine, and a sandbox that keeps it to that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from autoresearch_tui.engine.sandbox import KINDS, Sandbox
from autoresearch_tui.engine.view import View, machine

EITHER = [pytest.param(kind, marks=pytest.mark.needs(kind)) for kind in KINDS]
FINDS = """
import json

def found(attempt):
    try:
        return str(attempt())
    except OSError as error:
        return type(error).__name__
"""
"""Before a source that tries things: what came of one, in a word."""


class Room:
    """Where a program is contained."""

    def __init__(self, folder: Path, kind: str, python: str = sys.executable) -> None:
        self.folder = folder / "room"
        self.temporary = folder / "temporary"
        for one in (self.folder, self.temporary):
            one.mkdir(parents=True)
        self.python = python
        self.view = View(machine(Path(python)), (self.folder, self.temporary), temporary=self.temporary)
        self.environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
        self.sandbox = sandbox(kind)

    def see(self, *read: Path, hidden: tuple[Path, ...] = ()) -> None:
        """More of the machine."""
        self.view = replace(self.view, read=self.view.read + read, hidden=self.view.hidden + hidden)

    def command(self, source: str) -> tuple[str, ...]:
        (self.folder / "train.py").write_text(FINDS + source)
        return self.sandbox.wrap((self.python, "train.py"), self.view, self.folder)

    def run(self, source: str, before: tuple[str, ...] = (), **how: Any) -> subprocess.CompletedProcess[str]:
        """This source, to its end; with other words before the sandbox's if somebody else is to start it."""
        environment = self.environment | self.sandbox.environment(self.view)
        line = (*before, *self.command(source))
        return subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False, **how)

    def told(self, source: str, **how: Any) -> Any:
        """What a source that ends well printed as JSON."""
        done = self.run(source, **how)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def sandbox(kind: str) -> Sandbox:
    found = KINDS[kind].find()
    assert not isinstance(found, str), found
    return found
