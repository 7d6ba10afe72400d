"""An engine with more slots than this machine has cores: `python -m tests.engine.places SLOTS ARGUMENT..`

The slots are the engine's own, with real processes; only which cores they compute on is left to the system.
"""

from __future__ import annotations

import sys

from autoresearch_tui.cli import main
from autoresearch_tui.engine import executors
from autoresearch_tui.engine.executors.devices import Device
from autoresearch_tui.journal import events as e


def places(count: int) -> list[Device]:
    """So many of one kind."""
    names = [f"cpu{place}" for place in range(count)] if count > 1 else [""]
    return [Device(e.Slot(name, "cpu of any number of cores")) for name in names]


if __name__ == "__main__":
    wanted = int(sys.argv[1])
    setattr(executors, "devices", lambda workspace, settings: places(wanted))  # noqa: B010
    main(sys.argv[2:])
