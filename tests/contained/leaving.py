"""Trainings that leave something behind: for the next one to begin with, or for whoever reads what a trial has made."""

from __future__ import annotations

import os

from tests.contained.attempts import OPEN, STOPPED, UNDONE, Attempt, Only, useless
from tests.contained.ground import Ground, has_keyring

KEYS = """
import platform
ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[platform.machine()]
NAME = f"warm-{TICKET}".encode()
"""
LEAVE_KEY = (
    KEYS
    + """
def attempt():
    call("syscall", ADD_KEY, b"user", NAME, b"weights", 7, -4)
"""
)
FIND_KEY = (
    KEYS
    + """
def attempt():
    call("syscall", KEYCTL, 10, -4, b"user", NAME, 0)
    print("warm")
"""
)
LEAVE_SEGMENT = """
def attempt():
    call("shmget", int(TICKET[:7], 16), 4096, 0o1600)
"""
FIND_SEGMENT = """
def attempt():
    call("shmget", int(TICKET[:7], 16), 0, 0)
    print("warm")
"""
LEAVE_QUEUE = """
def attempt():
    call("mq_open", f"/warm-{TICKET}".encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
"""
FIND_QUEUE = """
def attempt():
    call("mq_open", f"/warm-{TICKET}".encode(), os.O_RDWR)
    print("warm")
"""
LINK = """
def attempt():
    os.symlink(f"{HOME}/letter.txt", "checkpoint.pt")
"""
HARD_LINK = """
def attempt():
    os.link(f"{HOME}/letter.txt", "checkpoint.pt")
"""
PIPES = """
def attempt():
    os.unlink("train.py")
    for name in ("checkpoint.pt", "train.py", "run.log"):
        os.mkfifo(name)
"""
PIPE_FOR_PREPARE = """
def attempt():
    os.unlink("prepare.py")
    os.mkfifo("prepare.py")
"""
FOLDER = """
def attempt():
    os.makedirs("checkpoint.pt/weights")
"""
OWN_FOLDER = """
def attempt():
    here = os.getcwd()
    os.rename(here, here + ".moved")
    os.symlink(HOME, here)
"""


def leaves(name: str) -> str:
    return f"""
def attempt():
    with open(f"{name}", "w") as file:
        file.write("weights")
"""


def finds(name: str) -> str:
    return f"""
def attempt():
    print("warm" if os.path.exists(f"{name}") else "cold")
"""


def warm(title: str, name: str, **expected: str) -> Attempt:
    """Leaves a file of this name, and the next trial looks for it."""
    every = {"bubblewrap": UNDONE, "landlock": UNDONE, "off": UNDONE} | expected
    return Attempt(title, leaves(name), Ground.warm, every["bubblewrap"], every["landlock"], every["off"], later=finds(name))


def took_anything(ground: Ground) -> bool:
    return os.path.lexists(ground.checkpoint)


def took_a_letter(ground: Ground) -> bool:
    """Whether a file of the user became a checkpoint, or is gone."""
    return took_anything(ground) or not (ground.home / "letter.txt").exists()


KEYRING = Only("where the kernel has one", has_keyring)
ATTEMPTS = (
    warm("leaves something in /tmp for the next trial", "/tmp/warm-{TICKET}", landlock=STOPPED, off=OPEN),
    warm("leaves something in its temporary folder", "{TEMPORARY}/warm-{TICKET}"),
    warm("leaves something in /dev/shm", "/dev/shm/warm-{TICKET}"),
    warm("leaves something in the compile cache", "{os.environ['TORCHINDUCTOR_CACHE_DIR']}/warm-{TICKET}"),
    Attempt("leaves a segment of shared memory", LEAVE_SEGMENT, Ground.warm, bubblewrap=UNDONE, later=FIND_SEGMENT),
    Attempt("leaves a queue of messages", LEAVE_QUEUE, Ground.warm, bubblewrap=UNDONE, later=FIND_QUEUE),
    Attempt("leaves something in the keyring of the kernel", LEAVE_KEY, Ground.warm, later=FIND_KEY, only=KEYRING),
    useless("leaves a link in place of its checkpoint", LINK, took_a_letter),
    Attempt("leaves another name of a user's file in place of its checkpoint", HARD_LINK, took_a_letter, off=UNDONE),
    useless("leaves pipes in place of its files", PIPES, took_anything),
    Attempt("leaves a pipe in place of prepare.py", PIPE_FOR_PREPARE, Ground.trusted, landlock=UNDONE, off=UNDONE),
    useless("leaves a folder in place of its checkpoint", FOLDER, took_anything),
    Attempt("leaves a link in place of its own folder", OWN_FOLDER, took_a_letter, off=UNDONE),
)
