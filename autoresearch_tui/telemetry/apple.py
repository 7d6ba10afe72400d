"""What a Mac says of its GPU without root: that it is there, and whose memory it shares."""

from __future__ import annotations

import os
import platform
import subprocess
import time

from autoresearch_tui.telemetry.sample import Absent, Sample

ROOTS = "a Mac tells it to root alone"
UNTOLD = ("util", "memory_used", "power_w", "power_limit_w", "temperature_c", "sm_mhz", "sm_mhz_max", "energy_j", "throttle", "processes")


class AppleCard:
    """The GPU of this Mac's own chip."""

    def __init__(self, which: str = "") -> None:
        if platform.system() != "Darwin" or platform.machine() != "arm64":
            raise Absent  # nobody on another machine misses it
        self.name = _chip()

    def close(self) -> None:
        """Nothing was opened."""

    def read(self) -> Sample:
        return Sample(
            time.time(),
            name=self.name,
            memory_total=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            unified=True,
            source="apple",
            said="A Mac tells the load of its GPU to root alone (`sudo powermetrics`); what a training took is in its log.",
            why=dict.fromkeys(UNTOLD, ROOTS),
        )


def _chip() -> str:
    asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, timeout=5)
    return asked.stdout.strip() or "Apple GPU"
