"""Beginning a run, or taking one up again: what must hold before anything starts, and the first facts of a session."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import msgspec

from autoresearch_tui.engine import slurm
from autoresearch_tui.engine.answers import Refusal, limited
from autoresearch_tui.engine.caps import Caps, whole_memory
from autoresearch_tui.engine.chain import Chain
from autoresearch_tui.engine.elsewhere import bring, is_elsewhere
from autoresearch_tui.engine.executors.cores import usable_cores
from autoresearch_tui.engine.executors.devices import class_of_cores, class_of_run, devices
from autoresearch_tui.engine.leavings import clear
from autoresearch_tui.engine.lineage import Lineage, LineageError, upstream_nights
from autoresearch_tui.engine.sandbox import Chosen, choose
from autoresearch_tui.engine.view import training_view
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Unreadable, read_file
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry.gpu import cards, look
from autoresearch_tui.telemetry.machine import UNUSABLE, boot_id, born, device_class
from autoresearch_tui.telemetry.sample import Card, is_called
from autoresearch_tui.workspace import RunFolder, Workspace, WorkspaceError, data_folder, device_of, is_tag

TRIED = ".tried-"
NETWORKED = ("nfs", "cifs", "smb", "sshfs", "9p", "lustre", "gpfs", "beegfs", "ceph", "afs", "davfs")


class Asked(msgspec.Struct, frozen=True):
    """What a person said beside the settings, or a keeper in their place."""

    tag: str = ""
    origin: str = ""
    """`--from`; empty: HEAD for a new run, nothing for one that goes on."""
    after: str = ""
    """How the engine before this one died, if a keeper starts it again."""


def choose_tag(workspace: Workspace, asked: Asked, today: datetime) -> str:
    """The tag that was asked for, else the newest run's, else today's."""
    if asked.tag:
        return asked.tag
    runs = workspace.runs()
    if runs and not asked.origin:
        return runs[-1].tag
    return free_tag(workspace, today)


def free_tag(workspace: Workspace, today: datetime) -> str:
    """`nov20`, or `nov20-2` where that was used already."""
    stem = today.strftime("%b%d").lower()
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1000))
    unused = (name for name in names if not workspace.run(name).journal.exists())
    return next(name for name in unused if not Lineage(workspace.folder, name, workspace.edit).taken())


def comparability_key(workspace: Workspace, slots: int = 1) -> dict[str, str]:
    """What must be the same for two numbers to be compared. Several slots of a processor have a part of it each."""
    key = {name: hashlib.sha256((workspace.folder / name).read_bytes()).hexdigest()[:16] for name in workspace.frozen}
    key |= {"edit": workspace.edit, "metric": workspace.metric, "goal": workspace.goal, "budget_s": f"{workspace.budget_s:g}"}
    key |= {"trust": "verified" if workspace.measured else "reported"}
    key["train"] = " ".join({sys.executable: "python", str(workspace.folder): "."}.get(word, Path(word).name) for word in workspace.train)
    if data := data_folder(workspace.folder):
        key["data"] = data.name
    key |= {"device": class_of_run(workspace, slots)}
    if steps := os.environ.get("AUTORESEARCH_STEPS"):
        key["steps"] = steps
    return key


def begin(workspace: Workspace, lineage: Lineage, folder: RunFolder, settings: Settings, asked: Asked) -> list[e.Event]:
    """The first facts of a new run."""
    if taken := lineage.taken():
        raise WorkspaceError(taken)
    if (device := device_class(device_of(workspace.folder))).startswith(UNUSABLE):
        sample = look()
        raise WorkspaceError((sample.said if sample else device) + " AUTORESEARCH_DEVICE=cpu trains without it.")
    slots = _slots_here(settings)
    if slots > 1:
        devices(workspace, settings)  # before there is a journal: it refuses more of them than there are
    key = comparability_key(workspace, slots)
    start, remembered = _origin(workspace, lineage, key, asked.origin or "HEAD")
    if changed := lineage.uncommitted(list(workspace.frozen), start):
        raise WorkspaceError(
            f"{', '.join(changed)} in {workspace.folder} is not as in the commit {start[:7]} that the run would begin from:"
            f" commit it first (`git commit {' '.join(changed)}`), or put it back."
        )
    facts: list[e.Event] = [
        e.RunStarted(
            tag=folder.tag,
            start=start,
            origin=asked.origin or "HEAD",
            key=key,
            trust="verified" if workspace.measured else "reported",
            seed=settings.run.seed,
            edit=workspace.edit,
            metric=workspace.metric,
            goal=workspace.goal,
            budget_s=workspace.budget_s,
            sigma=workspace.sigma,
        )
    ]
    if lineage.uncommitted([workspace.edit]):
        facts.append(e.Warned(f"{workspace.edit} has changes that are not committed: the run begins without them, from {start[:7]}."))
    nights = {tip: tag for tag, tip in upstream_nights(lineage.repository).items()}
    if nights and not asked.origin and start not in nights:
        newest = f"autoresearch/{list(nights.values())[-1]}"
        facts.append(
            e.Warned(f"the checkout holds an earlier night, {newest}: `--tag NAME --from {newest}` continues it; this run begins at HEAD.")
        )
    return [*facts, *remembered, *_elsewhere(workspace)]


def _origin(workspace: Workspace, lineage: Lineage, key: dict[str, str], origin: str) -> tuple[str, list[e.Event]]:
    """The commit to begin from. A run's tag means its best one; else git is asked, and what it does not know may be a night elsewhere."""
    if is_tag(origin) and workspace.run(origin).journal.exists():
        with Journal(workspace.run(origin).journal) as journal:
            best = journal.refresh().best
        if best is None:
            raise WorkspaceError(f"the run {origin} measured nothing: begin from a commit, as in `--from HEAD`.")
        return lineage.resolve(best.commit), []
    try:
        lineage.repository.resolve(origin)
    except LineageError:
        if not is_elsewhere(origin):
            raise
        brought = bring(workspace, lineage, key, origin)
        return brought.start, [brought.remembered]
    return lineage.resolve(origin), []


