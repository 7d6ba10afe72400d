"""What the groups of processes that this one lives in may use (cgroups, as of version 2): a container has its limits there.

Owns where these limits stand. Does not own what of them is used when (`cpu.py`).
"""

from __future__ import annotations

from pathlib import Path


def numbers(path: Path) -> dict[str, int]:
    """Of a file of names and numbers."""
    return {name: int(number) for name, number in (line.split() for line in path.read_text().splitlines())}


def groups(proc: Path, root: Path) -> list[Path]:
    """The groups of processes that we live in, the innermost first: each may have a limit."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((Path(line[3:].lstrip("/")) for line in lines if line.startswith("0::")), None)
    return [] if own is None else [root / path for path in (own, *own.parents)]


def limit(group: Path) -> int:
    """Bytes of memory; 0: no limit."""
    try:
        return int((group / "memory.max").read_text())
    except (OSError, ValueError):  # none, or it says `max`
        return 0


def quota(group: Path) -> float:
    """Cores; 0: no limit."""
    try:
        most, period = (group / "cpu.max").read_text().split()
        return int(most) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # none, or it says `max`
        return 0.0
