"""One call of git, through GitPython's command interface, with a time limit and an answer: bytes, or one sentence.

This file owns how a call is made and how its failure is told. A call hears nothing of the GIT_ variables of this process; what it
hears of the user's configuration is for its caller to say. Which repository, and what is asked of it, stands in repository.py.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoresearch_tui.privacy import scrubbed

if TYPE_CHECKING:
    from git.cmd import Git

TIMEOUT = 60.0  # seconds: enough for a sleepy network disk, and no night is lost to a call that hangs
NO_GIT = "git is not installed, or not on the PATH: install it (`apt install git`) and start again."
FULL = ("No space left on device", "Disk quota exceeded")


class LineageError(Exception):
    """Git could not do it: one sentence says why, and what to do next."""

    def __init__(self, sentence: str, *, no_space: bool = False, lock: Path | None = None, said: str = "") -> None:
        super().__init__(clean(sentence))
        self.no_space = no_space  # the disk or the quota is full: wait for room and do it again, rather than fail
        self.lock = lock  # the file by which another git holds what this call needed
        self.said = said  # git's own words

    @classmethod
    def of(cls, error: OSError, doing: str) -> LineageError:
        where = f" ({error.filename})" if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return cls(f"{doing} failed: {error.strerror or error}{where}.", no_space=full)


def gitpython() -> type[Git]:
    """GitPython looks for git when it is imported, so it is imported where there is an answer to finding none."""
    try:
        from git.cmd import Git
    except ImportError as error:
        raise LineageError(NO_GIT) from error
    if shutil.which(executable(Git)) is None:
        raise LineageError(NO_GIT)
    return Git


def executable(git: type[Git]) -> str:
    return git.GIT_PYTHON_GIT_EXECUTABLE or "git"


def call(
    folder: Path,
    arguments: Sequence[str],
    *,
    options: Sequence[str] = (),
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    allow: Sequence[int] = (),
) -> bytes:
    """What `git options arguments` prints in this folder. A failure is a LineageError, or nothing printed if its status is allowed.

    Git gets a session of its own: ctrl+c in the terminal is for the engine, which ends in its own order, not for a git halfway.
    """
    git = gitpython()
    kept = {*scrubbed(os.environ), "XDG_CONFIG_HOME"}
    hidden = {name: "" for name in os.environ if name not in kept and not name.startswith("GIT_")}  # keys are not git's to know
    ours = hidden | dict(environment or {})
    strays = [name for name in os.environ if name.startswith("GIT_") and name not in ours and name != "GIT_EXEC_PATH"]
    unset = ["env", *(part for name in strays for part in ("-u", name))] if strays else []  # GitPython can add to the environment only
    try:
        with tempfile.TemporaryFile() as text:
            text.write(stdin)
            text.seek(0)
            status, printed, said = git(folder).execute(
                [*unset, executable(git), "-C", str(folder), *options, *arguments],
                istream=text,
                env=ours,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=TIMEOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise LineageError.of(error, "calling git") from error
    if status == 0:
        return printed
    if status in allow:
        return b""
    raise failure(folder, arguments[0], said or f"it ended with status {status}")


def failure(folder: Path, verb: str, said: str) -> LineageError:
    """What went wrong, and whether room on the disk or a deleted lock would mend it."""
    if said.startswith("Timeout"):
        return LineageError(f"git {verb} gave no answer within {TIMEOUT:.0f} seconds: is the disk of {folder} there?")
    if any(words in said for words in FULL) or is_full(folder):
        return LineageError(f"no space is left on the disk of {folder}: make some.", no_space=True, said=said)
    if held := re.search(r"Unable to create '(.+\.lock)': File exists", said):
        sentence = f"another git holds {held[1]}, or was killed while it did: if no git is running, delete that file."
        return LineageError(sentence, lock=Path(held[1]), said=said)
    return LineageError(f"git {verb} failed in {folder}: {cause(said)}.", said=said)


def is_full(folder: Path) -> bool:
    """Not every message of git says why a file could not be written."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < 1 << 16 or (disk.f_files > 0 and disk.f_favail == 0)


def cause(said: str) -> str:
    """The line in which git says why: the first that is more than a warning."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    grave = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return re.sub(r"^(fatal|error): ", "", (grave or lines)[0]).rstrip(".")


def clean(text: str) -> str:
    """Text that a screen can show, whatever bytes were in it."""
    return text.encode("utf-8", "replace").decode()
