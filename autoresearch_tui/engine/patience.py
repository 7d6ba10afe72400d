"""What only time mends, and how long to wait before the next look at it. Pure.

Every step may be done again, so nothing is lost by waiting. Does not own who waits: the loop, or one slot of it (`controller.py`).
"""

from __future__ import annotations

import errno
from pathlib import Path

from autoresearch_tui.engine.processes import Unended
from autoresearch_tui.engine.sharing import Wedged
from autoresearch_tui.journal.store import JournalBusy

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
PATIENCE_S = 10.0  # between two looks at what only time mends
WEDGED_S = 300.0  # the same for a card, after a night of silence
ATTEMPTS = 30  # at a step that fails for no such reason: five minutes, as long as a disk may be away


def only_time_mends(error: Exception) -> bool:
    """A full disk; a journal that somebody else holds; a card or a process whose memory the next trial would miss."""
    return _is_full(error) or isinstance(error, Unended | Wedged | JournalBusy)


def may_not_be_written(error: Exception) -> bool:
    """The journal itself may be what has no space, or is held: that one waits is said, and not written down."""
    return _is_full(error) or isinstance(error, JournalBusy)


def spent(error: Exception, failures: int) -> bool:
    """It failed so often in a row that waiting is over."""
    return not only_time_mends(error) and failures > ATTEMPTS


def wait_s(error: Exception, failures: int) -> float:
    return min(WEDGED_S if isinstance(error, Wedged) else PATIENCE_S, 2.0 ** min(failures, 30))


def said(error: Exception, folder: Path) -> str:
    """Without a full stop."""
    return f"no space is left for {folder}" if _is_full(error) else str(error).rstrip(".")


def _is_full(error: Exception) -> bool:
    return getattr(error, "no_space", False) or getattr(error, "errno", None) in NO_SPACE
