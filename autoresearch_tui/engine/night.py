"""One session of the engine, from its lock to its last fact: puts the parts together and listens to signals."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from importlib.metadata import version

from msgspec.structs import replace

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.engine import endpoints, opening, slurm
from autoresearch_tui.engine.choosing import Chosen, affordable, checked, choose, hired, refuse_to_start
from autoresearch_tui.engine.controller import Controller
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.executors import cluster_of, executor_of
from autoresearch_tui.engine.fitting import fitted
from autoresearch_tui.engine.jobs import Jobs
from autoresearch_tui.engine.lineage import Lineage, open_repository
from autoresearch_tui.engine.lock import Locked, engine_lock
from autoresearch_tui.engine.opening import Asked
from autoresearch_tui.engine.processes import become_subreaper
from autoresearch_tui.engine.steps import End
from autoresearch_tui.engine.upkeep import Upkeep
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, JournalError, Writer
from autoresearch_tui.privacy import guard
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry.machine import is_alive, person
from autoresearch_tui.workspace import RunFolder, Workspace, WorkspaceError, hide

ENDPOINTS = "endpoints.json"

Tell = Callable[[Recorded, Run], None]


def spend(workspace: Workspace, settings: Settings, asked: Asked, tell: Tell) -> End:
    """Work on a run until there is a reason to end; what that was."""
    hide(workspace, open_repository(workspace.folder).common_dir / "info" / "exclude")
    opening.refuse_a_network_disk(workspace.runs_folder)
    tag = opening.choose_tag(workspace, asked, datetime.now())
    with engine_lock(workspace.hidden / "engine.lock", tag):
        return _spend(workspace, settings, asked, tag, tell)


def _spend(workspace: Workspace, settings: Settings, asked: Asked, tag: str, tell: Tell) -> End:
    become_subreaper()
    opening.take_card(settings.gpu.card)
    return asyncio.run(_night(workspace, settings, asked, tag, tell))


async def _night(workspace: Workspace, settings: Settings, asked: Asked, tag: str, tell: Tell) -> End:
    lineage = Lineage(workspace.folder, tag, workspace.edit)
    lineage.clear_stale_locks()
    folder = workspace.run(tag)
    settings = opening.with_its_slots(settings, folder)
    chosen = _as_before(folder) if asked.after else await choose(settings, os.environ)
    chain = hired(chosen, settings, os.environ)
    endpoints.remind(workspace.hidden / ENDPOINTS, chain.researchers)
    cluster = await cluster_of(settings)  # outside of the guard, in a process of its own
    attempts: list[str] = []
    with guard(attempts.append) if chain.local_only else nullcontext():
        down = await checked(chain)
        cost = None
        if not asked.after:  # a keeper's restart changes nothing that a person agreed to
            refuse_to_start(chain, down)
            cost = affordable(chain, settings)
        sandbox = await opening.sandboxed(workspace, settings.sandbox.kind)
        if is_new := not _was_begun(folder):
            first = opening.begin(workspace, lineage, folder, settings, asked)
            if settings.gpu.sharing == "share" and opening.is_shared(workspace, chain):
                first = await fitted(workspace, folder, lineage, chain, sandbox.sandbox, opening.caps(settings), first)
        elif asked.origin:
            raise WorkspaceError(f"the run {tag} exists already: `--from` says where a new run begins, so it wants a new `--tag`.")
        with Writer(folder.journal) as journal:
            if is_new:
                for recorded in journal.append(*first):
                    tell(recorded, journal.run)
            last = journal.run.engine
            if last and not journal.run.ended and last.pid != os.getpid() and is_alive(last.pid, last.born, last.boot):
                raise Locked(
                    f"the engine {last.pid} works on {tag} already, though the lock is gone: `autoresearch-tui send stop` ends it."
                )
            opening.refuse_another_key(journal.run, workspace)
            caps, start = opening.caps(settings), journal.run.start
            executor = executor_of(settings, workspace, folder, lineage, sandbox.sandbox, caps, journal.sample, start, cluster)
            backup = lineage.repository.common_dir / "autoresearch" / f"{tag}.sqlite"
            upkeep = Upkeep(folder, backup, settings.disk.floor_gb, settings.disk.max_gb)
            drafter = Drafter(workspace, folder, lineage, settings.proposing)
            proposers = opening.Proposers(chain.names, chosen.why, chain.local_only, cost)
            started = opening.session(journal.run, settings, asked, proposers, sandbox, version("autoresearch-tui"), datetime.now(LOCAL))
            jobs = Jobs(workspace, folder)
            controller = Controller(journal, folder, lineage, drafter, chain, executor, jobs, upkeep, tell, settings, attempts)
            _listen_to_signals(controller)
            await executor.begin()
            cards = [slot.conditions.card for slot in executor.slots.values()]
            await controller.begin_session(replace(started, card=next((card.uuid for card in cards if card), "")), down, _allocated())
            try:
                end = await controller.work()
            finally:
                endpoints.keep(workspace.hidden / ENDPOINTS, chain.researchers)
                await executor.end()
            controller.finish(end.why)
            return end


def _allocated() -> tuple[str, ...]:
    """What a cluster's allocation means for the night."""
    now = datetime.now(LOCAL)
    allocation = slurm.allocation(os.environ, now)
    return (allocation.said(now),) if allocation and allocation.said(now) else ()


def _as_before(folder: RunFolder) -> Chosen:
    """Whoever proposed before the engine died goes on, whatever answers best just now."""
    with Journal(folder.journal) as journal:
        engine = journal.refresh().engine
    assert engine is not None, "a keeper starts again what was started"
    return Chosen((engine.researcher, *engine.chain), engine.chosen)


def _was_begun(folder: RunFolder) -> bool:
    """An engine may have died between making the journal and its first fact."""
    if not folder.journal.exists():
        return False
    with Journal(folder.journal) as journal:
        return bool(journal.refresh().tag)


def _listen_to_signals(controller: Controller) -> None:
    """Ctrl+C once is `stop`, twice is `stop now`: the same commands as anybody else's, so the journal has them."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        stops = [wish for wish in controller.run.wishes.values() if isinstance(wish.wish, c.Stop)]
        try:
            controller.journal.send(c.Stop(controller.run.session, now=bool(stops)), person())
            controller.hear()
        except (OSError, JournalError) as error:
            controller.leave(f"Ctrl+C, and the journal cannot be written: {error}")

    loop.add_signal_handler(signal.SIGINT, interrupt)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, controller.leave, f"{number.name} arrived")
