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

from autoresearch_tui.privacy import scrubbed

RESTARTS = 5
WITHIN_S = 3600.0
MEANT = (0, 1, 2)  # exit codes of an engine that ended because it wanted to, or said in a sentence why it could not go on


def keep(engine: Callable[[str], Sequence[str]], ready: int) -> int:
    """Run `engine(after)` until it ends in good order; through the descriptor `ready` the first that works says so."""
    staying_awake = stay_awake()
    deaths: list[float] = []
    ended: list[int] = []
    after = ""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: object) -> None:
        ended.append(number)
        if child and child.poll() is None:
            child.send_signal(signal.SIGTERM)
        else:
            sys.exit(0)  # between two engines

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            child = subprocess.Popen(engine(after), stdin=subprocess.DEVNULL, pass_fds=(ready,))
            code = child.wait()
            if code in MEANT or ended:
                return code
            deaths.append(time.monotonic())
            if len(deaths) > RESTARTS:  # patience: the oldest of them must be an hour ago
                time.sleep(max(0.0, deaths.pop(0) + WITHIN_S - time.monotonic()))
            time.sleep(min(60.0, 2.0 ** (len(deaths) - 1) - 1))
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
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, env=scrubbed(os.environ) | _bus(), stdin=nothing, stdout=nothing, stderr=nothing)


def _bus() -> dict[str, str]:
    """Where the system listens for such a wish."""
    names = ("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
    return {name: os.environ[name] for name in names if name in os.environ}


def main(lock: str, ready: str, *arguments: str) -> int:
    """Keep `autoresearch-tui run ARGUMENTS`; a restart goes on with the run that the lock names."""

    def engine(after: str) -> list[str]:
        command = [sys.executable, "-P", "-m", "autoresearch_tui", "run", *arguments, "--ready", ready]
        return [*command, "--after", after, *_same_run(Path(lock))] if after else command

    return keep(engine, int(ready))


def _same_run(lock: Path) -> list[str]:
    """The run of the engine that died, by the lock that it left; nothing if it died before it had one."""
    try:
        return ["--tag", str(json.loads(lock.read_text())["tag"]), "--from", ""]
    except (OSError, ValueError, KeyError, TypeError):
        return []


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