def _elsewhere(workspace: Workspace) -> Iterator[e.Event]:
    """An upstream night that the checkout already holds."""
    path = workspace.folder / "results.tsv"
    if not path.is_file():
        return
    try:
        rows = read_file(path).rows
    except Unreadable as error:
        yield e.Warned(f"the rows of results.tsv are not remembered: {error}")
        return
    if rows:
        cleaned = [msgspec.structs.replace(row, description=clean_line(row.description), extra={}) for row in rows]
        yield e.Remembered("results.tsv", tuple(cleaned))


def refuse_another_key(run: Run, workspace: Workspace) -> None:
    """Numbers of one run compare with each other, or it is not one run. A card that is out of use is waited for, by its old name.

    How many cores a trial has of a processor, the settings say: `refuse_other_cores` looks at that.
    """
    now = comparability_key(workspace)
    before = run.key.get("device", "")
    if now["device"].startswith(UNUSABLE) or _processor(now["device"]) == _processor(before) != "":
        now["device"] = before
    for name in run.key | now:
        if run.key.get(name) != now.get(name):
            shown = f"{run.key.get(name, 'none')} before, {now.get(name, 'none')} now"
            raise WorkspaceError(
                f"the run {run.tag} cannot go on here: {name} differs ({shown}), so its numbers would not compare."
                f" Put {name} back, or begin a new run with `--tag NAME --from {run.tag}`."
            )


def refuse_other_cores(run: Run, settings: Settings) -> None:
    """A trial on half the cores gets half as far."""
    before, slots = run.key.get("device", ""), _slots_here(settings)
    if not _processor(before) or settings.run.executor != "local" or (now := class_of_cores(device_class("cpu"), slots)) == before:
        return
    had, have = (device.rpartition(" x")[2] for device in (before, now))
    best = _slots_of(run)
    again = f"`--slots {best}` gives it as many again" if best else "give this process as many again"
    raise WorkspaceError(
        f"the run {run.tag} cannot go on so: a trial of it had {had} of the processor's cores, and now would have {have}, so its numbers"
        f" would not compare: {again}, or begin a new run with `--tag NAME --from {run.tag}`."
    )


def with_its_slots(settings: Settings, folder: RunFolder) -> Settings:
    """Where nobody says how many, a run on cores goes on in as many slots as it had: with others its numbers would not compare."""
    if settings.run.slots is not None or settings.run.executor != "local" or not folder.journal.exists():
        return settings
    with Journal(folder.journal) as journal:
        run = journal.refresh()
    count = _slots_of(run) if _processor(run.key.get("device", "")) else 0
    return msgspec.structs.replace(settings, run=msgspec.structs.replace(settings.run, slots=count)) if count > 1 else settings


def _slots_of(run: Run) -> int:
    """In how many slots a trial has as many cores here as it had; 0: in none."""
    fitting = [count for count in range(1, usable_cores() + 1) if class_of_cores(device_class("cpu"), count) == run.key.get("device")]
    return len(run.slots) if len(run.slots) in fitting else max(fitting, default=0)


def _processor(device: str) -> str:
    """Of a device that is one, what it is called, whatever part of it; else empty."""
    return device.rpartition(" x")[0] if device.startswith("cpu ") else ""


def _slots_here(settings: Settings) -> int:
    return (settings.run.slots or 1) if settings.run.executor == "local" else 1


class Proposers(msgspec.Struct, frozen=True):
    """Who proposes in a session, as far as its first fact says it."""

    names: tuple[str, ...]
    chosen: str = ""
    local_only: bool = False
    cost: float | None = None


