"""Calls to the kernel that a trial may not make, as the small program that the kernel runs before each of them. Pure.

It closes what namespaces and Landlock leave open: keyrings and shared memory that outlive a trial, the insides of other processes,
sockets that no network namespace holds, and doors that nothing here needs (io_uring, bpf). Without a namespace (`alone`) also
all sockets but pairs and unconnected ones of the machine's own, and what changes a file by its name without opening it, for
Landlock looks at opening alone. Owns the list; `confine.py` installs it.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""How the kernel names the machines whose numbers are known here."""
NEWEST = 470
"""Calls above this were made after this list; programs take them for missing and do without."""

# The number on x86_64, and on aarch64; None: it has none there.
Numbers = tuple[int | None, int | None]
REFUSED: dict[str, Numbers] = {
    # the insides of other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    # the clock
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    # another view of the files
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432), "mount_setattr": (442, 442),
    # what outlives a process, and the kernel's own machines
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}  # fmt: skip
REFUSED_ALONE: dict[str, Numbers] = {
    # a socket with a name belongs to a service of this machine: the desktop's, docker's, an ssh agent's
    "connect": (42, 203),
    # shared memory and queues that outlive a process
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    # files changed without being opened
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None), "fchown": (93, 55),
    "lchown": (94, None), "fchownat": (260, 54), "truncate": (76, 45), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
MISSING: dict[str, Numbers] = {
    # programs have another way where the kernel has not got these; the flags of clone3 cannot be looked at from here
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "clone3": (435, 435),
}  # fmt: skip
SOCKET, SOCKETPAIR, CLONE, KILL, PRLIMIT = (41, 198), (53, 199), (56, 220), (62, 129), (302, 261)

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
STREAM, SEQPACKET = 1, 5  # a datagram could be sent to a name without a connection
NAMESPACES = 0x7E020080  # of clone: CLONE_NEWUSER and all the others
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # where they stand in what the program is given
ALLOW, ERROR = 0x7FFF0000, 0x00050000

STEP = struct.Struct("=HBBI")
Step = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, value."""
PERMITTED, NO, ABSENT = (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ERROR | errno.EPERM), (RETURN, 0, 0, ERROR | errno.ENOSYS)


def program(alone: bool, machine: str = platform.machine()) -> bytes:
    """The filter, as the kernel reads it; empty for a machine whose numbers are not known here."""
    if machine not in AUDIT:
        return b""
    return b"".join(STEP.pack(*step) for step in _steps(alone, machine))


def _steps(alone: bool, machine: str) -> Iterator[Step]:
    column = list(AUDIT).index(machine)
    yield (LOAD, 0, 0, ARCHITECTURE)
    yield from ((EQUAL, 1, 0, AUDIT[machine]), ABSENT)  # 32-bit programs have numbers of their own
    yield (LOAD, 0, 0, NUMBER)
    yield from ((AT_LEAST, 0, 1, NEWEST + 1), ABSENT)
    for table, answer in ((MISSING, ABSENT), (REFUSED, NO), (REFUSED_ALONE if alone else {}, NO)):
        for number in (numbers[column] for numbers in table.values()):
            if number is not None:
                yield from ((EQUAL, 0, 1, number), answer)
    yield from _when(CLONE[column], [(LOAD, 0, 0, ARGUMENTS), (ANY_BIT, 0, 1, NAMESPACES), NO])
    if alone:
        for call in (SOCKET, SOCKETPAIR):
            yield from _when(call[column], [*_only(0, AF_UNIX), *_only(1, STREAM, SEQPACKET, mask=0xF)])
        yield from _when(KILL[column], [(LOAD, 0, 0, ARGUMENTS), (EQUAL, 0, 1, 0xFFFFFFFF), NO])  # everybody
        yield from _when(PRLIMIT[column], _only(0, 0))  # itself
    else:  # the namespace has no machine beyond it, but not every kind of socket heeds it
        yield from _when(SOCKET[column], _only(0, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK))
    yield PERMITTED


def _when(number: int, steps: list[Step]) -> Iterator[Step]:
    """These steps for this call, which is permitted if they do not refuse it."""
    yield (EQUAL, 0, len(steps) + 1, number)
    yield from steps
    yield PERMITTED


def _only(argument: int, *values: int, mask: int = 0xFFFFFFFF) -> list[Step]:
    """Refuse the call unless this argument is one of these."""
    tests: list[Step] = [(EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [(LOAD, 0, 0, ARGUMENTS + 8 * argument), (AND, 0, 0, mask), *tests, NO]
