"""Trainings that write what is not theirs, or make their own number look better."""

from __future__ import annotations

from tests.contained.attempts import UNDONE, Attempt, root, useless
from tests.contained.ground import Ground

OWN_PREPARE = """
def attempt():
    def take_its_place():
        os.rename("prepare.py", "was.py")
        with open("prepare.py", "w") as file:
            file.write("forged = 1")

    any_of(lambda: add("prepare.py", "forged = 1"), take_its_place)
"""
PLANT = """
def attempt():
    any_of(
        lambda: add(f"{LAB}/.git/config", f"[core]\\n\\tfsmonitor = touch {RAN}; echo forged\\n"),
        lambda: add(f"{LAB}/.git/hooks/reference-transaction", f"\\ntouch {RAN}; echo forged\\n"),
    )
"""
OWN_REPOSITORY = """
def attempt():
    for folder in (".git/objects", ".git/refs/heads", ".git/hooks"):
        os.makedirs(folder)
    with open(".git/HEAD", "w") as file:
        file.write("ref: refs/heads/main\\n")
    with open(".git/config", "w") as file:
        file.write(f'[core]\\n\\tfsmonitor = touch {RAN}\\n[filter "planted"]\\n\\tclean = touch {RAN}\\n\\tsmudge = touch {RAN}\\n')
    with open(".gitattributes", "w") as file:
        file.write("* filter=planted\\n")
"""
JOURNAL = """
def attempt():
    import sqlite3

    try:
        with sqlite3.connect(f"{RUN}/journal.sqlite") as journal:
            journal.execute("INSERT INTO event VALUES ('forged')")
    except sqlite3.Error as error:
        raise PermissionError(str(error))
"""
CUT = """
def attempt():
    print("x" * 4096, flush=True)
    time.sleep(0.4)  # so that somebody has seen it
    os.ftruncate(1, 0)
    print("it begins", flush=True)  # as it did
"""
PYTHON = """
def attempt():
    os.close(os.open(os.__file__, os.O_WRONLY | os.O_APPEND))  # opened, and left as it is
"""


def adds(path: str) -> str:
    return f"\ndef attempt():\n    add(f{path!r}, 'forged = 1')\n"


def planted(ground: Ground) -> bool:
    repository = ground.lab / ".git"
    return any(map(ground.forged, (repository / "config", repository / "hooks" / "reference-transaction")))


ATTEMPTS = (
    Attempt("writes the prepare.py of the workspace", adds("{LAB}/prepare.py"), lambda ground: ground.forged(ground.lab / "prepare.py")),
    Attempt("writes its own copy of prepare.py", OWN_PREPARE, Ground.trusted, landlock=UNDONE, off=UNDONE),
    Attempt("plants a command in the repository", PLANT, planted),
    useless("makes its folder a repository with a command in it", OWN_REPOSITORY, lambda ground: ground.ran.exists()),
    Attempt("writes results.tsv", adds("{RUN}/results.tsv"), lambda ground: ground.forged(ground.run.results), off=UNDONE),
    Attempt("writes the log of another trial", adds("{RUN}/logs/9999-1.log"), lambda ground: ground.forged(ground.run.log(9999, 1))),
    Attempt("writes the journal", JOURNAL, lambda ground: "forged" in ground.journal()),
    useless("cuts its own log", CUT, Ground.believed),
    Attempt("writes the Python that the engine runs", PYTHON, Ground.worked, only=root("dac_override")),
    Attempt("adds a line that runs at the next login", adds("{HOME}/.bashrc"), lambda ground: ground.forged(ground.home / ".bashrc")),
)
