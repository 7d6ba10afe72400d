"""Journals as each release wrote them, and what it read in them. Every later version reads the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from autoresearch_tui.journal.store import Journal
from autoresearch_tui.status import as_json

HERE = Path(__file__).parent


def reading(journal: Journal) -> dict[str, Any]:
    """What this code makes of a journal."""
    return {
        "status": as_json(journal.refresh(), alive=False),
        "facts": [plain(recorded.event) for recorded in journal.events()],
        "commands": [plain(sent.wish) for sent in journal.commands()],
    }


def plain(value: Any) -> Any:
    """With every field, also where it has its default, and the name of each kind."""
    if isinstance(value, msgspec.Struct):
        return {"is": type(value).__name__} | {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value
