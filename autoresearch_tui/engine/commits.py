"""What whoever trains and measures asks of the code: the files of a commit. Git answers at home, a bundle of files elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Commits(Protocol):
    """The files of the workspace, as commits have them."""

    def export(self, commit: str, folder: Path) -> None:
        """Put all of them into a folder of their own, made anew."""
        ...

    def read(self, commit: str, path: str) -> bytes:
        """One of them."""
        ...
