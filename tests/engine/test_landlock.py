"""What Landlock's rules and the filter of calls come to: on machines other than this one, and where something is missing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_tui.engine import confine, seccomp
from autoresearch_tui.engine.landlock import Landlock, confined
from autoresearch_tui.engine.paths import walk, without
from autoresearch_tui.engine.view import View, training_view
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.nights import make_checkout
from tests.engine.rooms import Room
from tests.machine import folder_in_shared_memory

MACHINES = pytest.mark.parametrize("machine", seccomp.AUDIT)
AF_INET, AF_VSOCK, STREAM, DATAGRAM, CLOEXEC = 2, 40, 1, 2, 0o2000000
CLONE_THREAD, CLONE_NEWUSER = 0x10000, 0x10000000


class Kernel:
    """Runs the filter as a kernel on this machine would: the error that a call gets, 0 if it is let through."""

    def __init__(self, machine: str, alone: bool) -> None:
        self.machine = machine
        self.column = list(seccomp.AUDIT).index(machine)
        text = seccomp.program(alone, machine)
        self.steps = [seccomp.STEP.unpack_from(text, at) for at in range(0, len(text), seccomp.STEP.size)]

    def __call__(self, call: tuple[int | None, int | None], *arguments: int) -> int:
        return self.run(call[self.column], seccomp.AUDIT[self.machine], *arguments)

    def run(self, number: int | None, architecture: int, *arguments: int) -> int:
        given = {0: number, 4: architecture} | {16 + 8 * place: value for place, value in enumerate((*arguments, 0, 0, 0))}
        at = register = 0
        while True:
            code, yes, no, value = self.steps[at]
            if code == seccomp.RETURN:
                return value & 0xFFFF if value & 0x7FFF0000 == seccomp.ERROR else 0
            if code == seccomp.LOAD:
                register = given[value] or 0
            elif code == seccomp.AND:
                register &= value
            else:
                holds = {seccomp.EQUAL: register == value, seccomp.AT_LEAST: register >= value, seccomp.ANY_BIT: register & value}[code]
                at += yes if holds else no
            at += 1


@MACHINES
@pytest.mark.parametrize("alone", [True, False])
def test_every_call_of_the_list_is_refused(machine: str, alone: bool) -> None:
    kernel = Kernel(machine, alone)
    refused = seccomp.REFUSED | (seccomp.REFUSED_ALONE if alone else {})
    assert {name for name, call in refused.items() if call[kernel.column] is not None and kernel(call) != errno.EPERM} == set()
    assert {name for name, call in seccomp.MISSING.items() if kernel(call) != errno.ENOSYS} == set()
    assert kernel.run(seccomp.NEWEST + 1, seccomp.AUDIT[machine]) == errno.ENOSYS  # also all of x86's second set of numbers
    assert kernel.run(20, 0x40000003) == errno.ENOSYS  # a 32-bit program's


@MACHINES
def test_what_a_training_does_all_day_is_let_through(machine: str) -> None:
    for alone in (True, False):
        kernel = Kernel(machine, alone)
        refused = {call[kernel.column] for table in (seccomp.REFUSED, seccomp.REFUSED_ALONE, seccomp.MISSING) for call in table.values()}
        assert {kernel.run(number, seccomp.AUDIT[machine], 1, STREAM) for number in range(400) if number not in refused} <= {0, errno.EPERM}
        assert kernel(seccomp.SOCKETPAIR, seccomp.AF_UNIX, STREAM | CLOEXEC) == 0
        assert kernel(seccomp.SOCKET, seccomp.AF_UNIX, STREAM) == 0
        assert kernel(seccomp.CLONE, CLONE_THREAD) == 0
        assert kernel(seccomp.KILL, 4711) == 0
        assert kernel(seccomp.PRLIMIT, 0) == 0


@MACHINES
def test_arguments_decide_where_a_call_is_needed_for_good_and_for_bad(machine: str) -> None:
    alone, held = Kernel(machine, True), Kernel(machine, False)
    for kernel in (alone, held):
        assert kernel(seccomp.CLONE, CLONE_THREAD | CLONE_NEWUSER) == errno.EPERM
        assert kernel(seccomp.SOCKET, AF_VSOCK, STREAM) == errno.EPERM
    assert held(seccomp.SOCKET, AF_INET, DATAGRAM) == 0
    assert alone(seccomp.SOCKET, AF_INET, DATAGRAM) == errno.EPERM
    assert alone(seccomp.SOCKET, seccomp.AF_UNIX, DATAGRAM) == errno.EPERM
    assert alone(seccomp.SOCKETPAIR, seccomp.AF_UNIX, DATAGRAM | CLOEXEC) == errno.EPERM
    assert alone(seccomp.KILL, 0xFFFFFFFF) == errno.EPERM
    assert alone(seccomp.PRLIMIT, 4711) == errno.EPERM


def test_a_machine_whose_numbers_are_not_known_gets_no_filter() -> None:
    assert seccomp.program(True, "riscv64") == b""


@pytest.mark.needs("landlock")
def test_it_cannot_speak_to_everybody_at_once(tmp_path: Path) -> None:
    assert Room(tmp_path, "landlock").told("import os; print(json.dumps(found(lambda: os.kill(-1, 0))))") == "PermissionError"


@pytest.mark.needs("landlock")
def test_a_view_without_devices_leaves_proc_alone_and_one_with_them_names_threads(tmp_path: Path) -> None:
    room = Room(tmp_path, "landlock")
    naming = "print(json.dumps(found(lambda: open('/proc/self/task/' + str(__import__('os').getpid()) + '/comm', 'w').write('a thread'))))"
    assert room.told(naming) == "PermissionError"
    room.view = View(room.view.read, room.view.write, temporary=room.temporary, devices=(Path("/dev/zero"),))
    assert room.told(naming) == "8"


@pytest.mark.needs("landlock")
def test_a_command_that_is_not_there_is_said() -> None:
    done = subprocess.run(confined([("read", "/usr")], ["/nowhere/python"]), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "/nowhere/python cannot be started: No such file or directory\n")


def test_a_kernel_without_landlock_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "CREATE_RULESET", 10_000)  # a call that no kernel has
    assert Landlock.find() == "this kernel has none, or it is switched off (`lsm=` on the kernel's command line)"


# ---------------------------------------------------------------------------------------------------------------------------------
# Paths
# ---------------------------------------------------------------------------------------------------------------------------------


def test_a_path_is_walked_through_every_link(tmp_path: Path) -> None:
    (tmp_path / "disk" / "python-3.11").mkdir(parents=True)
    (tmp_path / "python").symlink_to("disk/newest")
    (tmp_path / "disk" / "newest").symlink_to(tmp_path / "disk" / "python-3.11")
    end, links = walk(tmp_path / "python" / "bin" / ".." / "lib")
    assert end == tmp_path / "disk" / "python-3.11" / "lib"
    assert links == {tmp_path / "python": "disk/newest", tmp_path / "disk" / "newest": str(tmp_path / "disk" / "python-3.11")}


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert set(walk(tmp_path / "one")[1]) == {tmp_path / "one", tmp_path / "two"}


def test_a_folder_without_some_of_it_is_the_largest_pieces_that_hold_none_of_that(tmp_path: Path) -> None:
    for name in ("a/x/1", "a/x/2", "a/y/1", "b/1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/x/2")
    pieces = without(tmp_path, {tmp_path / "a" / "x" / "2"})
    assert [str(piece.relative_to(tmp_path)) for piece in pieces] == ["a/x/1", "a/y", "b"]


@pytest.mark.needs("landlock")
def test_it_needs_this_interpreter_and_no_file_of_ours_once_it_is_imported(tmp_path: Path) -> None:
    command = Room(tmp_path, "landlock").command("")
    assert command[:4] == (sys.executable, "-I", "-S", "-c")
    assert not any(str(Path(confine.__file__)) in word for word in command)
    assert os.path.basename(confine.__file__) == "confine.py"


@pytest.mark.needs("shm")
def test_shared_memory_that_holds_the_workspace_is_not_the_trials() -> None:
    with folder_in_shared_memory() as folder:
        workspace = open_workspace(make_checkout(folder / "lab"), Settings())
        where, temporary = workspace.hidden / "trial", workspace.hidden / "tmp"
        for made in (where, temporary):
            made.mkdir(parents=True)
        words = Landlock().wrap(("true",), training_view(workspace, where, temporary), where)
    assert "/dev/shm" not in words
    assert str(where) in words
    assert "/dev/shm" in Landlock().wrap(("true",), View((), ()), where)
