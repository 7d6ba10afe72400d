"""A TOML file that a person wrote: what it says and on which line, or the sentence for why it cannot be read.

What its keys mean is for whoever asked.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import msgspec

LARGEST = 64 * 1024  # bytes; more is another file with this one's name
BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
LONGEST = 80  # characters of a line in a sentence
UNQUOTED = re.compile(r"=\s*([^\s\"'#\[\]{}]{1,40})\s*(#.*)?$")
ENDS = ("]", "}", '"""', "'''")  # without one of these no statement of several lines is over: asking at each line takes seconds
POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class TomlError(Exception):
    """The file cannot be read: one sentence."""


class Document(msgspec.Struct, frozen=True):
    """What a file says."""

    tables: dict[str, Any]
    lines: dict[str, int]
    """The line where each `key`, `table` and `table.key` begins."""


def read(path: Path) -> Document | None:
    """The file; None where there is none."""
    content = _content(path)
    if content is None:
        return None
    if content.startswith(BYTE_ORDER_MARKS):
        raise TomlError(f"{path}:1: it begins with a byte order mark: save it as UTF-8 without one.")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TomlError(f"{path}:{line}: the byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8.") from None
    try:
        return Document(tomllib.loads(text), _lines(text))
    except tomllib.TOMLDecodeError as error:
        raise TomlError(_sentence(path, text, str(error))) from None
    except (ValueError, RecursionError):
        raise TomlError(f"{path}: its brackets nest too deeply, or a number has thousands of digits: write it anew.") from None


def _content(path: Path) -> bytes | None:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise TomlError(f"{path} is a folder: a file has to stand in its place.")
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for its other end
            raise TomlError(f"{path} is no ordinary file: put a text file in its place.")
        if status.st_size > LARGEST:
            raise TomlError(f"{path} holds {status.st_size} bytes, and at most {LARGEST} are read: it is hardly the file that was meant.")
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise TomlError(f"{path} is a link to {os.readlink(path)}, which is not there: mend or remove it.") from None
        return None
    except NotADirectoryError:
        return None
    except PermissionError:
        raise TomlError(f"{path} may not be read by you: change its permissions, or those of its folder.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise TomlError(f"{path} is a link that leads back to itself: remove it.") from None
        raise TomlError(f"{path} cannot be read: {error.strerror}.") from None


def _lines(text: str) -> dict[str, int]:
    """Statement by statement, for a statement is what is whole by itself: the parser decides where one ends, not a second one."""
    lines: dict[str, int] = {}
    header = statement = ""
    begun = 1
    for number, line in enumerate(text.split("\n"), start=1):
        statement += line + "\n"
        if (number > begun and not any(end in line for end in ENDS)) or not _is_toml(statement):
            continue
        if statement.lstrip().startswith("["):
            header = statement
        for table, value in tomllib.loads(statement if statement == header else header + statement).items():
            lines.setdefault(table, begun)
            for key in value if isinstance(value, dict) else ():
                lines.setdefault(f"{table}.{key}", begun)
        statement, begun = "", number + 1
    return lines


def _sentence(path: Path, text: str, reason: str) -> str:
    """The parser's reason with its place, the line as it stands there, and the commonest mend: texts want quotes."""
    rows = text.rstrip("\n").split("\n")
    place = POSITION.search(reason)
    number = int(place[1]) if place and place[1] else len(rows)
    row = rows[min(number, len(rows)) - 1].strip()
    reason = POSITION.sub("", reason)
    mended = UNQUOTED.sub(r'= "\1"', row)
    mend = f", but `{mended}` is" if mended.isprintable() and not _is_toml(row) and _is_toml(mended) else ""
    shown = row[:LONGEST] if row.isprintable() else ascii(row[:LONGEST])
    return f"{path}:{number}: `{shown}` is not TOML ({reason[:1].lower()}{reason[1:]}){mend}."


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
