"""A packed night of this machine as one of somebody else's, with all that was said and written in it."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from autoresearch_tui.packed.form import BUNDLE, JOURNAL


def renamed(packed: Path, target: Path, names: Mapping[str, str]) -> None:
    """The same night with other names in its texts; the longest is replaced first. Its commits hold none."""
    longest_first = sorted(names.items(), key=lambda pair: -len(pair[0]))
    with TemporaryDirectory() as home, zipfile.ZipFile(packed) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == JOURNAL:
                content = _journal(content, Path(home) / JOURNAL, longest_first)
            elif member.filename != BUNDLE:
                for name, instead in longest_first:
                    content = content.replace(name.encode(), instead.encode())
            copy.writestr(member, content, compresslevel=9)


def _journal(content: bytes, file: Path, names: list[tuple[str, str]]) -> bytes:
    file.write_bytes(content)
    with closing(sqlite3.connect(file)) as connection:
        for name, instead in names:
            for table in ("event", "sample"):
                connection.execute(f"UPDATE {table} SET body = replace(body, ?, ?)", (name, instead))
        connection.commit()
        connection.execute("VACUUM")
    return file.read_bytes()
