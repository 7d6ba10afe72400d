"""Trainings as they can be: a process that does as it is told, with children that do not want to end; and an engine to be killed.

Who is alive is read here from /proc, not by the code that is tested.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from autoresearch_tui.engine.trainer import Order, Outcome, Training, spawn

CLINGING = """
import os, signal, sys, time

def child(daemon):
    if os.fork():
        return
    if daemon:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.closerange(0, 256)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not daemon:
        os.fork()
    open(f"alive-{os.getpid()}", "w").close()
    while True:
        time.sleep(60)

signal.signal(signal.SIGTERM, signal.SIG_IGN)
child(daemon=False)
child(daemon=True)
while len([name for name in os.listdir() if name.startswith("alive-")]) < 3:
    time.sleep(0.005)
print("alive", flush=True)
"""
"""A child, a grandchild and a daemon, all deaf to TERM; what the main process does next is added."""
CLINGING_PROCESSES = 4

ENGINE = """
import asyncio, os, signal, sys
from pathlib import Path
import msgspec
from autoresearch_tui.engine.processes import become_subreaper
from autoresearch_tui.engine.trainer import Order, spawn

async def main():
    become_subreaper()
    training = await spawn(msgspec.json.decode(sys.argv[1], type=Order, dec_hook=lambda _, text: Path(text)))
    print(training.pid, training.born, flush=True)
    if sys.argv[2] == "hold":
        await asyncio.sleep(60)
    training.release()
    outcome = await training.wait()
    print(msgspec.json.encode(outcome).decode(), flush=True)
    children = [stat for stat in Path("/proc").glob("[0-9]*/stat") if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == os.getpid()]
    print(len(children), flush=True)

if sys.argv[2] == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
asyncio.run(main())
"""
"""A stand-in for the engine: launches one order, tells the launcher, the outcome, and how many children it is left with."""


def order(folder: Path, source: str, **how: Any) -> Order:
    """A trial of this Python source, with a token that no other trial ever had."""
    folder.mkdir()
    (folder / "train.py").write_text(source)
    chosen: dict[str, Any] = {
        "name": "0001-1",
        "command": (sys.executable, "-I", "-S", "train.py"),
        "folder": folder,
        "log": folder.with_suffix(".log"),
        "environment": {"AUTORESEARCH_TOKEN": f"{secrets.token_hex(8)}/0001-1", "PATH": os.environ["PATH"]},
        "timeout_s": 30.0,
        "stall_s": 30.0,
        "log_bytes": 1 << 20,
        "grace_s": 0.3,
    }
    return Order(**chosen | how)


def run(one: Order, then: Callable[[Training], None] | None = None) -> Outcome:
    """The whole trial; `then` is called as soon as it has printed something."""

    async def trial() -> Outcome:
        training = await spawn(one)
        training.release()
        if then:
            await asyncio.to_thread(until, lambda: bool(one.log.read_bytes()))
            then(training)
        return await asyncio.wait_for(training.wait(), 20)

    return asyncio.run(trial())


def engine(one: Order, manner: str = "") -> subprocess.Popen[str]:
    """A stand-in engine that runs this order, in a session of its own."""
    words = [sys.executable, "-c", ENGINE, msgspec.json.encode(one, enc_hook=str).decode(), manner]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)


def alive(one: Order) -> list[int]:
    """Every process that carries the trial's token, zombies aside."""
    mark = f"AUTORESEARCH_TOKEN={one.environment['AUTORESEARCH_TOKEN']}".encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                found.append(int(name))
        except OSError:
            continue  # it ended while we looked
    return found


def until(holds: Callable[[], bool], bound_s: float = 10.0) -> None:
    """Wait for something in the world outside that tells nobody when it happens."""
    end = time.monotonic() + bound_s
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
