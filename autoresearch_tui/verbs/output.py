"""Where what was made goes: which form is meant, how wide a terminal is, a file that is written whole or not at all."""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from autoresearch_tui.verbs.shared import Usage

NARROWEST, WIDEST, USUAL = 40, 120, 80  # columns of text


def form_of(options: argparse.Namespace, forms: Mapping[str, str]) -> str:
    """As it was said, else by the name of the file; `forms` has them by the ending of a name."""
    if options.format:
        return str(options.format)
    if options.output is None or str(options.output) == "-":
        return "text"
    ending = options.output.suffix.lower()
    if ending not in forms:
        *some, last = [ending for at, ending in enumerate(forms) if list(forms.values()).index(forms[ending]) == at]  # no second name
        raise Usage(f"what is {options.output.name!r} to be? Name it {', '.join(some)} or {last}, or say `--format`")
    return forms[ending]


def file_of(named: Path | None) -> Path | None:
    """The file that is written, behind a link that leads to it; None: standard output."""
    if named is None or str(named) == "-":
        return None
    path = named.expanduser().resolve()
    if path.exists() and not path.is_file():
        raise Usage(f"{named} is no file, and is left as it is; `-o -` writes to standard output")
    if not path.parent.is_dir():
        raise Usage(f"there is no folder {path.parent} to write {path.name} into: make it first")
    return path


def columns(output: Path | None) -> int:
    """Of the terminal, or as COLUMNS says; else what everybody has room for."""
    if output is not None:
        return USUAL
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size((USUAL, 0)).columns))


def wrapped(text: str) -> str:
    """Each line as wide as the terminal, what is left of it indented below; a command or a path is left whole."""
    fills = textwrap.TextWrapper(columns(None), subsequent_indent=" " * 6, break_on_hyphens=False, break_long_words=False)
    return "\n".join(map(fills.fill, text.split("\n")))


def deliver(made: bytes, output: Path | None) -> None:
    """Into the file, or onto standard output: bytes as they are, but what this terminal cannot show of a text is replaced."""
    if output is not None:
        write_whole(output, made)
        print(f"{output} is written.")
    elif sys.stdout.isatty():
        sys.stdout.write(made.decode())
        sys.stdout.flush()
    else:
        sys.stdout.buffer.write(made)
        sys.stdout.flush()


def write_whole(path: Path, made: bytes) -> None:
    """All of it or none: written aside, flushed, renamed; with the permissions of the file that it replaces."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("xb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            aside.chmod(stat.S_IMODE(path.stat().st_mode))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
