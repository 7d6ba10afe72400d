"""What containment costs a trial: the start of a program that does nothing, plain and wrapped, in turns; measured, and printed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from tests.engine.rooms import EITHER, Room

ROUNDS = 25
BOUND_S = 0.05


@pytest.mark.slow
@pytest.mark.parametrize("kind", EITHER)
def test_containment_costs_less_than_fifty_milliseconds_a_trial(kind: str, tmp_path: Path) -> None:
    room = Room(tmp_path, kind)
    plain = (sys.executable, "-I", "-S", "-c", "pass")
    began = time.perf_counter()
    wrapped = room.sandbox.wrap(plain, room.view, room.folder)
    wrapping = time.perf_counter() - began
    extra = median(seconds(wrapped, room) - seconds(plain, room) for _ in range(ROUNDS)) + wrapping
    print(f"\n{kind}: {extra * 1000:.1f} ms more a trial, {wrapping * 1000:.1f} ms of them to write its command line")
    assert extra < BOUND_S


def seconds(command: tuple[str, ...], room: Room) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=room.folder, env=room.environment, check=True)
    return time.perf_counter() - began
