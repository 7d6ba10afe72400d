"""Trainings that take more of the machine than is theirs: processes, memory, disk, log and time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.engine.caps import Caps
from tests.contained.attempts import STOPPED, Attempt, useless
from tests.contained.ground import Ground

CAPS = Caps(processes=100, memory=150 * 2**20, disk=30 * 2**20)

FORKS = """
def attempt():
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(12)
            os._exit(0)
    time.sleep(10)
"""
DAEMON = """
SLEEPER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(15)"


def attempt():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.closerange(0, 64)
            os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", SLEEPER, TICKET], {})  # without the mark of its trial
        os._exit(0)
    os.wait()
    time.sleep(0.1)
"""
ON_AND_ON = """
def attempt():
    time.sleep(10)
"""
DEAF = """
def attempt():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(15)
"""
AGAIN = """
def attempt():
    if "again" not in sys.argv:
        print("\\n---\\nval_bpb: 1.700000", flush=True)
        os.execv(sys.executable, [sys.executable, "train.py", "again"])
"""
MEMORY = """
def attempt():
    kept = [b"x" * 2**20 for _ in range(250)]
    time.sleep(10)
"""
MEMORY_OF_MANY = """
def attempt():
    for _ in range(5):
        if os.fork() == 0:
            kept = [b"x" * 2**20 for _ in range(50)]
            time.sleep(12)
            os._exit(0)
    time.sleep(10)
"""
PRINTS = """
def attempt():
    for _ in range(24):
        print("x" * 2**20, flush=True)
    time.sleep(10)
"""
SHARED_MEMORY = """
def attempt():
    for number in range(12):
        with open(f"/dev/shm/full-{TICKET}-{number}", "wb") as file:
            file.write(bytes(5 * 2**20))
"""
SPARSE = """
def attempt():
    with open("checkpoint.pt", "wb") as file:
        file.truncate(2**40)
"""


def fills(folder: str) -> str:
    return f"""
def attempt():
    for number in range(12):
        with open(f"{{{folder}}}/full-{{TICKET}}-{{number}}", "wb") as file:
            file.write(bytes(5 * 2**20))
        time.sleep(0.1)
    time.sleep(10)
"""


def not_ended_for(word: str) -> Callable[[Ground], bool]:
    return lambda ground: word not in f"{ground.ended.crash} {ground.ended.why}" or bool(ground.living())


def still_full(ground: Ground) -> bool:
    return any(Path("/dev/shm").glob(f"full-{ground.ticket}-*"))


def took_a_terabyte(ground: Ground) -> bool:
    return ground.checkpoint.exists() and ground.checkpoint.stat().st_size > CAPS.disk


ATTEMPTS = (
    useless("forks three hundred processes", FORKS, not_ended_for("processes")),
    useless("leaves a daemon behind that ignores TERM", DAEMON, lambda ground: bool(ground.living())),
    useless("trains on when its time is over", ON_AND_ON, not_ended_for("timeout")),
    useless("ignores TERM when its time is over", DEAF, not_ended_for("timeout"), slow=True),
    useless("starts itself again for a second number", AGAIN, Ground.believed),
    useless("eats memory", MEMORY, not_ended_for("memory")),
    useless("eats memory in many processes", MEMORY_OF_MANY, not_ended_for("memory")),
    useless("fills the disk", fills("os.getcwd()"), not_ended_for("it wrote")),
    useless("fills its temporary folder", fills("TEMPORARY"), not_ended_for("it wrote")),
    useless("fills the shared memory", SHARED_MEMORY, still_full),
    useless("prints without end", PRINTS, not_ended_for("output")),
    Attempt("writes a file of a terabyte that holds nothing", SPARSE, took_a_terabyte, off=STOPPED),
)
