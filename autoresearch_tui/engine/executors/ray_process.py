"""The engine's end of the process that speaks to Ray (`ray_bridge.py`): how it is started, found fit, and ended.

Ray is an extra, and is never imported here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from importlib.util import find_spec

import msgspec

from autoresearch_tui.engine.executors import ray_words as words
from autoresearch_tui.engine.executors.node_words import HEAD, framed
from autoresearch_tui.extras import installation
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import WorkspaceError

CONNECT_S = 90.0  # Ray itself gives up after a minute
LEAVING_S = 30.0
BRIDGE = ("-P", "-m", "autoresearch_tui.engine.executors.ray_bridge")
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_metrics_collection": "0",
}
"""Nobody is told of this run, and a machine whose GPU shares its memory is not taken for one that has none left."""


class Cluster:
    """The process that speaks to a cluster. It ends with its input, however we end."""

    def __init__(self, child: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._child = child
        self._reader = reader
        self._writer = writer
        self.expected = 1
        """The slots that it had at first."""

    def say(self, word: words.Word) -> None:
        if not self._writer.is_closing():
            self._writer.write(framed(word))

    async def hear(self) -> words.Word | None:
        """None: it has ended, or nothing that it says can be understood any more."""
        try:
            (length,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
            word: words.Word = msgspec.msgpack.decode(await self._reader.readexactly(length), type=words.FromBridge)
            return word
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
            return None

    async def end(self) -> None:
        """Its workers end what they train before it does."""
        self._writer.close()
        try:
            await asyncio.to_thread(self._child.wait, LEAVING_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


async def connect(settings: Settings, on_cards: bool = False) -> Cluster:
    """The cluster that the settings name. WorkspaceError says what is missing: Ray, or a cluster.

    `on_cards`: the night has trained on cards there already, and does not go on without them."""
    if find_spec("ray") is None:
        raise WorkspaceError(f"Ray is not installed: `{installation().install('ray')}` brings it.")
    address = settings.ray.address
    cluster = await _bridge(address, settings.run.slots or 0, on_cards)
    word: words.Word | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_S):
            word = await cluster.hear()
    if isinstance(word, words.Reached):
        cluster.expected = word.slots
        return cluster
    await cluster.end()
    where = "on this machine" if address == "auto" else f"at {address}"
    why = clean_line(word.why.rstrip("."), 200) if isinstance(word, words.Unreachable) else "it does not answer"
    raise WorkspaceError(f"no Ray cluster can be used {where} ({why}): `ray start --head` starts one, `[ray] address` names another.")


async def _bridge(address: str, slots: int, on_cards: bool) -> Cluster:
    environment = scrubbed(os.environ) | {name: value for name, value in os.environ.items() if name.startswith("RAY_")} | QUIET
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, *BRIDGE, address, str(slots), str(int(on_cards))],
            env=environment,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C is for the engine, which says what follows from it
        )
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=2**24)
    return Cluster(child, reader, writer)
