"""The cockpit in a browser of this machine, or of one that forwards a port to it."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import socket
import sys
from pathlib import Path

from autoresearch_tui.extras import installation
from autoresearch_tui.lines import printable
from autoresearch_tui.serving.door import BadAddress, Door, address_of, new_door
from autoresearch_tui.verbs.shared import Failed, Usage, folder_of, run_folder_of, workspace_of

PORTS = range(2**16)


def serve(options: argparse.Namespace) -> int:
    """Until Ctrl+C, or a signal; the night does not notice."""
    folder = folder_of(options)
    if not folder.is_dir():
        raise Usage(f"there is no folder {options.folder}: name the workspace whose screen is to be shown.")
    if options.port not in PORTS:
        raise Usage(f"{options.port} is no port: take one from 1024 to {PORTS[-1]}, or 0 for any that is free")
    try:
        reached = address_of(options.reached_as) if options.reached_as else None
    except BadAddress as error:
        raise Usage(str(error)) from None
    if options.tag or options.watch:
        workspace, _ = workspace_of(options)
        run_folder_of(workspace, options.tag)  # what every page would say, said here
    if importlib.util.find_spec("textual_serve") is None or importlib.util.find_spec("aiohttp") is None:
        raise Failed(f"a screen in a browser needs what is not installed: `{installation().install('serve')}` brings it.")
    return _serve(folder, options, new_door(reached))


def _serve(folder: Path, options: argparse.Namespace, door: Door) -> int:
    from autoresearch_tui.serving.listening import Taken, listen
    from autoresearch_tui.serving.server import serve as served

    try:
        sockets = listen(options.port)
    except Taken as error:
        raise Failed(str(error)) from None
    port = sockets[0].getsockname()[1]

    def began() -> None:
        print(told(folder, port, door, options.watch), flush=True)

    return asyncio.run(served(sockets, door, cockpit(folder, options), f"autoresearch {folder.name}", began))


def cockpit(folder: Path, options: argparse.Namespace) -> list[str]:
    """Our own command line, once for each browser."""
    given = [f"--{name}={value}" for name in ("tag", "theme") if (value := getattr(options, name))]
    watch = ["--watch"] if options.watch else []
    return [sys.executable, "-P", "-m", "autoresearch_tui", "open", str(folder), "--in-browser", *given, *watch]


def told(folder: Path, port: int, door: Door, watch: bool) -> str:
    """The address, with the token that stands nowhere else, and how a browser of another machine reaches it."""
    base = door.reached.url if door.reached else f"http://127.0.0.1:{port}"
    may = "may look at the screen, and do nothing else" if watch else "has every key of the screen"
    lines = [f"The screen of {printable(str(folder))} is at", f"  {base}/?token={door.token}", f"Whoever has this address {may}."]
    if door.reached is None:
        lines.append(f"From another machine: `ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}`, then the same address.")
    return "\n".join([*lines, "Ctrl+C ends it; the night goes on."])
