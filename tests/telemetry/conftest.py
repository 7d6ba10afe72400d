"""Cards for the tests of this folder: a scenario that the real bindings read, in this very process, and samplers that end with the test."""

from __future__ import annotations

import ctypes
import threading
from _ctypes import dlclose
from collections.abc import Callable, Iterator
from pathlib import Path

import pynvml
import pytest

from autoresearch_tui.telemetry import amd
from autoresearch_tui.telemetry.gpu import Sampler
from tests.cards import NEWEST, build, write

VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


@pytest.fixture(autouse=True)
def no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine has and hides."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(amd, "DRM", tmp_path / "drm")


Libraries = Callable[[int], Path]


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    """Each driver is built once."""
    built: dict[int, Path] = {}

    def library(newest: int = NEWEST) -> Path:
        if newest not in built:
            built[newest] = build(tmp_path_factory.mktemp(f"nvml-{newest}"), newest)
        return built[newest]

    return library


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, libraries: Libraries, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The scenario of this process, empty at first. A parameter is the version of its driver."""
    path = tmp_path / "scenario"
    write(path)
    monkeypatch.setenv("AUTORESEARCH_CARDS", str(path))
    loaded = ctypes.CDLL(str(libraries(getattr(request, "param", NEWEST))))  # who asks for its name later gets this one
    yield path
    bound, pynvml.nvmlLib = pynvml.nvmlLib, None
    pynvml._nvmlGetFunctionPointer_cache.clear()
    for library in filter(None, (loaded, bound)):
        dlclose(library._handle)


@pytest.fixture
def watch(scene: Path) -> Iterator[Callable[..., Sampler]]:
    """A sampler of this scenario, which runs."""
    samplers: list[Sampler] = []

    def start(which: str = "", period_s: float = 0.02) -> Sampler:
        samplers.append(Sampler(which, period_s))
        samplers[-1].start()
        return samplers[-1]

    yield start
    for sampler in samplers:
        sampler.stop()
    for thread in [thread for thread in threading.enumerate() if thread.name == "gpu"]:
        thread.join()
