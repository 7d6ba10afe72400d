"""The one way in which a reply, an edit or its result is refused. Owns the kinds of it; the sentences are written where they are known."""

from __future__ import annotations

from typing import Literal

Kind = Literal["reply", "edit", "code", "same", "frozen"]
"""What is wrong: nothing to read; nothing that applies; no train.py that can run; nothing new; something that may not be touched."""


class Unusable(Exception):
    """A reply, an edit or its result that cannot be used, and why, in one sentence for whoever wrote it."""

    def __init__(self, why: str, kind: Kind = "edit", detail: str = "") -> None:
        super().__init__(why)
        self.kind = kind
        self.detail = detail
        """Several lines: the block that failed, and the nearest real lines."""
