"""Where a bug of the screen is written down: a person gets a sentence, whoever mends it the traceback."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

MOST = 2**20  # bytes of the file; then it begins anew


def write_down(trace: str) -> str:
    """Where it stands now, for a sentence."""
    from platformdirs import user_log_path

    file: Path = user_log_path("autoresearch-tui") / "screen.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = os.O_TRUNC if file.exists() and file.stat().st_size > MOST else os.O_APPEND
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | mode, 0o600), "w", encoding="utf-8", errors="replace") as log:
            log.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}\n{trace}\n")
    except OSError:
        return "and could not be written down"
    return f"its traceback is in {file}"