def take_card(which: str) -> None:
    """From here on the cards that a person named, with commas between, are the only ones that this process and its children see."""
    if not which:
        return
    there = cards()
    taken = dict.fromkeys(_named(name, there) for name in which.split(","))
    if all(card.uuid.startswith(("GPU-", "MIG-")) for card in taken):
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(card.uuid for card in taken)
    else:
        os.environ["HIP_VISIBLE_DEVICES"] = ",".join(str(card.index) for card in taken)


def _named(name: str, there: Sequence[Card]) -> Card:
    for card in there:
        if is_called(card, name):
            return card
    sample = look(name)
    why = sample.said if sample and sample.said else f"there are {', '.join(f'{one.index} ({one.name})' for one in there) or 'none'}"
    raise WorkspaceError(f"there is no card {name} here: {why.rstrip('.')}.")


def is_shared(workspace: Workspace, chain: Chain) -> bool:
    """A language model computes on the card that the bundled harness trains on."""
    return (
        workspace.measured
        and any(one.shares for one in chain.researchers)
        and not device_class(device_of(workspace.folder)).startswith("cpu")
    )


async def sandboxed(workspace: Workspace, kind: str) -> Chosen:
    """What holds the trials of a session, tried with a folder as a trial has it."""
    workspace.runs_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    clear(workspace.runs_folder, TRIED)
    with tempfile.TemporaryDirectory(prefix=TRIED, dir=workspace.runs_folder) as tried:
        where, temporary = Path(tried, "trial"), Path(tried, "tmp")
        where.mkdir()
        temporary.mkdir()
        view = await asyncio.to_thread(training_view, workspace, where, temporary)
        gpu = not device_class(device_of(workspace.folder)).startswith("cpu")
        needed = [name for name in ("torch", "numpy") if workspace.measured and find_spec(name)]
        return await choose(kind, workspace.train, view, where, scrubbed(os.environ), gpu, needed)


def caps(settings: Settings) -> Caps:
    """What one trial may take of this machine, beside those of the other slots."""
    mine = settings.sandbox
    memory = int(mine.memory_gb * 2**30) or whole_memory() * 9 // 10 // _slots_here(settings)
    return Caps(mine.processes, memory, int(mine.disk_gb * 1e9), int(settings.disk.floor_gb * 1e9) // 2)


def session(
    run: Run, settings: Settings, asked: Asked, proposers: Proposers, sandbox: Chosen, version: str, now: datetime
) -> e.EngineStarted:
    """The fact that an engine takes the run up. A keeper's restart keeps what the person had said."""
    refuse_other_cores(run, settings)
    kept = asked.after and run.engine is not None
    return e.EngineStarted(
        pid=os.getpid(),
        born=born(os.getpid()),
        boot=boot_id(),
        version=version,
        researcher=proposers.names[0],
        limits=run.limits if kept else first_limits(settings, proposers.cost, now),
        review=run.review if kept else settings.review.on,
        review_timeout_s=settings.review.timeout_s,
        after=asked.after,
        device=run.key.get("device", ""),
        rules=run.rules if kept else e.Rules(settings.judging.max_memory_gb, settings.judging.hopeless, settings.judging.drift_every),
        chain=proposers.names[1:],
        chosen=proposers.chosen,
        local_only=proposers.local_only,
        rates=e.Rates(settings.cost.gpu_hour, settings.cost.kwh, settings.cost.currency),
        sandbox=sandbox.sandbox.name,
        sandbox_why=sandbox.why,
    )


def first_limits(settings: Settings, cost: float | None, now: datetime) -> e.Limits:
    mine = settings.limits
    limits = e.Limits(experiments=mine.experiments, between=mine.between or "", cost=cost, declined=mine.declined)
    allocation = slurm.allocation(os.environ, now)
    moments = [allocation.deadline if allocation else None]
    for what, value in (("until", settings.limits.until), ("hours", settings.limits.hours)):
        if value is not None:
            try:
                moments.append(limited(limits, what, str(value), now).deadline)
            except Refusal as refusal:
                raise WorkspaceError(str(refusal)) from None
    return msgspec.structs.replace(limits, deadline=min((moment for moment in moments if moment), default=None))


def refuse_a_network_disk(folder: Path) -> None:
    """SQLite's journal needs a disk of this machine."""
    kind = filesystem(folder)
    if any(kind.startswith(name) or kind == f"fuse.{name}" for name in NETWORKED):
        raise WorkspaceError(
            f"{folder} is on a network file system ({kind}), where a journal cannot be kept safely:"
            ' set `folder = "/a/folder/on/a/local/disk"` under `[run]` in autoresearch.toml.'
        )


def filesystem(folder: Path) -> str:
    """The kind of the file system that holds a folder; empty where the system does not say."""
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    found, kind = Path("/"), ""
    for mount in mounts:
        fields = mount.split(" ")
        point = Path(fields[1].replace("\\040", " "))
        if len(fields) > 2 and folder.is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, fields[2]
    return kind
