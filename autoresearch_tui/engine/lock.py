"""One engine per workspace: a lock that the kernel takes back when its holder dies, with the holder's name in it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Locked(Exception):
    """Another engine works here: one sentence."""


@contextmanager
def engine_lock(path: Path, tag: str, said: str = "") -> Iterator[None]:
    """`said`: what others are told who want it meanwhile, where it is not a run that works here."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(_said(os.pread(descriptor, 1000, 0))) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "tag": tag, "said": said}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _said(content: bytes) -> str:
    try:
        holder = json.loads(content)
        if said := holder.get("said"):
            return f"{said}, pid {holder['pid']}: wait for its end, or end it with Ctrl+C."
        return (
            f"an engine works here already: run {holder['tag']}, pid {holder['pid']}."
            " `autoresearch-tui status` shows it, `autoresearch-tui send stop` ends it."
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return "an engine works here already: `autoresearch-tui status` shows it."
