"""Python text, parsed and never run, by one thread at a time.

In CPython before 3.11.8 and 3.12.2 two threads that parse at once count one depth together, and one of them fails with a SystemError. And
what silences the parser's warnings is every thread's.
"""

from __future__ import annotations

import ast
import contextlib
import threading
import warnings
from collections.abc import Iterator

_alone = threading.Lock()


def parsed(source: str) -> ast.Module:
    with silence():
        return ast.parse(source)  # noqa: TID251


def parsed_expression(source: str) -> ast.expr:
    with silence():
        return ast.parse(source, mode="eval").body  # noqa: TID251


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """An odd escape in somebody's string is a warning of the parser, and no line on our terminal."""
    with _alone, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
