"""Trainings that read what is not theirs."""

from __future__ import annotations

from tests.contained.attempts import OPEN, STOPPED, Attempt, root
from tests.contained.ground import Ground

OWN_KEYS = """
def attempt():
    names = [name for name in os.environ if "KEY" in name or ("TOKEN" in name and name != "AUTORESEARCH_TOKEN")]
    print([os.environ[name] for name in names])
    print(text_of("/proc/self/environ"))
    print(text_of(f"/proc/{os.getppid()}/environ"))
    if not names:
        raise PermissionError("there is no key")
"""
NEIGHBOURS_KEYS = """
def attempt():
    print(any_of(lambda: text_of(f"/proc/{NEIGHBOUR}/environ"), lambda: text_of(f"/proc/{NEIGHBOUR}/task/{NEIGHBOUR}/environ")))
"""
NEIGHBOURS_MEMORY = """
class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def by_file():
    with open(f"/proc/{NEIGHBOUR}/mem", "rb", buffering=0) as memory:
        memory.seek(ADDRESS)
        return memory.read(SIZE)


def by_call():
    here = ctypes.create_string_buffer(SIZE)
    ours, theirs = Span(ctypes.addressof(here), SIZE), Span(ADDRESS, SIZE)
    call("process_vm_readv", NEIGHBOUR, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    return here.raw


def attempt():
    print(any_of(by_file, by_call))
"""
MACHINES_MEMORY = """
def first_bytes(path):
    with open(path, "rb", buffering=0) as file:
        return len(file.read(512))


def disks():
    return [f"/dev/{name}" for name in os.listdir("/dev") if stat.S_ISBLK(os.stat(f"/dev/{name}").st_mode)]


def attempt():
    print(any_of(*(lambda path=path: first_bytes(path) for path in ["/dev/mem", "/proc/kcore", "/dev/kmem", *disks()])))
"""
OWN_DEVICE = """
def attempt():
    numbers = [os.makedev(1, 1), *(os.makedev(*map(int, name.split(":"))) for name in os.listdir("/sys/dev/block"))]

    def read(place, kind, number):
        name = f"{place}/device-{number}"
        os.mknod(name, kind | 0o600, number)
        with open(name, "rb", buffering=0) as file:
            return len(file.read(512))

    kinds = [stat.S_IFCHR, *[stat.S_IFBLK] * (len(numbers) - 1)]
    places = [".", TEMPORARY, "/dev/shm"]
    print(any_of(*(lambda one=(place, *pair): read(*one) for place in places for pair in zip(kinds, numbers))))
"""
ROUND_ABOUT = """
def by_parents():
    for pid in (1, os.getppid(), NEIGHBOUR):
        for link in ("root", "cwd"):
            yield lambda pid=pid, link=link: text_of(f"/proc/{pid}/{link}{HOME}/letter.txt")


def by_descriptors():
    for number in map(int, os.listdir("/proc/self/fd")):
        yield lambda number=number: os.read(os.open(HOME.lstrip("/") + "/letter.txt", os.O_RDONLY, dir_fd=number), 999).decode()


def attempt():
    depth = "/".join([".."] * 30)
    print(any_of(lambda: text_of(f"{depth}{HOME}/letter.txt"), *by_parents(), *by_descriptors()))
"""
UNDER_THE_MOUNTS = """
def uncover():
    call("unshare", 0x10000000 | 0x20000)
    folder = HOME
    while folder != "/":
        libc.umount2(folder.encode(), 2)
        folder = os.path.dirname(folder)
    return text_of(f"{HOME}/letter.txt")


def mount_proc():
    call("unshare", 0x10000000 | 0x20000)
    os.mkdir("proc")
    call("mount", b"proc", b"proc", b"proc", 0, None)
    return text_of(f"proc/{NEIGHBOUR}/root{HOME}/letter.txt")


def attempt():
    print(any_of(lambda: text_of(f"{HOME}/letter.txt"), uncover, mount_proc))
"""


OTHERS = """
def attempt():
    any_of(*(lambda path=path: read(f"{RUN}/{path}") for path in ("checkpoints/9999.pt", "logs/9999-1.log", "trials/9999-1/train.py")))
"""


COMMAND_LINES = """
def attempt():
    print(text_of(f"/proc/{NEIGHBOUR}/cmdline"))
"""
DATES = """
def attempt():
    print(os.stat(f"{HOME}/letter.txt").st_mtime_ns)
"""


def read_of_others(ground: Ground) -> bool:
    return any(map(ground.leaked, ("checkpoint", "log", "trial")))


def learned_the_date(ground: Ground) -> bool:
    return str((ground.home / "letter.txt").stat().st_mtime_ns) in ground.log()


def reads(path: str) -> str:
    return f"\ndef attempt():\n    read(f{path!r})\n"


ATTEMPTS = (
    Attempt("reads the home folder", reads("{HOME}/letter.txt"), lambda ground: ground.leaked("letter")),
    Attempt("learns when a file in the home folder was written", DATES, learned_the_date, landlock=OPEN),
    Attempt("reads an ssh key", reads("{HOME}/.ssh/id_ed25519"), lambda ground: ground.leaked("key")),
    Attempt("reads the API keys in its own environment", OWN_KEYS, Ground.took_keys, off=STOPPED),
    Attempt("reads the API keys in the environment of the engine", NEIGHBOURS_KEYS, lambda ground: ground.leaked("neighbour")),
    Attempt("reads the command line of another process", COMMAND_LINES, lambda ground: ground.leaked("words"), landlock=OPEN),
    Attempt("reads the memory of another process", NEIGHBOURS_MEMORY, lambda ground: ground.leaked("memory"), only=root("sys_ptrace")),
    Attempt("reads the memory and the disks of the machine", MACHINES_MEMORY, Ground.worked, only=root("sys_rawio")),
    Attempt("makes a device file for a disk and reads that", OWN_DEVICE, Ground.worked, only=root("mknod")),
    Attempt(
        "reads the hashes of the passwords",
        "\ndef attempt():\n    text_of('/etc/shadow')\n",
        Ground.worked,
        only=root("dac_override"),
    ),
    Attempt("reads the checkpoint, the log and the folder of another trial", OTHERS, read_of_others),
    Attempt("reads the journal", reads("{RUN}/journal.sqlite"), lambda ground: ground.leaked("journal")),
    Attempt("reads the repository", reads("{LAB}/.git/config"), lambda ground: ground.leaked("git")),
    Attempt("goes to the home folder by way of its parents and of open files", ROUND_ABOUT, lambda ground: ground.leaked("letter")),
    Attempt("takes the mounts away in a namespace of its own", UNDER_THE_MOUNTS, lambda ground: ground.leaked("letter")),
)
