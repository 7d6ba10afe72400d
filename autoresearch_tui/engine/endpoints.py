"""What was learned of servers that speak OpenAI's protocol each in their own way, kept for the next night of this workspace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from autoresearch_tui.researchers import Researcher

if TYPE_CHECKING:  # most nights have none of these, and an engine should start at once
    from autoresearch_tui.researchers.openai import OpenAI
    from autoresearch_tui.researchers.quirks import Quirks


def known(path: Path) -> dict[str, Quirks]:
    """By address and model; none where the file is not there or cannot be read, for it only saves a few requests."""
    from autoresearch_tui.researchers.quirks import Quirks

    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Quirks])
    except (OSError, msgspec.MsgspecError):
        return {}


def remind(path: Path, researchers: Iterable[Researcher]) -> None:
    """Tell each what was learned of its endpoint."""
    if odd := _of_this_kind(researchers):
        kept = known(path)
        for one in odd:
            one.quirks = kept.get(_endpoint(one), one.quirks)


def keep(path: Path, researchers: Iterable[Researcher]) -> None:
    """Write down what was learned, whole or not at all; a disk that is full forgets it."""
    learned = {_endpoint(one): one.quirks for one in _of_this_kind(researchers)}
    if not learned:
        return
    before = known(path)
    if (after := before | learned) != before:
        aside = path.with_suffix(".new")
        with contextlib.suppress(OSError):
            aside.write_bytes(msgspec.json.encode(after))
            aside.replace(path)


def _of_this_kind(researchers: Iterable[Researcher]) -> list[OpenAI]:
    return [cast("OpenAI", one) for one in researchers if hasattr(one, "quirks")]


def _endpoint(one: OpenAI) -> str:
    return f"{one.base} {one.model}"
