"""What a program cannot do from within a room, in either kind of sandbox: proved from outside where anything is left to prove."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.engine.rooms import EITHER, Room

REFUSALS = {"PermissionError", "FileNotFoundError", "OSError", "ProcessLookupError", "ConnectionRefusedError"}


@pytest.fixture(params=EITHER)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Room:
    return Room(tmp_path, request.param)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that the user can read, outside of the room."""
    file = tmp_path / "home" / "key"
    file.parent.mkdir()
    file.write_text("secret")
    file.chmod(0o600)
    return file


# ---------------------------------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------------------------------


def test_nothing_outside_the_view_can_be_read(room: Room, secret: Path) -> None:
    said = room.told(f"""
import os
print(json.dumps([found(lambda name=name: open(name).read()) for name in ({str(secret)!r}, "/etc/shadow", "/etc/sudoers", "/dev/mem")]
    + [found(lambda: os.listdir({str(secret.parent)!r})), found(lambda: "key" in os.listdir(os.path.expanduser("~")))]))
""")
    assert set(said[:-1]) <= REFUSALS
    assert said[-1] in {"False", *REFUSALS}


def test_it_writes_in_its_own_folders_and_nowhere_else(room: Room, secret: Path, tmp_path: Path) -> None:
    """What it tries elsewhere is done to files of this test, or leaves nothing: whatever is broken, it breaks no machine."""
    tool = tmp_path / "tools" / "tool"
    tool.parent.mkdir()
    tool.write_text("to be read")
    tool.chmod(0o600)
    room.see(tool.parent)
    said = room.told(f"""
import os, tempfile
for place in (".", None, "/dev/shm"):
    tempfile.NamedTemporaryFile("w", dir=place).write("mine")
open("/dev/null", "w").write("nothing")
os.makedirs("deep/er"), os.rename("deep/er", "er")
secret, tool = {str(secret)!r}, {str(tool)!r}
print(json.dumps([
    *[found(lambda folder=folder: os.open(folder, os.O_TMPFILE | os.O_WRONLY)) for folder in ("/", "/dev", "/etc", "/usr", {sys.prefix!r})],
    *[found(lambda name=name: open(name, "a")) for name in (secret, tool)],
    *[found(lambda name=name: os.truncate(name, 0)) for name in (secret, tool)],
    *[found(lambda name=name: os.chmod(name, 0o777)) for name in (secret, tool)],
    *[found(lambda name=name: os.setxattr(name, "user.mark", b"1")) for name in (secret, tool)],
    *[found(lambda name=name: os.rename(name, "mine")) for name in (secret, tool)],
    *[found(lambda name=name: os.link(name, "link")) for name in (secret, tool)],
    *[found(lambda name=name: os.remove(name)) for name in (secret, tool)],
    found(lambda: os.fchmod(os.open(tool, os.O_RDONLY), 0o777)),
]))
""")
    assert set(said) <= REFUSALS
    room.run(f"open({str(secret.with_name('new'))!r}, 'w').write('here')")  # which may be in a /tmp of its own
    assert (secret.read_text(), tool.read_text()) == ("secret", "to be read")
    assert {file.stat().st_mode & 0o777 for file in (secret, tool)} == {0o600}
    assert os.listdir(secret.parent) == ["key"]


def test_what_is_hidden_in_a_folder_is_not_there_and_the_rest_of_it_is(room: Room) -> None:
    library = Path(os.__file__).parent
    room.see(hidden=(library / "turtledemo", library / "idlelib", library / "this.py"))
    said = room.told(f"""
import json, asyncio, email, xml.dom
names = ("turtledemo/__init__.py", "turtledemo/clock.py", "idlelib/pyshell.py", "this.py")
print(json.dumps([found(lambda name=name: open({str(library)!r} + "/" + name).read(1)) for name in names]))
""")
    assert set(said[:-1]) <= REFUSALS
    assert said[-1] in {"", *REFUSALS}


