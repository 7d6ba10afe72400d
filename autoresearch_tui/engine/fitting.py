"""A profile that does not fit beside the language model, made to fit before the first trial: fewer rows in one pass, the total batch stays.

Owns the trial fit of a new run whose card is to be shared, with the model loaded, and the commit that the run then begins from. How much
fits is measured by the harness itself (`prepare.py fit`). A trunk that turns out too large in the middle of a night is `plan.Refit`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from autoresearch_tui.engine.caps import Caps
from autoresearch_tui.engine.chain import Chain
from autoresearch_tui.engine.leavings import clear
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.sandbox import Sandbox
from autoresearch_tui.engine.trainer import Order, spawn
from autoresearch_tui.engine.view import training_view
from autoresearch_tui.journal import events as e
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.proposals.knobs import changed_knobs
from autoresearch_tui.telemetry.progress import plain_file, read_tail
from autoresearch_tui.workspace import RunFolder, Workspace

FIT = ".fit-"
PATIENCE_S = 900.0  # it compiles anew for every batch that it tries
LOG_BYTES = 2**24
LARGEST = 2**22  # bytes of a train.py


async def fitted(
    workspace: Workspace, folder: RunFolder, lineage: Lineage, chain: Chain, sandbox: Sandbox, caps: Caps, first: list[e.Event]
) -> list[e.Event]:
    """The first facts of a run, with a start that fits beside the model."""
    began = next(fact for fact in first if isinstance(fact, e.RunStarted))
    await chain.load()
    before = (await asyncio.to_thread(lineage.read, began.start, workspace.edit)).decode("utf-8")
    after, why = await _fit(workspace, folder, lineage, sandbox, caps, began.start)
    if after == before or not after:
        return [*first, e.Warned(f"it was not tried whether the profile fits beside the model: {why}")] if not after else first
    changes = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in (changed_knobs(before, after) or {}).items())
    words = f"the profile does not fit beside the model: the run begins with {changes}, the total batch stays"
    blob = await asyncio.to_thread(lineage.write_blob, after)
    start = await asyncio.to_thread(lineage.commit, began.start, blob, f"Fit beside the language model\n\n{changes}\n", time.time())
    return [replace(fact, start=start) if fact is began else fact for fact in first] + [e.Warned(f"{words}.")]


async def _fit(workspace: Workspace, folder: RunFolder, lineage: Lineage, sandbox: Sandbox, caps: Caps, start: str) -> tuple[str, str]:
    """The file as the harness fits it; or nothing, and why."""
    folder.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    clear(folder.folder, FIT)
    with tempfile.TemporaryDirectory(prefix=FIT, dir=folder.folder) as made:
        where, temporary, log = Path(made, "trial"), Path(made, "tmp"), Path(made, "log")
        temporary.mkdir()
        await asyncio.to_thread(lineage.export, start, where)
        view = await asyncio.to_thread(training_view, workspace, where, temporary)
        training = await spawn(
            Order(
                name="fit",
                command=sandbox.wrap((workspace.train[0], "prepare.py", "fit"), view, where),
                folder=where,
                log=log,
                environment=scrubbed(os.environ) | sandbox.environment(view) | {"AUTORESEARCH_TOKEN": str(where)},
                timeout_s=PATIENCE_S,
                stall_s=PATIENCE_S,
                log_bytes=LOG_BYTES,
                file_bytes=caps.disk,
                caps=replace(caps, folders=(where, temporary)),
                held=sandbox.namespaces,
            )
        )
        training.release()
        outcome = await training.wait()
        if outcome.outcome != "finished":
            said = read_tail(log, 2000).decode("utf-8", "replace").strip().splitlines()
            return "", (said[-1] if said else outcome.why) or outcome.outcome
        try:
            return read_plain(where / workspace.edit), ""
        except (OSError, UnicodeDecodeError) as error:
            return "", f"{workspace.edit} cannot be read after it: {error}"


def read_plain(path: Path) -> str:
    """A file that a training could write: no link, and no more of it than a train.py has."""
    with plain_file(path) as file:
        return os.pread(file, LARGEST, 0).decode("utf-8")
