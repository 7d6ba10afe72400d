"""The editor of whoever sits here, on program.md; what they change there the next draft reads."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from textual.app import App, SuspendNotSupported


def edit(app: App[int], file: Path) -> str:
    """Give the terminal to the editor until it ends; a sentence where that cannot be."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(named)
    except ValueError as error:
        return f"EDITOR is no command: {named} ({error})."
    if not words or shutil.which(words[0]) is None:
        return f"there is no editor {named}: set EDITOR and open the screen again."
    try:
        with app.suspend():
            code = subprocess.run([*words, str(file)]).returncode
    except SuspendNotSupported:
        return f"this terminal cannot be lent to an editor: edit {file} elsewhere."
    except OSError as error:
        return f"{words[0]} does not start: {error.strerror}."
    return f"{words[0]} ended with {code}." if code else ""