def test_a_link_that_is_seen_keeps_its_name(room: Room, tmp_path: Path) -> None:
    data = tmp_path / "large" / "train"
    data.mkdir(parents=True)
    (data / "tokens").write_text("1 2 3")
    (data.parent / "audit").write_text("4 5 6")
    (tmp_path / "cache").symlink_to("large")
    room.see(tmp_path / "cache" / "train")
    said = room.told(f"""
print(json.dumps([found(lambda name=name: open({str(tmp_path)!r} + name).read()) for name in
    ("/cache/train/tokens", "/large/train/tokens", "/cache/audit", "/large/audit")]))
""")
    assert said[:2] == ["1 2 3", "1 2 3"]
    assert set(said[2:]) <= REFUSALS


def test_a_path_that_went_away_is_left_out(room: Room, tmp_path: Path) -> None:
    room.see(tmp_path / "gone")
    assert room.told("print(1)") == 1


@pytest.mark.needs("bubblewrap")
def test_a_frozen_file_in_its_own_folder_cannot_be_changed_in_a_namespace(tmp_path: Path) -> None:
    room = Room(tmp_path, "bubblewrap")
    frozen = room.folder / "prepare.py"
    frozen.write_text("BUDGET = 300")
    room.see(frozen)
    attempts = ('open("prepare.py", "w")', 'os.remove("prepare.py")', 'os.rename("train.py", "prepare.py")', 'os.rename("prepare.py", "x")')
    said = room.told(f"import os\nprint(json.dumps([{', '.join(f'found(lambda: {attempt})' for attempt in attempts)}]))")
    assert set(said) <= REFUSALS
    assert frozen.read_text() == "BUDGET = 300"


# ---------------------------------------------------------------------------------------------------------------------------------
# Network and neighbours
# ---------------------------------------------------------------------------------------------------------------------------------


def test_no_listener_of_this_machine_hears_of_it(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    name = tmp_path.name + room.sandbox.name
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as letters,
    ):
        udp.bind(("127.0.0.1", 0))
        abstract.bind(f"\0{name}")
        named.bind("named")
        letters.bind("letters")
        for one in (tcp, abstract, named):
            one.listen()
        said = room.told(f"""
import socket
def connect(family, address):
    socket.socket(family).connect(address)
def send(family, address):
    socket.socket(family, socket.SOCK_DGRAM).sendto(b"hello", address)
    return "sent"
print(json.dumps([
    found(lambda: connect(socket.AF_INET, ("127.0.0.1", {tcp.getsockname()[1]}))),
    found(lambda: connect(socket.AF_UNIX, "\\0{name}")),
    found(lambda: connect(socket.AF_UNIX, {str(tmp_path / "named")!r})),
    found(lambda: send(socket.AF_UNIX, {str(tmp_path / "letters")!r})),
    found(lambda: send(socket.AF_INET, ("127.0.0.1", {udp.getsockname()[1]}))),
    found(lambda: socket.socket(socket.AF_VSOCK)),
]))
""")
        for one in (tcp, udp, abstract, named, letters):
            one.settimeout(0)
            with pytest.raises(BlockingIOError):
                one.accept() if one.type == socket.SOCK_STREAM else one.recv(1)
    assert set(said[:4]) | {said[5]} <= REFUSALS
    assert said[4] in ("sent", "PermissionError")  # into a loopback of its own, where nobody listens


