"""A worker on another machine on its way to being a slot: who it is, what it is told of the run, and the data that it asks for.

Owns the half of that talk that is at home, and which workers are not taken. What the slot does then is `node_slot.py`'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine.executors import node_words as words
from autoresearch_tui.engine.executors.node_data import listing, read_piece
from autoresearch_tui.engine.executors.node_slot import Distant, Packer
from autoresearch_tui.engine.executors.node_training import Say
from autoresearch_tui.engine.executors.worker_room import FOLDER, PYTHON, settings_of
from autoresearch_tui.engine.plumbing import LineageError
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry.machine import boot_id
from autoresearch_tui.workspace import RunFolder, Workspace, data_folder

SAID_AT_HOME = ("AUTORESEARCH_STEPS", "AUTORESEARCH_DEVICE")
"""Variables by which a person says how trainings run, wherever they do."""


class Site:
    """The run, as every worker is told of it."""

    def __init__(
        self, settings: Settings, workspace: Workspace, folder: RunFolder, packer: Packer, start: str, keep: Callable[..., None]
    ) -> None:
        self.workspace = workspace
        self.folder = folder
        self.packer = packer
        self.keep = keep
        self._settings = settings_of(settings)
        self._start = start
        self._data: tuple[words.DataFile, ...] = ()
        self._paths: dict[str, Path] = {}
        self._listed = asyncio.Lock()

    async def welcome(self, slot: str, part: int, parts: int) -> words.Welcome:
        workspace, start = self.workspace, self._start
        data = data_folder(workspace.folder) if workspace.measured else None
        async with self._listed:  # it is read whole, once
            if data and not self._paths:
                self._data = await asyncio.to_thread(listing, data)
                self._paths = {file.sha: data / file.path for file in self._data}
        files, bodies = await asyncio.to_thread(self.packer.pack, start, True)
        shown = {sys.executable: PYTHON, str(workspace.folder): FOLDER}
        return words.Welcome(
            run=hashlib.sha256(f"{platform.node()}:{self.folder.folder}".encode()).hexdigest()[:12],
            slot=slot,
            tag=self.folder.tag,
            start=start,
            files=files,
            bodies=bodies,
            folder=str(workspace.folder),
            train=tuple(shown.get(word, word) for word in workspace.train),
            edit=workspace.edit,
            frozen=workspace.frozen,
            metric=workspace.metric,
            goal=workspace.goal,
            budget_s=workspace.budget_s,
            timeout_s=workspace.timeout_s,
            stall_s=workspace.stall_s,
            measured=workspace.measured,
            record=workspace.record,
            settings=self._settings,
            environment={name: os.environ[name] for name in SAID_AT_HOME if name in os.environ},
            part=part,
            parts=parts,
            data_name=data.name if data else "",
            data=self._data,
        )

    async def piece(self, sha: str, offset: int) -> bytes:
        """Of nothing but the listed files."""
        return await asyncio.to_thread(read_piece, self._paths[sha], offset) if sha in self._paths else b""


class Place:
    """One worker."""

    def __init__(self, site: Site, name: str, node: str, part: int, parts: int, say: Say) -> None:
        self.name = name
        """Of the slot that it becomes, as in `lab7/gpu0`."""
        self.node = node
        self.slot: Distant | None = None
        self.refused = ""
        self._site = site
        self._part, self._parts = part, parts
        self._say = say
        self._frames = words.Frames()
        self._inbox: asyncio.Queue[words.Message] = asyncio.Queue()

    def take(self, body: bytes) -> None:
        """What came from there, in whatever pieces. Raises ValueError for what is no message of this version."""
        for frame in self._frames.feed(body):
            message = msgspec.msgpack.decode(frame, type=words.FromWorker)
            if isinstance(message, words.Refused):  # now: its worker may be gone in the same breath
                self.refused = f"{self.node} cannot train: {clean_line(message.why, 250)}"
            if self.slot and not isinstance(message, words.Want | words.Refused):
                self.slot.heard(message)
            else:
                self._inbox.put_nowait(message)
            if isinstance(message, words.Ready) and not self.slot:
                about = replace(message.about, name=self.name, device=clean_line(message.about.device, 200))
                self.slot = Distant(about, self.node, self._say, self._site.packer, self._site.folder, self._site.keep)

    async def serve(self, changed: Callable[[], None]) -> None:
        """Until it is cancelled: answer until it is a slot, and give it what it asks for."""
        try:
            await self._serve(changed)
        except (OSError, LineageError) as error:
            self.refused = f"{self.node} cannot be told of the run: {clean_line(str(error).rstrip('.'), 250)}"
            changed()

    async def _serve(self, changed: Callable[[], None]) -> None:
        while True:
            match await self._inbox.get():
                case words.Hello() as hello:
                    self.refused = misfit(self.node, hello)
                    if self.refused:
                        return changed()
                    self._say(await self._site.welcome(self.name.rpartition("/")[2], self._part, self._parts))
                case words.Want(sha, offset):
                    self._say(words.Piece(sha, offset, await self._site.piece(sha, offset)))
                case words.Refused():
                    return changed()
                case words.Ready():
                    changed()


def misfit(node: str, hello: words.Hello) -> str:
    """Why this worker cannot work for us, in a sentence; empty if it can."""
    mine = words.hello(boot_id())
    if hello.version != mine.version:
        what = shlex.quote(f"autoresearch-tui=={mine.version}")
        return f"{node} has autoresearch-tui {clean_line(hello.version, 40)}, and here is {mine.version}: install {what} there"
    if hello.python.rpartition(".")[0] != mine.python.rpartition(".")[0]:
        return f"{node} has Python {clean_line(hello.python, 40)}, and here is {mine.python}: their numbers would not compare"
    return ""
