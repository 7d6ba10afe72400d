"""`doctor`: what is missing on this machine, and the command that mends it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from autoresearch_tui.verbs.shared import Usage, folder_of

WIDTH = 80  # where nobody says how wide it is


def doctor(options: argparse.Namespace) -> int:
    """Exit 1 if no run could start."""
    from autoresearch_tui.doctor.machine import examine

    folder = folder_of(options)
    if folder.exists() and not folder.is_dir():
        raise Usage(f"{folder} is a file: name a folder, or none for the one where you are")
    with _patience(told=not options.json):
        examined = examine(folder, os.environ)
    if options.json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(examined)).decode())
    else:
        from autoresearch_tui.doctor.showing import as_text

        print(as_text(examined, shutil.get_terminal_size((WIDTH, 24)).columns, coloured=_has_colours()))
    return _leave(0 if examined.could_start else 1)


@contextmanager
def _patience(told: bool) -> Iterator[None]:
    """To load torch takes a while: meanwhile a line says so to whoever sits there."""
    shown = told and sys.stderr.isatty()
    if shown:
        print("looking at this machine ..", end="", flush=True, file=sys.stderr)
    try:
        yield
    finally:
        if shown:
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)


def _leave(code: int) -> int:
    """A driver that hangs would hold this process at its end: what still waits for one is left behind."""
    if threading.active_count() > 1:
        sys.stdout.flush()
        os._exit(code)
    return code


def _has_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
