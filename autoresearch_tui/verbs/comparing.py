"""`compare`: several nights side by side, as text, as JSON or as a picture."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.output import columns, deliver, file_of, form_of
from autoresearch_tui.verbs.shared import Failed, Usage, folder_of

FORMS = {".txt": "text", ".json": "json", ".png": "png"}


def compare(options: argparse.Namespace) -> int:
    import gc

    gc.disable()  # of ten thousand experiments nothing is garbage, and this process ends before it could matter
    if len(options.runs) < 2:
        raise Usage(f"compare takes two nights or more: `autoresearch-tui report {options.runs[0]}` tells of one")
    form, output = form_of(options, FORMS), file_of(options.output)
    if form == "png" and output is None and sys.stdout.isatty():
        raise Usage("a picture is nothing for a terminal: `-o nights.png` writes it to a file")
    deliver(_made(_comparison(options), form, output), output)
    return 0


def _comparison(options: argparse.Namespace) -> Any:
    from autoresearch_tui.finding import found, is_table
    from autoresearch_tui.morning.compare.comparing import compare as compared
    from autoresearch_tui.morning.reading import read, read_table

    readings, places = [], []
    with ExitStack() as nights:
        for named in options.runs:
            path = Path(named).expanduser()
            if is_table(named):
                readings.append(read_table(path))
                places.append(path.absolute().parent.name)
            else:
                night = nights.enter_context(found(named, folder_of(options)))
                readings.append(read(night, named))
                places.append(night.workspace.name if night.workspace else path.absolute().parent.name)
        return compared(readings, places)


def _made(comparison: Any, form: str, output: Path | None) -> bytes:
    if form == "png":
        from autoresearch_tui.morning.compare.chart import as_png
        from autoresearch_tui.morning.forms.sheet import Unavailable

        try:
            return as_png(comparison)
        except Unavailable as error:
            raise Failed(str(error)) from None
    if form == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode(comparison)) + b"\n"
    from autoresearch_tui.morning.compare.text import as_text

    return as_text(comparison, columns(output)).encode("utf-8", "replace")
