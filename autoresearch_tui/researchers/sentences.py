"""What others say, made fit for a sentence of ours: words of a server, causes of an exception, names of models. Pure.

All of it is foreign text that ends on a screen and in the journal: one line, not too long, and without any key.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence

from autoresearch_tui.journal.text import clean_line

WORDS = 300  # characters of what a server says that are passed on
CAUSE = 200
NAME = 80
KEYS = re.compile(r"\b(sk-|Bearer +)[\w.~+/=-]{4,}")
HIDDEN = "(a key)"


def quoted(said: str, key: str = "", limit: int = WORDS) -> str:
    """A server's words, without the full stop that our own sentence has. Some servers repeat the key to whom they refuse."""
    return clean_line(without_keys(said, key), limit).rstrip(" .")


def without_keys(said: str, key: str = "") -> str:
    return KEYS.sub(HIDDEN, said.replace(key, HIDDEN) if key else said)


def cause(error: BaseException, key: str = "") -> str:
    """The deepest one that has words: `connection refused` says more than `Connection error.`"""
    import ssl  # it takes a while, and most nights nothing breaks

    said = ""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, BaseExceptionGroup):  # one for each address of a name
            at = at.exceptions[0]
        if isinstance(at, OSError) and at.errno and at.errno > 0 and not isinstance(at, ssl.SSLError):  # whose numbers are its own
            return os.strerror(at.errno).lower()
        said = str((at.strerror if isinstance(at, OSError) else None) or at) or said
        at = at.__cause__ or at.__context__
    return quoted(said, key, CAUSE) or type(error).__name__


def offered(wanted: str, models: Sequence[str], most: int = 5) -> str:
    """What there is, the likeliest to be meant first; nothing if there is none."""
    near = difflib.get_close_matches(wanted, models, most, 0.3)
    shown = [*near, *(one for one in models if one not in near)][:most]
    more = len(models) - len(shown)
    return ", ".join(clean_line(one, NAME) for one in shown) + (f" and {more} more" if more else "")
