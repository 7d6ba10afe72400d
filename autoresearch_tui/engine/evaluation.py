"""The number of a trial that trained: what its own summary says, or, with the bundled harness, what a judge of ours says.

The judge alone holds the held-out text and never imports train.py; two hosts turn its tokens into logits. All three run a prepare.py
that no trial could touch, exported from the commit that the run began from.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autoresearch_tui.engine.caps import UNCAPPED, Caps
from autoresearch_tui.engine.commits import Commits
from autoresearch_tui.engine.evidence import Seen, signs
from autoresearch_tui.engine.leavings import is_plain, remove_tree
from autoresearch_tui.engine.sandbox import Sandbox
from autoresearch_tui.engine.trainer import Order, keep_to, spawn
from autoresearch_tui.engine.view import host_view
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.telemetry.progress import plain_file, read_tail, summary
from autoresearch_tui.workspace import RunFolder, Workspace

TAIL = 2**20  # of the log: the summary is at its end
PATIENCE_S = 900.0  # the largest evaluation on the smallest card that it fits on, several times over


def reported(number: int, trial: Trial, log: Path, workspace: Workspace, changed: tuple[str, ...] = (), train: str = "") -> e.Measured:
    """What the training printed after the last `---` of its log, read after its end, and what speaks against it.

    `changed` are the frozen files that it left otherwise than they were, `train` is the train.py that was committed.
    """
    text, refused = "", "it printed no summary: there is no line `---` in its log"
    try:
        text = read_tail(log, TAIL).decode("utf-8", "replace")
    except OSError as error:
        refused = f"its log cannot be read: {error.strerror or error}"
    seen = Seen(text, trial.seconds, trial.gap_s, trial.shrank, changed, train)
    evidence = signs(seen, workspace.budget_s, workspace.metric, judged=workspace.measured)
    found = summary(text, workspace.metric)
    if found is None:
        return e.Measured(number, trial.number, None, refused=refused, evidence=evidence)
    value = found.value if found.value is not None and math.isfinite(found.value) else None
    return e.Measured(
        number,
        trial.number,
        value,
        refused="" if value is not None else f"its summary has no {workspace.metric}",
        trust="reported",
        memory_gb=round((found.peak_vram_mb or 0.0) / 1024, 3),
        steps=found.num_steps,
        tokens_m=found.total_tokens_m,
        training_s=found.training_seconds,
        recorded={name: clean_line(found.other[name]) for name in workspace.record if name in found.other},
        evidence=evidence,
    )


def changed_files(folder: Path, names: Sequence[str], lineage: Commits, commit: str) -> tuple[str, ...]:
    """Those files of a folder that are not, byte for byte, what a commit has."""
    changed = []
    for name in names:
        body = lineage.read(commit, name)
        try:
            with plain_file(folder / name) as file:
                same = os.fstat(file).st_size == len(body) and os.pread(file, len(body), 0) == body
        except OSError:
            same = False
        if not same:
            changed.append(name)
    return tuple(changed)


class Bench:
    """Where checkpoints are evaluated."""

    def __init__(
        self, lineage: Commits, folder: RunFolder, workspace: Workspace, sandbox: Sandbox, caps: Caps = UNCAPPED, cores: Sequence[int] = ()
    ) -> None:
        self.caps = caps
        self.cores = tuple(cores)
        self.lineage = lineage
        self.folder = folder
        self.workspace = workspace
        self.sandbox = sandbox

    async def judged(
        self, fact: e.Measured, name: str, commit: str, start: str, checkpoint: Path, environment: dict[str, str], audit: bool = False
    ) -> e.Measured:
        """The judge's word on a checkpoint, beside what the training told of its time and memory; if asked for, on both held-out files."""
        bench = self.folder.folder / "bench" / name / "files"
        await asyncio.to_thread(remove_tree, bench.parent)
        bench.parent.mkdir(mode=0o700, parents=True)
        if checkpoint.parent.is_symlink() or not is_plain(checkpoint):
            return replace(fact, value=None, refused="it left no checkpoint.pt that is a plain file")
        try:
            await asyncio.to_thread(self.lineage.export, start, bench)
            train = bench / "committed.py"
            train.write_bytes(await asyncio.to_thread(self.lineage.read, commit, self.workspace.edit))
            said = await self._ask(bench, name, checkpoint, train, environment, "validation")
            value = said.get("val_bpb")
            if not isinstance(value, float):
                return replace(fact, value=None, refused=clean_line(str(said.get("refused")), 500))
            again = await self._ask(bench, name, checkpoint, train, environment, "audit") if audit else {}
        finally:
            await asyncio.to_thread(remove_tree, bench.parent)
            with contextlib.suppress(OSError):  # another slot measures too
                bench.parent.parent.rmdir()
        if "refused" in again:  # the number that decides is not lost by it
            with self._log(name).open("a", encoding="utf-8") as log:
                log.write(f"no number on the audit file: {again['refused']}\n")
        other = again.get("val_bpb")
        trust = "verified, uncontained" if self.sandbox.name == "unsandboxed" else "verified"
        return replace(fact, value=value, refused="", trust=trust, audit=other if isinstance(other, float) else None)

    def _log(self, name: str) -> Path:
        return self.folder.folder / "logs" / f"{name}.evaluation.log"

    async def _ask(
        self, bench: Path, name: str, checkpoint: Path, train: Path, environment: dict[str, str], split: str
    ) -> dict[str, object]:
        log = self._log(name)
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as result, contextlib.ExitStack() as passed_on:
            passed_on.callback(os.close, writing)
            pairs = [socket.socketpair() for _ in range(2)]
            ours, theirs = ([passed_on.enter_context(pair[side]).fileno() for pair in pairs] for side in (0, 1))
            hosts = [await spawn(self._host(bench, name, checkpoint, train, log, environment, channel)) for channel in theirs]
            try:
                for host in hosts:
                    host.release()
                judge = await _judge(bench, log, environment, split, writing, ours)
                if self.cores:
                    keep_to(judge.pid, self.cores)
                passed_on.close()  # only they hold the ends now, so the end of one is seen by the other
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        await judge.wait()
                finally:
                    if judge.returncode is None:
                        judge.kill()
                        await judge.wait()
                return _decoded(result.read(), log)
            except TimeoutError:
                return {"refused": f"the evaluation took more than {PATIENCE_S:.0f} s"}
            finally:
                for host in hosts:
                    host.end("interrupted", "the evaluation is over")
                for host in hosts:
                    await host.wait()

    def _host(self, bench: Path, name: str, checkpoint: Path, train: Path, log: Path, environment: dict[str, str], channel: int) -> Order:
        """One of two, each in a sandbox and with a temporary folder of its own: what one is asked the other cannot know."""
        files = (f"--checkpoint={checkpoint}", f"--train={train}", f"--trial={name}")
        command = (sys.executable, "prepare.py", "host", *files, "--channel", str(channel))
        temporary = bench.with_suffix(f".{channel}.tmp")
        temporary.mkdir(mode=0o700, exist_ok=True)
        view = host_view(self.workspace, bench, checkpoint, temporary)
        return Order(
            name=f"{name} host",
            command=self.sandbox.wrap(command, view, bench),
            folder=bench,
            log=log,
            environment=environment | self.sandbox.environment(view),
            held=self.sandbox.namespaces,
            timeout_s=PATIENCE_S,
            stall_s=PATIENCE_S,
            log_bytes=2**24,
            file_bytes=self.caps.disk,
            caps=replace(self.caps, folders=(temporary,)),
            descriptors=(channel,),
            cores=self.cores,
        )


async def _judge(
    bench: Path, log: Path, environment: dict[str, str], split: str, result: int, channels: list[int]
) -> asyncio.subprocess.Process:
    arguments = ("--split", split, "--result", str(result), "--channels", *map(str, channels))
    with log.open("ab") as errors:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "prepare.py", "judge", *arguments),
            cwd=bench,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=(result, *channels),
            start_new_session=True,
        )


def _decoded(text: bytes, log: Path) -> dict[str, object]:
    try:
        said: dict[str, object] = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError:
        tail = read_tail(log, 2000).decode("utf-8", "replace").strip().splitlines()
        return {"refused": f"the evaluation ended without a word: {tail[-1] if tail else 'see its log'}"}
    return said
