"""The morning: `report`, in the form that is asked for, on the terminal or in a file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.output import columns, deliver, file_of, form_of
from autoresearch_tui.verbs.shared import Failed, Usage, folder_of

FORMS = {".txt": "text", ".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".json": "json", ".png": "png"}


def report(options: argparse.Namespace) -> int:
    import gc

    gc.disable()  # of ten thousand experiments nothing is garbage, and this process ends before it could matter
    form, output = form_of(options, FORMS), file_of(options.output)
    if form == "png" and output is None and sys.stdout.isatty():
        raise Usage("a picture is nothing for a terminal: `-o night.png` writes it to a file")
    deliver(_made(_account(options), form, output), output)
    return 0


def _account(options: argparse.Namespace) -> Any:
    from autoresearch_tui.finding import found, is_table
    from autoresearch_tui.morning.accounting import account_of
    from autoresearch_tui.morning.reading import read, read_table

    if is_table(options.run):
        return account_of(read_table(Path(options.run).expanduser(), options.sigma))
    if options.sigma is not None:
        raise Usage("`--sigma` is for a results.tsv, which does not know it; a run measures its own")
    with found(options.run, folder_of(options)) as night:
        return account_of(read(night, options.run))


def _made(account: Any, form: str, output: Path | None) -> bytes:
    if form == "png":
        from autoresearch_tui.morning.forms.charts import as_png
        from autoresearch_tui.morning.forms.sheet import Unavailable

        try:
            return as_png(account)
        except Unavailable as error:
            raise Failed(str(error)) from None
    return _text(account, form, output).encode("utf-8", "replace")


def _text(account: Any, form: str, output: Path | None) -> str:
    if form == "html":
        from autoresearch_tui.morning.forms.page import as_page

        return as_page(account)
    if form == "md":
        from autoresearch_tui.morning.forms.markdown import as_markdown

        return as_markdown(account)
    if form == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode(account)).decode() + "\n"
    from autoresearch_tui.morning.forms.text import as_text

    return as_text(account, columns(output), bold=output is None and _shows_bold()) + "\n"


def _shows_bold() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in (None, "", "dumb")
