"""What an honest training needs, it has, in either kind of sandbox."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.engine.rooms import EITHER, Room


@pytest.fixture(params=EITHER)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Room:
    return Room(tmp_path, request.param)


def test_the_environment_is_the_one_that_was_given(room: Room) -> None:
    room.environment |= {"ODD": "two\nlines=\u00e9", "LC_ALL": "C.UTF-8"}
    said = room.told("import os; print(json.dumps(dict(os.environ)))")
    assert said.pop("PWD", str(room.folder)) == str(room.folder)
    assert said == room.environment | room.sandbox.environment(room.view)


def test_exit_codes_and_signals_come_through(room: Room) -> None:
    assert room.run("raise SystemExit(7)").returncode == 7
    died = room.run(f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})").returncode
    assert died in (-signal.SIGKILL, 128 + signal.SIGKILL)  # a wrapper that lives on says it as a shell does


def test_open_files_that_are_passed_on_are_there(room: Room) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        room.run(f"import socket; socket.socket(fileno={theirs.fileno()}).sendall(b'here')", pass_fds=(theirs.fileno(),))
        ours.settimeout(1)
        assert ours.recv(9) == b"here"


def test_processes_work_together(room: Room) -> None:
    source = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Queue, get_context, shared_memory

if __name__ == "__main__":
    with ProcessPoolExecutor(2, get_context("{how}")) as pool:
        squares = list(pool.map(abs, range(-3, 0)))
    queue = Queue()
    queue.put("said")
    block = shared_memory.SharedMemory(create=True, size=100)
    block.buf[0] = 7
    block.unlink()
    print(json.dumps([squares, queue.get(timeout=10)]))
"""
    for how in ("fork", "spawn"):
        assert room.told(source.replace("{how}", how)) == [[3, 2, 1], "said"]


@pytest.mark.needs("gcc")
def test_a_compiler_works(room: Room) -> None:
    said = room.told("""
import ctypes, os, subprocess, tempfile
with tempfile.TemporaryDirectory() as folder:
    open(folder + "/one.c", "w").write("int one(void) { return 41 + 1; }")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder + "/one.so", folder + "/one.c"], check=True)
    print(ctypes.CDLL(folder + "/one.so").one())
""")
    assert said == 42


def test_torch_computes_with_the_held_out_modules_hidden(room: Room) -> None:
    library = Path(os.__file__).parent
    names = ("pydoc_data", "idlelib", "lib2to3", "tkinter", "turtledemo")
    room.see(hidden=tuple(path for path in (library / name for name in names) if path.exists()))
    assert room.told("import torch; print(json.dumps((torch.ones(8, 8) @ torch.ones(8, 8)).sum().item()))") == 512
