"""The names of files that an edit gives, and that there is one file which it may change. Nothing here touches a disk."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from autoresearch_tui.proposals.unusable import Unusable

LABEL = re.compile(r"(?i)(?:in |file ?name|file|path)\s?:?\s?(?=\S)")
SUFFIXES = "py|pyi|ipynb|md|txt|toml|tsv|csv|json|jsonl|ya?ml|cfg|ini|sh|lock|pt|orig|bak"
FILE = re.compile(rf"(?:[~.\w-]*[/\\])*[\w.-]+\.(?:{SUFFIXES})|(?:/|~/|\.\./)[\w./\\-]+")
LONGEST = 200


def file_named(line: str) -> str:
    """The file that a line names, if it says nothing else: `train.py`, `### train.py`, `File: a/train.py`; else nothing."""
    if len(line) > LONGEST:
        return ""
    name = line.strip().lstrip("#*>-").strip().strip("`*\"'").rstrip(":").strip("`*\"'")
    if label := LABEL.match(name):
        name = name[label.end() :].strip("`*\"' ")
    return name if FILE.fullmatch(name) else ""


def file_in_header(text: str) -> str:
    """The file of a diff's `---` or `+++` line, without git's `a/` and `b/` and whatever stands behind it."""
    words = text.split(None, 1)
    name = words[0].strip("\"'`") if words else ""
    if name == "/dev/null":
        raise Unusable("The edit makes or deletes a whole file; it may only change the lines of the one that is there.", "frozen")
    return file_named(name[2:] if name[:2] in ("a/", "b/") else name)


def refuse_others(file: str, edited: str) -> None:
    """Raises Unusable unless this is the file that experiments edit."""
    plain = file.replace("\\", "/").removeprefix("./")
    if plain not in (edited, PurePosixPath(edited).name):
        raise Unusable(f"The edit names {file}: only {edited} may be changed; whatever else there is stays as it is.", "frozen")
