"""Trainings that reach for the network, for other processes and for the machine itself."""

from __future__ import annotations

import socket

from tests.contained.attempts import UNDONE, Attempt, Only, root
from tests.contained.ground import Ground


def has_other_interfaces() -> bool:
    return any(name != "lo" for _, name in socket.if_nameindex())


def has_vsock() -> bool:
    try:
        socket.socket(socket.AF_VSOCK).close()
    except OSError:
        return False
    return True


TCP_KNOCK = """
import socket


def attempt():
    with socket.create_connection(("127.0.0.1", TCP), timeout=3) as door:
        door.sendall(b"knock")
"""
UDP_KNOCK = """
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as letter:
        letter.sendto(b"knock", ("127.0.0.1", UDP))
"""
UNIX_KNOCK = """
import socket


def attempt():
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(3)
        door.connect(ADDRESS_OF_IT)
        door.sendall(b"knock")
"""
OTHER_INTERFACES = """
import socket


def attempt():
    if all(name == "lo" for _, name in socket.if_nameindex()):
        raise PermissionError("there is nothing but loopback")
"""
VSOCK = """
import socket


def attempt():
    socket.socket(socket.AF_VSOCK).close()
"""
SIGNAL = """
def attempt():
    os.kill(NEIGHBOUR, signal.SIGUSR1)
"""
KILL_PARENT = """
def attempt():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(0.2)
"""
POKE = """
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def attempt():
    call("ptrace", 16, NEIGHBOUR, None, None)
    os.waitpid(NEIGHBOUR, 0)
    call("ptrace", 4, NEIGHBOUR, ADDRESS, int.from_bytes(b"poked!!!", "little"))
    call("ptrace", 17, NEIGHBOUR, None, None)
"""
CLOCK = """
def attempt():
    time.clock_settime(time.CLOCK_REALTIME, time.time())  # to what it is
"""
PRIORITY = """
def attempt():
    any_of(
        lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    )
"""
ATTEMPTS = (
    Attempt("connects to a server of this machine by TCP", TCP_KNOCK, lambda ground: ground.knocked(ground.tcp)),
    Attempt("sends to a server of this machine by UDP", UDP_KNOCK, lambda ground: ground.knocked(ground.udp), bubblewrap=UNDONE),
    Attempt(
        "connects to a socket that is a file in the home folder",
        UNIX_KNOCK.replace("ADDRESS_OF_IT", 'f"{HOME}/agent"'),
        lambda ground: ground.knocked(ground.unix),
    ),
    Attempt(
        "connects to a socket that is no file",
        UNIX_KNOCK.replace("ADDRESS_OF_IT", 'f"\\0{TICKET}"'),
        lambda ground: ground.knocked(ground.abstract),
    ),
    Attempt(
        "finds a network beyond loopback",
        OTHER_INTERFACES,
        Ground.worked,
        only=Only("where there is one", has_other_interfaces),
    ),
    Attempt("opens a socket to the host of a virtual machine", VSOCK, Ground.worked, only=Only("where there is one", has_vsock)),
    Attempt("sends a signal to the engine", SIGNAL, Ground.changed_neighbour, abi=6),
    Attempt("kills its launcher", KILL_PARENT, lambda ground: False, bubblewrap=UNDONE, off=UNDONE, abi=6),
    Attempt(
        "writes into the memory of another process as its debugger",
        POKE,
        Ground.changed_neighbour,
        only=root("sys_ptrace"),
    ),
    Attempt("sets the clock", CLOCK, Ground.worked, only=root("sys_time")),
    Attempt("raises its own priority", PRIORITY, Ground.worked, only=root("sys_nice")),
)
