"""Where trials run."""

from __future__ import annotations

from collections.abc import Callable

from autoresearch_tui.engine.caps import Caps
from autoresearch_tui.engine.executors.devices import devices
from autoresearch_tui.engine.executors.local import Here, Local
from autoresearch_tui.engine.executors.node_place import Site
from autoresearch_tui.engine.executors.node_slot import Packer
from autoresearch_tui.engine.executors.protocol import Executor
from autoresearch_tui.engine.executors.ray_cluster import Elsewhere
from autoresearch_tui.engine.executors.ray_process import Cluster, connect
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.sandbox import Sandbox
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import RunFolder, Workspace


async def cluster_of(settings: Settings) -> Cluster | None:
    """The cluster that the settings want, before anything is begun; None: this machine. WorkspaceError says why there is none."""
    return await connect(settings) if settings.run.executor == "ray" else None


def executor_of(
    settings: Settings,
    workspace: Workspace,
    folder: RunFolder,
    lineage: Lineage,
    sandbox: Sandbox,
    caps: Caps,
    keep: Callable[..., None],
    start: str = "",
    cluster: Cluster | None = None,
) -> Executor:
    """The one that the settings name. `keep` writes what is seen of cards and cores to the journal; `start` is the run's first commit."""
    if cluster:
        return Elsewhere(cluster, settings, Site(settings, workspace, folder, Packer(lineage, folder.folder), start, keep))
    log_bytes = settings.disk.log_mb * 2**20
    found = devices(workspace, settings)
    return Here([Local(workspace, folder, lineage, log_bytes, sandbox, caps, one, keep) for one in found])
