"""The parent of a detached engine: starts it again when it dies, and keeps the machine from sleeping meanwhile.

It knows nothing of runs: it runs our own command line, and reads how that ended. The engine does not need it and does not know it: a
keeper that is killed leaves a night that goes on. It starts the follower too, which tells people what happens (`morning/notices/`), and
again when that dies; the follower outlives it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autoresearch_tui.privacy import scrubbed

RESTARTS = 5
WITHIN_S = 3600.0
MEANT = (0, 1, 2)  # exit codes of an engine that ended because it wanted to, or said in a sentence why it could not go on
LOOK_S = 0.2
ADDRESSES = "AUTORESEARCH_TUI_NOTIFY_TO"
ITS_OWN = ("XDG_CONFIG_HOME", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""What a follower needs beside proxies: our settings, and the certificates of whoever stands between it and the world."""


def keep(engine: Callable[[str], Sequence[str]], ready: int, started: Callable[[int], object] = int, hidden: Sequence[str] = ()) -> int:
    """Run `engine(after)` until it ends in good order; through the descriptor `ready` the first that works says so.

    `started` hears the pid of each. Variables that are `hidden` are not the engine's to know.
    """
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
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    try:
        while True:
            child = subprocess.Popen(engine(after), env=environment, stdin=subprocess.DEVNULL, pass_fds=(ready,))
            started(child.pid)
            code = child.wait()
            if code in MEANT or ended:
                return code
            _rest(deaths)
            after = f"signal {-code}" if code < 0 else f"exit code {code}"
    finally:
        if staying_awake:
            staying_awake.terminate()
            staying_awake.wait()


def _rest(deaths: list[float]) -> None:
    """After one more death: longer each time."""
    deaths.append(time.monotonic())
    if len(deaths) > RESTARTS:  # patience: the oldest of them must be an hour ago
        time.sleep(max(0.0, deaths.pop(0) + WITHIN_S - time.monotonic()))
    time.sleep(min(60.0, 2.0 ** (len(deaths) - 1) - 1))


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
    return subprocess.Popen(command, env=scrubbed(os.environ) | _bus(os.environ), stdin=nothing, stdout=nothing, stderr=nothing)


def _bus(environment: Mapping[str, str]) -> dict[str, str]:
    """Where the system listens for such a wish."""
    names = ("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
    return {name: environment[name] for name in names if name in environment}


# ---------------------------------------------------------------------------------------------------------------------------------
# The follower
# ---------------------------------------------------------------------------------------------------------------------------------


def named_in(workspace: Path) -> tuple[str, ...]:
    """The variables that say who is told; none where nobody is."""
    from autoresearch_tui.settings import SettingsError, load

    try:
        mine = load(workspace, {}).settings.notify
    except SettingsError:
        return ()  # the engine says it
    return (ADDRESSES, mine.to_from) if mine.to or mine.to_from else ()


def start_follower(workspace: Path, tag: str, named: Sequence[str]) -> subprocess.Popen[bytes]:
    """It tells people of this run. Of us all it alone gets the variables with their addresses."""
    command = [sys.executable, "-P", "-m", "autoresearch_tui.morning.notices.follower", str(workspace), tag, str(os.getpid())]
    environment = scrubbed(os.environ, proxies=True) | _bus(os.environ)
    environment |= {name: os.environ[name] for name in os.environ if name.startswith("AUTORESEARCH_TUI_") or name in (*ITS_OWN, *named)}
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)


class Following:
    """Keeps a follower at work beside the engine, in a thread that ends with the keeper."""

    def __init__(self, lock: Path, named: Sequence[str]) -> None:
        self._lock, self._named = lock, named
        self._engine = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def started(self, pid: int) -> None:
        self._engine = pid
        if self._named and not self._thread.is_alive():
            self._thread.start()

    def _follow(self) -> None:
        """From the moment that an engine of ours says which run it works on; until the follower, or a person, says that it is enough."""
        while (holder := _holder(self._lock)).get("pid") != self._engine:
            time.sleep(LOOK_S)
        deaths: list[float] = []
        while True:
            child = start_follower(self._lock.parent.parent, str(holder["tag"]), self._named)
            if child.wait() in (0, -signal.SIGTERM):
                return
            _rest(deaths)


# ---------------------------------------------------------------------------------------------------------------------------------


def main(lock: str, ready: str, *arguments: str) -> int:
    """Keep `autoresearch-tui run ARGUMENTS`; a restart goes on with the run that the lock names."""

    def engine(after: str) -> list[str]:
        command = [sys.executable, "-P", "-m", "autoresearch_tui", "run", *arguments, "--ready", ready]
        return [*command, "--after", after, *_same_run(Path(lock))] if after else command

    named = named_in(Path(lock).parent.parent)
    return keep(engine, int(ready), Following(Path(lock), named).started, named)


def _same_run(lock: Path) -> list[str]:
    """The run of the engine that died, by the lock that it left; nothing if it died before it had one."""
    holder = _holder(lock)
    return ["--tag", str(holder["tag"]), "--from", ""] if holder else []


def _holder(lock: Path) -> dict[str, object]:
    """Who took the lock last; empty where nobody did."""
    try:
        holder = json.loads(lock.read_text())
        return {"pid": holder["pid"], "tag": holder["tag"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
