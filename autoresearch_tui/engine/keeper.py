"""The parent of a detached engine: starts it again when it dies, and keeps the machine from sleeping meanwhile.

It knows nothing of runs: it runs our own command line, and reads how that ended. The engine does not need it and does not know it: a
keeper that is killed leaves a night that goes on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

RESTARTS = 5
WITHIN_S = 3600.0
MEANT = (0, 1, 2)  # exit codes of an engine that ended because it wanted to, or said in a sentence why it could not go on


def keep(engine: Callable[[str], Sequence[str]], ready: int) -> int:
    """Run `engine(after)` until it ends in good order; the descriptor `ready` is for the first one, to say that it works."""
    staying_awake = stay_awake()
    deaths: list[float] = []
    after = ""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: object) -> None:
        if child:
            child.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            child = subprocess.Popen(engine(after), stdin=subprocess.DEVNULL, pass_fds=(ready,) if not after else ())
            if not after:
                os.close(ready)
            code = child.wait()
            now = time.monotonic()
            deaths = [*(death for death in deaths if now - death < WITHIN_S), now]
            if code in MEANT or len(deaths) > RESTARTS:
                return code
            after = f"signal {-code}" if code < 0 else f"exit code {code}"
    finally:
        if staying_awake:
            staying_awake.terminate()
            staying_awake.wait()


def stay_awake() -> subprocess.Popen[bytes] | None:
    """Ask the system not to sleep as long as this process lives, where it can be asked."""
    pid = str(os.getpid())
    if shutil.which("caffeinate"):
        command = ["caffeinate", "-i", "-w", pid]
    elif shutil.which("systemd-inhibit"):
        wait = ["tail", "--pid", pid, "-f", os.devnull]
        command = ["systemd-inhibit", "--what=sleep:idle", "--who=autoresearch-tui", "--why=a night of training", *wait]
    else:
        return None
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main(lock: str, ready: str, *arguments: str) -> int:
    """Keep `autoresearch-tui run ARGUMENTS`; a restart goes on with the run that the lock names."""

    def engine(after: str) -> list[str]:
        command = [sys.executable, "-m", "autoresearch_tui", "run", *arguments]
        if not after:
            return [*command, "--ready", ready]
        return [*command, "--ready", "-1", "--after", after, "--tag", json.loads(Path(lock).read_text())["tag"]]

    return keep(engine, int(ready))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
