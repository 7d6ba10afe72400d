"""A Ray cluster for tests, in a process of its own: Ray takes signals, and ends with the cluster that it belongs to.

Its nodes are processes of this machine, each with one GPU that is none, and a cache of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any


class Nodes:
    """A cluster whose nodes come and go as a test says."""

    def __init__(self, caches: Path, nodes: int = 3) -> None:
        self.caches = caches
        caches.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_memory_monitor_refresh_ms": "0",
            "RAY_raylet_start_wait_time_s": "90",
        }
        environment.pop("AUTORESEARCH_DATA", None)
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.clusters", str(caches)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.address = self._heard()
        for _ in range(nodes):
            self.add()

    def add(self) -> Path:
        """Another node; its cache."""
        return Path(self._asked("add"))

    def kill(self, cache: Path) -> None:
        """The node goes as a machine does whose power is cut."""
        self._asked(f"kill {cache}")

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._keeper.stdin
        self._keeper.stdin.close()
        self._keeper.wait(60)

    def _asked(self, line: str) -> str:
        assert self._keeper.stdin
        print(line, file=self._keeper.stdin, flush=True)
        return self._heard()

    def _heard(self) -> str:
        assert self._keeper.stdout
        line = self._keeper.stdout.readline().strip()
        assert line, "the cluster did not start"
        return line


def _keep(caches: Path) -> None:
    said = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0, "include_dashboard": False})
    print(cluster.address, file=said)
    nodes: dict[str, Any] = {}
    try:
        for line in sys.stdin:
            word, _, path = line.strip().partition(" ")
            if word == "add":
                path = str(caches / f"cache{len(nodes)}")
                nodes[path] = cluster.add_node(num_cpus=1, num_gpus=1, env_vars={"XDG_CACHE_HOME": path})
            else:
                cluster.remove_node(nodes[path], allow_graceful=False)
            print(path, file=said)
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call, unused-ignore]


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
