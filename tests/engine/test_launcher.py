"""The launcher alone, as any parent may run it: what the training gets from it, and what it says."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autoresearch_tui.engine import launcher
from autoresearch_tui.engine.trainer import Order, as_bytes
from tests.engine.trainings import alive, order, until


class Parent:
    """The other end of a launcher's socket."""

    def __init__(self, one: Order) -> None:
        self.ours, theirs = socket.socketpair()
        with one.log.open("ab") as log, theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-I", "-S", launcher.__file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(), *one.descriptors),
                start_new_session=True,
                cwd="/",
            )
        self.ours.settimeout(20)
        self.ours.sendall(as_bytes(one))

    def lines(self) -> list[dict[str, Any]]:
        """All that it says until it ends."""
        with self.ours.makefile() as said:
            lines = [json.loads(line) for line in said]
        self.child.wait(10)
        return lines


def told(one: Order) -> dict[str, Any]:
    """What a training that prints one JSON object at its end was given."""
    parent = Parent(one)
    parent.ours.sendall(b"go\n")
    assert parent.lines()[-1]["code"] == 0, one.log.read_text()
    said: dict[str, Any] = json.loads(one.log.read_text().splitlines()[-1])
    return said


LOOKS_AROUND = """
import json, os, resource, signal, sys
fds = sorted(int(name) for name in os.listdir("/proc/self/fd"))
fds = [number for number in fds if os.path.exists(f"/proc/self/fd/{number}")]  # without the one that listed them
mask = next(line for line in open("/proc/self/status") if line.startswith("SigIgn")).split()[1]
print(json.dumps({
    "environment": open("/proc/self/environ").read().split("\\0")[:-1],
    "stdin": os.readlink("/proc/self/fd/0"), "fds": fds, "folder": os.getcwd(), "umask": os.umask(0),
    "session": os.getsid(0) == os.getpid(), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "oom": open("/proc/self/oom_score_adj").read().strip(), "ignored": mask,
}))
"""


def test_the_training_gets_what_the_order_says_and_nothing_else(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", LOOKS_AROUND, environment={"AUTORESEARCH_TOKEN": "a/1", "ODD": "two\nlines=\u00e9"})
    said = told(one)
    assert said["environment"] == ["AUTORESEARCH_TOKEN=a/1", "ODD=two\nlines=\u00e9"]
    assert said["stdin"] == "/dev/null"
    assert said["fds"] == [0, 1, 2]
    assert said["folder"] == str(tmp_path / "trial")
    assert said["umask"] == 0o077
    assert said["session"]
    assert said["core"] == [0, 0]
    assert said["oom"] == "500"
    ignored = {number for number in signal.Signals if int(said["ignored"], 16) >> (number - 1) & 1}
    assert ignored <= {signal.SIGPIPE, signal.SIGXFSZ}  # which Python ignores by itself


def test_a_descriptor_that_is_passed_arrives_and_is_the_trainings_alone(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    source = f"import os, time\nos.write({writing}, b'here')\nos.close({writing})\ntime.sleep(2)\n"
    parent = Parent(order(tmp_path / "trial", source, descriptors=(writing,)))
    os.close(writing)
    parent.ours.sendall(b"go\n")
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"here"
    assert parent.child.poll() is None  # the pipe has ended, though the launcher lives on
    parent.ours.sendall(b"end 0\n")
    assert parent.lines()[-1]["by"] == "engine"


def test_an_order_larger_than_a_sockets_buffer_arrives(tmp_path: Path) -> None:
    environment = {f"NAME_{number}": "x" * 100_000 for number in range(8)}
    one = order(tmp_path / "trial", "import os\nprint(len(os.environ))\n", environment={"AUTORESEARCH_TOKEN": "a/1", **environment})
    parent = Parent(one)
    parent.ours.sendall(b"go\n")
    assert parent.lines()[-1]["code"] == 0
    assert one.log.read_text() in ("9\n", "10\n")  # Python may add LC_CTYPE


def test_both_streams_are_added_to_the_end_of_the_log(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr)\n")
    one.log.write_text("before\n")
    parent = Parent(one)
    parent.ours.sendall(b"go\n")
    parent.lines()
    assert one.log.read_text() == "before\nout\nerr\n"


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ({"command": ("no-such-command",)}, errno.ENOENT),
        ({"command": ("/",)}, errno.EACCES),
    ],
)
def test_what_cannot_be_started_is_reported(tmp_path: Path, how: dict[str, Any], number: int) -> None:
    one = order(tmp_path / "trial", "", **{"log": tmp_path / "log"} | how)
    parent = Parent(one)
    parent.ours.sendall(b"go\n")
    assert parent.lines()[-1]["errno"] == number


@pytest.mark.parametrize("ending", [b"", b"end 5\n"], ids=["the engine is gone", "end"])
def test_without_go_nothing_runs(tmp_path: Path, ending: bytes) -> None:
    one = order(tmp_path / "trial", "open('ran', 'w')\n")
    parent = Parent(one)
    if ending:
        parent.ours.sendall(ending)
    else:
        parent.ours.shutdown(socket.SHUT_WR)
    assert parent.lines() == []
    assert parent.child.returncode == 0
    assert not (one.folder / "ran").exists()


def test_the_report_counts_what_all_processes_used(tmp_path: Path) -> None:
    source = "import os, time\nif os.fork():\n    os.wait()\nheap = bytearray(50_000_000)\nwhile time.process_time() < 0.2: pass\n"
    parent = Parent(order(tmp_path / "trial", source))
    parent.ours.sendall(b"go\n")
    first, last = parent.lines()
    assert first["main"] > 0
    assert (last["code"], last["by"], last["stragglers"], last["left"]) == (0, "itself", 0, [])
    assert 0.35 < last["cpu_s"] < 2
    assert 50 < last["rss_mb"] < 200


def test_a_signal_is_reported_as_a_negative_code(tmp_path: Path) -> None:
    parent = Parent(order(tmp_path / "trial", f"import os\nos.kill(os.getpid(), {signal.SIGSEGV})\n"))
    parent.ours.sendall(b"go\n")
    assert parent.lines()[-1]["code"] == -signal.SIGSEGV


def test_no_file_grows_beyond_the_limit(tmp_path: Path) -> None:
    parent = Parent(order(tmp_path / "trial", "open('big', 'wb').write(bytes(2_000_000))\n", file_bytes=1_000_000))
    parent.ours.sendall(b"go\n")
    parent.lines()
    assert (tmp_path / "trial" / "big").stat().st_size <= 1_000_000


def test_asked_twice_the_shorter_patience_holds(tmp_path: Path) -> None:
    source = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)\n"
    one = order(tmp_path / "trial", source)
    parent = Parent(one)
    parent.ours.sendall(b"go\n")
    until(lambda: one.log.read_text() == "deaf\n")
    parent.ours.sendall(b"end 60\n")
    parent.ours.sendall(b"end 0.1\n")
    report = parent.lines()[-1]
    assert (report["code"], report["by"]) == (-signal.SIGKILL, "engine")


def test_a_training_does_not_outlive_its_launcher(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "import time\nprint('alive', flush=True)\ntime.sleep(60)\n")
    parent = Parent(one)
    parent.ours.sendall(b"go\n")
    until(lambda: one.log.read_text() == "alive\n")
    parent.child.kill()
    parent.child.wait()
    until(lambda: not alive(one))
