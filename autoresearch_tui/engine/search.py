"""Which kind of move is asked for, and from where. Pure.

The first simple one: always a tuned knob, always from the tip of the trunk.
"""

from __future__ import annotations

import msgspec

from autoresearch_tui.journal.state import Run


class Move(msgspec.Struct, frozen=True):
    operator: str
    parent: int


def next_move(run: Run) -> Move:
    assert run.tip is not None, "the baseline comes first"
    return Move("tune", run.tip)
