"""What was learned of servers that speak OpenAI's protocol each in their own way, kept for the next night of this workspace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from autoresearch_tui.researchers import Researcher
from autoresearch_tui.researchers.openai import OpenAI
from autoresearch_tui.researchers.quirks import Quirks

Known = dict[str, Quirks]


def known(path: Path) -> Known:
    """By address and model; none where the file is not there or cannot be read, for it only saves a few requests."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known)
    except (OSError, msgspec.MsgspecError):
        return {}


def remind(path: Path, researchers: Iterable[Researcher]) -> None:
    """Tell each what was learned of its endpoint."""
    kept = known(path)
    for one in researchers:
        if isinstance(one, OpenAI):
            one.quirks = kept.get(_endpoint(one), one.quirks)


def keep(path: Path, researchers: Iterable[Researcher]) -> None:
    """Write down what was learned, whole or not at all; a disk that is full forgets it."""
    before = known(path)
    after = before | {_endpoint(one): one.quirks for one in researchers if isinstance(one, OpenAI) and one.quirks != Quirks()}
    if after != before:
        aside = path.with_suffix(".new")
        with contextlib.suppress(OSError):
            aside.write_bytes(msgspec.json.encode(after))
            aside.replace(path)


def _endpoint(one: OpenAI) -> str:
    return f"{one.base} {one.model}"
