"""The last step before a trial's program: give up what it must not have, and become it.

    python -I -S confine.py [RULE VALUE ..] -- COMMAND

It owns how rules become the kernel's: Landlock for files, TCP, signals and abstract sockets, as far as this kernel knows them;
no capability, whoever it runs as; a filter of calls. Which rules, is for `landlock.py` to say:

    read | write | device PATH      with all below; `list` to see names only, `fill` to write into files that exist
    filter HEX                      the program of `seccomp.py`, for this process and all that it starts

A path that is gone by now is left out. Only the standard library, and of it little: every trial waits for this file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every machine
PATH_BENEATH, VERSION = 1, 1
PR_CAPBSET_DROP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 24, 22, 38, 47, 4
SECCOMP_FILTER = 2
CAPABILITY_VERSION = 0x20080522

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR = (1 << bit for bit in range(8))
MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << bit for bit in range(8, 16))
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others mean something for folders only
READ = EXECUTE | READ_FILE | READ_DIR
RIGHTS = {
    "list": READ_DIR,
    "read": READ,
    "fill": WRITE_FILE | TRUNCATE,
    "write": READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE,
    "device": READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | IOCTL_DEV,
}
HANDLED = ((1, READ | RIGHTS["write"] & ~(REFER | TRUNCATE) | MAKE_CHAR | MAKE_BLOCK), (2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
"""What is refused unless a rule grants it, and since which version of Landlock."""
TCP, SCOPES = 0b11, 0b11  # to bind and to connect; abstract sockets and signals


def checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(number: int, what: str, *arguments: object) -> int:
    return checked(LIBC.syscall(number, *arguments), what)


def prctl(option: int, *arguments: int) -> int:
    return int(LIBC.prctl(option, *map(ctypes.c_ulong, (*arguments, *[0] * (4 - len(arguments))))))


def version() -> int:
    """Of the kernel's Landlock; 0: it has none, or it is switched off."""
    return max(0, int(LIBC.syscall(CREATE_RULESET, None, 0, VERSION)))


def restrict(rules: list[tuple[str, str]]) -> None:
    """Let these rules be all that may be done with files; and no TCP, no signal and no abstract socket beyond this process's own."""
    known = version()
    files = sum(rights for since, rights in HANDLED if known >= since)
    attributes = struct.pack("=QQQ", files, TCP if known >= 4 else 0, SCOPES if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = call(CREATE_RULESET, "landlock_create_ruleset", attributes, size, 0)
    for word, path in rules:
        grant(ruleset, RIGHTS[word] & files, path)
    call(RESTRICT_SELF, "landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def grant(ruleset: int, rights: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # gone meanwhile, or closed to us as well
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= OF_FILES
    if rights:
        call(ADD_RULE, f"landlock_add_rule for {path}", ruleset, PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def drop_capabilities() -> None:
    """All of them, for good: root without them is a user whose files are root's."""
    number = 0
    while prctl(PR_CAPBSET_DROP, number) == 0:
        number += 1
    if ctypes.get_errno() not in (errno.EINVAL, errno.EPERM):  # past the last one; or a user, who has none to drop
        checked(-1, "prctl PR_CAPBSET_DROP")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    checked(LIBC.capset(struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24)), "capset")


def install(program: bytes) -> None:
    """From here on the kernel asks this filter first."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    filled = Program(len(program) // 8, program)
    checked(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_FILTER, ctypes.byref(filled), 0, 0), "seccomp")


def main() -> None:
    end = sys.argv.index("--")
    rules, command = list(zip(sys.argv[1:end:2], sys.argv[2:end:2], strict=True)), sys.argv[end + 1 :]
    checked(prctl(PR_SET_NO_NEW_PRIVS, 1), "prctl PR_SET_NO_NEW_PRIVS")
    restrict([rule for rule in rules if rule[0] in RIGHTS])
    drop_capabilities()
    for word, value in rules:
        if word == "filter":
            install(bytes.fromhex(value))
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"the trial could not be confined: {error.strerror}")