def test_neighbours_are_neither_looked_into_nor_ended(room: Room) -> None:
    with subprocess.Popen(["sleep", "30"], env={"API_KEY": "secret"}) as neighbour:
        try:
            said = room.told(f"""
import ctypes, os, signal
def ptrace():
    if ctypes.CDLL(None, use_errno=True).ptrace(16, {neighbour.pid}, 0, 0) < 0:
        raise PermissionError
print(json.dumps([
    *[found(lambda name=name: open("/proc/{neighbour.pid}/" + name, "rb").read(9)) for name in ("environ", "mem", "maps")],
    found(lambda: os.readlink("/proc/{neighbour.pid}/cwd")), found(lambda: os.listdir("/proc/{neighbour.pid}/root")),
    found(ptrace), found(lambda: os.kill({neighbour.pid}, signal.SIGTERM)), found(lambda: os.kill({os.getpid()}, 0)),
]))
""")
            assert neighbour.poll() is None
        finally:
            neighbour.kill()
    assert set(said) <= REFUSALS


@pytest.mark.needs("bubblewrap")
def test_in_a_namespace_it_sees_no_process_but_its_own(tmp_path: Path) -> None:
    assert Room(tmp_path, "bubblewrap").told('import os; print(sum(name.isdigit() for name in os.listdir("/proc")))') == 2


# ---------------------------------------------------------------------------------------------------------------------------------
# The kernel
# ---------------------------------------------------------------------------------------------------------------------------------


def test_the_clock_cannot_be_set(room: Room) -> None:
    before = time.time() - time.monotonic()
    assert room.told("import time; print(json.dumps(found(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))))") in REFUSALS
    assert abs(time.time() - time.monotonic() - before) < 1


def test_what_outlives_a_trial_or_opens_other_doors_is_refused(room: Room) -> None:
    calls = {"add_key": 248, "keyctl": 250, "bpf": 321, "io_uring_setup": 425, "unshare": 272, "perf_event_open": 298}
    said = room.told(f"""
import ctypes, os, platform
numbers = {calls} if platform.machine() == "x86_64" else {{}}
libc = ctypes.CDLL(None, use_errno=True)
said = {{}}
for name, number in numbers.items():
    arguments = (0x10000000,) if name == "unshare" else (b"user", b"mark", b"weights", 7, -4)
    said[name] = libc.syscall(number, *arguments), ctypes.get_errno()
print(json.dumps(said))
""")
    assert all(result == -1 and number in (1, 38) for result, number in said.values()), said


@pytest.mark.needs("root")
def test_root_has_no_capability_and_no_say_over_the_kernel(room: Room) -> None:
    said = room.told("""
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps([int(status["CapEff"], 16) | int(status["CapPrm"], 16), status["NoNewPrivs"],
    *[found(lambda name=name: open(name, "r+")) for name in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches",
        "/sys/kernel/mm/transparent_hugepage/enabled")]]))
""")
    assert said[:2] == [0, "1"]
    assert set(said[2:]) <= REFUSALS


@pytest.mark.needs("root")
def test_it_holds_an_ordinary_user_as_well(tmp_path: Path, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    user = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    pythons = ("/usr/bin/python3", "/usr/local/bin/python3", sys.executable)
    python = next(name for name in pythons if subprocess.run([*user, name, "-c", ""], capture_output=True, check=False).returncode == 0)
    monkeypatch.setattr(sys, "executable", python)  # which has to be one that any user may run
    theirs = Room(tmp_path / "theirs", room.sandbox.name, python)
    for folder in (theirs.folder, theirs.temporary):
        os.chown(folder, 65534, 65534)
    for folder in (theirs.folder, *theirs.folder.parents):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o011)
    mine = tmp_path / "mine"
    mine.write_text("of the same user")
    os.chown(mine, 65534, 65534)
    said = theirs.told(
        f"""
import os, socket, tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
tempfile.NamedTemporaryFile("w", dir=".").write("mine")
assert list(ProcessPoolExecutor(1, get_context("fork")).map(abs, [-1])) == [1]
print(json.dumps([os.getuid(), found(lambda: open({str(mine)!r}).read()), found(lambda: os.chmod({str(mine)!r}, 0)),
    found(lambda: socket.create_connection(("127.0.0.1", 9), 1))]))
""",
        before=user,
    )
    assert said[0] == 65534
    assert set(said[1:]) <= REFUSALS
