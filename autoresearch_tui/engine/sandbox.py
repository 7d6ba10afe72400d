"""Which sandbox a trial is kept in on this machine, found by trying: bubblewrap, else Landlock, else none, and then visibly so.

Owns the choice and why it fell. Does not own what a trial may touch (`view.py`) nor how it is kept to that
(`bubblewrap.py`, `landlock.py`).

    chosen = await choose("auto", workspace.train, view, folder, environment, gpu=True)
    command = chosen.sandbox.wrap(workspace.train, view, folder)
    environment |= chosen.sandbox.environment(view)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from autoresearch_tui.engine.bubblewrap import Bubblewrap
from autoresearch_tui.engine.landlock import Landlock
from autoresearch_tui.engine.view import View
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.workspace import WorkspaceError

KINDS: dict[str, type[Bubblewrap] | type[Landlock]] = {"bubblewrap": Bubblewrap, "landlock": Landlock}
"""The strongest first."""
FILES = "import tempfile; [tempfile.TemporaryFile(dir=place).close() for place in ('.', None)]"
FIND = "from importlib.util import find_spec; [exit(name + ' cannot be imported in it') for name in {} if not find_spec(name)]"
CARD = "import torch; one = torch.ones(256, 256, device='cuda'); assert (one @ one).sum().item() == 256 ** 3"
FILES_BOUND_S, CARD_BOUND_S = 20.0, 120.0  # a first import of torch may come from a slow disk
REASON = 200


class Sandbox(Protocol):
    """A way to start a command so that it can touch its view and nothing else."""

    name: str
    namespaces: bool
    """It has processes and shared memory of its own: its main process is the sandbox's, and what is left in /dev/shm goes with it."""

    def wrap(self, command: Sequence[str], view: View, folder: Path) -> tuple[str, ...]:
        """What to run instead of the command, in this folder. Open files that are passed on come through."""
        ...

    def environment(self, view: View) -> dict[str, str]:
        """Variables that say where it may write, to add to what the trial gets."""
        ...


class Unsandboxed:
    """A trial that may do whatever its user may."""

    name = "unsandboxed"
    namespaces = False

    def wrap(self, command: Sequence[str], view: View, folder: Path) -> tuple[str, ...]:
        return tuple(command)

    def environment(self, view: View) -> dict[str, str]:
        return {"TMPDIR": str(view.temporary)} if view.temporary else {}


class Chosen(NamedTuple):
    """A sandbox that works here."""

    sandbox: Sandbox
    why: str
    """Why it is no stronger one, in a sentence; empty for the strongest."""


async def choose(
    wanted: str, train: Sequence[str], view: View, folder: Path, environment: Mapping[str, str], gpu: bool, modules: Sequence[str] = ()
) -> Chosen:
    """The strongest that works; or the one that was named, `bubblewrap`, `landlock` or `off`: WorkspaceError if that does not.

    `modules` are what the training imports, and can import where nothing holds it.
    """
    if wanted == "off":
        return Chosen(Unsandboxed(), "switched off in the settings")
    attempt = Attempt(train, view, folder, environment, modules)
    said: list[str] = []
    for name, kind in KINDS.items():
        if wanted in ("auto", name):
            found = kind.find()
            if isinstance(found, str):
                said.append(f"{name}: {found}")
                continue
            works, word = await attempt.of(found, gpu)
            if works:
                return Chosen(found, "; ".join(filter(None, [*said, word])))
            said.append(f"{name}: {word}")
    if wanted != "auto":
        mend = 'mend that, or set `kind = "auto"` in [sandbox] of autoresearch.toml'
        raise WorkspaceError(f"the sandbox does not work here: {said[0]}: {mend}.")
    return Chosen(Unsandboxed(), "; ".join(said))


class Attempt(NamedTuple):
    """A little of what the training will do."""

    train: Sequence[str]
    view: View
    folder: Path
    environment: Mapping[str, str]
    modules: Sequence[str]

    async def of(self, sandbox: Sandbox, gpu: bool) -> tuple[bool, str]:
        """Whether this sandbox will do, and what there is to say about it."""
        if reason := await self.failure(sandbox, f"{FILES}; {FIND.format([*self.modules])}", FILES_BOUND_S):
            forbidden = re.search("uid map|namespace", reason)
            return False, f"{reason} (this system lets its users make no namespaces: see docs/containment.md)" if forbidden else reason
        if not gpu or not (reason := await self.failure(sandbox, CARD, CARD_BOUND_S)):
            return True, ""
        if await self.failure(Unsandboxed(), CARD, CARD_BOUND_S):  # it is not the sandbox that keeps it from working
            return True, f"the GPU could not be tried: {reason}"
        return False, f"the GPU does not work in it: {reason}"

    async def failure(self, sandbox: Sandbox, source: str, bound_s: float) -> str:
        """Why this source does not run in it; empty if it does."""
        child = await asyncio.create_subprocess_exec(
            *sandbox.wrap(_python(self.train, source), self.view, self.folder),
            cwd=self.folder,
            env={**self.environment, **sandbox.environment(self.view)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(bound_s):
                _, errors = await child.communicate()
        except TimeoutError:
            return f"it did not end in {bound_s:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
        if child.returncode == 0:
            return ""
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        return clean_line(lines[-1] if lines else f"exit code {child.returncode}", REASON)


def _python(train: Sequence[str], source: str) -> tuple[str, ...]:
    """This source, by the Python that the command trains with; a command that is not known to have one does nothing."""
    name = Path(train[0]).name
    if name == "uv":
        return (*train[:-1], "python", "-c", source)
    return (train[0], "-c", source) if name.startswith("python") else ("/bin/sh", "-c", "exit 0")
