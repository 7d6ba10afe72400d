"""What the tests share: one prepared corpus for the whole session, in a cache of its own."""

from __future__ import annotations

import json
import os
import re
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.trials import Outcome, make_workspace, run_python, run_trial
from tests.machine import CAN_MOUNT, HAS_BUBBLEWRAP, HAS_CHROMIUM, HAS_GCC, HAS_PROC, HAS_SHM, HAS_TMUX, IS_ROOT, LANDLOCK_ABI

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # every night here is a process of its own, and compiles the package anew else


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`needs("root")`: what this machine cannot do at all is not collected; a skip always means a GPU."""
    able = {"root": IS_ROOT, "no root": not IS_ROOT, "mount": CAN_MOUNT, "shm": HAS_SHM, "gcc": HAS_GCC, "tmux": HAS_TMUX, "proc": HAS_PROC}
    able |= {"chromium": HAS_CHROMIUM, "bubblewrap": HAS_BUBBLEWRAP, "landlock": LANDLOCK_ABI > 0}
    unable = [item for item in items if not all(able[str(need)] for mark in item.iter_markers("needs") for need in mark.args)]
    config.hook.pytest_deselected(items=unable)
    items[:] = [item for item in items if item not in unable]


@pytest.fixture(scope="session", autouse=True)
def data_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every test keeps its data here, and none of it in the user's cache."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["AUTORESEARCH_DATA"] = str(folder)
    os.environ["XDG_CACHE_HOME"] = str(folder)
    os.environ["AUTORESEARCH_TUI_RUN_RESEARCHER"] = "sweep"  # whatever model the machine may have
    return folder


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some megabytes of documents: paragraphs of this Python's own modules."""
    folder = tmp_path_factory.mktemp("texts")
    library = Path(sysconfig.get_path("stdlib"))
    modules = sorted([*library.glob("*.py"), *library.glob("asyncio/*.py"), *library.glob("email/*.py")])
    paragraphs = [part for module in modules for part in re.split(r"\n\n+(?=\S)", module.read_text(encoding="utf-8"))]
    lines = [json.dumps({"text": part}) for part in dict.fromkeys(paragraphs) if len(part) > 100]
    (folder / "modules.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="session")
def workspace(data_cache: Path, texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace with its data, which no test changes."""
    folder = make_workspace(tmp_path_factory.mktemp("workspace") / "lab")
    prepared = run_python(folder, "prepare.py", "--dataset", str(texts))
    assert prepared.returncode == 0, prepared.stderr
    return folder


@pytest.fixture
def train(workspace: Path) -> str:
    return (workspace / "train.py").read_text()


@pytest.fixture
def trial(workspace: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Train a train.py and have it measured: `trial(source, name="trial", steps=6, seed=42)`."""

    def run(source: str, name: str = "trial", **how: int) -> Outcome:
        return run_trial(workspace, tmp_path / name, source, **how)  # type: ignore[arg-type]

    return run
